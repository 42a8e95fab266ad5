# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated node keeps on its disk, so that it comes back as it was after a reboot or a restart of the lab."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class State:
    """The state that survives a reboot, besides the configuration."""

    version: str
    next_version: str | None = None
    image: str | None = None
    etcd_member: int | None = None
    etcd_began_from: str | None = None
    boots: int = 0
    is_wiped: bool = False
    extensions: dict[str, str] = field(default_factory=dict)


CONFIG, SNAPSHOT, _STATE = "config.yaml", "etcd.snapshot", "state.json"


class Disk:
    """The node's disk: a directory with the state, the configuration of the next boot and an uploaded etcd snapshot."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, fresh: State) -> State:
        kept = self.read(_STATE)
        return State(**json.loads(kept)) if kept else fresh

    def save(self, state: State) -> None:
        self.write(_STATE, json.dumps(asdict(state), indent=2).encode())

    def read(self, name: str) -> bytes | None:
        path = self.directory / name
        return path.read_bytes() if path.exists() else None

    def wipe(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """Write the file whole or not at all: the lab may be killed at any moment."""
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f".{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(self.directory / name)
