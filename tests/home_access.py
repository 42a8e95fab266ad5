# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests about home access share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Calls
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import Api
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import Order, carry_out, read_plan
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity

REGION = "eu-west-1"


def make_groups(ec2: Any, *, cluster: str = "moon", project: str = "talos-arm64") -> dict[str, str]:
    """Make the cluster's two security groups and return their ids."""
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    groups = {}
    for group in ("nodes", "bastion"):
        name = f"{cluster}-{group}"
        tags = [
            {"Key": key, "Value": value} for key, value in (("Name", name), ("Project", project), ("Cluster", cluster))
        ]
        made = ec2.create_security_group(
            GroupName=name,
            Description=group,
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
        groups[group] = made["GroupId"]
    return groups


def open_ports(ec2: Any, groups: dict[str, str]) -> set[tuple[str, int, str]]:
    """Return every ingress rule as group, port and network."""
    names = {group_id: group for group, group_id in groups.items()}
    filters = [{"Name": "group-id", "Values": list(names)}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return {
        (names[rule["GroupId"]], rule["FromPort"], rule.get("CidrIpv6") or rule.get("CidrIpv4", ""))
        for rule in rules
        if not rule["IsEgress"]
    }


def ensure_home_access(api: Api, identity: Identity, order: Order, now: datetime) -> None:
    """Open or close home access as the module does, without schedules."""
    calls = Calls(api)
    carry_out(calls, identity, order, now, read_plan(calls, identity, order, now, check_mode=False))
