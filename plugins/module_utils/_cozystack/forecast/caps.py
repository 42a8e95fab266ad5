# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The caps that proposed nodes must keep, and their prices. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..._ec2.instance_types import Size
from .fit import Machine, Request

_NODES, _PER_HOUR = "cluster_nodes_max", "cluster_cost_per_hour_max"


class Caps(NamedTuple):
    """The limits that nodes exceed, and those that cannot be checked because a price is unknown."""

    exceeds: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def are_kept(self) -> bool:
        """Return whether the nodes are known to be within all limits."""
        return not (self.exceeds or self.unchecked)


def price(machines: tuple[Machine, ...], sizes: Mapping[str, Size]) -> float | None:
    """Return the hourly price of the instances, None if a price is unknown."""
    prices = [size.price if (size := sizes.get(machine.instance_type)) else None for machine in machines]
    known = [each for each in prices if each is not None]
    return round(sum(known), 4) if len(known) == len(prices) else None


def caps_of(request: Request, sizes: Mapping[str, Size]) -> Caps:
    """Return how the nodes of a request keep its limits."""
    is_large = request.nodes_max is not None and len(request.machines) > request.nodes_max
    exceeds, unchecked = [_NODES] if is_large else [], list[str]()
    if request.per_hour_max is not None:
        per_hour = price(request.machines, sizes)
        if per_hour is None:
            unchecked.append(_PER_HOUR)
        elif per_hour > request.per_hour_max:
            exceeds.append(_PER_HOUR)
    if request.budget:
        # Without a price it has no total.
        exceeded = request.budget.exceeded(request.machines)
        (unchecked if exceeded is None else exceeds).extend(request.budget.limits if exceeded is None else exceeded)
    return Caps(tuple(dict.fromkeys(exceeds)), tuple(dict.fromkeys(unchecked)))
