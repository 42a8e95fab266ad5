# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity of nodes and its reservations. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from ..._kubernetes.conditions import is_true, ready_condition
from ..._kubernetes.quantities import (
    Need,
    gibibytes,
    need_of,
    whole,
)
from .pod_tally import PodTally
from .pod_troubles import KVM, Object, taints_of

_PRESSURES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure")
_CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"
# The node lifecycle controller adds this taint to nodes that a user has cordoned.
_CORDON: Final = "node.kubernetes.io/unschedulable:NoSchedule"
# The kubelet's message until the CNI is installed.
NO_NETWORK: Final = "cni plugin not initialized"


class Node(NamedTuple):
    """A node and the reservations of its pods."""

    name: str
    architecture: str
    ready: bool
    reason: str
    capacity: Need
    allocatable: Need
    requested: Need
    pods: int
    pods_max: int
    disk_gib: int
    pressures: tuple[str, ...]
    taints: tuple[str, ...]
    # How many virtual machines it may run; None where no device plugin has reported a number.
    kvm: int | None
    instance_type: str
    control_plane: bool

    @property
    def waits_for_network(self) -> bool:
        """Return whether only the CNI is missing, which CozyStack installs."""
        return not self.ready and NO_NETWORK in self.reason

    @property
    def is_cordoned(self) -> bool:
        """Return whether a user, or the upgrade of a node, keeps it from taking new pods."""
        return _CORDON in self.taints

    @property
    def free(self) -> Need:
        """Return the unreserved capacity."""
        return self.allocatable.beyond(self.requested)

    @property
    def slots(self) -> int:
        """Return how many more pods it may have."""
        return max(0, self.pods_max - self.pods)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the module returns it."""
        return {
            **{"name": self.name, "architecture": self.architecture, "ready": self.ready, "reason": self.reason},
            "capacity": self.capacity.as_dict() | {"pods": self.pods_max},
            "allocatable": self.allocatable.as_dict() | {"pods": self.pods_max, "disk_gib": self.disk_gib},
            "requested": self.requested.as_dict() | {"pods": self.pods},
            "free": self.free.as_dict() | {"pods": self.slots},
            **{"pressures": list(self.pressures), "taints": list(self.taints), "kvm": self.kvm},
            **{"instance_type": self.instance_type, "control_plane": self.control_plane},
        }


def nodes_of(items: Iterable[Object], pods: PodTally) -> list[Node]:
    """Return the nodes with the reservations of their pods."""
    return [node_of(item, pods) for item in items]


def node_of(item: Object, pods: PodTally) -> Node:
    """Return one node."""
    name, status = str(item["metadata"]["name"]), item.get("status") or {}
    allocatable = status.get("allocatable") or {}
    ready, is_ready = ready_condition(item), is_true(item, "Ready")
    labels = item["metadata"].get("labels") or {}
    return Node(
        name=name,
        architecture=str((status.get("nodeInfo") or {}).get("architecture") or labels.get("kubernetes.io/arch", "")),
        ready=is_ready,
        reason="" if is_ready else str(ready.get("message") or ready.get("reason") or "no message"),
        capacity=need_of(status.get("capacity")),
        allocatable=need_of(allocatable),
        requested=pods.requested.get(name, Need()),
        pods=pods.on_node[name],
        pods_max=whole(allocatable.get("pods")),
        disk_gib=gibibytes(allocatable.get("ephemeral-storage")),
        pressures=tuple(kind for kind in _PRESSURES if is_true(item, kind)),
        taints=_taints(item),
        kvm=whole(allocatable[KVM]) if KVM in allocatable else None,
        instance_type=str(labels.get("node.kubernetes.io/instance-type") or ""),
        control_plane=_CONTROL_PLANE in labels,
    )


def _taints(item: Object) -> tuple[str, ...]:
    """Return the taints of a node, with that of a cordoned one before its controller has added it."""
    named = [f"{one['key']}:{one.get('effect', '')}" for one in taints_of(item)]
    is_cordoned = (item.get("spec") or {}).get("unschedulable") is True
    return tuple(dict.fromkeys([*named, *([_CORDON] if is_cordoned else [])]))


def deficit_of(nodes: Iterable[Node], pods: PodTally) -> dict[str, int]:
    """Return the requests of waiting pods beyond the free capacity of all nodes together, which may be fragmented."""
    free, slots = Need(), 0
    for node in nodes:
        free = free.plus(node.free)
        slots += node.slots
    return pods.pending.beyond(free).as_dict() | {"pods": max(0, pods.unschedulable_total - slots)}
