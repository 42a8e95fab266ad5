# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that creates something: its tags, its ClientToken, an answer that is lost, a read that comes too early."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.lab.labs import Lab, Network

TAGS = [{"Key": "Name", "Value": "tagged"}]
NOT_FOUND = ("NotFound", "NoSuchEntity", "ParameterNotFound")
KEY = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
_numbers = itertools.count(1)
Read = tuple[str, str, tuple[str, ...]]
# Service, what TagSpecifications call it, and how it is read: operation, parameter, and where the answer names it.
CREATIONS: dict[str, tuple[str, str, Read]] = {
    "create_vpc": ("ec2", "vpc", ("describe_vpcs", "VpcIds", ("Vpc", "VpcId"))),
    "create_subnet": ("ec2", "subnet", ("describe_subnets", "SubnetIds", ("Subnet", "SubnetId"))),
    "create_internet_gateway": (
        "ec2",
        "internet-gateway",
        ("describe_internet_gateways", "InternetGatewayIds", ("InternetGateway", "InternetGatewayId")),
    ),
    "create_route_table": (
        "ec2",
        "route-table",
        ("describe_route_tables", "RouteTableIds", ("RouteTable", "RouteTableId")),
    ),
    "create_security_group": ("ec2", "security-group", ("describe_security_groups", "GroupIds", ("GroupId",))),
    "create_dhcp_options": (
        "ec2",
        "dhcp-options",
        ("describe_dhcp_options", "DhcpOptionsIds", ("DhcpOptions", "DhcpOptionsId")),
    ),
    "create_network_interface": (
        "ec2",
        "network-interface",
        ("describe_network_interfaces", "NetworkInterfaceIds", ("NetworkInterface", "NetworkInterfaceId")),
    ),
    "allocate_address": ("ec2", "elastic-ip", ("describe_addresses", "AllocationIds", ("AllocationId",))),
    "create_launch_template": (
        "ec2",
        "launch-template",
        ("describe_launch_templates", "LaunchTemplateIds", ("LaunchTemplate", "LaunchTemplateId")),
    ),
    "run_instances": ("ec2", "instance", ("describe_instances", "InstanceIds", ("Instances", "InstanceId"))),
    "import_key_pair": ("ec2", "key-pair", ("describe_key_pairs", "KeyNames", ("KeyName",))),
    "create_role": ("iam", "", ("get_role", "RoleName", ("Role", "RoleName"))),
    "create_instance_profile": (
        "iam",
        "",
        ("get_instance_profile", "InstanceProfileName", ("InstanceProfile", "InstanceProfileName")),
    ),
    "put_parameter": ("ssm", "", ("get_parameter", "Name", ())),
}
WITH_TOKEN = ("create_network_interface", "create_route_table", "create_launch_template", "run_instances")


@pytest.fixture(autouse=True)
def _roomy_account(lab: Lab) -> Iterator[None]:
    lab.ask("/lab/account", method="POST", body={"quotas": {"L-0263D0A3": 20}})
    yield
    lab.ask("/lab/faults", method="DELETE")


def arguments(action: str, lab: Lab, network: Network, image: str) -> dict[str, Any]:
    """Return what a call needs, with a new name or block each time."""
    number = next(_numbers)
    name, block = f"new-{number}", f"{lab.network.rsplit('.', 2)[0]}.{number}.0/24"
    known: dict[str, dict[str, Any]] = {
        "create_vpc": {"CidrBlock": f"10.{number}.0.0/16"},
        "create_subnet": {"VpcId": network.vpc, "CidrBlock": block},
        "create_route_table": {"VpcId": network.vpc},
        "create_security_group": {"VpcId": network.vpc, "GroupName": name, "Description": name},
        "create_dhcp_options": {"DhcpConfigurations": [{"Key": "domain-name", "Values": [f"{name}.example.com"]}]},
        "create_network_interface": {"SubnetId": network.subnet},
        "create_launch_template": {"LaunchTemplateName": name, "LaunchTemplateData": {"InstanceType": "t4g.small"}},
        "run_instances": {"ImageId": image, "InstanceType": "t4g.small", "SubnetId": network.subnet}
        | {"MinCount": 1, "MaxCount": 1},
        "import_key_pair": {"KeyName": name, "PublicKeyMaterial": KEY},
        "create_role": {"RoleName": name, "AssumeRolePolicyDocument": '{"Version":"2012-10-17","Statement":[]}'},
        "create_instance_profile": {"InstanceProfileName": name},
        "put_parameter": {"Name": f"/{name}", "Value": "secret", "Type": "SecureString"},
    }
    return known.get(action, {})


