# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the smallest change of nodes with which CozyStack fits. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..._ec2.instance_types import SIZES, Size, has_kvm
from .fit import Machine, Request, fit

NODES_MORE = 6


class Change(NamedTuple):
    """Nodes with which it fits, what they cost an hour, and how much more that is; None where a price is not known."""

    instance_type: str
    nodes: int
    more_nodes: int
    per_hour: float | None
    more_per_hour: float | None

    def text(self) -> str:
        """Return it as a person reads it."""
        what = f"{self.nodes} x {self.instance_type}"
        if self.per_hour is None or self.more_per_hour is None:
            return what
        return f"{what} (${self.per_hour:.4f} an hour for the machines, ${self.more_per_hour:.4f} more)"


def price(machines: tuple[Machine, ...], sizes: Mapping[str, Size]) -> float | None:
    """Return what the machines cost an hour, None where one's price is not known."""
    prices = [size.price if (size := sizes.get(machine.instance_type)) else None for machine in machines]
    known = [each for each in prices if each is not None]
    return round(sum(known), 4) if len(known) == len(prices) else None


def changes(request: Request, sizes: Mapping[str, Size]) -> list[Change]:
    """Return the cheapest other type for all nodes and the fewest more nodes that would do, cheapest first."""
    before = price(request.machines, sizes)
    table = {**SIZES, **sizes}
    found = [
        _change(candidate, request, table, before)
        for candidate in (*_other_types(request, table), *_more_nodes(request))
        if fit(candidate, table).fits
    ]
    cheapest: dict[bool, Change] = {}
    for change in sorted(found, key=lambda one: (one.per_hour is None, one.per_hour or 0, one.nodes)):
        cheapest.setdefault(change.more_nodes > 0, change)
    return list(cheapest.values())


def _other_types(request: Request, table: Mapping[str, Size]) -> Iterator[Request]:
    architectures = {table[one.instance_type].architecture for one in request.machines if one.instance_type in table}
    for name, size in table.items():
        if size.architecture in (architectures or {"arm64"}) and not has_kvm(name):
            yield request._replace(machines=tuple(machine._replace(instance_type=name) for machine in request.machines))


def _more_nodes(request: Request) -> Iterator[Request]:
    last = request.machines[-1]
    for more in range(1, NODES_MORE + 1):
        # Workers: a number of control planes that grows with the pods would have to stay odd.
        added = (last._replace(name=f"worker-{index}", machine_type="worker") for index in range(1, more + 1))
        yield request._replace(machines=(*request.machines, *added))


def _change(candidate: Request, request: Request, table: Mapping[str, Size], before: float | None) -> Change:
    after = price(candidate.machines, table)
    more = round(after - before, 4) if after is not None and before is not None else None
    count = len(candidate.machines)
    return Change(candidate.machines[-1].instance_type, count, count - len(request.machines), after, more)
