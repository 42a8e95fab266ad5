# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare desired with existing resources. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..desired import ACCESS, BASTION, HOURS, NETWORK, NODES, RUNNING, Desired
from ..identity import NODE_TAG
from ..traffic import Route, Rule, beyond
from ..values import plain_policy
from .choosing import choose, duplicates_of, seconds_of
from .comparison import (
    FIXED,
    FOREIGN_KIND_NAMES,
    Comparison,
    Difference,
    Found,
    Resource,
)
from .current import Existing
from .owners import conflicting_resource
from .ties import Tie

# Additional rules and routes are deliberate (such as home access), so they are reported, not removed.
_AT_LEAST = ("rules", "routes")
# Resources that contain others come after them.
_TEARDOWN = (
    *("autoscaling_group", "spot_instances_request", "instance", "launch_template", "volume", "address", "natgateway"),
    *("vpc_endpoint", "eni", "security_group", "subnet", "route_table", "internet_gateway"),
    *("egress_only_internet_gateway", "vpc", "dhcp_options", "schedule_group", "instance_profile", "iam_role"),
    "ssm_parameter",
)


def compare(wanted: Mapping[str, Desired], things: Sequence[Existing], ties: tuple[Tie, ...] = ()) -> Comparison:
    """Return the state of each desired resource, and every resource that was found."""
    ours = [thing for thing in things if thing.owned]
    others = [thing for thing in things if not thing.owned]
    chosen = {key: thing for key, item in wanted.items() if (thing := choose(item, ours))}
    have = _properties(wanted, chosen, ours)
    resources = tuple(
        _resource(key, item, chosen.get(key), have.get(key), conflicting_resource(item, chosen, wanted, things))
        for key, item in wanted.items()
    )
    described = {thing.id for thing in chosen.values()}
    # The schedule starts and stops the instance of the bastion's group: it is described if its group is.
    members = {thing.id for thing in ours if thing.have.get("autoscaling_group") in described}
    duplicates = duplicates_of(wanted, ours, described)
    return Comparison(
        resources,
        _found(ours, described | members, duplicates),
        tuple(thing for thing in others if thing.kind in FOREIGN_KIND_NAMES and not thing.unmanaged),
        tuple(tie for tie in ties if not tie.is_unread),
        # AWS makes the main route table of a VPC, without tags.
        tuple(thing for thing in others if thing.unmanaged and not thing.have.get("main")),
        seconds_of(chosen, ours, duplicates),
        tuple(thing for thing in others if thing.uncertain),
        tuple(tie for tie in ties if tie.is_unread),
        next((thing.have["schedules"] for thing in ours if thing.kind == "schedule_group"), {}),
    )


def _properties(
    wanted: Mapping[str, Desired], chosen: Mapping[str, Existing], ours: Sequence[Existing]
) -> dict[str, dict[str, Any]]:
    """Return the properties of the chosen resources, with names in place of each other's ids."""
    names = {thing.id: wanted[key].name for key, thing in chosen.items()}
    return {key: _named(_with_associations(thing, ours), names) for key, thing in chosen.items()}


def _with_associations(thing: Existing, things: Sequence[Existing]) -> dict[str, Any]:
    """Return the properties of a resource, with those that only other calls report."""
    if thing.kind == "dhcp_options":
        vpcs = [other.id for other in things if other.kind == "vpc" and other.have.get("dhcp_options") == thing.id]
        return {**thing.have, "associated_with": vpcs}
    if thing.kind == "autoscaling_group":
        members = [other for other in things if other.have.get("autoscaling_group") == thing.id]
        running = [member for member in members if member.have.get("state") in RUNNING]
        return {**thing.have, "launched": {member.id: member.have["launched"] for member in running}}
    return dict(thing.have)


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """Return the value with every id of a described resource replaced by its name, as in the desired resources."""
    if isinstance(value, Mapping):
        return {key: _named(item, names) for key, item in value.items()}
    if isinstance(value, (Rule, Route)):
        return type(value)(*(_named(item, names) for item in value))
    if isinstance(value, (list, tuple)):
        return [_named(item, names) for item in value]
    if isinstance(value, str):
        return " ".join(names.get(word, word) for word in value.split(" "))
    return value


