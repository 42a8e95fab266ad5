# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find resources of another owner that are connected with one of the cluster. Private: may change at any time.

Deleting such a resource would affect the other one, or AWS would reject it after other resources were deleted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..client import Api, AwsError, existing
from ..home.access import home_rule, rules_among
from ..home.schedule import Schedule, is_closing
from ..identity import Identity
from ..scheduler import DEFAULT_GROUP, Call, read_call
from ..scheduler import Place as SchedulePlace
from ..spec import ClusterSpec
from ..values import words_in
from .current import Existing, Reading, Record, existing_of, is_of_aws, reading_of, records_of

_WORKERS = 16
# A schedule that may not be read.
_UNREAD = Call("", None, "", "", "", "")


class Place(NamedTuple):
    """The sources of the search: AWS, the resources already read, and all Auto Scaling groups, if a reading asks."""

    api: Api
    spec: ClusterSpec
    things: Sequence[Existing]
    groups: Callable[[], list[Record]]


Read = Callable[[Place, Sequence[Existing]], Iterable[Existing]]
# Kind and id of what is ours.
Known = set[tuple[str, str]]


class Tie(NamedTuple):
    """A resource of the cluster, its connection with a resource of another owner, and the remedy.

    If it blocks, the cluster cannot be built.
    """

    ours: Existing
    how: str
    other: Existing
    remedy: str
    blocks: bool = False

    @property
    def is_unread(self) -> bool:
        """Return whether the other resource could not be read, so that the connection is only possible."""
        return bool(self.other.have.get("unread"))


class Link(NamedTuple):
    """One way in which our resources of a kind can be connected with other resources, and how to find these.

    A remedy contains the ids of both. Held is our property that refers to another resource: with it
    a call is made only if one is not ours. Known ones need no call. A reading that finds several kinds is shared: each
    of its links is about the kind in other.
    """

    kind: str
    how: str
    remedy: str
    read: Read
    held: str = ""
    known: bool = False
    blocks: bool = False
    other: str = ""


def read_ties(api: Api, spec: ClusterSpec, things: Sequence[Existing], *, thorough: bool) -> tuple[Tie, ...]:
    """Return the ties of the cluster's resources; unless thorough, only those found without further calls."""
    ours = [thing for thing in things if thing.owned]
    roots = {str(thing.have.get("root_volume")) for thing in ours}
    # A role and a profile may have one name.
    known = {(thing.kind, thing.id) for thing in ours} | {("volume", root) for root in roots}
    links = [link for link in LINKS if thorough or link.held or link.known]
    asked = [(link, held) for link in links if (held := _holders(link, ours, known))]
    if not asked:
        return ()
    with ThreadPoolExecutor(_WORKERS) as pool:
        asks = any(link.read in (_scaling_groups, _launchers) for link, _held in asked)
        # Before the readings that wait for it.
        groups = pool.submit(_read_scaling_groups, api) if asks else pool.submit(list[Record])
        place = Place(api, spec, things, groups.result)
        holders: dict[Read, list[Existing]] = {}
        for link, held in asked:
            # Links with the same reading share it.
            holders.setdefault(link.read, []).extend(held)
        others = {read: pool.submit(read, place, of) for read, of in holders.items()}
    return tuple(tie for link, held in asked for tie in _ties(link, held, others[link.read].result(), known))


def _holders(link: Link, ours: Sequence[Existing], known: Known) -> list[Existing]:
    """Return our resources that can have such a tie."""
    of_kind = [thing for thing in ours if thing.kind == link.kind]
    ids = {thing_id for _kind, thing_id in known}
    return [thing for thing in of_kind if set(_values(thing, link.held)) - ids] if link.held else of_kind


def _ties(link: Link, ours: Sequence[Existing], read: Iterable[Existing], known: Known) -> list[Tie]:
    of_kind = [other for other in read if link.other in ("", other.kind)]
    others = {one.id: one for one in of_kind if not (one.owned or _is(one, known) or _goes_with(one, known))}
    return [
        Tie(thing, link.how, other, link.remedy.format(ours=thing.id, other=shlex.quote(other.id)), link.blocks)
        for other in others.values()
        for thing in ours
        if other.have.get("unread") or other.id in _values(thing, link.held) or thing.id in words_in(other.have)
    ]


