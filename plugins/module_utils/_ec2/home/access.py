# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open and close the cluster for one home network. Private to urmanac.talos: may change at any time.

A rule of home access has its purpose and its end as tags, so the account records what is open and until when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..calls import LEFT, Calls, errors_named
from ..client import Api, AwsError, Refused
from ..identity import UNTAGGED, Identity, group_name, owner_filters, owner_tags, tag_list
from ..openings import GROUPS, OPENINGS, Opening
from ..traffic import peer_of
from ..values import port_text
from .input import End, time_of, time_text

PURPOSE_TAG, PURPOSE = "Purpose", "home-access"
EXPIRES_TAG = "Expires"
# Another run was faster: the existing rules must be read again.
_MOVED = ("InvalidPermission.Duplicate", "InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound")


class Group(NamedTuple):
    """One security group of the cluster; purpose is nodes or bastion."""

    id: str
    purpose: str
    vpc: str = ""


class HomeRule(NamedTuple):
    """One ingress rule for one peer; id is None while it does not exist, and ours is whether it has our tags.

    owner describes a rule that is not ours by its tags: rules that we create are tagged at creation.
    """

    group: str
    group_id: str
    port: str
    network: str
    description: str
    expires: str | None
    id: str | None = None
    ours: bool = True
    owner: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Return the properties that are unique in AWS."""
        return self.group, self.port, self.network

    def is_expired(self, now: datetime) -> bool:
        """Return whether it has expired; an end that cannot be parsed counts as expired."""
        if self.expires is None:
            return False
        at = time_of(self.expires)
        return at is None or at <= now


class Order(NamedTuple):
    """The request: state present, absent or expired; network None is every network."""

    state: str
    network: str | None = None
    end: End | None = None
    replace: bool = False
    openings: tuple[Opening, ...] = OPENINGS


class Plan(NamedTuple):
    """The planned changes, the rules of home access before and after, and the problem with rules that are not read."""

    opened: tuple[HomeRule, ...]
    closed: tuple[HomeRule, ...]
    marked: tuple[HomeRule, ...]
    before: tuple[HomeRule, ...]
    after: tuple[HomeRule, ...]
    elsewhere: Finding | None = None

    @property
    def changed(self) -> bool:
        """Return whether there is a change."""
        return bool(self.opened or self.closed or self.marked)


def read_plan(api: Api, identity: Identity, order: Order, now: datetime, *, check_mode: bool) -> Plan:
    """Return the plan, or raise Ec2Error if it must not be carried out."""
    groups = read_groups(api, identity)
    elsewhere = find_elsewhere(api, identity, groups)
    if elsewhere and order.state == "present":
        raise AwsError(elsewhere)
    ids = one_of_each(identity, groups) if order.state == "present" else {}
    if order.state == "present" and not check_mode:
        _require_groups(identity, order, ids)
    plan = plan_home_access(read_rules(api, identity, groups), ids, order, now)
    _refuse_others(plan)
    # Closing goes on with the rules that are certain to be the cluster's.
    return plan._replace(elsewhere=elsewhere)


def _refuse_others(plan: Plan) -> None:
    """Raise Refused for rules of another owner that already allow the network: AWS rejects a duplicate rule."""
    taken = [
        finding(
            "HOME_RULE_TAKEN",
            f"open {rule.port} of {rule.group} to {rule.network}",
            f"the rule {rule.id} already allows it and is not managed by this cluster ({rule.owner})",
        )
        for rule in plan.marked
        if rule.owner
    ]
    if taken:
        raise Refused(*taken)


def carry_out(calls: Calls, identity: Identity, order: Order, now: datetime, plan: Plan) -> Plan:
    """Carry out the plan and return it with the ids of new rules."""
    # What an earlier task has made is listed, but not every part of AWS knows it yet.
    calls.made(*(rule.group_id for rule in plan.opened))
    try:
        return _act(calls, identity, plan)
    except AwsError as error:
        if error.reason not in _MOVED:
            raise
    again = read_plan(calls, identity, order, now, check_mode=False)
    return plan._replace(after=_act(calls, identity, again).after)


def _require_groups(identity: Identity, order: Order, groups: Mapping[str, str]) -> None:
    missing = sorted({opening.group for opening in order.openings} - set(groups))
    if missing:
        names = " and ".join(group_name(identity, group) for group in missing)
        message = f"the security group {names} of project {identity.project} does not exist"
        raise Refused(finding("HOME_GROUP_MISSING", f"open home access to {identity.name}", message))


def read_groups(api: Api, identity: Identity) -> list[Group]:
    """Return the cluster's security groups, of which a second VPC with its tags can have more.

    A group of another owner can have the cluster's name, so only what this collection has made counts, in a VPC that it
    has made. The name is not that of the tag, which anyone may change in the console.
    """
    vpcs = api.call("ec2", "describe_vpcs", Filters=owner_filters(identity))["Vpcs"]
    if not vpcs:
        return []
    names = {group_name(identity, group): group for group in GROUPS}
    places = [
        {"Name": "vpc-id", "Values": sorted(vpc["VpcId"] for vpc in vpcs)},
        {"Name": "group-name", "Values": list(names)},
    ]
    answer = api.call("ec2", "describe_security_groups", Filters=[*owner_filters(identity), *places])
    found = [group for group in answer["SecurityGroups"] if group["GroupName"] in names]
    return sorted(Group(group["GroupId"], names[group["GroupName"]], group["VpcId"]) for group in found)


def one_of_each(identity: Identity, groups: Sequence[Group]) -> dict[str, str]:
    """Return the id of each group by its purpose; raise AwsError if two groups may be one of them."""
    found = {purpose: [group for group in groups if group.purpose == purpose] for purpose in GROUPS}
    for purpose, same in found.items():
        if len(same) > 1:
            raise AwsError(_ambiguous(group_name(identity, purpose), same))
    return {purpose: group.id for purpose, same in found.items() for group in same}


def _ambiguous(name: str, groups: Iterable[Group]) -> Finding:
    places = " and ".join(f"{group.id} in {group.vpc}" for group in groups)
    message = f"{places} have the tags of the cluster. Nothing was opened or closed"
    return finding("DUPLICATE_SECURITY_GROUP", f"find the security group {name}", message)


def find_elsewhere(api: Api, identity: Identity, groups: Iterable[Group]) -> Finding | None:
    """Return the problem with rules of home access in other groups, if any: rules there would not be closed."""
    filters = [*owner_filters(identity), {"Name": f"tag:{PURPOSE_TAG}", "Values": [PURPOSE]}]
    known = {group.id for group in groups}
    others = [rule for rule in _ingress(api, identity, filters) if rule.ours and rule.group_id not in known]
    if not others:
        return None
    first = min(rule.group_id for rule in others)
    return _elsewhere(identity, first, sorted(str(rule.id) for rule in others if rule.group_id == first))


def _elsewhere(identity: Identity, group_id: str, ids: Sequence[str]) -> Finding:
    tags = " ".join(f"Key={key},Value={value}" for key, value in owner_tags(identity).items())
    names = " or ".join(group_name(identity, group) for group in GROUPS)
    message = (
        f"{' and '.join(ids)} in {group_id} have the tags of home access, but that group is not named {names}, or it "
        "or its VPC lacks a tag of the cluster. These rules stay as they are"
    )
    remedy = (
        f"If they belong to the cluster, tag the group and its VPC: aws ec2 create-tags --resources {group_id} VPC_ID "
        f"--tags {tags}. To close them now: aws ec2 revoke-security-group-ingress --group-id {group_id} "
        f"--security-group-rule-ids {' '.join(ids)}"
    )
    return finding("HOME_ACCESS_IN_OTHER_GROUP", f"read the home access of {identity.name}", message, remedy)


def read_rules(api: Api, identity: Identity, groups: Iterable[Group]) -> list[HomeRule]:
    """Return every ingress rule of the groups with an IPv6 network, and all that have our tags."""
    purposes = {group.id: group.purpose for group in groups}
    if not purposes:
        return []
    rules = _ingress(api, identity, [{"Name": "group-id", "Values": sorted(purposes)}])
    return sorted(rule._replace(group=purposes[rule.group_id]) for rule in rules)


def _ingress(api: Api, identity: Identity, filters: Sequence[Mapping[str, Any]]) -> list[HomeRule]:
    records = api.call("ec2", "describe_security_group_rules", Filters=filters)["SecurityGroupRules"]
    return [home_rule(identity, "", record) for record in records if not record["IsEgress"]]


def rules_among(api: Api, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return those of the rules that exist by their ids, of any owner and as AWS describes them."""
    filters = [{"Name": "security-group-rule-id", "Values": sorted(ids)}]
    if not filters[0]["Values"]:
        return {}
    answer = api.call("ec2", "describe_security_group_rules", Filters=filters)
    return {str(record["SecurityGroupRuleId"]): record for record in answer["SecurityGroupRules"]}


