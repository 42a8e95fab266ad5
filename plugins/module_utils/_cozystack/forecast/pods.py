# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's pods in the order of their creation. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..catalog.packages import (
    BY_NODES,
    CONTROL_PLANES,
    Package,
    Workload,
)
from .packing import Node, Pod

STATIC = "StaticPod"
DAEMON_SET = "DaemonSet"
# Pods that run before CozyStack: siderolabs/talos v1.13, internal/app/machined/pkg/controllers/k8s.
TALOS = (
    Workload("talos", "kube-apiserver", STATIC, cpu=200, memory=512, control_plane=True, tolerates=True),
    Workload("talos", "kube-controller-manager", STATIC, cpu=50, memory=256, control_plane=True, tolerates=True),
    Workload("talos", "kube-scheduler", STATIC, cpu=10, memory=64, control_plane=True, tolerates=True),
    Workload("talos", "coredns", "Deployment", cpu=100, memory=70, replicas=2, tolerates=True),
)


def pods_of(packages: Sequence[Package], nodes: Sequence[Node]) -> list[Pod]:
    """Return all pods to place: those of Talos, then those of the packages in dependency order."""
    workloads = [*TALOS, *(workload for package in by_wave(packages) for workload in package.workloads)]
    return [pod for workload in workloads for pod in _pods(workload, nodes)]


def by_wave(packages: Iterable[Package]) -> list[Package]:
    """Return the packages in waves: each package is in the first wave after its dependencies."""
    waves = {package.name: package for package in packages}
    depth: dict[str, int] = {}
    return sorted(waves.values(), key=lambda package: _depth(package, waves, depth))


def _depth(package: Package, packages: Mapping[str, Package], known: dict[str, int]) -> int:
    if package.name not in known:
        # The operator has no dependencies, and all packages depend on it.
        known[package.name] = 0 if not package.releases and package.workloads else 1
        before = [packages[name] for name in package.depends_on if name in packages]
        deepest = max((_depth(other, packages, known) for other in before), default=0)
        known[package.name] = max(known[package.name], deepest + 1 if before else 0)
    return known[package.name]


def _pods(workload: Workload, nodes: Sequence[Node]) -> Iterator[Pod]:
    if workload.kind in (STATIC, DAEMON_SET):
        for node in nodes:
            if (node.control_plane or not workload.control_plane) and _tolerated(workload, node):
                yield _pod(workload, node.name, node=node.name)
        return
    for index in range(_replicas(workload, nodes)):
        yield _pod(workload, str(index + 1))


def _tolerated(workload: Workload, node: Node) -> bool:
    return workload.tolerates or node.schedulable or not node.control_plane


def _replicas(workload: Workload, nodes: Sequence[Node]) -> int:
    if workload.replicas == CONTROL_PLANES:
        return sum(node.control_plane for node in nodes)
    if workload.replicas == BY_NODES:
        return 1 if len(nodes) == 1 else max(2, len(nodes) // 10)
    return int(workload.replicas)


def _pod(workload: Workload, suffix: str, *, node: str | None = None) -> Pod:
    return Pod(
        name=f"{workload.name}-{suffix}",
        workload=f"{workload.package}/{workload.name}",
        package=workload.package,
        cpu=workload.cpu,
        memory=workload.memory,
        control_plane=workload.control_plane,
        spread=workload.spread,
        tolerates=workload.tolerates,
        ports=workload.ports,
        node=node,
    )
