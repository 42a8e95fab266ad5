# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of AWS without some of their fields: the audit fails or finds the holes, but never reports them as closed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.modules.ec2_audit_info import audit_info
from tests.ec2_cluster import IMAGE, OWNER, Builder, MotoApi, empty_aws, spec, tag_list

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
BASTION = {"instance_type": "t4g.small", "volume_size": 8, "image": IMAGE, "start": "18:00", "stop": "23:00"}
HOST_KEY = "/urmanac.talos/talos-arm64/moon/bastion-host-key"
DESCRIBED = spec(bastion={**BASTION, "host_key_parameter": HOST_KEY})
HOLES = {
    *("RULE_OPEN_TO_INTERNET", "ROUTE_NOT_ALLOWED", "PUBLIC_IPV4", "IMDS_V1", "VOLUME_NOT_ENCRYPTED", "DUPLICATE_VPC"),
    *("IAM_WILDCARD", "IAM_POLICY_ATTACHED", "ROLE_IN_OTHER_PROFILE", "PARAMETER_NOT_ENCRYPTED", "SNAPSHOT_PUBLIC"),
    *("SCALING_SCHEDULE_NOT_DESCRIBED", "INTERFACE_HAS_MORE_ADDRESSES", "VPC_PEERING_NOT_DESCRIBED"),
    *("DHCP_NOT_DESCRIBED", "SCALING_NOT_AS_DESCRIBED", "DOCUMENT_PUBLIC", "ADDRESS_USED_OUTSIDE_CLUSTER"),
}
# Without these fields, which say whose or what a thing is, a hole is found by another code. AWS leaves out the last one
# where there is no public address, so a lost one is not visible.
FOUND_AS: dict[tuple[str, str | int], tuple[set[str], set[str]]] = {
    ("describe_addresses", "AssociationId"): ({"ADDRESS_USED_OUTSIDE_CLUSTER"}, {"ADDRESS_UNUSED"}),
    ("describe_network_interfaces", "PrivateIpAddresses"): (
        {"INTERFACE_HAS_MORE_ADDRESSES"},
        {"INTERFACE_NOT_DESCRIBED"},
    ),
    ("describe_network_interfaces", "TagSet"): ({"INTERFACE_HAS_MORE_ADDRESSES"}, {"TEMPLATE_NOT_AS_DESCRIBED"}),
    ("describe_route_tables", "Tags"): ({"ROUTE_NOT_ALLOWED"}, {"ROUTE_TABLE_NOT_DESCRIBED"}),
    ("describe_snapshot_attribute", "Group"): ({"SNAPSHOT_PUBLIC"}, {"SNAPSHOT_SHARED"}),
    ("get_role_policy", "Action"): ({"IAM_WILDCARD"}, {"IAM_STATEMENT_NOT_ALLOWED"}),
    ("describe_network_interfaces", "Association"): ({"PUBLIC_IPV4"}, set()),
}
# A field that no reader names cannot matter.
READERS = Path(__file__).parents[6] / "plugins" / "module_utils" / "_ec2"
NAMED = set(re.findall(r'"(\w+)"', "".join(path.read_text(encoding="utf-8") for path in READERS.rglob("*.py"))))
Steps = tuple[str | int, ...]


class Recording:
    """The Api of production, which answers a second time what it answered the first time, without some fields."""

    def __init__(self, api: MotoApi) -> None:
        self.api = api
        self.answers: dict[str, dict[str, Any]] = {}
        self.lost: dict[str, list[Steps]] = {}

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        key = f"{service} {operation} {parameters}"
        if key not in self.answers:
            self.answers[key] = self.api.call(service, operation, **parameters)
        answer = copy.deepcopy(self.answers[key])
        for path in self.lost.get(key, ()):
            _drop(answer, path)
        return answer

    def audit(self) -> list[str]:
        return [deviation["code"] for deviation in audit_info(self, DESCRIBED, {}, NOW)["deviations"]]


def _drop(answer: Any, path: Steps) -> None:
    *parents, last = path
    for step in parents:
        try:
            answer = answer[step]
        except (KeyError, IndexError):
            return
    answer.pop(last, None)


def _paths(value: Any, here: Steps = ()) -> Iterator[Steps]:
    """Yield the path of every field of an answer, at any depth."""
    if isinstance(value, dict):
        for key, of in value.items():
            if key != "ResponseMetadata":
                yield (*here, key)
                yield from _paths(of, (*here, key))
    elif isinstance(value, list):
        for index, of in enumerate(value):
            yield from _paths(of, (*here, index))


