# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what is desired against what exists. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.current import Thing
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import RUNNING, Desired

# What AWS fixes when it makes a resource: only a new resource brings another value.
_FIXED = {
    "vpc": {"ipv4_cidr"},
    "dhcp_options": {"domain_name", "domain_name_servers", "ntp_servers"},
    "subnet": {"vpc", "availability_zone", "ipv4_cidr", "ipv6_cidr"},
    "route_table": {"vpc"},
    "security_group": {"vpc"},
    "eni": {"subnet", "ipv4"},
    "instance": {"type", "network_interface", "volume_type", "volume_size", "volume_encrypted"},
}
# More rules and routes than these are somebody's decision (home access is one), so they are told, not undone.
_AT_LEAST = ("rules", "routes")
# What holds others comes after them.
_TEARDOWN = (
    *("autoscaling_group", "spot_instances_request", "instance", "launch_template", "volume", "address", "natgateway"),
    *("vpc_endpoint", "eni", "security_group", "subnet", "route_table", "internet_gateway"),
    *("egress_only_internet_gateway", "vpc", "dhcp_options", "instance_profile", "iam_role"),
)


class Difference(NamedTuple):
    """One property that is not as it should be; replace says that the resource has to be made anew."""

    property: str
    have: Any
    want: Any
    replace: bool


class Resource(NamedTuple):
    """One described resource and how it is."""

    key: str
    kind: str
    name: str
    id: str | None
    state: str
    differences: tuple[Difference, ...]
    want: Mapping[str, Any]
    have: Mapping[str, Any] | None


class Found(NamedTuple):
    """Something that carries the cluster's tags; goes_with is the id of what takes it away when deleted."""

    kind: str
    name: str
    id: str
    described: bool
    goes_with: str | None


class Comparison(NamedTuple):
    """Everything described, and everything that exists in the order in which a teardown deletes it."""

    resources: tuple[Resource, ...]
    found: tuple[Found, ...]

    @property
    def strays(self) -> list[Found]:
        """Return what exists with our tags and is nowhere described."""
        return [found for found in self.found if not found.described]

    def summary(self) -> dict[str, int]:
        """Return how many resources are in each state."""
        states = [resource.state for resource in self.resources]
        return {
            **{state: states.count(state) for state in ("present", "missing", "differs")},
            "strays": len(self.strays),
        }


def compare(wanted: Mapping[str, Desired], things: Sequence[Thing]) -> Comparison:
    """Return the state of each desired resource, and everything that was found."""
    chosen = {key: thing for key, item in wanted.items() if (thing := choose(item, things))}
    names = {thing.id: wanted[key].name for key, thing in chosen.items()}
    facts = [_with_associations(thing, things) for thing in chosen.values()]
    have = {key: _named(fact, names) for key, fact in zip(chosen, facts, strict=True)}
    resources = tuple(_resource(key, item, chosen.get(key), have.get(key)) for key, item in wanted.items())
    described = {thing.id for thing in chosen.values()}
    # The machine of the bastion's group comes and goes with the clock: it is described while its group is.
    members = {thing.id for thing in things if thing.have.get("autoscaling_group") in described}
    return Comparison(resources, _found(things, described | members))


def choose(item: Desired, things: Sequence[Thing]) -> Thing | None:
    """Return the thing that is the desired resource: by its Name, or a node's by the tag Node. The lowest id wins."""
    node = item.want.get("tags", {}).get("Node")
    same_kind = sorted((thing for thing in things if thing.kind == item.kind), key=lambda thing: thing.id)
    by_name = [thing for thing in same_kind if thing.name == item.name]
    by_node = [thing for thing in same_kind if node and thing.tags.get("Node") == node]
    return next(iter((*by_name, *by_node)), None)


def _with_associations(thing: Thing, things: Sequence[Thing]) -> dict[str, Any]:
    """Return what is known of a thing, with what only others tell of it."""
    if thing.kind == "dhcp_options":
        vpcs = [other.id for other in things if other.kind == "vpc" and other.have.get("dhcp_options") == thing.id]
        return {**thing.have, "associated_with": vpcs}
    if thing.kind == "autoscaling_group":
        members = [other for other in things if other.have.get("autoscaling_group") == thing.id]
        running = [member for member in members if member.have.get("state") in RUNNING]
        return {**thing.have, "launched": {member.id: member.have["launched"] for member in running}}
    return dict(thing.have)


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """Return the value with every id of a described resource replaced by its name, as the desired side writes it."""
    if isinstance(value, Mapping):
        return {key: _named(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(item, names) for item in value]
    if isinstance(value, str):
        return " ".join(names.get(word, word) for word in value.split(" "))
    return value


def _resource(key: str, item: Desired, thing: Thing | None, have: dict[str, Any] | None) -> Resource:
    if thing is None or have is None:
        return Resource(key, item.kind, item.name, None, "missing", (), item.want, None)
    differences = tuple(
        Difference(name, have.get(name), want, replace=name in _FIXED.get(item.kind, ()))
        for name, want in item.want.items()
        if not _satisfied(name, have.get(name), want)
    )
    extra = {f"extra_{name}": _beyond(have[name], item.want[name]) for name in _AT_LEAST if name in item.want}
    state = "differs" if differences else "present"
    return Resource(key, item.kind, item.name, thing.id, state, differences, item.want, {**have, **extra})


def _beyond(have: Sequence[str], want: Sequence[str]) -> list[str]:
    return [item for item in have if item not in want]


def _satisfied(name: str, have: Any, want: Any) -> bool:
    if name == "tags":
        return want.items() <= (have or {}).items()
    if name in _AT_LEAST:
        return not _beyond(want, have or ())
    if name == "state":
        # A pending instance is on its way; there is nothing left to do about it.
        return have in (want, "pending")
    if name in ("policy", "trust_policy"):
        return _plain(have) == _plain(want)
    return have == want


def _plain(value: Any) -> Any:
    """Return a policy in one spelling: IAM takes, and gives back, one item with or without a list around it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_plain(item) for item in value), key=repr)
        return items[0] if len(items) == 1 else items
    return value


def _found(things: Sequence[Thing], described: set[str]) -> tuple[Found, ...]:
    instances = {thing.id for thing in things if thing.kind == "instance"}
    found = [_found_one(thing, described, instances) for thing in things if thing.owned]
    return tuple(sorted(found, key=lambda item: (_teardown_rank(item.kind), item.kind, item.name, item.id)))


def _found_one(thing: Thing, described: set[str], instances: set[str]) -> Found:
    holder = thing.have.get("instance") if thing.kind == "volume" else None
    goes_with = holder if holder in instances else None
    return Found(thing.kind, thing.name, thing.id, thing.id in described or goes_with in described, goes_with)


def _teardown_rank(kind: str) -> int:
    # A kind that is not in the list holds nothing that is (key pairs, snapshots): it goes before the network.
    return _TEARDOWN.index(kind) if kind in _TEARDOWN else _TEARDOWN.index("eni")
