# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Place pods on nodes as the Kubernetes scheduler would. Private to urmanac.talos: may change at any time.

Each pod is placed on the node with the best score and never moved, as kube-scheduler does with NodeResourcesFit
(LeastAllocated) and NodeResourcesBalancedAllocation. Preemption by priority is not simulated: it changes which pods
wait, not whether pods wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

# A pod without requests is scored as if it requested this: pkg/scheduler/util/pod_resources.go of Kubernetes.
_SCORED_CPU = 100
_SCORED_MEMORY = 200


class Pod(NamedTuple):
    """A pod to place: cpu in millicores, memory in MiB; node is the fixed node of a daemon set's pod."""

    name: str
    workload: str
    package: str = ""
    cpu: int = 0
    memory: int = 0
    control_plane: bool = False
    spread: bool = False
    tolerates: bool = False
    ports: tuple[int, ...] = ()
    node: str | None = None


@dataclass(frozen=True)
class Node:
    """A node and its pods; cpu, memory and pods are its allocatable capacity."""

    name: str
    cpu: int
    memory: int
    pods: int = 512
    control_plane: bool = True
    schedulable: bool = True
    placed: tuple[Pod, ...] = ()
    # Totals of placed pods, and totals for the scheduler's score.
    used: tuple[int, int] = field(default=(0, 0))
    scored: tuple[int, int] = field(default=(0, 0))


class Packing(NamedTuple):
    """The nodes with their pods, and the unschedulable pods in order, each with what the nodes lack."""

    nodes: tuple[Node, ...]
    pending: tuple[tuple[Pod, Mapping[str, tuple[str, ...]]], ...]


Choose = Callable[[Pod, Sequence[Node]], Node]


def lacking(pod: Pod, node: Node) -> tuple[str, ...]:
    """Return why a pod does not fit on a node: names of resources and rules, or empty."""
    reasons = {
        "node": pod.node not in (None, node.name) or (pod.control_plane and not node.control_plane),
        "taint": node.control_plane and not node.schedulable and not pod.tolerates,
        "memory": 0 < pod.memory > node.memory - node.used[1],
        "cpu": 0 < pod.cpu > node.cpu - node.used[0],
        "pods": len(node.placed) >= node.pods,
        "spread": pod.spread and any(other.workload == pod.workload for other in node.placed),
        "ports": bool(pod.ports) and any(port in other.ports for other in node.placed for port in pod.ports),
    }
    return tuple(name for name, holds in reasons.items() if holds)


def score(pod: Pod, node: Node) -> int:
    """Return the scheduler's score of a node for a pod: least allocated, and balanced between CPU and memory."""
    if not (node.cpu and node.memory):
        return 0
    cpu, memory = node.scored[0] + (pod.cpu or _SCORED_CPU), node.scored[1] + (pod.memory or _SCORED_MEMORY)
    left = (max(node.cpu - cpu, 0) * 100 // node.cpu + max(node.memory - memory, 0) * 100 // node.memory) // 2
    shares = min((node.used[0] + pod.cpu) / node.cpu, 1), min((node.used[1] + pod.memory) / node.memory, 1)
    return left + int((1 - abs(shares[0] - shares[1]) / 2) * 100)


def best_scored(pod: Pod, nodes: Sequence[Node]) -> Node:
    """Return the node with the best score, the first of equals."""
    return max(nodes, key=lambda node: score(pod, node))


def first(_pod: Pod, nodes: Sequence[Node]) -> Node:
    """Return the first node with enough capacity, to pack pods instead of spreading them."""
    return nodes[0]


def pack_tightly(pods: Iterable[Pod], nodes: Sequence[Node]) -> Packing:
    """Place pinned pods first, then the largest, to check whether the pods fit when packed tightly."""
    cpu, memory = sum(node.cpu for node in nodes) or 1, sum(node.memory for node in nodes) or 1
    order = sorted(pods, key=lambda pod: (pod.node is None, -max(pod.cpu / cpu, pod.memory / memory)))
    return pack(order, nodes, choose=first)


def pack(pods: Iterable[Pod], nodes: Iterable[Node], *, choose: Choose = best_scored) -> Packing:
    """Place the pods in their order."""
    by_name = {node.name: node for node in nodes}
    pending = []
    for pod in pods:
        reasons = {name: lacking(pod, node) for name, node in by_name.items()}
        possible = [by_name[name] for name, missing in reasons.items() if not missing]
        if possible:
            chosen = choose(pod, possible)
            by_name[chosen.name] = place(pod, chosen)
        else:
            pending.append((pod, reasons))
    return Packing(tuple(by_name.values()), tuple(pending))


def place(pod: Pod, node: Node) -> Node:
    """Return the node with one more pod."""
    return replace(
        node,
        placed=(*node.placed, pod),
        used=(node.used[0] + pod.cpu, node.used[1] + pod.memory),
        scored=(node.scored[0] + (pod.cpu or _SCORED_CPU), node.scored[1] + (pod.memory or _SCORED_MEMORY)),
    )
