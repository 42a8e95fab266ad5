# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated Kubernetes needs of a machine, and of the group that the machines of a cluster form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lab.talos.config import Config
from lab.talos.faults import Faults
from lab.talos.state import Disk, State


class Size(Protocol):
    """What a machine offers to pods."""

    @property
    def cpus(self) -> int:
        """Return the number of processors."""

    @property
    def memory(self) -> int:
        """Return the bytes of memory."""

    @property
    def disk_size(self) -> int:
        """Return the bytes of the system disk."""

    @property
    def architecture(self) -> str:
        """Return the processors' architecture."""


class Machine(Protocol):
    """A configured machine on which Kubernetes runs."""

    address: str
    boot_time: int
    disk: Disk
    faults: Faults
    state: State

    @property
    def hardware(self) -> Size:
        """Return what the machine offers."""

    @property
    def config(self) -> Config:
        """Return the active configuration."""

    @property
    def identity(self) -> str:
        """Return what the members of its cluster share."""

    @property
    def hostname(self) -> str:
        """Return the name of the node."""

    @property
    def is_booted(self) -> bool:
        """Tell whether the kubelet runs."""

    @property
    def is_networked(self) -> bool:
        """Tell whether the cluster's container network is up."""


class Machines(Protocol):
    """The machines of all clusters, by Config.identity."""

    def peers(self, identity: str) -> Sequence[Machine]:
        """Return the configured machines of a cluster."""

    def etcd_members(self, identity: str) -> Sequence[Machine]:
        """Return the machines whose etcd data belongs to a cluster, switched off ones included."""

    def set_networked(self, identity: str) -> None:
        """Tell that the container network of a cluster is up."""
