# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a cluster as the modules and roles share it. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..._findings import Finding
from ..bastion.hours import Stop, bastion_stop
from ..bastion.text import stop_lines
from ..client import Api
from ..cost.forecast import forecast
from ..cost.prices import shipped
from ..desired import PARTS, Desired, desired
from ..hours.schedules import ttl_end
from ..hours.text import nodes_stop_lines
from ..spec import ClusterSpec
from ..traffic import with_texts
from .choosing import choose
from .compare import compare
from .comparison import Comparison, Resource
from .current import Existing, read_cluster
from .owners import (
    conflict_problems,
    duplicate_problems,
    host_key_problems,
    owner_of,
    uncertain_lines,
    unmanaged_problems,
)
from .parts import bastion_of, hours_of, nodes_of, part_of, schedule_role_of
from .text import foreign_resource_problems, plan_lines, tie_problem, unread_lines
from .ties import Tie, read_ties


def read_and_compare(
    api: Api, spec: ClusterSpec, *, console_output: bool = False, all_ties: bool = False
) -> Comparison:
    """Return the state of the cluster, compared with its description."""
    things = read_cluster(api, spec, console_output=console_output)
    return compare(wanted_of(spec, things, datetime.now(UTC)), things, read_ties(api, spec, things, thorough=all_ties))


def wanted_of(spec: ClusterSpec, things: list[Existing], now: datetime) -> dict[str, Desired]:
    """Return every described resource, with the properties that depend on the existing VPC and schedules."""
    group = next((thing for thing in things if thing.kind == "schedule_group" and thing.owned), None)
    end = ttl_end(spec.hours, group.have["schedules"] if group else {}, now)
    vpc = choose(desired(spec)["vpc"], things)
    network = {"vpc_ipv6_cidr": vpc.have["ipv6_cidr"], "account": vpc.have["account"]} if vpc else {}
    return desired(spec, **network, end=end)


def result_of(spec: ClusterSpec, comparison: Comparison, now: datetime) -> dict[str, Any]:
    """Return the comparison for a module's result."""
    group = next((item.have for item in comparison.resources if item.kind == "autoscaling_group"), None)
    stop = bastion_stop(spec.bastion, group, now)
    hours = hours_of(spec.hours, comparison)
    stops = [*stop_lines(spec.bastion, stop), *nodes_stop_lines(spec.hours, now)]
    return {
        "resources": {resource.key: resource_as_dict(resource) for resource in comparison.resources},
        "found": [found._asdict() for found in comparison.found],
        "foreign_resources": [_thing_as_dict(foreign) for foreign in comparison.foreign_resources]
        + _obstacles(comparison),
        "ties": [_tie_as_dict(tie) for tie in comparison.ties],
        "uncertain": [*uncertain_lines(comparison.uncertain, spec.region), *unread_lines(comparison.unread)],
        "problems": [problem.as_dict() for problem in problems_of(comparison)],
        "removal_problems": [problem.as_dict() for problem in removal_problems(comparison)],
        "summary": comparison.summary(),
        "plan": plan_lines(spec, comparison, stops, hours.lines),
        "cost": forecast(spec, shipped(spec.region)).as_dict(),
        "parts": {name: part_of(comparison, name)._asdict() for name in PARTS},
        "nodes": nodes_of(spec, comparison),
        "bastion": bastion_of(spec, comparison),
        "home_schedule_role": schedule_role_of(spec, comparison),
        "bastion_stop": _stop_as_dict(stop),
        "hours": {**hours._asdict(), "stops": stops},
    }


def problems_of(comparison: Comparison) -> list[Finding]:
    """Return why the cluster cannot be created: conflicts with other resources, and what is not certain or safe."""
    return [
        *conflict_problems(comparison.resources),
        *unmanaged_problems(comparison.unmanaged),
        *duplicate_problems(comparison.seconds),
        *host_key_problems(comparison.resources),
        *map(tie_problem, comparison.blocking_ties),
    ]


def removal_problems(comparison: Comparison) -> list[Finding]:
    """Return why the cluster must not be deleted: resources of other owners that use it, and what is not certain."""
    return [
        *foreign_resource_problems(comparison),
        *map(tie_problem, comparison.ties),
        *unmanaged_problems(comparison.unmanaged),
    ]


def _obstacles(comparison: Comparison) -> list[dict[str, Any]]:
    owner = "it has the tags of this cluster, but no playbook creates or deletes it"
    return [{"kind": item.kind, "id": item.id, "name": item.name, "owner": owner} for item in comparison.obstacles]


def _tie_as_dict(tie: Tie) -> dict[str, Any]:
    return {"ours": _thing_as_dict(tie.ours), "how": tie.how, "other": _thing_as_dict(tie.other)}


def _stop_as_dict(stop: Stop | None) -> dict[str, Any] | None:
    if stop is None:
        return None
    postponed_to = stop.postponed_to.isoformat() if stop.postponed_to else None
    return {"at": stop.at.isoformat(), "minutes": stop.minutes, "postponed_to": postponed_to}


def resource_as_dict(resource: Resource) -> dict[str, Any]:
    """Return a resource for a module's result."""
    differences = [difference._asdict() for difference in resource.differences]
    taken_by = _thing_as_dict(resource.taken_by) if resource.taken_by else None
    values = {**resource._asdict(), "differences": differences, "taken_by": taken_by}
    return {key: with_texts(value) for key, value in values.items() if key != "key"}


def _thing_as_dict(thing: Existing) -> dict[str, Any]:
    return {"kind": thing.kind, "id": thing.id, "name": thing.name, "owner": owner_of(thing)}


def diff_of(before: Comparison, parts: Sequence[str], *, absent: bool) -> dict[str, Any]:
    """Return the properties of the parts that were not as described."""
    wrong = [item for item in before.resources if item.part in parts and item.differences]
    if absent:
        gone = [found for found in before.found if found.part in parts]
        return {"before": {f"{found.kind} {found.id}": found.name for found in gone}, "after": {}}
    made = [item for item in before.resources if item.part in parts and item.state == "missing"]
    return with_texts(
        {
            "before": {item.key: {what.property: what.have for what in item.differences} for item in wrong},
            "after": {
                **{item.key: {what.property: what.want for what in item.differences} for item in wrong},
                **{item.key: dict(item.want) for item in made},
            },
        }
    )
