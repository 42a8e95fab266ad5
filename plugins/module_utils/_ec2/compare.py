# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what is desired with what exists. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.current import Thing
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import (
    BASTION,
    NETWORK,
    NODES,
    RUNNING,
    Desired,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import Problem

# What AWS fixes when it makes a resource: only a new resource brings another value.
_FIXED = {
    "vpc": {"ipv4_cidr"},
    "dhcp_options": {"domain_name", "domain_name_servers", "ntp_servers"},
    "subnet": {"vpc", "availability_zone", "ipv4_cidr", "ipv6_cidr"},
    "route_table": {"vpc"},
    "security_group": {"vpc"},
    "eni": {"subnet", "ipv4"},
    "ssm_parameter": {"resource"},
    "instance": {"type", "network_interface", "volume_type", "volume_size", "volume_encrypted"},
}
# More rules and routes than these are somebody's decision (home access is one), so they are told, not undone.
_AT_LEAST = ("rules", "routes")
# What holds others comes after them.
_TEARDOWN = (
    *("autoscaling_group", "spot_instances_request", "instance", "launch_template", "volume", "address", "natgateway"),
    *("vpc_endpoint", "eni", "security_group", "subnet", "route_table", "internet_gateway"),
    *("egress_only_internet_gateway", "vpc", "dhcp_options", "instance_profile", "iam_role"),
    "ssm_parameter",
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
    part: str = NETWORK
    # What takes its place without carrying our tags.
    taken_by: Thing | None = None


class Found(NamedTuple):
    """Something that carries the cluster's tags; goes_with is the id of what takes it away when deleted.

    A duplicate is a second one of a described resource, and unused when nothing else needs it.
    """

    kind: str
    name: str
    id: str
    described: bool
    goes_with: str | None
    part: str | None = None
    duplicate: bool = False
    unused: bool = False


class Comparison(NamedTuple):
    """Everything described, and everything that exists in the order in which a teardown deletes it.

    Guests are things of others inside the cluster's VPCs.
    """

    resources: tuple[Resource, ...]
    found: tuple[Found, ...]
    guests: tuple[Thing, ...] = ()

    @property
    def strays(self) -> list[Found]:
        """Return what exists with our tags and is nowhere described."""
        return [found for found in self.found if not found.described]

    def summary(self) -> dict[str, int]:
        """Return how many resources are in each state."""
        states = [resource.state for resource in self.resources]
        return {
            **{state: states.count(state) for state in ("present", "missing", "differs", "foreign")},
            "strays": len(self.strays),
        }


def compare(wanted: Mapping[str, Desired], things: Sequence[Thing]) -> Comparison:
    """Return the state of each desired resource, and everything that was found."""
    ours = [thing for thing in things if thing.owned]
    others = [thing for thing in things if not thing.owned]
    chosen = {key: thing for key, item in wanted.items() if (thing := choose(item, ours))}
    names = {thing.id: wanted[key].name for key, thing in chosen.items()}
    facts = [_with_associations(thing, ours) for thing in chosen.values()]
    have = {key: _named(fact, names) for key, fact in zip(chosen, facts, strict=True)}
    resources = tuple(
        _resource(key, item, chosen.get(key), have.get(key), _taker(item, chosen, wanted, others))
        for key, item in wanted.items()
    )
    described = {thing.id for thing in chosen.values()}
    # The machine of the bastion's group comes and goes with the clock: it is described while its group is.
    members = {thing.id for thing in ours if thing.have.get("autoscaling_group") in described}
    found = _found(ours, described | members, _duplicates(wanted, ours, described))
    return Comparison(resources, found, tuple(thing for thing in others if thing.kind in _GUEST_KINDS))


def choose(item: Desired, things: Sequence[Thing]) -> Thing | None:
    """Return the thing that is the desired resource: by its name, or a machine's by the tag Node.

    Of several, one that is as described goes before others, then the one that most others need, then the lowest id.
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


def _candidates(item: Desired, things: Sequence[Thing]) -> list[Thing]:
    node = item.want.get("tags", {}).get("Node")
    return [
        thing
        for thing in things
        if thing.kind == item.kind
        and (item.name == (thing.unique_name or thing.name) or (node and thing.tags.get("Node") == node))
    ]


def _mentions(things: Sequence[Thing]) -> Counter[str]:
    """Return how many of the things name each id."""
    return Counter(text for thing in things for text in set(_texts(thing.have)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        yield from (text for item in value for text in _texts(item))
    elif isinstance(value, str):
        yield from value.split(" ")


def _busiest_vpc(things: Sequence[Thing], needed: Mapping[str, int]) -> str | None:
    vpcs = [thing.id for thing in things if thing.kind == "vpc"]
    return min(vpcs, key=lambda vpc: (-needed[vpc], vpc), default=None)


def _misfit(item: Desired, thing: Thing, vpc: str | None) -> tuple[bool, bool]:
    """Return whether a thing is in another VPC than most others, and whether it has to be made anew to be right."""
    elsewhere = thing.have.get("vpc") not in (None, vpc)
    # Only sets of DHCP options are replaced by a run, so only of them both may be there.
    fixed = _FIXED["dhcp_options"] if item.kind == "dhcp_options" else ()
    return elsewhere, any(thing.have.get(name) != item.want[name] for name in fixed)


def _duplicates(wanted: Mapping[str, Desired], things: Sequence[Thing], described: set[str]) -> dict[str, bool]:
    """Return the ids of second ones of described resources, and whether nothing but other second ones needs each."""
    doubles = {thing.id for item in wanted.values() for thing in _candidates(item, things) if thing.id not in described}
    needed = _mentions([thing for thing in things if thing.id not in doubles])
    return {thing.id: not needed[thing.id] and not _in_use(thing, doubles) for thing in things if thing.id in doubles}


def _in_use(thing: Thing, doubles: set[str]) -> bool:
    """Return whether something beyond the cluster's description may use a second one."""
    holders = [thing.have.get(name) for name in ("instance", "attachment_id", "network_interface")]
    attached = [vpc for vpc in thing.have.get("attached_to", ()) if vpc not in doubles]
    return thing.kind in ("instance", "autoscaling_group") or any(holders) or bool(attached)


_GUEST_KINDS = ("subnet", "security_group", "route_table", "eni", "internet_gateway")


def _taker(
    item: Desired, chosen: Mapping[str, Thing], wanted: Mapping[str, Desired], others: Sequence[Thing]
) -> Thing | None:
    """Return what is in the place of a resource that has yet to be made, and is not the cluster's."""
    key = next(key for key, other in wanted.items() if other is item)
    if key in chosen:
        return None
    vpc = chosen["vpc"].id if "vpc" in chosen else None
    in_the_way = (thing for thing in others if thing.kind == item.kind and _is_in_the_way(item, thing, vpc))
    return next(in_the_way, None)


def _is_in_the_way(item: Desired, thing: Thing, vpc: str | None) -> bool:
    if thing.have.get("vpc", vpc) != vpc:
        return False
    if item.kind == "subnet":
        return ip_network(thing.have["ipv4_cidr"]).overlaps(ip_network(item.want["ipv4_cidr"], strict=False))
    if item.kind == "internet_gateway":
        return vpc in thing.have["attached_to"]
    if item.kind == "eni":
        return thing.have["ipv4"] == item.want["ipv4"]
    return thing.unique_name == item.name


_OWNER_TAGS = ("Project", "Cluster", "Region", "ManagedBy", "Owner", "Name")


def owner_of(thing: Thing) -> str:
    """Return who owns a thing, as far as its tags say."""
    tags = {key: thing.tags[key] for key in _OWNER_TAGS if key in thing.tags}
    return ", ".join(f"{key}={value}" for key, value in tags.items()) or "it has no tags that name an owner"


def taken_problems(resources: Sequence[Resource]) -> list[Problem]:
    """Return what takes the place of resources that have to be made."""
    return [
        Problem(
            "NAME_TAKEN",
            f"{resource.kind} {resource.name}",
            f"{resource.taken_by.id} exists without the tags of this cluster ({owner_of(resource.taken_by)})",
            _TAKEN_REMEDIES.get(
                resource.kind, "Choose another cluster_name or cluster_project, or delete it if unused."
            ),
        )
        for resource in resources
        if resource.taken_by
    ]


_TAKEN_REMEDIES = {
    "subnet": "Choose another cluster_subnet_ipv4_cidr, or delete that subnet if unused.",
    "internet_gateway": "Detach that gateway, or have its owner remove it; a VPC has one at most.",
    "eni": "Choose another address, or delete that interface if unused.",
}


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


def _resource(
    key: str, item: Desired, thing: Thing | None, have: dict[str, Any] | None, taker: Thing | None
) -> Resource:
    if thing is None or have is None:
        state = "foreign" if taker else "missing"
        return Resource(key, item.kind, item.name, None, state, (), item.want, None, item.part, taker)
    differences = tuple(
        Difference(name, have.get(name), want, replace=name in _FIXED.get(item.kind, ()))
        for name, want in item.want.items()
        if not satisfied(name, have.get(name), want)
    )
    extra = {f"extra_{name}": _beyond(have[name], item.want[name]) for name in _AT_LEAST if name in item.want}
    state = "differs" if differences else "present"
    return Resource(key, item.kind, item.name, thing.id, state, differences, item.want, {**have, **extra}, item.part)


def _beyond(have: Sequence[str], want: Sequence[str]) -> list[str]:
    return [item for item in have if item not in want]


def satisfied(name: str, have: Any, want: Any) -> bool:
    """Return whether a property is as described."""
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


def _found(things: Sequence[Thing], described: set[str], duplicates: Mapping[str, bool]) -> tuple[Found, ...]:
    instances = {thing.id: thing for thing in things if thing.kind == "instance"}
    found = [_found_one(thing, described, instances, duplicates) for thing in things]
    return tuple(sorted(found, key=lambda item: (teardown_rank(item.kind), item.kind, item.name, item.id)))


def _found_one(
    thing: Thing, described: set[str], instances: Mapping[str, Thing], duplicates: Mapping[str, bool]
) -> Found:
    holder = instances.get(thing.have.get("instance") or "") if thing.kind == "volume" else None
    goes_with = holder.id if holder else None
    return Found(
        thing.kind,
        thing.name,
        thing.id,
        described=thing.id in described or goes_with in described,
        goes_with=goes_with,
        part=_part(holder or thing),
        duplicate=thing.id in duplicates,
        unused=duplicates.get(thing.id, False),
    )


def _part(thing: Thing) -> str | None:
    """Return the part of the cluster with which a thing is removed; None for what no part makes."""
    if thing.kind in ("launch_template", "autoscaling_group", "address", "ssm_parameter"):
        return BASTION
    if thing.kind in ("eni", "instance"):
        return BASTION if BASTION in (thing.tags.get("Node"), thing.name.rpartition("-")[2]) else NODES
    if thing.kind in ("iam_role", "instance_profile"):
        return _IAM_PARTS.get(thing.id.rpartition("-")[2])
    return NETWORK if thing.kind in _FIXED or thing.kind == "internet_gateway" else None


# By the end of the name; the role of home access is made, and removed, by the role access.
_IAM_PARTS = {BASTION: BASTION, "node": NETWORK}


def teardown_rank(kind: str) -> int:
    """Return how late a kind is deleted: what holds others comes after them."""
    # A kind that is not in the list holds nothing that is (key pairs, snapshots): it goes before the network.
    return _TEARDOWN.index(kind) if kind in _TEARDOWN else _TEARDOWN.index("eni")
