# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities as numbers. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

_AMOUNT: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z]*)")
_UNITS: Final[Mapping[str, float]] = {
    **{"": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60},
}
_MIB: Final = 2**20
_GIB: Final = 2**30


class Need(NamedTuple):
    """The requests of a pod or the capacity of a node: millicores and bytes."""

    cpu: int = 0
    memory: int = 0

    def plus(self, other: Need) -> Need:
        """Return the sum."""
        return Need(self.cpu + other.cpu, self.memory + other.memory)

    def peak(self, other: Need) -> Need:
        """Return the maximum of both in each resource."""
        return Need(max(self.cpu, other.cpu), max(self.memory, other.memory))

    def beyond(self, other: Need) -> Need:
        """Return by how much it exceeds the other, at least zero."""
        return Need(max(0, self.cpu - other.cpu), max(0, self.memory - other.memory))

    def as_dict(self) -> dict[str, int]:
        """Return it in the units of module results."""
        return {"cpu_m": self.cpu, "memory_mib": math.ceil(self.memory / _MIB)}


@lru_cache(maxsize=4096)
def amount(text: str) -> float:
    """Return the number of a quantity such as 250m or 1536Mi; zero for invalid text."""
    match = _AMOUNT.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else 0.0


def millicores(quantity: Any) -> int:
    """Return a CPU quantity in millicores."""
    return math.ceil(round(amount(str(quantity or 0)) * 1000, 6))


def whole(quantity: Any) -> int:
    """Return a quantity of memory, storage or countable resources as an integer."""
    return math.ceil(amount(str(quantity or 0)))


def gibibytes(quantity: Any) -> int:
    """Return a quantity of storage in whole GiB."""
    return int(amount(str(quantity or 0)) // _GIB)


def need_of(quantities: Mapping[str, Any] | None) -> Need:
    """Return the amounts of a mapping of requests or of a node's capacity."""
    if not quantities:
        return Need()
    return Need(millicores(quantities.get("cpu")), whole(quantities.get("memory")))


def pod_need(spec: Mapping[str, Any]) -> Need:
    """Return the scheduler's reservation: the containers and sidecars, or an init container with larger requests."""
    sidecars, peak = Need(), Need()
    for container in spec.get("initContainers") or ():
        own = need_of((container.get("resources") or {}).get("requests"))
        if container.get("restartPolicy") == "Always":
            sidecars = sidecars.plus(own)
        peak = peak.peak(sidecars if container.get("restartPolicy") == "Always" else sidecars.plus(own))
    total = sidecars
    for container in spec.get("containers") or ():
        total = total.plus(need_of((container.get("resources") or {}).get("requests")))
    return total.peak(peak).plus(need_of(spec.get("overhead")))
