# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose which of several resources is the described one. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..desired import Desired
from ..identity import NODE_TAG
from ..values import words_in
from .comparison import FIXED
from .current import Existing

# A cluster has one of each of these, so its tags identify it even if the tag Name was edited.
ONE_OF = frozenset(("vpc", "dhcp_options", "subnet", "internet_gateway", "route_table"))


def choose(item: Desired, things: Sequence[Existing]) -> Existing | None:
    """Return the existing resource for a desired one: by name, by the tag Node, or by kind if a cluster has only one.

    Of several, one that is as described is preferred, then the one that most others depend on, then the lowest id.
    """
    ours = [thing for thing in things if thing.owned]
    candidates = _candidates(item, ours)
    if len(candidates) < 2:
        return next(iter(candidates), None)
    needed = _mentions(ours)
    home = _busiest_vpc(ours, needed)
    return min(
        candidates,
        key=lambda thing: (thing.name != item.name, *_misfit(item, thing, home), -needed[thing.id], thing.id),
    )


def _candidates(item: Desired, things: Sequence[Existing]) -> list[Existing]:
    node = item.want.get("tags", {}).get(NODE_TAG)
    of_kind = [thing for thing in things if thing.kind == item.kind]
    named = [
        thing
        for thing in of_kind
        if item.name == (thing.unique_name or thing.name) or (node and thing.tags.get(NODE_TAG) == node)
    ]
    if named or item.kind not in ONE_OF:
        return named
    return _of_kind(item.kind, things)


def _of_kind(kind: str, things: Sequence[Existing]) -> list[Existing]:
    """Return the resources of a kind; AWS makes the main route table with the VPC, and deletes it with that."""
    return [thing for thing in things if thing.kind == kind and not thing.have.get("main")]


def _mentions(things: Sequence[Existing]) -> Counter[str]:
    """Return how many of the resources refer to each id."""
    return Counter(word for thing in things for word in words_in(thing.have))


def _busiest_vpc(things: Sequence[Existing], needed: Mapping[str, int]) -> str | None:
    vpcs = [thing.id for thing in things if thing.kind == "vpc"]
    return min(vpcs, key=lambda vpc: (-needed[vpc], vpc), default=None)


def _misfit(item: Desired, thing: Existing, vpc: str | None) -> tuple[bool, bool]:
    """Return whether a resource is in another VPC than most others, and whether only a new one can be as described."""
    elsewhere = thing.have.get("vpc") not in (None, vpc)
    # A run replaces DHCP options sets only, so only two of these may exist at once.
    fixed = FIXED["dhcp_options"] if item.kind == "dhcp_options" else ()
    return elsewhere, any(thing.have.get(name) != item.want[name] for name in fixed)


def duplicates_of(wanted: Mapping[str, Desired], things: Sequence[Existing], described: set[str]) -> dict[str, bool]:
    """Return the ids of duplicates of described resources, and whether each is used by other duplicates only."""
    duplicates = {
        thing.id for item in wanted.values() for thing in _candidates(item, things) if thing.id not in described
    }
    needed = _mentions([thing for thing in things if thing.id not in duplicates])
    return {
        thing.id: not needed[thing.id] and not _in_use(thing, duplicates) for thing in things if thing.id in duplicates
    }


def seconds_of(
    chosen: Mapping[str, Existing], things: Sequence[Existing], duplicates: Mapping[str, bool]
) -> tuple[tuple[Existing, Existing], ...]:
    """Return pairs of the described resource and a duplicate, for kinds of which a cluster has one.

    A duplicate has the same name, because the run that made it twice was interrupted. This one has another name, so it
    is not certain which of the two belongs to the cluster.
    """
    described = {thing.id for thing in chosen.values()}
    return tuple(
        (one, other)
        for one in chosen.values()
        for other in _of_kind(one.kind, things)
        if one.kind in ONE_OF and other.id not in described and other.id not in duplicates
    )


def _in_use(thing: Existing, duplicates: set[str]) -> bool:
    """Return whether a resource outside of the cluster's description may use a duplicate."""
    holders = [thing.have.get(name) for name in ("instance", "attachment_id", "network_interface")]
    attached = [vpc for vpc in thing.have.get("attached_to", ()) if vpc not in duplicates]
    return thing.kind in ("instance", "autoscaling_group") or any(holders) or bool(attached)
