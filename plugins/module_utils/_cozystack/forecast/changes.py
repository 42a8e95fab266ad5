# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the smallest change of nodes with which CozyStack fits. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..._ec2.instance_types import Size, has_kvm, is_arm64
from ..._machine_types import WORKER
from .fit import Machine, Request, fit
from .limits import LEAST_DISK, is_enough

NODES_MORE = 6


class Change(NamedTuple):
    """Nodes that fit, their price per hour, and the difference to the current price; None for an unknown price."""

    instance_type: str
    nodes: int
    more_nodes: int
    per_hour: float | None
    more_per_hour: float | None
    # Larger disks that the nodes need as well, in GiB.
    volume_size: int | None = None
    # The limits that it exceeds.
    exceeds: tuple[str, ...] = ()
    # Whether the availability zone offers the type.
    offered: bool = True

    def text(self) -> str:
        """Return it as text."""
        disks = f" with disks of {self.volume_size} GiB (cluster_volume_size)" if self.volume_size else ""
        what = f"{self.nodes} x {self.instance_type}{disks}"
        if self.per_hour is None or self.more_per_hour is None:
            return what
        return f"{what} (${self.per_hour:.4f} an hour for the instances, ${self.more_per_hour:.4f} more)"


def price(machines: tuple[Machine, ...], sizes: Mapping[str, Size]) -> float | None:
    """Return the hourly price of the instances, None if a price is unknown."""
    prices = [size.price if (size := sizes.get(machine.instance_type)) else None for machine in machines]
    known = [each for each in prices if each is not None]
    return round(sum(known), 4) if len(known) == len(prices) else None


class Ways(NamedTuple):
    """The cheapest type and the smallest number of nodes within the caps, or the nearest change above them."""

    within: tuple[Change, ...] = ()
    nearest: Change | None = None


def ways(request: Request, sizes: Mapping[str, Size]) -> Ways:
    """Return the changes of nodes that fit; if no offered type does, the nearest one in another availability zone."""
    found = _offered_ways(request, sizes)
    if found.within or found.nearest or not request.offered:
        return found
    elsewhere = _offered_ways(request._replace(offered=()), sizes)
    nearest = elsewhere.within[0] if elsewhere.within else elsewhere.nearest
    return Ways(nearest=nearest._replace(offered=False) if nearest else None)


def _offered_ways(request: Request, sizes: Mapping[str, Size]) -> Ways:
    """Return the changes of nodes that fit, without those that the forecast would warn about."""
    larger_disks = _with_disks(request)
    types = _other_types(larger_disks, sizes) if _room(request) >= 0 else ()
    choices = (types, _more_nodes(larger_disks, _room(request)))
    first = [next(_fitting(request, sizes, choice, capped=True), None) for choice in choices]
    if within := [change for change in first if change]:
        return Ways(tuple(sorted(within, key=_cost)))
    more = (_with_workers(larger_disks, count) for count in range(NODES_MORE + 1))
    larger = (candidate for one in more for candidate in _other_types(one, sizes))
    return Ways(nearest=next(_fitting(request, sizes, larger, capped=False), None))


def _fitting(
    request: Request, sizes: Mapping[str, Size], candidates: Iterable[Request], *, capped: bool
) -> Iterator[Change]:
    """Yield the candidates that fit, if capped those within all limits, the cheapest first."""
    priced = [(_change(one, request, sizes), one) for one in candidates if is_enough(one, sizes)]
    for change, one in sorted(priced, key=lambda pair: _cost(pair[0])):
        if not (capped and exceeded(one, sizes)) and fit(one, sizes).fits:
            yield change if capped else change._replace(exceeds=exceeded(one, sizes))


def exceeded(request: Request, sizes: Mapping[str, Size]) -> tuple[str, ...]:
    """Return the limits that the nodes of a request exceed; a limit cannot be kept with an unknown price."""
    per_hour, most = price(request.machines, sizes), request.per_hour_max
    is_dear = most is not None and (per_hour is None or per_hour > most)
    is_large = request.nodes_max is not None and len(request.machines) > request.nodes_max
    named = [*(["cluster_nodes_max"] if is_large else []), *(["cluster_cost_per_hour_max"] if is_dear else [])]
    named += request.budget.exceeded(request.machines) if request.budget else ()
    return tuple(dict.fromkeys(named))


def _cost(change: Change) -> tuple[bool, float, int]:
    return change.per_hour is None, change.per_hour or 0, change.nodes


def _room(request: Request) -> int:
    """Return how many nodes may be added, negative if there are too many."""
    most = request.nodes_max
    return NODES_MORE if most is None else min(most - len(request.machines), NODES_MORE)


def _other_types(request: Request, sizes: Mapping[str, Size]) -> Iterator[Request]:
    for name, size in sizes.items():
        if is_arm64(name, size) and not has_kvm(name) and name in (request.offered or (name,)):
            yield request._replace(machines=tuple(machine._replace(instance_type=name) for machine in request.machines))


def _more_nodes(request: Request, most: int) -> Iterator[Request]:
    for more in range(1, most + 1):
        yield _with_workers(request, more)


def _with_workers(request: Request, count: int) -> Request:
    """Return it with more workers: the number of control planes has to stay odd."""
    last = request.machines[-1]
    added = (last._replace(name=f"worker-{index}", machine_type=WORKER) for index in range(1, count + 1))
    return request._replace(machines=(*request.machines, *added))


def _with_disks(request: Request) -> Request:
    """Return it with disks of the documented size."""
    machines = (machine._replace(volume_size=max(machine.volume_size, LEAST_DISK)) for machine in request.machines)
    return request._replace(machines=tuple(machines))


def _change(candidate: Request, request: Request, sizes: Mapping[str, Size]) -> Change:
    before, after = price(request.machines, sizes), price(candidate.machines, sizes)
    more = round(after - before, 4) if after is not None and before is not None else None
    count = len(candidate.machines)
    disk = LEAST_DISK if any(machine.volume_size < LEAST_DISK for machine in request.machines) else None
    named = candidate.machines[-1].instance_type
    return Change(named, count, count - len(request.machines), after, more, disk)