def _resource(
    key: str, item: Desired, thing: Existing | None, have: dict[str, Any] | None, taker: Existing | None
) -> Resource:
    if thing is None or have is None:
        state = "foreign" if taker else "missing"
        return Resource(key, item.kind, item.name, None, state, (), item.want, None, item.part, taker)
    differences = tuple(
        Difference(name, have.get(name), want, replace=name in FIXED.get(item.kind, ()))
        for name, want in item.want.items()
        if not satisfied(name, have.get(name), want)
    )
    extra = {f"extra_{name}": beyond(have[name], item.want[name]) for name in _AT_LEAST if name in item.want}
    state = "differs" if differences else "present"
    return Resource(key, item.kind, item.name, thing.id, state, differences, item.want, {**have, **extra}, item.part)


def satisfied(name: str, have: Any, want: Any) -> bool:
    """Return whether a property is as described."""
    if name == "tags":
        return want.items() <= (have or {}).items()
    if name in _AT_LEAST:
        return not beyond(want, have or ())
    if name == "state":
        # A pending instance is starting, so nothing has to be done.
        return have in (want, "pending")
    if name in ("policy", "trust_policy"):
        return plain_policy(have) == plain_policy(want)
    if name == "next_stop":
        # Auto Scaling shows when it acts next: at the start time, or by the recurrence after it (see bastion/hours.py).
        return _is_no_earlier(have, want)
    return have == want


def _is_no_earlier(have: str | None, want: str) -> bool:
    """Return whether a time is not before another one; AWS refuses a text that is not a time."""
    try:
        return bool(have) and _moment(have or "") >= _moment(want)
    except ValueError:
        return False


def _moment(text: str) -> datetime:
    """Return a time; one without a zone is in UTC, as AWS reads it."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _found(things: Sequence[Existing], described: set[str], duplicates: Mapping[str, bool]) -> tuple[Found, ...]:
    instances = {thing.id: thing for thing in things if thing.kind == "instance"}
    found = [_found_one(thing, described, instances, duplicates) for thing in things]
    return tuple(sorted(found, key=lambda item: (teardown_rank(item.kind), item.kind, item.name, item.id)))


def _found_one(
    thing: Existing, described: set[str], instances: Mapping[str, Existing], duplicates: Mapping[str, bool]
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


def _part(thing: Existing) -> str | None:
    """Return the part of the cluster with which a resource is removed; None for kinds that no part creates."""
    if thing.kind in ("launch_template", "autoscaling_group", "address", "ssm_parameter"):
        return BASTION
    if thing.kind in ("eni", "instance", "volume"):
        # Nodes may have names such as ex-bastion. The tag may be missing.
        is_named = thing.tags.get(NODE_TAG, thing.name) in (BASTION, f"{thing.tags.get('Cluster')}-{BASTION}")
        return BASTION if is_named or thing.have.get("autoscaling_group") else NODES
    if thing.kind in ("iam_role", "instance_profile"):
        return _IAM_PARTS.get(thing.id.rpartition("-")[2])
    if thing.kind == "schedule_group":
        return HOURS
    return NETWORK if thing.kind in FIXED or thing.kind == "internet_gateway" else None


# By the suffix of the name, which the roles of schedules have.
_IAM_PARTS = {BASTION: BASTION, "node": NETWORK, ACCESS: ACCESS, HOURS: HOURS}


def teardown_rank(kind: str) -> int:
    """Return the deletion order of a kind: resources that contain others come after them."""
    # A kind that is not in the list contains none that is (key pairs, snapshots): it is deleted before the network.
    return _TEARDOWN.index(kind) if kind in _TEARDOWN else _TEARDOWN.index("eni")
