# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the reading of AWS, with moto."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import Comparison
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import read_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from tests.ec2_cluster import IMAGE, OWNER, REGION, Builder, MotoApi, compared, empty_aws, node, spec, tag_list

TWO_NODES = [node(), node("compute-2", role="compute", machine_type="worker", ipv4="10.10.0.102")]


@pytest.fixture
def api() -> Iterator[MotoApi]:
    with empty_aws():
        yield MotoApi()


def differences(comparison: Comparison) -> dict[str, list[str]]:
    found = {item.key: [difference.property for difference in item.differences] for item in comparison.resources}
    return {key: names for key, names in found.items() if names}


def test_an_empty_account_has_nothing(api: MotoApi) -> None:
    assert read_cluster(api, spec()) == []


def test_what_was_built_as_described_has_no_differences(api: MotoApi) -> None:
    cluster_spec = spec(nodes=TWO_NODES)
    Builder(api, cluster_spec).build()

    comparison = compared(api, cluster_spec)

    assert differences(comparison) == {}
    assert comparison.summary() == {"present": 13, "missing": 0, "differs": 0, "foreign": 0, "strays": 0}


class TwoAddresses(MotoApi):
    """An API that lists a second IPv6 address of each interface before the primary one."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the answer of moto, which knows no primary address."""
        answer = super().call(service, operation, **parameters)
        for interface in answer.get("NetworkInterfaces", ()):
            primary = {"Ipv6Address": "2001:db8::2", "IsPrimaryIpv6": True}
            interface["Ipv6Addresses"] = [{"Ipv6Address": "2001:db8::1", "IsPrimaryIpv6": False}, primary]
        return answer


def test_the_primary_address_of_an_interface_comes_first() -> None:
    with empty_aws():
        api, cluster_spec = TwoAddresses(), spec()
        Builder(api, cluster_spec).build()

        found = [thing.have["ipv6"] for thing in read_cluster(api, cluster_spec) if thing.kind == "eni"]

    assert found
    assert all(addresses == ["2001:db8::2", "2001:db8::1"] for addresses in found)


def test_reading_only_reads(api: MotoApi) -> None:
    Builder(api, spec()).build()

    read_cluster(api, spec(), console_output=True)

    assert all(call.startswith(("describe_", "get_")) for call in api.calls)


def test_the_number_of_calls_does_not_grow_with_the_nodes(api: MotoApi) -> None:
    cluster_spec = spec(nodes=TWO_NODES)
    Builder(api, cluster_spec).build()

    read_cluster(api, cluster_spec)

    assert len(api.calls) == 38


def test_the_role_that_closes_home_access_is_seen_only_with_our_tags(api: MotoApi) -> None:
    iam = api.clients["iam"]
    for cluster_spec in (spec(), spec(name="sun")):
        name = f"talos-arm64-{cluster_spec.name}-home-access"
        tags = tag_list({**OWNER, "Region": REGION})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=tags)

    ours, others = compared(api, spec()), compared(api, spec(name="sun"))

    assert [(thing.kind, thing.name, thing.described) for thing in ours.found] == [
        ("iam_role", "talos-arm64-moon-home-access", False)
    ]
    assert others.found == ()


def test_a_strangers_things_are_not_seen(api: MotoApi) -> None:
    Builder(api, spec()).build()
    Builder(api, spec(name="sun", vpc_ipv4_cidr="10.10.0.0/16")).build()
    api.clients["ec2"].run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t4g.medium")

    things = read_cluster(api, spec())

    assert {thing.tags["Cluster"] for thing in things} == {"moon"}
    assert [thing.name for thing in things if thing.kind == "instance"] == ["moon-gateway"]


def test_the_same_cluster_name_in_another_project_is_a_stranger(api: MotoApi) -> None:
    Builder(api, spec(project="other")).build()

    assert read_cluster(api, spec()) == []