def home_rule(identity: Identity, group: str, record: Mapping[str, Any]) -> HomeRule:
    """Return an AWS rule in the form of a rule of home access, even if it is not one."""
    tags = {tag["Key"]: tag["Value"] for tag in record.get("Tags") or ()}
    marks = {**owner_tags(identity), PURPOSE_TAG: PURPOSE}
    return HomeRule(
        group=group,
        group_id=record["GroupId"],
        port=port_text(record),
        network=peer_of(record),
        description=record.get("Description", ""),
        expires=tags.get(EXPIRES_TAG),
        id=record["SecurityGroupRuleId"],
        ours=(ours := marks.items() <= tags.items()),
        owner="" if ours else ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or UNTAGGED,
    )


def plan_home_access(rules: Sequence[HomeRule], groups: Mapping[str, str], order: Order, now: datetime) -> Plan:
    """Return the changes from the existing rules to the request."""
    before = tuple(rule for rule in rules if rule.ours)
    wanted = _wanted(groups, order) if order.state == "present" else []
    known = {rule.place: rule for rule in sorted(rules, key=lambda rule: rule.ours)}
    opened = tuple(rule for rule in wanted if rule.place not in known)
    kept = [(known[rule.place], rule) for rule in wanted if rule.place in known]
    marked = tuple(
        rule._replace(id=have.id, owner=have.owner)
        for have, rule in kept
        if not _is_as_wanted(have, rule, order.end, now=now)
    )
    places = {rule.place for rule in wanted}
    closed = tuple(rule for rule in before if rule.place not in places and _is_to_close(rule, order, now))
    untouched = [have for have in before if have not in closed and have.id not in {rule.id for rule in marked}]
    return Plan(opened, closed, marked, before, tuple(sorted((*untouched, *marked, *opened), key=_order)))


