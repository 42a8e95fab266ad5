# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the plan. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..._findings import Finding, finding
from ..bastion.text import (
    action_text,
    group_line,
    role_line,
    template_line,
    way_out_lines,
)
from ..cost.forecast import cost_lines, forecast
from ..cost.prices import shipped
from ..desired import ACCESS, BASTION, HOURS
from ..hours.schedules import schedule_text
from ..spec import ClusterSpec
from ..traffic import beyond
from .comparison import (
    Comparison,
    Difference,
    Found,
    Resource,
)
from .owners import owner_of
from .ties import Tie

_KIND_WORDS = {
    "eni": "network interface",
    "dhcp_options": "DHCP options",
    "vpc": "VPC",
    "network_acl": "network ACL",
    "vpc_endpoint": "VPC endpoint",
    "vpc_peering_connection": "VPC peering",
    "vpn_gateway": "VPN gateway",
    "natgateway": "NAT gateway",
    "egress_only_internet_gateway": "egress-only internet gateway",
    "iam_role": "IAM role",
    "address": "Elastic IP",
    "ssm_parameter": "SSM parameter",
    "autoscaling_group": "Auto Scaling group",
    "schedule_group": "schedule group",
}
_PROPERTY_WORDS = {
    "volume_size": "size of the root volume (GiB)",
    "volume_type": "type of the root volume",
    "volume_encrypted": "encryption of the root volume",
    "data_volume_size": "size of the data volume (GiB)",
    "data_volume_encrypted": "encryption of the data volume",
    "imds_tokens": "metadata tokens",
    "imds_hop_limit": "metadata hop limit",
    "ipv6_count": "number of IPv6 addresses",
}

Want = Mapping[str, Any]


def plan_lines(
    spec: ClusterSpec, comparison: Comparison, stops: Sequence[str] = (), hours: Sequence[str] = ()
) -> list[str]:
    """Return the plan: what would be created and changed, what exists, and what exists beyond the description."""
    return [
        f"Cluster {spec.name} of project {spec.project} in {spec.availability_zone}",
        *(line for resource in comparison.resources for line in _resource_lines(resource)),
        *_present_lines(comparison),
        *(f"x {tie_text(tie)}" for tie in comparison.blocking_ties),
        *(f"? {kind_word(stray.kind)} {stray.name} ({stray.id}): {_stray_text(stray)}" for stray in comparison.strays),
        *stops,
        *(f"~ {line}" for line in hours),
        *way_out_lines(spec.bastion),
        *cost_lines(forecast(spec, shipped(spec.region))),
        _total(comparison.summary()),
    ]


def kind_word(kind: str) -> str:
    """Return the display name of a kind."""
    return _KIND_WORDS.get(kind, kind.replace("_", " "))


def tie_text(tie: Tie) -> str:
    """Return which resource of the cluster is connected with which resource of another owner."""
    ours = f"{kind_word(tie.ours.kind)} {tie.ours.name}" + (f" ({tie.ours.id})" if tie.ours.name != tie.ours.id else "")
    other = f"{kind_word(tie.other.kind)} {tie.other.id}"
    return f"{ours} {tie.how} {other}, which is not managed by this cluster ({owner_of(tie.other)})"


def unread_lines(ties: Iterable[Tie]) -> list[str]:
    """Return which resources of other owners could not be read, each with what it may use."""
    used: dict[str, list[str]] = {}
    for tie in ties:
        ours = f"{kind_word(tie.ours.kind)} {tie.ours.name}"
        used.setdefault(f"{kind_word(tie.other.kind)} {tie.other.id}", []).append(ours)
    unknown = "could not be read, so it is not known whether it uses"
    return [f"? {other}: {unknown} {' or '.join(ours)}" for other, ours in used.items()]


def tie_problem(tie: Tie) -> Finding:
    """Return that a resource of the cluster is connected with one of another owner."""
    return finding("USED_BY_FOREIGN_RESOURCE", f"{tie.ours.kind} {tie.ours.name}", tie_text(tie), tie.remedy)