def test_drift_of_every_kind_is_seen(api: MotoApi) -> None:
    ids = Builder(api, spec()).build()
    ec2, iam = api.clients["ec2"], api.clients["iam"]
    ec2.modify_vpc_attribute(VpcId=ids["vpc"], EnableDnsHostnames={"Value": False})
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=ids["vpc"])
    ec2.modify_subnet_attribute(SubnetId=ids["subnet"], MapPublicIpOnLaunch={"Value": True})
    ec2.detach_internet_gateway(InternetGatewayId=ids["internet_gateway"], VpcId=ids["vpc"])
    ec2.delete_route(RouteTableId=ids["route_table"], DestinationCidrBlock="0.0.0.0/0")
    group = ec2.describe_security_groups(GroupIds=[ids["security_group/nodes"]])["SecurityGroups"][0]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    iam.delete_role_policy(RoleName=spec().iam_name, PolicyName=spec().iam_name)
    iam.remove_role_from_instance_profile(InstanceProfileName=spec().iam_name, RoleName=spec().iam_name)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=ids["eni/gateway"], SourceDestCheck={"Value": False})
    ec2.stop_instances(InstanceIds=[ids["instance/gateway"]])
    ec2.create_tags(Resources=[ids["instance/gateway"]], Tags=tag_list({"Role": "compute"}))
    api.cpu_credits = "standard"

    assert differences(compared(api, spec())) == {
        "vpc": ["dns_hostnames"],
        "dhcp_options": ["associated_with"],
        "subnet": ["public_ipv4_on_launch"],
        "internet_gateway": ["attached_to"],
        "route_table": ["routes"],
        "security_group/nodes": ["rules"],
        "iam_role/node": ["policy"],
        "instance_profile/node": ["roles"],
        "eni/gateway": ["source_dest_check"],
        "instance/gateway": ["state", "cpu_credits", "tags"],
    }


def test_rules_of_home_access_are_extra(api: MotoApi) -> None:
    ids = Builder(api, spec()).build()
    home = {"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6444, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]}
    api.clients["ec2"].authorize_security_group_ingress(GroupId=ids["security_group/nodes"], IpPermissions=[home])

    comparison = compared(api, spec())

    have = next(item.have for item in comparison.resources if item.key == "security_group/nodes")
    assert differences(comparison) == {}
    assert have and list(map(str, have["extra_rules"])) == ["in tcp/6443-6444 from 2001:db8::/64"]


def test_the_time_of_a_stop_is_read_while_an_instance_is_stopped(api: MotoApi) -> None:
    ids = [Builder(api, spec()).build()["instance/gateway"]]

    def read() -> str:
        (machine,) = [thing for thing in read_cluster(api, spec()) if thing.kind == "instance"]
        return str(machine.have["stopped"])

    running = read()
    api.clients["ec2"].stop_instances(InstanceIds=ids)
    stopped = read()
    api.clients["ec2"].start_instances(InstanceIds=ids)

    assert (running, read()) == ("", "")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(stopped)) < timedelta(minutes=10)