def _goes_with(other: Existing, known: Known) -> bool:
    """Return whether AWS created an interface with one of our instances, and deletes it with that instance."""
    return bool(other.have.get("made_with_instance")) and ("instance", other.have["instance"]) in known


def _is(other: Existing, known: Known) -> bool:
    return (other.kind, other.id) in known


def _values(thing: Existing, member: str) -> list[str]:
    """Return the ids in a property; without a property, the id of the resource."""
    value = thing.have.get(member) if member else thing.id
    return [value] if isinstance(value, str) else list(value or ())


def _named_by(kind: str, name: str, held: str = "") -> Read:
    """Return a reading of the resources of a kind by a filter with values of our resources, or by ids."""

    def read(place: Place, ours: Sequence[Existing]) -> list[Existing]:
        return _filtered(place, kind, name, {value for thing in ours for value in _values(thing, held)})

    return read


def _known(kind: str) -> Read:
    """Return a reading of the resources of a kind that have already been read."""
    return lambda place, _ours: [thing for thing in place.things if thing.kind == kind]


def _filtered(place: Place, kind: str, name: str, values: Iterable[str]) -> list[Existing]:
    reading = reading_of(kind)
    wanted = [(name, tuple(sorted(values))), *reading.filters]
    filters = [{"Name": key, "Values": list(of)} for key, of in wanted]
    answer = place.api.call(reading.service, reading.operation, Filters=filters)
    return [existing_of(reading, record, place.spec) for record in records_of(reading, answer)]


def _options_of_vpcs(place: Place, ours: Sequence[Existing]) -> list[Existing]:
    """Return the DHCP options that the VPCs use, without the set of AWS that every new VPC has."""
    reading, used = reading_of("dhcp_options"), {value for vpc in ours for value in _values(vpc, "dhcp_options")}
    filters = [{"Name": "dhcp-options-id", "Values": sorted(used)}]
    records = records_of(reading, place.api.call(reading.service, reading.operation, Filters=filters))
    return [existing_of(reading, record, place.spec) for record in records if not is_of_aws(record)]


def _profiles_of_roles(place: Place, ours: Sequence[Existing]) -> Iterator[Existing]:
    """Yield the instance profiles that the roles are in; the list does not contain tags."""
    for role in ours:
        for listed in place.api.call("iam", "list_instance_profiles_for_role", RoleName=role.id)["InstanceProfiles"]:
            name = listed["InstanceProfileName"]
            answer = place.api.call("iam", "get_instance_profile", InstanceProfileName=name)
            yield existing_of(_PROFILE, answer["InstanceProfile"], place.spec)


def _schedules_with_roles(place: Place, _ours: Sequence[Existing]) -> list[Existing]:
    """Return all schedules that are not of the cluster, with the names of the roles that they use or pass on.

    A schedule that closes home access of the cluster is deleted with the access, unless a rule that it closes has lost
    its tags: then it is kept, and would fail without its role. So such rules are returned, with that role.
    """
    listed = place.api.call("scheduler", "list_schedules")["Schedules"]
    # What other owners have in the cluster's group is another tie.
    names = [(item["GroupName"], item["Name"]) for item in listed if item["GroupName"] != place.spec.hours_name]
    with ThreadPoolExecutor(_WORKERS) as pool:
        calls = list(pool.map(lambda named: _call_of(place, *named), names))
    found = [(group, name, call) for (group, name), call in zip(names, calls, strict=True) if call]
    others, closing = [], []
    for group, name, call in found:
        if call is not _UNREAD and group == DEFAULT_GROUP and is_closing(place.spec, name, call):
            closing.append(Schedule(name, call))
        else:
            others.append(_user_of_roles(group, name, call))
    return [*others, *_rules_without_tags(place, closing)]


def _call_of(place: Place, group: str, name: str) -> Call | None:
    try:
        return read_call(place.api, SchedulePlace(name, group), 0)
    except AwsError as error:
        # A schedule that may not be read is named, and must not prevent the removal of a cluster.
        if error.problem.code == "NOT_AUTHORIZED":
            return _UNREAD
        raise


