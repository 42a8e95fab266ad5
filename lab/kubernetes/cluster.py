# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control planes of one cluster share: its objects, and what keeps them up to date."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lab.kubernetes import kinds, nodes
from lab.kubernetes.discovery import Resource
from lab.kubernetes.kinds import NAMESPACES
from lab.kubernetes.store import Object, Store
from lab.talos.faults import Switches
from lab.talos.machine import Machines

# Without a change, after which nothing is taken to move any more.
_LOOKS = 10


@dataclass
class Faults(Switches):
    """What can go wrong with a cluster's API; all off by default."""

    # Every request is answered with 503.
    refuse: bool = False
    # Seconds that every answer takes longer.
    delay: float = 0
    # This many of the next requests get no answer: their connection goes.
    cut: int = 0
    # After how many more requests the API is unavailable, once, for cut_length requests.
    cut_after: int | None = None
    cut_length: int = 3
    # What is refused of a kind: {"Deployment": "webhook"}, or "webhook_away", or "quota".
    admission: dict[str, str] = field(default_factory=dict)
    # Releases, by name or namespace/name, that never get ready.
    stuck: list[str] = field(default_factory=list)
    # Workloads, by name, whose containers are killed because memory runs out: by Talos where they have no limit.
    oom: list[str] = field(default_factory=list)

    def cuts_request(self) -> bool:
        """Count a request; return whether its connection is closed instead of answered."""
        if self.cut_after is not None:
            self.cut_after -= 1
            if self.cut_after < 0:
                self.cut_after, self.cut = None, self.cut_length
        if self.cut <= 0:
            return False
        self.cut -= 1
        return True


class Pace(NamedTuple):
    """Seconds that the simulation takes for what takes a real cluster minutes."""

    pod: float = 0.05
    release: float = 0.1
    # After which the installation of a release counts as failed.
    timeout: float = 3
    # Between two looks at a cluster in which something moves, and without a move until nothing does any more.
    tick: float = 0.1
    rest: float = 4


class KubernetesCluster:
    """One cluster as its API shows it.

    Its controllers run before every request, and on for as long as something moves: what a client sees is up to date.
    """

    def __init__(self, machines: Machines, identity: str, *, reconcile: Callable[[KubernetesCluster], None]) -> None:
        self.machines = machines
        self._reconcile = reconcile
        self.identity = identity
        self.store = Store()
        self.faults = Faults()
        self.pace = Pace()
        self._since: dict[str, float] = {}
        self._reconciling: asyncio.Task[None] | None = None
        self.version = nodes.DEFAULT_VERSION
        self.endpoint = ""
        # The disks on which its etcd has been; without any of them it is another cluster with the same secrets.
        self.disks: set[Path] = set()
        for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
            labels = {"kubernetes.io/metadata.name": name}
            content = {"metadata": {"name": name, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}}
            self.store.put(NAMESPACES, content | {"status": {"phase": "Active"}})

    @property
    def resources(self) -> tuple[Resource, ...]:
        return kinds.known(self.store)

    def reconcile(self) -> None:
        self._reconcile(self)

    def handlers_of(self, node: str) -> set[str]:
        members = [one for one in self.machines.peers(self.identity) if one.hostname == node]
        return {name for one in members for name in one.state.extensions}

    def is_due(self, item: Object, seconds: float) -> bool:
        """Return whether it is that long since this was first asked about the object."""
        began = self._since.setdefault(item["metadata"]["uid"], time.monotonic())
        return time.monotonic() - began >= seconds

    def keep_reconciling(self) -> None:
        """Run the controllers until nothing changes any more."""
        if self._reconciling is None or self._reconciling.done():
            self._reconciling = asyncio.get_running_loop().create_task(self._reconcile_until_still())

    @property
    def is_reconciling(self) -> bool:
        return self._reconciling is not None and not self._reconciling.done()

    async def _reconcile_until_still(self) -> None:
        revision, looks, still_until = -1, 0, 0.0
        # Looks are counted too: on a busy computer time goes by without any.
        while looks < _LOOKS or time.monotonic() < still_until:
            await asyncio.sleep(self.pace.tick)
            self.reconcile()
            looks += 1
            if self.store.revision != revision:
                revision, looks, still_until = self.store.revision, 0, time.monotonic() + self.pace.rest
