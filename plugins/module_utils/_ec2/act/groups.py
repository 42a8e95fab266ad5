# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups and their rules. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..desired import description_of
from ..traffic import Rule, beyond
from .work import Work

_DIRECTIONS = {"in": "ingress", "out": "egress"}


def ensure_security_group(work: Work, key: str) -> None:
    """Ensure that the group exists with our tags."""
    if key not in work.things:
        work.make(
            key,
            {"vpc-id": work.id("vpc")},
            VpcId=work.id("vpc"),
            GroupName=work.wanted[key].name,
            Description=description_of(work.spec, "security_group", work.wanted[key].part),
        )
    work.tag(key)


def link_security_group(work: Work, key: str) -> None:
    """Ensure the described rules; others stay, because other roles and users add their own."""
    # Read again: AWS creates default rules, and a call whose response was lost may have created ours.
    group = next(iter(work.read("security_group", {"group-id": work.id(key)})), work.things[key])
    ids = {work.wanted[other].name: thing.id for other, thing in work.things.items() if thing.kind == group.kind}
    rules = [rule._replace(peer=ids.get(rule.peer, rule.peer)) for rule in work.want(key)["rules"]]
    missing = beyond(rules, group.have["rules"])
    for direction, word in _DIRECTIONS.items():
        permissions = [_permission(rule) for rule in missing if rule.direction == direction]
        if permissions:
            operation = f"authorize_security_group_{word}"
            known = ("InvalidPermission.Duplicate",)
            work.calls.put("ec2", operation, known, GroupId=group.id, IpPermissions=permissions)
    if missing:
        work.changed(key, f"{len(missing)} rule{'s' * (len(missing) > 1)} added")


def _permission(rule: Rule) -> dict[str, Any]:
    described = {"Description": rule.description} if rule.description else {}
    if rule.peer.startswith("sg-"):
        peer = {"UserIdGroupPairs": [{"GroupId": rule.peer, **described}]}
    elif ":" in rule.peer:
        peer = {"Ipv6Ranges": [{"CidrIpv6": rule.peer, **described}]}
    else:
        peer = {"IpRanges": [{"CidrIp": rule.peer, **described}]}
    return {**rule.permission, **peer}


def empty_security_groups(work: Work, ids: Sequence[str]) -> None:
    """Remove the rules that refer to groups: groups that refer to each other cannot be deleted."""
    answer = work.ec2("describe_security_groups", Filters=[{"Name": "group-id", "Values": list(ids)}])
    for group in answer["SecurityGroups"]:
        for word, member in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
            naming = [_naming(item) for item in group[member] if item.get("UserIdGroupPairs")]
            if naming:
                operation = f"revoke_security_group_{word}"
                work.calls.delete("ec2", operation, GroupId=group["GroupId"], IpPermissions=naming)


def _naming(permission: dict[str, Any]) -> dict[str, Any]:
    kept = ("IpProtocol", "FromPort", "ToPort", "UserIdGroupPairs")
    return {key: permission[key] for key in kept if key in permission}


def delete_security_group(work: Work, thing_id: str) -> None:
    """Delete a group."""
    work.calls.delete("ec2", "delete_security_group", GroupId=thing_id)
