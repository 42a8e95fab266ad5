# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a comparison that the roles need. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..._times import utc_text
from ..desired import ACCESS, BASTION, HOURS, NODES
from ..hours.schedules import end_in
from ..hours.spec import HoursSpec
from ..spec import ClusterSpec
from .comparison import (
    Comparison,
    Difference,
    Found,
    Resource,
)

# The resources that must exist before a part is created, by key.
_NEEDS = {
    NODES: ("subnet", "security_group/nodes", "instance_profile/node"),
    BASTION: ("subnet", "security_group/bastion"),
    HOURS: ("vpc",),
}
_DELETE = {
    "instance": "aws ec2 terminate-instances --instance-ids {id}",
    "eni": "terminate its instance and aws ec2 delete-network-interface --network-interface-id {id}",
}
_RESET = "ansible-playbook playbooks/reset.yml -e reset_confirmation=yes"
_CREDITS = (
    "aws ec2 modify-instance-credit-specification --instance-credit-specification InstanceId={id},CpuCredits={want}"
)


class Part(NamedTuple):
    """One part of a cluster: described resources by key, existing ones, and problems."""

    resources: list[str]
    todo: list[str]
    missing_needs: list[str]
    taken_by: list[str]
    problems: list[dict[str, Any]]
    found: list[dict[str, str]]
    unused: list[str]
    lines: dict[str, list[str]]


def part_of(comparison: Comparison, name: str) -> Part:
    """Return the state of a part and the necessary changes."""
    described = [item for item in comparison.resources if item.part == name]
    todo = [item for item in described if item.state != "present"]
    # A volume of an instance is deleted with it.
    found = [item for item in comparison.found if item.part == name and not (item.kind == "volume" and item.goes_with)]
    return Part(
        resources=[item.key for item in described],
        todo=[item.key for item in todo],
        missing_needs=_missing_needs(comparison.resources, name),
        taken_by=list(dict.fromkeys(item.taken_by.id for item in described if item.taken_by)),
        problems=[problem.as_dict() for problem in changes_to_decide(todo)],
        found=[{"kind": item.kind, "name": item.name, "id": item.id} for item in found],
        unused=[item.id for item in found if item.unused],
        lines=_lines(name, described, todo, found),
    )


def _missing_needs(resources: Iterable[Resource], part: str) -> list[str]:
    return [item.name for item in resources if item.key in _NEEDS.get(part, ()) and item.id is None]


def _lines(
    part: str, described: Sequence[Resource], todo: Sequence[Resource], found: Iterable[Found]
) -> dict[str, list[str]]:
    """Return what a run would do, by the requested state."""
    return {
        "present": [f"  {part}: {len(todo)} of {len(described)} resources would be created or changed"],
        "absent": [f"  {part}: would delete {item.id}" for item in found],
    }


def changes_to_decide(todo: Iterable[Resource]) -> list[Finding]:
    """Return each difference that needs a decision, because an instance in use would be terminated.

    A launch template can change at any time: the next instance uses its new version.
    """
    return [
        _to_decide(resource, difference)
        for resource in todo
        if resource.kind != "launch_template"
        for difference in resource.differences
        if difference.replace or difference.property == "cpu_credits"
    ]


def _to_decide(resource: Resource, difference: Difference) -> Finding:
    replace = f"{_DELETE.get(resource.kind, _RESET)}, then run the playbook again"
    command = (replace if difference.replace else _CREDITS).format(id=resource.id, want=difference.want)
    return finding(
        "CHANGE_NEEDS_DECISION",
        f"{difference.property} of {resource.name}",
        f"it cannot be changed from {difference.have} to {difference.want} while the resource is in use",
        f"To keep it, change the description. To change it: {command}",
    )


def nodes_of(spec: ClusterSpec, comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Return the EC2 properties of each described node, by name."""
    described = {item.key: item for item in comparison.resources}
    return {
        node.name: {
            "machine_type": node.machine_type,
            **_node(described[f"eni/{node.name}"], described[f"instance/{node.name}"]),
        }
        for node in spec.nodes
    }


def _node(interface: Resource, instance: Resource) -> dict[str, Any]:
    have = interface.have or {}
    return {"interface": interface.id, "instance": instance.id, "mac": have.get("mac", ""), "ipv6": _first_ipv6(have)}


def _first_ipv6(have: Mapping[str, Any]) -> str:
    return str(next(iter(have.get("ipv6") or ()), ""))


def bastion_of(spec: ClusterSpec, comparison: Comparison) -> dict[str, Any]:
    """Return the EC2 properties of the bastion; its instances are not described: a schedule starts and stops them."""
    described = {item.key: item for item in comparison.resources}
    interface, group = described.get(f"eni/{BASTION}"), described.get(f"autoscaling_group/{BASTION}")
    return {
        "ipv6": _first_ipv6((interface and interface.have) or {}),
        "instances": [
            item.id for item in comparison.found if (item.kind, item.name) == ("instance", spec.names.bastion)
        ],
        "instances_wanted": ((group and group.have) or {}).get("desired_capacity"),
        "group": group.name if group else "",
    }


class Hours(NamedTuple):
    """When AWS stops the cluster: the end of its time to live, empty for none, and as lines.

    work is whether a run would change anything.
    """

    end: str
    lines: list[str]
    work: bool


def hours_of(hours: HoursSpec, comparison: Comparison) -> Hours:
    """Return when AWS stops the cluster: the end that is set in AWS, which may be none or another than described."""
    described = [item for item in comparison.resources if item.part == HOURS]
    stale = any(item.part == HOURS and not item.described for item in comparison.found)
    group = next((item for item in described if item.kind == "schedule_group"), None)
    end = end_in(comparison.schedules)
    unset = end_in(group.want["schedules"]) if group and group.have is None else None
    return Hours(
        end=end.isoformat() if end else "",
        lines=list(_hours_lines(hours, end, unset)),
        work=stale or any(item.state != "present" for item in described),
    )


def _hours_lines(hours: HoursSpec, end: datetime | None, unset: datetime | None) -> Iterator[str]:
    """Yield the lines; unset is the end that a run would set where AWS has no schedules."""
    left = f"each run leaves it at least {hours.ttl / 2:g} hours" if hours.ttl else "the next run removes that end"
    if end:
        yield f"AWS stops the cluster at {utc_text(end)}; {left} (cluster_ttl_hours)"
    elif unset:
        yield f"AWS stops the cluster at {utc_text(unset)} once a run has set it; {left} (cluster_ttl_hours)"
    elif hours.ttl:
        yield "AWS has stopped the cluster at the end of its hours (cluster_ttl_hours); playbooks/site.yml starts it"
    if hours.is_scheduled:
        yield f"AWS starts the nodes at {hours.start} and stops them at {hours.stop} {hours.time_zone} each day"


def schedule_role_of(spec: ClusterSpec, comparison: Comparison) -> str:
    """Return the ARN of the role that closes home access, its name if the ARN is unknown, or nothing if there is none.

    If a role exists there may be schedules, even if it is no longer described.
    """
    described: Iterator[Resource] = (item for item in comparison.resources if item.part == ACCESS)
    role = next(described, None)
    if role is None and not any(item.part == ACCESS for item in comparison.found):
        return ""
    return str(((role and role.have) or {}).get("arn") or spec.schedule_role_name)
