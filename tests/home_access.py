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
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import MANAGED_BY, Identity
from tests.ec2_cluster import tag_list

REGION = "eu-west-1"


def make_groups(
    ec2: Any, *, cluster: str = "moon", project: str = "talos-arm64", managed_by: str = MANAGED_BY
) -> dict[str, str]:
    """Make the cluster's two security groups in a VPC of its own and return their ids."""
    owner = {"Project": project, "Cluster": cluster, **({"ManagedBy": managed_by} if managed_by else {})}
    vpc = ec2.create_vpc(
        CidrBlock="10.10.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tag_list(owner)}]
    )["Vpc"]["VpcId"]
    return {group: make_group(ec2, vpc, {"Name": f"{cluster}-{group}", **owner}) for group in ("nodes", "bastion")}


def make_group(ec2: Any, vpc: str, tags: dict[str, str]) -> str:
    """Make a security group and return its id."""
    made = ec2.create_security_group(
        GroupName=tags["Name"],
        Description="a group",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tag_list(tags)}],
    )
    return str(made["GroupId"])


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
