# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods ask for, in the units of forecasts: millicores and MiB."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.quantities import millicores, whole
from lab.kubernetes.store import Object

# What the scheduler takes a container without requests for when it spreads pods.
_UNKNOWN_CPU, _UNKNOWN_MEMORY = 100, 200


class Need(NamedTuple):
    """CPU in millicores, memory in MiB, and a number of pods."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0

    def __add__(self, other: Need) -> Need:  # type: ignore[override]
        return Need(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)


def mebibytes(quantity: Any) -> int:
    return -(-whole(quantity) // 2**20)


def of_pod(pod: Object) -> Need:
    asked = [_of_container(one) for one in pod["spec"]["containers"]]
    return Need(sum(cpu for cpu, _ in asked), sum(memory for _, memory in asked), 1)


def weight_of_pod(pod: Object) -> Need:
    """Return what a pod weighs when pods are spread: one that asks for nothing is not taken to use nothing."""
    cpu, memory, pods = of_pod(pod)
    return Need(cpu or _UNKNOWN_CPU, memory or _UNKNOWN_MEMORY, pods)


def _of_container(container: Object) -> tuple[int, int]:
    asked = (container.get("resources") or {}).get("requests") or {}
    return millicores(asked.get("cpu", 0)), mebibytes(asked.get("memory", 0))


def of_node(node: Object) -> Need:
    has = node["status"]["allocatable"]
    # What is rounded up for pods is rounded down here.
    return Need(millicores(has["cpu"]), int(has["memory"].removesuffix("Ki")) // 1024, int(has["pods"]))
