# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the smallest change of nodes with which CozyStack fits. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..._ec2.instance_types import Size, has_kvm, is_arm64
from ..._machine_types import WORKER
from ..catalog.packages import PROFILES
from .caps import caps_of, price
from .fit import Machine, Request, fit
from .limits import LEAST_DISK, is_enough

NODES_MORE = 6


class Change(NamedTuple):
    """Nodes that fit, their price per hour, and the difference to the current price; None for an unknown price.

    The instance type is that of the nodes that are changed or added.
    """

    instance_type: str
    nodes: int
    more_nodes: int
    per_hour: float | None
    more_per_hour: float | None
    # Larger disks that the nodes need as well, in GiB.
    volume_size: int | None = None
    # How many nodes of each type there are then.
    types: Mapping[str, int] = MappingProxyType({})
    # The limits that it exceeds, and those that cannot be checked because a price is unknown.
    exceeds: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    # Whether the availability zone offers the type.
    offered: bool = True
    # A smaller profile, if the nodes within the limits have room for no other.
    profile: str | None = None

    def text(self) -> str:
        """Return it as text."""
        disks = f" with disks of {self.volume_size} GiB (cluster_volume_size)" if self.volume_size else ""
        what = f"{' and '.join(f'{count} x {name}' for name, count in self.types.items())}{disks}"
        profile = f" with profile {self.profile}" if self.profile else ""
        if self.per_hour is None or self.more_per_hour is None:
            return f"{what}{profile}"
        more = f"${abs(self.more_per_hour):.4f} {'more' if self.more_per_hour >= 0 else 'less'}"
        return f"{what} (${self.per_hour:.4f} an hour for the instances, {more}){profile}"


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
    within = _within(request, sizes)
    if within:
        return Ways(within)
    larger_disks = _with_disks(request)
    more = (_with_workers(larger_disks, count) for count in range(NODES_MORE + 1))
    larger = (candidate for one in more for candidate in _other_types(one, sizes))
    return Ways(nearest=next(_fitting(request, sizes, larger, capped=False), None))


def _within(request: Request, sizes: Mapping[str, Size]) -> tuple[Change, ...]:
    """Return the cheapest change of types, and the smallest number of more nodes, within all limits."""
    larger_disks = _with_disks(request)
    types = _other_types(larger_disks, sizes) if _room(request) >= 0 else ()
    choices = (types, _more_nodes(larger_disks, _room(request)))
    first = [next(_fitting(request, sizes, choice, capped=True), None) for choice in choices]
    return tuple(sorted((change for change in first if change), key=_cost))


def with_profile(request: Request, sizes: Mapping[str, Size]) -> Change | None:
    """Return the change within all limits that has room for the largest of the smaller profiles."""
    for profile in PROFILES[PROFILES.index(request.profile) + 1 :]:
        found = _within(request._replace(profile=profile), sizes)
        if found:
            return found[0]._replace(profile=profile)
    return None


def _fitting(
    request: Request, sizes: Mapping[str, Size], candidates: Iterable[Request], *, capped: bool
) -> Iterator[Change]:
    """Yield the candidates that fit, if capped those within all limits, the cheapest first."""
    priced = [(_change(one, request, sizes), one) for one in candidates if is_enough(one, sizes)]
    for change, one in sorted(priced, key=lambda pair: _cost(pair[0])):
        caps = caps_of(one, sizes)
        if (caps.are_kept or not capped) and fit(one, sizes).fits:
            yield change._replace(exceeds=caps.exceeds, unchecked=caps.unchecked)


def _cost(change: Change) -> tuple[bool, float, int]:
    return change.per_hour is None, change.per_hour or 0, change.nodes


def _room(request: Request) -> int:
    """Return how many nodes may be added, negative if there are too many."""
    most = request.nodes_max
    return NODES_MORE if most is None else min(most - len(request.machines), NODES_MORE)


def _other_types(request: Request, sizes: Mapping[str, Size]) -> Iterator[Request]:
    """Yield it with another type for all nodes, and for those alone that are smaller, if there are other ones."""
    for name, size in sizes.items():
        if is_arm64(name, size) and not has_kvm(name) and name in (request.offered or (name,)):
            every = tuple(machine._replace(instance_type=name) for machine in request.machines)
            larger = tuple(
                one if _is_smaller(machine, size, sizes) else machine
                for machine, one in zip(request.machines, every, strict=True)
            )
            yield from (request._replace(machines=machines) for machines in dict.fromkeys((every, larger)))


def _is_smaller(machine: Machine, size: Size, sizes: Mapping[str, Size]) -> bool:
    own = sizes.get(machine.instance_type)
    return own is None or (own.memory_mib, own.vcpus) < (size.memory_mib, size.vcpus)


def _more_nodes(request: Request, most: int) -> Iterator[Request]:
    for more in range(1, most + 1):
        yield _with_workers(request, more)


def _with_workers(request: Request, count: int) -> Request:
    """Return it with more workers: the number of control planes has to stay odd."""
    last = request.machines[-1]
    # Pods are placed by the names of nodes: these are names that no existing node can have.
    added = (last._replace(name=f"+{index}", machine_type=WORKER) for index in range(1, count + 1))
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
    return Change(
        instance_type=_changed(candidate, request),
        nodes=count,
        more_nodes=count - len(request.machines),
        per_hour=after,
        more_per_hour=more,
        volume_size=disk,
        types=dict(Counter(machine.instance_type for machine in candidate.machines)),
    )


def _changed(candidate: Request, request: Request) -> str:
    """Return the type of the nodes that differ, or of those that are added."""
    pairs = zip(candidate.machines, request.machines, strict=False)
    new = (one.instance_type for one, old in pairs if one.instance_type != old.instance_type)
    return next(new, candidate.machines[-1].instance_type)