def tagged(kind: str) -> dict[str, Any]:
    """Return the argument that tags what a call creates."""
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": TAGS}]} if kind else {"Tags": TAGS}


def read(client: Any, action: str, asked: dict[str, Any], answer: Any) -> Any:
    """Read what a call has created."""
    _, kind, (operation, parameter, path) = CREATIONS[action]
    name: Any = answer
    for key in path:
        name = (name[0] if isinstance(name, list) else name)[key]
    if not kind:
        return getattr(client, operation)(**{parameter: asked[parameter]})
    return getattr(client, operation)(**{parameter: [name]})


def code_of(call: Callable[[], Any]) -> str:
    """Return the code with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    code: str = caught.value.response["Error"]["Code"]
    return code


def camel(action: str) -> str:
    """Return the name of an action as AWS writes it."""
    return "".join(word.capitalize() for word in action.split("_"))


@pytest.mark.parametrize("action", CREATIONS)
def test_tags_are_there_from_the_start(lab: Lab, network: Network, image: str, action: str) -> None:
    service, kind, _ = CREATIONS[action]
    client = lab.client(service)
    asked = arguments(action, lab, network, image)

    answer = getattr(client, action)(**asked, **tagged(kind))

    if service == "ssm":
        found = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=asked["Name"])["TagList"]
        assert found == TAGS
    else:
        assert "'Value': 'tagged'" in str(read(client, action, asked, answer))


@pytest.mark.parametrize("action", CREATIONS)
def test_what_was_just_created_can_be_unknown_to_the_next_read(
    lab: Lab, network: Network, image: str, action: str
) -> None:
    client = lab.client(CREATIONS[action][0])
    asked = arguments(action, lab, network, image)
    lab.fault(kind="eventual", action=camel(action), count=1)
    answer = getattr(client, action)(**asked)

    early = code_of(lambda: read(client, action, asked, answer))

    assert any(word in early for word in NOT_FOUND), early
    assert read(client, action, asked, answer)


@pytest.mark.parametrize("action", WITH_TOKEN)
def test_a_call_that_comes_again_with_its_token_creates_nothing(
    lab: Lab, network: Network, image: str, action: str
) -> None:
    ec2 = lab.client("ec2")
    asked = arguments(action, lab, network, image) | {"ClientToken": f"token-{action}"}
    lab.fault(kind="dropped_answer", action=camel(action))
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        getattr(ec2, action)(**asked)

    first, second = getattr(ec2, action)(**asked), getattr(ec2, action)(**asked)
    other = code_of(lambda: getattr(ec2, action)(**asked | tagged(CREATIONS[action][1])))

    del first["ResponseMetadata"], second["ResponseMetadata"]
    assert first == second
    assert other == "IdempotentParameterMismatch"
    made = [call for call in lab.ask("/lab/calls") if call["action"] == camel(action)]
    assert [call["status"] for call in made[-4:]] == [500, 200, 200, 400]


def test_a_token_is_free_again_when_what_it_created_is_deleted(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")

    def make() -> str:
        answer = ec2.create_network_interface(SubnetId=network.subnet, ClientToken="again")
        name: str = answer["NetworkInterface"]["NetworkInterfaceId"]
        return name

    first = make()
    ec2.delete_network_interface(NetworkInterfaceId=first)

    assert make() != first


def test_a_secret_parameter_is_not_overwritten_unless_asked_for(lab: Lab) -> None:
    ssm = lab.client("ssm")
    secret = {"Name": "/secret", "Type": "SecureString"}
    ssm.put_parameter(**secret, Value="one")

    code = code_of(lambda: ssm.put_parameter(**secret, Value="two"))

    assert code == "ParameterAlreadyExists"
    assert ssm.get_parameter(Name="/secret", WithDecryption=True)["Parameter"]["Value"] == "one"
    assert ssm.get_parameter(Name="/secret")["Parameter"]["Value"] != "one"


def test_an_image_is_looked_up_by_the_parameter_that_names_it(lab: Lab, network: Network, image: str) -> None:
    ssm, ec2 = lab.client("ssm"), lab.client("ec2")
    ssm.put_parameter(Name="/image", Type="String", Value=image)
    asked = arguments("run_instances", lab, network, image) | {"ImageId": "resolve:ssm:/image"}

    made = ec2.run_instances(**asked)["Instances"][0]

    assert made["ImageId"] == image