@pytest.mark.parametrize("reason", ["User initiated (2026-12-24 23:00:00 GMT)", "User initiated shutdown", ""])
def test_the_time_of_a_stop_is_read_as_ec2_writes_it(api: MotoApi, reason: str) -> None:
    Builder(api, spec()).build()
    real = api.call

    def call(service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        answer = real(service, operation, **parameters)
        for reservation in answer.get("Reservations", ()):
            reservation["Instances"][0]["StateTransitionReason"] = reason
        return answer

    api.call = call  # type: ignore[method-assign]

    (machine,) = [thing for thing in read_cluster(api, spec()) if thing.kind == "instance"]
    assert machine.have["stopped"] == ("2026-12-24 23:00:00+00:00" if "GMT" in reason else "")


def test_a_terminated_instance_does_not_exist(api: MotoApi) -> None:
    ids = Builder(api, spec()).build()
    api.clients["ec2"].terminate_instances(InstanceIds=[ids["instance/gateway"]])

    comparison = compared(api, spec())

    assert [item.key for item in comparison.resources if item.state == "missing"] == ["instance/gateway"]
    assert "instance" not in [item.kind for item in comparison.found]


def test_a_root_volume_without_tags_is_looked_up_by_its_id(api: MotoApi) -> None:
    Builder(api, spec()).build()
    ec2 = api.clients["ec2"]
    (volume,) = ec2.describe_volumes()["Volumes"]
    ec2.delete_tags(Resources=[volume["VolumeId"]], Tags=volume["Tags"])

    comparison = compared(api, spec())

    assert differences(comparison) == {}
    assert "volume" not in [item.kind for item in comparison.found]


def test_the_root_volume_goes_with_its_instance_and_a_forgotten_one_is_a_stray(api: MotoApi) -> None:
    ids = Builder(api, spec()).build()
    tags = [
        {
            "ResourceType": "volume",
            "Tags": tag_list(OWNER),
        }
    ]
    forgotten = api.clients["ec2"].create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)

    comparison = compared(api, spec())

    volumes = [item for item in comparison.found if item.kind == "volume"]
    assert {(item.described, item.goes_with) for item in volumes} == {(True, ids["instance/gateway"]), (False, None)}
    assert [item.id for item in comparison.strays] == [forgotten["VolumeId"]]


def test_things_of_any_kind_with_our_tags_are_found(api: MotoApi) -> None:
    ec2, tags = (
        api.clients["ec2"],
        tag_list({**OWNER, "Name": "moon-x"}),
    )
    ec2.create_key_pair(KeyName="moon", TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}])
    ec2.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])
    ec2.create_launch_template(
        LaunchTemplateName="moon-bastion",
        LaunchTemplateData={"InstanceType": "t4g.nano", "ImageId": IMAGE},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
    )
    other = tag_list({"Project": "talos-arm64", "Cluster": "sun"})
    ec2.create_key_pair(KeyName="sun", TagSpecifications=[{"ResourceType": "key-pair", "Tags": other}])
    subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["eu-west-1a"]}])["Subnets"][0]
    api.clients["autoscaling"].create_auto_scaling_group(
        AutoScalingGroupName="moon-bastion",
        LaunchTemplate={"LaunchTemplateName": "moon-bastion"},
        MinSize=0,
        MaxSize=0,
        VPCZoneIdentifier=subnet["SubnetId"],
        Tags=[{**tag, "PropagateAtLaunch": True} for tag in tags],
    )

    comparison = compared(api, spec())

    kinds = [item.kind for item in comparison.strays]
    assert kinds == ["autoscaling_group", "launch_template", "address", "key_pair"]


def test_the_console_is_read_only_if_asked_for(api: MotoApi) -> None:
    Builder(api, spec()).build()

    read_cluster(api, spec())
    assert "get_console_output" not in api.calls

    things = read_cluster(api, spec(), console_output=True)
    (instance,) = [thing for thing in things if thing.kind == "instance"]
    assert 0 < len(instance.have["console"]) <= 20


def test_an_unreadable_console_does_not_affect_other_resources(api: MotoApi, monkeypatch: pytest.MonkeyPatch) -> None:
    Builder(api, spec()).build()
    original = api.call

    def call(service: str, operation: str, /, **parameters: object) -> dict[str, object]:
        if operation == "get_console_output":
            raise AwsError(finding("NOT_AUTHORIZED", "call it", "no", "Ask."))
        return original(service, operation, **parameters)

    monkeypatch.setattr(api, "call", call)

    things = read_cluster(api, spec(), console_output=True)

    (instance,) = [thing for thing in things if thing.kind == "instance"]
    assert instance.have["console"] == ["Failed to call it: no. Ask."]


def test_a_role_without_our_tags_is_not_owned(api: MotoApi) -> None:
    api.clients["iam"].create_role(RoleName=spec().iam_name, AssumeRolePolicyDocument="{}")

    (role,) = read_cluster(api, spec())

    assert (role.kind, role.owned) == ("iam_role", False)
