# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare proposed nodes with the cost limits of a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple, Protocol

from ..spec import ClusterSpec, NodeSpec
from .forecast import forecast
from .prices import Prices
from .spec import limit_name


class Planned(Protocol):
    """The node of a proposal."""

    @property
    def name(self) -> str:
        """Return its name, that of a described node if it exists in the description."""

    @property
    def instance_type(self) -> str:
        """Return its instance type."""

    @property
    def volume_size(self) -> int:
        """Return the size of its root volume in GiB."""


class Budget(NamedTuple):
    """The described cluster, in which only the nodes vary, and the prices."""

    spec: ClusterSpec
    prices: Prices

    @property
    def limits(self) -> dict[str, float]:
        """Return the limits in dollars by the names of their variables."""
        return {limit_name(period): limit for period, limit in self.spec.cost.limits.items()}

    def exceeded(self, nodes: Iterable[Planned]) -> tuple[str, ...] | None:
        """Return which limits a cluster with these nodes exceeds, None if that is unknown for lack of a price."""
        limits = self.spec.cost.limits.items()
        if not limits:
            return ()
        planned = tuple(self._node(node) for node in nodes)
        totals = forecast(replace(self.spec, nodes=planned), self.prices).totals
        if totals is None:
            return None
        return tuple(limit_name(period) for period, limit in limits if getattr(totals, period) > limit)

    def _node(self, node: Planned) -> NodeSpec:
        """Return a node; one that is not described yet is like the last one that is."""
        known = {one.name: one for one in self.spec.nodes}.get(node.name, self.spec.nodes[-1])
        return replace(known, name=node.name, instance_type=node.instance_type, volume_size=node.volume_size)