def foreign_resource_problems(comparison: Comparison) -> Iterator[Finding]:
    """Yield each resource in the network of the cluster that a teardown does not delete."""
    for foreign in comparison.foreign_resources:
        what = f"{kind_word(foreign.kind)} {foreign.id} is in the network of the cluster"
        message = f"{what} and not managed by it ({owner_of(foreign)})"
        yield finding("FOREIGN_RESOURCE_IN_NETWORK", f"{foreign.kind} {foreign.id}", message)
    for found in comparison.obstacles:
        what = f"{kind_word(found.kind)} {found.id} is in the network of the cluster"
        message = f"{what} and has its tags, but no playbook creates or deletes it"
        remedy = "Delete it, then run the playbook again."
        yield finding("FOREIGN_RESOURCE_IN_NETWORK", f"{found.kind} {found.id}", message, remedy)


def _resource_lines(resource: Resource) -> Iterator[str]:
    title = f"{kind_word(resource.kind)} {resource.name}"
    if resource.state == "missing":
        yield f"+ {title}{_details(resource)}"
        yield from (f"    {rule}" for rule in resource.want.get("rules", ()))
    if resource.state == "differs":
        yield f"~ {title} ({resource.id})"
        yield from (
            f"    {line}" for difference in resource.differences for line in _difference_lines(resource, difference)
        )
    if resource.taken_by:
        taker = resource.taken_by
        whose = "belongs to this cluster too" if taker.owned else f"is not managed by this cluster ({owner_of(taker)})"
        yield f"x {title}: {taker.id} has its name or address and {whose}"
    have = resource.have or {}
    for what in ("rules", "routes"):
        yield from (f"! {title}: {item} is open beyond the plan" for item in have.get(f"extra_{what}", ()))
    for action, when in sorted(have.get("extra_actions", {}).items()):
        yield f"! {title}: scheduled action {action} ({when}) is not managed by this cluster and is kept"
    for schedule in have.get("extra_schedules", ()):
        yield f"! {title}: schedule {schedule} is not managed by this cluster and is kept"


def _stray_text(stray: Found) -> str:
    if not stray.duplicate:
        return "not described"
    if stray.unused:
        return "an unused duplicate; cluster_remove_duplicates=true removes it"
    return "a duplicate in use: remove the resources that use it, then the duplicate"


def _difference_lines(resource: Resource, difference: Difference) -> Iterator[str]:
    word = _PROPERTY_WORDS.get(difference.property, difference.property.replace("_", " "))
    have, want = difference.have, difference.want
    if isinstance(want, Mapping) and difference.property == "tags":
        changed = {key: value for key, value in want.items() if (have or {}).get(key) != value}
        yield from (f"tag {key}: {_show((have or {}).get(key))} -> {value}" for key, value in changed.items())
    elif difference.property == "schedules":
        text = action_text if resource.kind == "autoscaling_group" else schedule_text
        yield from _schedule_lines(text, have or {}, want)
    elif difference.property in ("rules", "routes"):
        yield from (f"{word}: add {item}" for item in beyond(want, have or ()))
    elif isinstance(want, Mapping):
        yield f"{word}: is not as described"
    else:
        yield f"{word}: {_show(have)} -> {_show(want)}"
    if difference.replace:
        yield f"  {word} cannot be changed in place: remove the resource and run the playbook again to recreate it"


