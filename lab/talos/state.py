# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated node keeps on its disk, so that it comes back as it was after a reboot or a restart of the lab."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class State:
    """What survives a reboot beside the configuration."""

    version: str
    next_version: str | None = None
    image: str | None = None
    etcd_member: int | None = None
    etcd_began_from: str | None = None
    boots: int = 0
    is_wiped: bool = False
    extensions: dict[str, str] = field(default_factory=dict)


class Disk:
    """The node's disk: a directory with state.json, config.yaml and what was uploaded."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, fresh: State) -> State:
        path = self.directory / "state.json"
        if not path.exists():
            return fresh
        return State(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, state: State) -> None:
        self._write("state.json", json.dumps(asdict(state), indent=2).encode())

    def read_config(self) -> bytes | None:
        path = self.directory / "config.yaml"
        return path.read_bytes() if path.exists() else None

    def write_config(self, text: bytes) -> None:
        self._write("config.yaml", text)

    def read_snapshot(self) -> bytes | None:
        path = self.directory / "etcd.snapshot"
        return path.read_bytes() if path.exists() else None

    def write_snapshot(self, content: bytes) -> None:
        self._write("etcd.snapshot", content)

    def wipe_config(self) -> None:
        (self.directory / "config.yaml").unlink(missing_ok=True)

    def wipe_snapshot(self) -> None:
        (self.directory / "etcd.snapshot").unlink(missing_ok=True)

    def _write(self, name: str, content: bytes) -> None:
        """Write the file whole or not at all: the lab may be killed at any moment."""
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f".{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(self.directory / name)