def _order(rule: HomeRule) -> tuple[str, str, str]:
    return rule.network, rule.group, rule.port


def _wanted(groups: Mapping[str, str], order: Order) -> list[HomeRule]:
    expires = time_text(order.end.at) if order.end else None
    return [
        HomeRule(
            group=opening.group,
            group_id=groups.get(opening.group, ""),
            port=f"tcp/{opening.port}",
            network=order.network or "",
            description=opening.description,
            expires=expires,
        )
        for opening in order.openings
    ]


def _is_as_wanted(have: HomeRule, want: HomeRule, end: End | None, *, now: datetime) -> bool:
    if not have.ours or have.description != want.description or have.is_expired(now):
        return False
    at = time_of(have.expires) if have.expires else None
    if at is None or end is None:
        return at is None and end is None
    return abs(at - end.at) <= end.tolerance


def _is_to_close(rule: HomeRule, order: Order, now: datetime) -> bool:
    if rule.is_expired(now):
        return True
    if order.state == "absent":
        return order.network in (None, rule.network)
    return order.state == "present" and order.replace


def _act(calls: Calls, identity: Identity, plan: Plan) -> Plan:
    """Open before closing, so that a network that replaces another leaves no gap."""
    ids = {rule.place: _authorize(calls, identity, rule) for rule in plan.opened}
    for group_id, rules in _by_group(plan.marked):
        with errors_named(f"describe the rules of home access in {group_id}"):
            _mark(calls, identity, group_id, rules)
    for rule in plan.closed:
        with errors_named(f"close {rule.port} of {rule.group} to {rule.network}", LEFT):
            revoked = {"GroupId": rule.group_id, "SecurityGroupRuleIds": [rule.id]}
            calls.delete("ec2", "revoke_security_group_ingress", **revoked)
    after = [rule._replace(id=rule.id or ids.get(rule.place)) for rule in plan.after]
    return plan._replace(after=tuple(after))