def _schedule_lines(text: Callable[[Want], str], have: Want, want: Want) -> Iterator[str]:
    """Yield a line for each schedule that is not as described."""
    for name in dict.fromkeys((*have, *want)):
        texts = [text(schedules[name]) if name in schedules else "none" for schedules in (have, want)]
        if have.get(name) != want.get(name):
            yield f"schedule {name}: {' -> '.join(texts)}"


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _present_lines(comparison: Comparison) -> list[str]:
    present = [resource for resource in comparison.resources if resource.state == "present"]
    if not present:
        return []
    kinds = list(dict.fromkeys(resource.kind for resource in present))
    counts = [(sum(resource.kind == kind for resource in present), kind_word(kind)) for kind in kinds]
    return [f"= {len(present)} present: " + ", ".join(f"{count} {word}" for count, word in counts)]


def _total(summary: Mapping[str, int]) -> str:
    taken = f", {summary['foreign']} in conflict" if summary["foreign"] else ""
    return (
        f"Plan: {summary['missing']} to create, {summary['differs']} to change, {summary['present']} present, "
        f"{summary['strays']} not described{taken}"
    )


def _details(resource: Resource) -> str:
    describe = _DESCRIBE.get(resource.key) or _DESCRIBE.get(resource.kind)
    return f": {describe(resource.want)}" if describe else ""


def _vpc(want: Want) -> str:
    return f"{want['ipv4_cidr']} and an Amazon-provided IPv6 /56, DNS support and host names on"


def _dhcp_options(want: Want) -> str:
    servers, time = _show(want["domain_name_servers"]), _show(want["ntp_servers"])
    return f"domain {want['domain_name']}, DNS from {servers}, time from {time}"


def _subnet(want: Want) -> str:
    return f"{want['ipv4_cidr']} and {want['ipv6_cidr']} in {want['availability_zone']}, no automatic public address"


def _route_table(want: Want) -> str:
    return f"for {_show(want['subnets'])}; " + _show(want["routes"])


def _security_group(want: Want) -> str:
    return "no access from the internet"


def _node_role(want: Want) -> str:
    (statement,) = want["policy"]["Statement"]
    region = statement["Condition"]["StringEquals"]["aws:RequestedRegion"]
    return f"instances may only call {statement['Action']} in {region}"


def _closing_role(want: Want) -> str:
    (statement,) = want["policy"]["Statement"]
    return f"EventBridge Scheduler may call {statement['Action']} only on rules of this cluster"


def _hours_role(want: Want) -> str:
    return "EventBridge Scheduler may only stop and start machines of this cluster"


def _eni(want: Want) -> str:
    groups, check = _show(want["security_groups"]), _show(want["source_dest_check"])
    return f"{want['ipv4']} and one IPv6 in {want['subnet']}, security group {groups}, source/dest check {check}"


def _instance(want: Want) -> str:
    disk = f"{want['volume_size']} GiB encrypted {want['volume_type']}"
    if want["data_volume_size"]:
        disk += f" and {want['data_volume_size']} GiB for data"
    surcharge = f", CPU credits {want['cpu_credits']}" if "cpu_credits" in want else ""
    who = f"{want['tags']['Role']}, {want['tags']['MachineType']}"
    return f"{want['type']}, {who}, {disk}, IMDSv2 only{surcharge}"


# By the kind of the resource, or by its key where the resources of a kind have little in common.
_DESCRIBE: dict[str, Callable[[Want], str]] = {
    "vpc": _vpc,
    "dhcp_options": _dhcp_options,
    "subnet": _subnet,
    "internet_gateway": lambda want: f"attached to {_show(want['attached_to'])}",
    "route_table": _route_table,
    "security_group": _security_group,
    "iam_role/node": _node_role,
    f"iam_role/{BASTION}": role_line,
    f"iam_role/{ACCESS}": _closing_role,
    f"iam_role/{HOURS}": _hours_role,
    "instance_profile": lambda want: f"contains the role {_show(want['roles'])}",
    "schedule_group": lambda want: "; ".join(f"{name} {schedule_text(of)}" for name, of in want["schedules"].items()),
    "eni": _eni,
    "address": lambda want: f"on {want['network_interface']}",
    "launch_template": template_line,
    "autoscaling_group": group_line,
    "instance": _instance,
}
