# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests about home access share: moto with the gaps closed that they would meet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws
from moto.core.responses import ActionResult
from moto.ec2.responses.security_groups import SecurityGroups

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi

REGION = "eu-west-1"


def _authorize(self: SecurityGroups) -> ActionResult:
    rules: list[Any] = []
    for options in self._process_rules_from_querystring():
        rules += self.ec2_backend.authorize_security_group_ingress(**options)[0]
    return ActionResult({"Return": True, "SecurityGroupRules": rules})


@contextmanager
def moto_with_rules() -> Iterator[None]:
    """Run moto; with several permissions in one request it would return the rules of the last one only."""
    original = SecurityGroups.authorize_security_group_ingress
    SecurityGroups.authorize_security_group_ingress = _authorize
    try:
        with mock_aws():
            yield
    finally:
        SecurityGroups.authorize_security_group_ingress = original


class RecordingApi(AwsApi):
    """The real Api on moto's clients, with what was called."""

    def __init__(self) -> None:
        self.clients = {name: boto3.client(name, region_name=REGION) for name in ("ec2", "scheduler")}
        self.calls: list[str] = []
        super().__init__(self.clients, REGION)

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        return super().call(service, operation, **parameters)

    @property
    def changes(self) -> list[str]:
        """Return the calls that were no reading."""
        return [name for name in self.calls if not name.startswith(("describe_", "get_", "list_"))]


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
