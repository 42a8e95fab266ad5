# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control planes of one cluster share: its objects, and what keeps them up to date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.kubernetes import nodes
from lab.kubernetes.discovery import BUILT_IN, NAMESPACES, Resource
from lab.kubernetes.store import Store

if TYPE_CHECKING:
    from lab.talos.node import TalosNode
    from lab.talos.registry import Registry


@dataclass
class Faults:
    """What can go wrong with a cluster's API; all off by default."""

    # Every request is answered with 503.
    refuse: bool = False
    # Seconds that every answer takes longer.
    delay: float = 0
    # This many of the next requests get no answer: their connection goes.
    cut: int = 0


class KubernetesCluster:
    """One cluster as its API shows it.

    Its controllers run before every request and while a watch waits: what a client sees is up to date, and nothing
    has to run in the background for it.
    """

    def __init__(self, registry: Registry, identity: str) -> None:
        self.registry = registry
        self.identity = identity
        self.store = Store()
        self.resources: tuple[Resource, ...] = BUILT_IN
        self.faults = Faults()
        self.version = nodes.DEFAULT_VERSION
        self.endpoint = ""
        # The disks on which its etcd has been; without any of them it is another cluster with the same secrets.
        self.disks: set[Path] = set()
        for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
            labels = {"kubernetes.io/metadata.name": name}
            content = {"metadata": {"name": name, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}}
            self.store.put(NAMESPACES.stored_as, content | {"status": {"phase": "Active"}})

    def reconcile(self) -> None:
        """Let the controllers do their work."""
        nodes.reconcile(self.store, self.registry.peers(self.identity))


class Clusters:
    """The clusters of a lab, by Config.identity."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._found: dict[str, KubernetesCluster] = {}

    def of(self, identity: str) -> KubernetesCluster:
        """Return the cluster, new if there was none."""
        if identity not in self._found:
            self._found[identity] = KubernetesCluster(self._registry, identity)
        return self._found[identity]

    def joined(self, node: TalosNode) -> KubernetesCluster:
        """Return the cluster of a control plane; a new one if nothing of the old one's etcd is left."""
        disks = {member.disk.directory for member in self._registry.etcd_members(node.identity)}
        if not disks & self.of(node.identity).disks:
            self.forget(node.identity)
        cluster = self.of(node.identity)
        cluster.disks |= disks
        config = node.config
        cluster.endpoint = config.endpoint.removeprefix("https://")
        cluster.version = nodes.image_version(str((config.cluster.get("apiServer") or {}).get("image", "")))
        return cluster

    def left(self, identity: str) -> None:
        """Forget the cluster if its etcd is gone."""
        if not self._registry.etcd_members(identity):
            self.forget(identity)

    def forget(self, identity: str) -> None:
        """Forget the cluster; faults that a test has switched on are about the API and stay."""
        old = self._found.pop(identity, None)
        if old:
            self.of(identity).faults = old.faults