def _by_group(rules: Iterable[HomeRule]) -> Iterator[tuple[str, list[HomeRule]]]:
    for group_id, of in groupby(sorted(rules, key=lambda rule: rule.group_id), key=lambda rule: rule.group_id):
        yield group_id, list(of)


def _authorize(calls: Calls, identity: Identity, rule: HomeRule) -> str:
    with errors_named(f"open {rule.port} of {rule.group} to {rule.network}"):
        answer = calls.create(
            "ec2",
            "authorize_security_group_ingress",
            lambda: _opened(calls, identity, rule),
            GroupId=rule.group_id,
            IpPermissions=[_permission(rule)],
            TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": _tag_list(identity, rule)}],
        )
    rule_id = answer if isinstance(answer, str) else str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
    calls.made(rule_id)
    return rule_id


def _opened(calls: Calls, identity: Identity, rule: HomeRule) -> str | None:
    """Return the id of the rule that was created by a call whose response was lost."""
    rules = read_rules(calls, identity, [Group(rule.group_id, rule.group)])
    return next((found.id for found in rules if found.ours and found.place == rule.place), None)


def _permission(rule: HomeRule) -> dict[str, Any]:
    port = int(rule.port.partition("/")[2])
    ranges = [{"CidrIpv6": rule.network, "Description": rule.description}]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "Ipv6Ranges": ranges}


def _tag_list(identity: Identity, rule: HomeRule) -> list[dict[str, str]]:
    tags = {
        "Name": f"{identity.name}-{PURPOSE}",
        **owner_tags(identity),
        PURPOSE_TAG: PURPOSE,
        **({EXPIRES_TAG: rule.expires} if rule.expires else {}),
    }
    return tag_list(tags)


def _mark(calls: Calls, identity: Identity, group_id: str, rules: Sequence[HomeRule]) -> None:
    ids = [rule.id for rule in rules]
    calls.call("ec2", "create_tags", Resources=ids, Tags=_tag_list(identity, rules[0]))
    if rules[0].expires is None:
        calls.call("ec2", "delete_tags", Resources=ids, Tags=[{"Key": EXPIRES_TAG}])
    permissions = [_permission(rule) for rule in rules]
    calls.call("ec2", "update_security_group_rule_descriptions_ingress", GroupId=group_id, IpPermissions=permissions)


def rule_line(rule: HomeRule) -> str:
    """Return a rule as text."""
    until = f"until {rule.expires}" if rule.expires else "without an end"
    return f"{rule.group} {rule.port} from {rule.network} {until} ({rule.description})"


def rule_as_dict(rule: HomeRule, now: datetime) -> dict[str, Any]:
    """Return a rule for a module's result."""
    names = ("id", "group", "group_id", "port", "network", "description", "expires")
    return {**{name: getattr(rule, name) for name in names}, "expired": rule.is_expired(now)}
