# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters of a lab, and the order in which the controllers of one do their work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.kubernetes import helm, kinds, kubelet, nodes, operator, scheduler, talos_pods, workloads
from lab.kubernetes.cluster import Faults, KubernetesCluster
from lab.kubernetes.store import Object, Store
from lab.talos.machine import Machine, Machines


def reconcile(cluster: KubernetesCluster) -> None:
    members = cluster.machines.peers(cluster.identity)
    nodes.reconcile(cluster.store, members)
    talos_pods.reconcile(cluster.store, members)
    kinds.establish(cluster.store)
    operator.reconcile(cluster)
    helm.reconcile(cluster)
    workloads.reconcile(cluster)
    scheduler.reconcile(cluster.store)
    kubelet.reconcile(cluster)
    collect(cluster.store)


def collect(store: Store) -> None:
    """Remove objects whose owner does not exist any more, like the garbage collector."""
    living = {item["metadata"]["uid"] for kind in store.kinds() for item in store.peek(kind)}
    for kind in store.kinds():
        for item in store.peek(kind):
            if _is_orphan(item, living):
                store.remove(kind, item["metadata"]["name"], namespace=item["metadata"].get("namespace", ""))


def _is_orphan(item: Object, living: set[str]) -> bool:
    owners = item["metadata"].get("ownerReferences") or []
    return bool(owners) and not any(owner["uid"] in living for owner in owners)


class Clusters:
    """The clusters of a lab, by Config.identity."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._found: dict[str, KubernetesCluster] = {}
        self._faults: dict[str, Any] = {}

    def set_faults(self, faults: Mapping[str, Any]) -> None:
        """Switch faults on or off in every cluster, also in those to come."""
        Faults().update(faults)
        self._faults |= faults
        for cluster in self._found.values():
            cluster.faults.update(faults)

    def clear_faults(self) -> None:
        self._faults = {}
        for cluster in self._found.values():
            cluster.faults = Faults()

    def of(self, identity: str) -> KubernetesCluster:
        if identity not in self._found:
            self._found[identity] = KubernetesCluster(self._machines, identity, reconcile=reconcile)
            self._found[identity].faults.update(self._faults)
        return self._found[identity]

    def join(self, node: Machine) -> KubernetesCluster:
        """Return the cluster of a control plane; a new one if nothing of the old one's etcd is left."""
        disks = {member.disk.directory for member in self._machines.etcd_members(node.identity)}
        if not disks & self.of(node.identity).disks:
            self.forget(node.identity)
        cluster = self.of(node.identity)
        cluster.disks |= disks
        config = node.config
        cluster.endpoint = config.endpoint.removeprefix("https://")
        cluster.version = nodes.image_version(str((config.cluster.get("apiServer") or {}).get("image", "")))
        return cluster

    def leave(self, identity: str) -> None:
        if not self._machines.etcd_members(identity):
            self.forget(identity)

    def forget(self, identity: str) -> None:
        """Forget the cluster; faults that a test has switched on are about the API and stay."""
        old = self._found.pop(identity, None)
        if old:
            self.of(identity).faults = old.faults