def _user_of_roles(group: str, name: str, call: Call) -> Existing:
    facts = {"unread": True} if call is _UNREAD else {"roles": _roles_in(call)}
    return Existing("schedule", f"{group}/{name}", name, {}, facts, owned=False)


def _roles_in(call: Call) -> list[str]:
    """Return the names of the roles that a call uses or passes on."""
    return re.findall(r":role/(?:[^\s\"]*/)?([\w+=,.@-]+)", f"{call.role} {call.input}")


def _rules_without_tags(place: Place, closing: Iterable[Schedule]) -> Iterator[Existing]:
    """Yield each rule that such a schedule closes and that exists without the tags of home access."""
    roles = {rule: _roles_in(schedule.call) for schedule in closing for rule in schedule.rules}
    identity = Identity(place.spec.name, place.spec.project)
    for rule, record in rules_among(place.api, roles).items():
        if not home_rule(identity, "", record).ours:
            tags = {tag["Key"]: tag["Value"] for tag in record.get("Tags") or ()}
            yield Existing("security_group_rule", rule, rule, tags, {"roles": roles[rule]}, owned=False)


def _machines_with_profiles(place: Place, ours: Sequence[Existing]) -> list[Existing]:
    """Return the instances that use the profiles; EC2 cannot filter associations by profile."""
    names = {thing.id for thing in ours}
    associations = place.api.call("ec2", "describe_iam_instance_profile_associations")["IamInstanceProfileAssociations"]
    used = {item["InstanceId"] for item in associations if item["IamInstanceProfile"]["Arn"].split("/")[-1] in names}
    return _filtered(place, "instance", "instance-id", used) if used else []


def _read_scaling_groups(api: Api) -> list[Record]:
    """Return all Auto Scaling groups; AWS cannot filter them by launch template or subnet."""
    return list(records_of(_SCALING, api.call(_SCALING.service, _SCALING.operation)))


def _scaling_groups(place: Place, _ours: Sequence[Existing]) -> list[Existing]:
    return [existing_of(_SCALING, record, place.spec) for record in place.groups()]


def _launchers(place: Place, _ours: Sequence[Existing]) -> list[Existing]:
    """Return all launch templates and configurations of other owners; AWS has no filter for what they name."""
    reading = reading_of("launch_template")
    templates = place.api.call(reading.service, reading.operation)[reading.answer]
    things = [existing_of(reading, record, place.spec) for record in templates]
    others = [thing for thing in things if not thing.owned]
    used = {template for record in place.groups() for template in templates_of(record)}
    with ThreadPoolExecutor(_WORKERS) as pool:
        named = list(pool.map(lambda thing: list(_named_by_template(place, thing, used)), others))
    answer = place.api.call("autoscaling", "describe_launch_configurations")
    return [
        *(thing.with_facts(names=names) for thing, names in zip(others, named, strict=True)),
        *map(_launch_configuration, answer["LaunchConfigurations"]),
    ]