def _plant(api: MotoApi, ids: dict[str, str]) -> None:
    ec2 = api.clients["ec2"]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    ec2.authorize_security_group_ingress(GroupId=ids["security_group/nodes"], IpPermissions=[ssh])
    wide = {"DestinationCidrBlock": "172.16.0.0/12", "NetworkInterfaceId": ids["eni/gateway"]}
    ec2.create_route(RouteTableId=ids["route_table"], **wide)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, NetworkInterfaceId=ids["eni/gateway"])
    ec2.modify_instance_metadata_options(InstanceId=ids["instance/gateway"], HttpTokens="optional")
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=False)["VolumeId"]
    ec2.create_tags(Resources=[volume], Tags=tag_list(OWNER))
    peer = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_peering_connection(VpcId=ids["vpc"], PeerVpcId=peer)
    elsewhere = ec2.create_subnet(VpcId=peer, CidrBlock="10.99.0.0/24")["Subnet"]["SubnetId"]
    face = ec2.create_network_interface(SubnetId=elsewhere)["NetworkInterface"]["NetworkInterfaceId"]
    ours = [{"ResourceType": "elastic-ip", "Tags": tag_list(OWNER)}]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=ours)["AllocationId"]
    ec2.associate_address(AllocationId=address, NetworkInterfaceId=face)
    second = ec2.create_vpc(CidrBlock="10.98.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[second], Tags=tag_list(OWNER))
    ec2.assign_private_ip_addresses(NetworkInterfaceId=ids["eni/bastion"], PrivateIpAddresses=["10.10.0.77"])
    servers = [{"Key": "domain-name-servers", "Values": ["198.51.100.53"]}]
    options = ec2.create_dhcp_options(DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=ids["vpc"])
    copy = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    share = {"SnapshotId": copy, "Attribute": "createVolumePermission", "OperationType": "add"}
    ec2.modify_snapshot_attribute(**share, GroupNames=["all"])
    _plant_elsewhere(api)


def _plant_elsewhere(api: MotoApi) -> None:
    """Make what is not part of EC2."""
    iam, scaling, ssm = (api.clients[name] for name in ("iam", "autoscaling", "ssm"))
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    iam.put_role_policy(RoleName=DESCRIBED.iam_name, PolicyName="more", PolicyDocument=policy)
    arn = iam.create_policy(PolicyName="p", PolicyDocument=policy)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=DESCRIBED.iam_name, PolicyArn=arn)
    iam.create_instance_profile(InstanceProfileName="theirs")
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName=DESCRIBED.iam_name)
    group = {"AutoScalingGroupName": "talos-arm64-moon-bastion"}
    more = {"ScheduledActionName": "always-on", "Recurrence": "0 * * * *", "DesiredCapacity": 1}
    scaling.put_scheduled_update_group_action(**group, **more)
    scaling.put_lifecycle_hook(
        **group, LifecycleHookName="wait", LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING"
    )
    ssm.put_parameter(Name=HOST_KEY, Type="String", Value="x")
    content = json.dumps({"schemaVersion": "2.2", "description": "x", "mainSteps": []})
    ssm.create_document(Name="steps", Content=content, DocumentType="Command", Tags=tag_list(OWNER))
    ssm.modify_document_permission(Name="steps", PermissionType="Share", AccountIdsToAdd=["all"])


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recording]:
    """Give the answers about a cluster with holes of every part."""
    with empty_aws():
        api = MotoApi()
        _plant(api, Builder(api, DESCRIBED).build())
        recording = Recording(api)
        assert set(recording.audit()) >= HOLES
        yield recording


def _fields(recording: Recording) -> list[tuple[str, Steps]]:
    every = ((key, path) for key in sorted(recording.answers) for path in _paths(recording.answers[key]))
    return [(key, path) for key, path in every if path[-1] in NAMED]


def _shapes(recording: Recording) -> list[tuple[str, Steps]]:
    """Return one field of each kind: lists hold many records of the same shape."""
    first: dict[tuple[str, Steps], tuple[str, Steps]] = {}
    # Tags are many, and all have the same form.
    for key, path in (of for of in _fields(recording) if not {"Tags", "TagSet"} & set(of[1][:-1])):
        shape = (key, tuple("*" if isinstance(step, int) and step else step for step in path))
        first.setdefault(shape, (key, path))
    return list(first.values())


def test_an_answer_without_any_one_of_its_fields_never_closes_a_hole(recorded: Recording) -> None:
    recorded.lost = {}
    usual = set(recorded.audit())
    others: dict[tuple[str, Any], set[tuple[frozenset[str], frozenset[str]]]] = {}
    assert len(_shapes(recorded)) > 300
    for key, path in _shapes(recorded):
        recorded.lost = {key: [path]}
        try:
            found = set(recorded.audit())
        except AwsError as error:
            assert error.problem.code == "ANSWER_INVALID"
            continue
        if not usual <= found:
            changed = frozenset(usual - found), frozenset(found - usual)
            others.setdefault((key.split()[1], path[-1]), set()).add(changed)

    assert others == {where: {(frozenset(less), frozenset(more))} for where, (less, more) in FOUND_AS.items()}


@settings(max_examples=60)
@given(chosen=st.lists(st.integers(0, 100_000), min_size=2, max_size=40))
def test_answers_without_many_of_their_fields_never_end_in_a_traceback(recorded: Recording, chosen: list[int]) -> None:
    recorded.lost = {}
    fields = _fields(recorded)
    for number in chosen:
        key, path = fields[number % len(fields)]
        recorded.lost.setdefault(key, []).append(path)

    try:
        found = recorded.audit()
    except AwsError as error:
        assert error.problem.remedy
    else:
        assert found
