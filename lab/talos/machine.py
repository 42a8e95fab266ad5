# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocols of a node and its cluster for the parts of the simulation, so that these do not import each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lab.talos.config import Config
from lab.talos.faults import Faults
from lab.talos.state import Disk, State


class Hardware(NamedTuple):
    """The machine that the node pretends to be: a t4g.medium of EC2."""

    disk: str = "nvme0n1"
    # The sizes of all disks by their serial numbers, the system's first: on Nitro that is the id of the volume.
    disks: Mapping[str, int] = {"vol0": 50 * 2**30}
    cpus: int = 2
    memory: int = 4 * 2**30
    link: str = "ens5"
    architecture: str = "arm64"

    @property
    def disk_size(self) -> int:
        return next(iter(self.disks.values()))


class Timing(NamedTuple):
    """Seconds that the simulation takes for what takes a real node minutes."""

    answer: float = 0.05
    reboot: float = 0.3
    boot: float = 0.2
    join: float = 0.2


class Machine(Protocol):
    """A configured machine on which Kubernetes runs."""

    address: str
    hardware: Hardware
    boot_time: int
    disk: Disk
    faults: Faults
    state: State

    @property
    def config(self) -> Config: ...
    @property
    def identity(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def is_booted(self) -> bool: ...
    @property
    def is_networked(self) -> bool: ...


class Machines(Protocol):
    """The machines of all clusters, by Config.identity."""

    def peers(self, identity: str) -> Sequence[Machine]: ...
    def etcd_members(self, identity: str) -> Sequence[Machine]: ...
    def set_networked(self, identity: str) -> None: ...


class Node(Machine, Protocol):
    """A machine with the API of Talos, as its calls and its neighbours see it."""

    port: int
    timing: Timing
    active: Config | None
    stage: str

    @property
    def registry(self) -> Nodes: ...
    @property
    def release(self) -> tuple[int, int]: ...
    @property
    def cmdline(self) -> str: ...
    @property
    def has_key(self) -> bool: ...
    @property
    def machine_type(self) -> str: ...
    @property
    def persistent_text(self) -> str | None: ...
    @property
    def is_up(self) -> bool: ...
    @property
    def time_is_synced(self) -> bool: ...
    def services(self) -> Mapping[str, tuple[str, bool | None]]: ...
    def reboot_soon(self, *, stage: str = "rebooting") -> None: ...
    def power_off_soon(self) -> None: ...
    def cut_connections(self) -> None: ...
    def continue_boot(self) -> None: ...
    def begin_etcd(self, began_from: str | None = None) -> None: ...
    def save(self) -> None: ...


class Nodes(Protocol):
    """The nodes of all clusters, as one of them finds the others."""

    def peers(self, identity: str) -> Sequence[Node]: ...
    def pods(self, identity: str) -> Sequence[Mapping[str, Any]]: ...
    def etcd_members(self, identity: str) -> Sequence[Node]: ...