def templates_of(record: Record) -> Iterator[tuple[str, str]]:
    """Yield the launch templates that an Auto Scaling group names, each with its version."""
    mixed = (record.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    overrides = [item.get("LaunchTemplateSpecification") for item in mixed.get("Overrides") or ()]
    given = [record.get("LaunchTemplate"), mixed.get("LaunchTemplateSpecification"), *overrides]
    yield from (specified(item) for item in given if item)
    if record.get("LaunchConfigurationName"):
        yield f"launch configuration {record['LaunchConfigurationName']}", ""


def specified(template: Record | None) -> tuple[str, str]:
    """Return the id of a named launch template and its version."""
    template = template or {}
    return template.get("LaunchTemplateId", ""), template.get("Version", "$Default" if template else "")


def _launch_configuration(record: Record) -> Existing:
    """Return a launch configuration, which has no tags."""
    name, names = record["LaunchConfigurationName"], [*(record.get("SecurityGroups") or ()), *_profiles_in(record)]
    return Existing("launch_configuration", name, name, {}, {"names": names}, owned=False)


def _foreign_members(kind: str, member: str) -> Read:
    """Return how to read resources of other owners in the cluster's groups. They have no tags, and AWS deletes them."""

    def read(_place: Place, ours: Sequence[Existing]) -> list[Existing]:
        named = [(group, name) for group in ours for name in group.have.get(member, ())]
        return [Existing(kind, name, name, {}, {"group": group.id}, owned=False) for group, name in named]

    return read


def _named_by_template(place: Place, template: Existing, used: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield the ids and names in the versions of a template that groups use, or launches that name no version."""
    usual = ["$Latest", "$Default"]
    pinned = sorted({version for id_, version in used if id_ == template.id} - {*usual})
    # AWS refuses a list with a version that was deleted.
    for versions in (usual, *([version] for version in pinned)):
        wanted = {"LaunchTemplateId": template.id, "Versions": versions}
        found = existing(place.api, "ec2", "describe_launch_template_versions", **wanted) or {}
        for version in found.get("LaunchTemplateVersions", ()):
            yield from _named_in(version["LaunchTemplateData"])


def _named_in(data: Record) -> Iterator[str]:
    yield from data.get("SecurityGroupIds") or ()
    for interface in data.get("NetworkInterfaces") or ():
        yield from interface.get("Groups") or ()
        yield from (interface[key] for key in ("SubnetId", "NetworkInterfaceId") if interface.get(key))
    yield from _profiles_in(data)


def _profiles_in(record: Record) -> list[str]:
    """Return the name of the instance profile, which a template gives by name or ARN, and a configuration by name."""
    profile = record.get("IamInstanceProfile") or {}
    text = profile if isinstance(profile, str) else profile.get("Name") or profile.get("Arn") or ""
    return [text.rpartition("/")[2]] if text else []


def _facts_of_profile(record: Record) -> dict[str, Any]:
    return {"roles": [role["RoleName"] for role in record["Roles"]]}


def _facts_of_scaling(record: Record) -> dict[str, Any]:
    subnets = (record.get("VPCZoneIdentifier") or "").split(",")
    return {"templates": [record.get("LaunchTemplate"), record.get("MixedInstancesPolicy")], "subnets": subnets}


_PROFILE = Reading("instance_profile", "iam", "get_instance_profile", "", "InstanceProfileName", _facts_of_profile)
_SCALING = reading_of("autoscaling_group")._replace(parse=_facts_of_scaling)
_DISASSOCIATE = "Disassociate the address (aws ec2 disassociate-address)."
_INTERFACE = "network_interface"
LINKS = (
    Link(
        "internet_gateway",
        "is attached to",
        "Detach it: aws ec2 detach-internet-gateway --internet-gateway-id {ours} --vpc-id {other}",
        _named_by("vpc", "vpc-id", "attached_to"),
        held="attached_to",
        blocks=True,
    ),
    Link(
        "vpc",
        "uses",
        "If their owner agrees, use those of AWS until the next run: aws ec2 associate-dhcp-options "
        "--dhcp-options-id default --vpc-id {ours}",
        _options_of_vpcs,
        held="dhcp_options",
        blocks=True,
    ),
    Link(
        "dhcp_options",
        "are used by",
        "Associate other options with that VPC: aws ec2 associate-dhcp-options --dhcp-options-id default --vpc-id "
        "{other}",
        _named_by("vpc", "dhcp-options-id"),
    ),
    Link(
        "subnet",
        "is used by",
        "Ask its owner to use another subnet (aws autoscaling update-auto-scaling-group).",
        _scaling_groups,
    ),
    Link(
        "subnet",
        "uses",
        "Ask its owner to remove the subnet: aws ec2 disassociate-route-table with the association that "
        "aws ec2 describe-route-tables --route-table-ids {other} shows.",
        _known("route_table"),
        known=True,
        blocks=True,
    ),
    Link(
        "security_group",
        "is referenced by a rule of",
        "Ask its owner to remove that rule (aws ec2 revoke-security-group-ingress --group-id {other}).",
        _named_by("security_group", "ip-permission.group-id"),
    ),
    Link(
        "security_group",
        "is referenced by a rule of",
        "Ask its owner to remove that rule (aws ec2 revoke-security-group-egress --group-id {other}).",
        _named_by("security_group", "egress.ip-permission.group-id"),
    ),
    Link(
        "security_group",
        "is used by",
        "Ask its owner to use other groups for that interface (aws ec2 modify-network-interface-attribute).",
        _named_by("eni", "group-id"),
    ),
    Link(
        "iam_role",
        "is in",
        "Remove it: aws iam remove-role-from-instance-profile --instance-profile-name {other} --role-name {ours}",
        _profiles_of_roles,
    ),
    Link(
        "iam_role",
        "is used by",
        "Ask its owner to use another role for it (aws scheduler update-schedule).",
        _schedules_with_roles,
        other="schedule",
    ),
    Link(
        "iam_role",
        "is needed to close",
        "Its schedule would fail without the role. If it is home access of this cluster, close it: aws ec2 "
        "revoke-security-group-ingress --security-group-rule-ids {other} --group-id GROUP, with the group that aws ec2 "
        "describe-security-group-rules --security-group-rule-ids {other} shows.",
        _schedules_with_roles,
        other="security_group_rule",
    ),
    Link(
        "instance_profile",
        "is used by",
        "Ask its owner to use another profile for that instance (aws ec2 replace-iam-instance-profile-association).",
        _machines_with_profiles,
    ),
    Link(
        "eni",
        "is attached to",
        "Ask its owner to detach it (aws ec2 detach-network-interface).",
        _named_by("instance", "instance-id", "instance"),
        held="instance",
        blocks=True,
    ),
    Link(
        "eni",
        "has",
        _DISASSOCIATE,
        _named_by("address", "allocation-id", "addresses"),
        held="addresses",
        blocks=True,
    ),
    Link(
        "address",
        "is associated with",
        _DISASSOCIATE,
        _named_by("eni", "network-interface-id", _INTERFACE),
        held=_INTERFACE,
        blocks=True,
    ),
    Link(
        "volume",
        "is attached to",
        "Ask its owner to detach it: aws ec2 detach-volume --volume-id {ours}",
        _named_by("instance", "instance-id", "instance"),
        held="instance",
    ),
    Link(
        "instance",
        "has",
        "Ask its owner to detach it: aws ec2 detach-volume --volume-id {other}",
        _named_by("volume", "attachment.instance-id"),
    ),
    Link(
        "instance",
        "has",
        "Ask its owner to detach it (aws ec2 detach-network-interface).",
        _named_by("eni", "attachment.instance-id"),
    ),
    Link(
        "launch_template",
        "is used by",
        "Ask its owner to use another launch template (aws autoscaling update-auto-scaling-group).",
        _scaling_groups,
    ),
    Link(
        "autoscaling_group",
        "contains",
        "Ask its owner to remove it: aws autoscaling detach-instances --instance-ids {other} "
        "--auto-scaling-group-name {ours} --should-decrement-desired-capacity. Until then a schedule that stops the "
        "bastion, such as ttl-bastion (cluster_ttl_hours), terminates it.",
        _named_by("instance", "instance-id", "instances"),
        held="instances",
        # A smaller or stopped group would terminate any of its instances.
        blocks=True,
    ),
    Link(
        "autoscaling_group",
        "has",
        "Ask its owner to delete it, because AWS deletes it with the group: aws autoscaling delete-scheduled-action "
        "--auto-scaling-group-name {ours} --scheduled-action-name {other}",
        _foreign_members("scheduled_action", "extra_actions"),
        known=True,
    ),
    Link(
        "schedule_group",
        "has",
        "Ask its owner to make it in another group and to delete it, because AWS deletes it with the group: aws "
        "scheduler delete-schedule --group-name {ours} --name {other}",
        _foreign_members("schedule", "extra_schedules"),
        known=True,
    ),
    *(
        Link(
            kind,
            "is named by",
            "Ask its owner to name another one in a new default version of the template (aws ec2 "
            "create-launch-template-version), or in another launch configuration.",
            _launchers,
        )
        for kind in ("subnet", "security_group", "eni", "instance_profile")
    ),
)
