# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gaps of moto that lab/aws closes, seen through boto3: what is written reads back, what EC2 refuses is refused."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

from tests.lab.labs import Lab, Network, eventually

_numbers = itertools.count(20)


def refused(call: Any, **arguments: Any) -> str:
    """Return the code with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def make_interface(lab: Lab, network: Network, **more: Any) -> dict[str, Any]:
    """Make an interface with the next free address."""
    address = more.pop("PrivateIpAddress", None) or lab.address(next(_numbers))
    made: dict[str, Any] = lab.client("ec2").create_network_interface(
        SubnetId=network.subnet, PrivateIpAddress=address, Groups=[network.group], **more
    )["NetworkInterface"]
    return made


@contextlib.contextmanager
def gateway_at(lab: Lab, network: Network) -> Iterator[str]:
    """Give an internet gateway at the network."""
    ec2 = lab.client("ec2")
    gateway: str = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    yield gateway
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)


def run_on(lab: Lab, image: str, interface: dict[str, Any], **more: Any) -> str:
    """Run an instance on an interface made before."""
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": interface["NetworkInterfaceId"]}
    arguments = {"ImageId": image, "InstanceType": "t4g.medium", "MinCount": 1, "MaxCount": 1} | more
    answer = lab.client("ec2").run_instances(NetworkInterfaces=[nic], **arguments)
    identifier: str = answer["Instances"][0]["InstanceId"]
    return identifier


def read_instance(lab: Lab, identifier: str) -> dict[str, Any]:
    """Return an instance as DescribeInstances returns it."""
    answer = lab.client("ec2").describe_instances(InstanceIds=[identifier])
    instance: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return instance


def read_interface(lab: Lab, interface: dict[str, Any]) -> dict[str, Any]:
    """Return an interface as DescribeNetworkInterfaces returns it."""
    wanted = [interface["NetworkInterfaceId"]]
    found: dict[str, Any] = lab.client("ec2").describe_network_interfaces(NetworkInterfaceIds=wanted)[
        "NetworkInterfaces"
    ][0]
    return found


def test_a_subnet_reports_the_state_of_its_ipv6_block(lab: Lab, network: Network) -> None:
    found = lab.client("ec2").describe_subnets(SubnetIds=[network.subnet])["Subnets"]

    assert found[0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"] == {"State": "associated"}


def test_an_ipv6_block_of_another_vpc_is_refused(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    cidr = str(ipaddress.ip_network(f"{lab.network}/16").network_address + 256) + "/24"
    subnet = ec2.create_subnet(VpcId=network.vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]

    code = refused(ec2.associate_subnet_cidr_block, SubnetId=subnet, Ipv6CidrBlock="2001:db8:1:2::/64")

    assert code == "InvalidSubnet.Range"


def test_dhcp_options_keep_their_tags(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    tags = [{"Key": "Name", "Value": "here"}]
    made = ec2.create_dhcp_options(
        DhcpConfigurations=[
            {"Key": "ntp-servers", "Values": ["169.254.169.123"]},
            {"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]},
            {"Key": "domain-name", "Values": ["talos.local"]},
        ],
        TagSpecifications=[{"ResourceType": "dhcp-options", "Tags": tags}],
    )["DhcpOptions"]

    found = ec2.describe_dhcp_options(Filters=[{"Name": "tag:Name", "Values": ["here"]}])["DhcpOptions"]

    assert [options["DhcpOptionsId"] for options in found] == [made["DhcpOptionsId"]]
    assert found[0]["Tags"] == tags


def test_dhcp_options_in_use_are_not_deleted(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    configuration = [{"Key": "domain-name", "Values": ["used.local"]}]
    name = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=name, VpcId=network.vpc)

    while_used = refused(ec2.delete_dhcp_options, DhcpOptionsId=name)
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=network.vpc)
    ec2.delete_dhcp_options(DhcpOptionsId=name)

    assert while_used == "DependencyViolation"


@pytest.mark.parametrize("attribute", ["enableDnsSupport", "enableDnsHostnames"])
def test_vpc_attributes_read_back(lab: Lab, network: Network, attribute: str) -> None:
    ec2 = lab.client("ec2")
    key = attribute[0].upper() + attribute[1:]

    ec2.modify_vpc_attribute(VpcId=network.vpc, **{key: {"Value": True}})

    assert ec2.describe_vpc_attribute(VpcId=network.vpc, Attribute=attribute)[key] == {"Value": True}


def test_an_address_in_use_is_refused_as_ec2_does(lab: Lab, network: Network) -> None:
    first = make_interface(lab, network)

    with pytest.raises(botocore.exceptions.ClientError, match="in use") as caught:
        make_interface(lab, network, PrivateIpAddress=first["PrivateIpAddress"])

    assert caught.value.response["Error"]["Code"] == "InvalidIPAddress.InUse"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("number", [pytest.param(1, id="reserved by AWS"), pytest.param(255, id="broadcast")])
def test_an_address_that_aws_keeps_is_refused(lab: Lab, network: Network, number: int) -> None:
    ec2 = lab.client("ec2")

    code = refused(ec2.create_network_interface, SubnetId=network.subnet, PrivateIpAddress=lab.address(number))

    assert code == "InvalidParameterValue"


def test_an_interface_draws_its_ipv6_address_from_the_subnet(lab: Lab, network: Network) -> None:
    interface = make_interface(lab, network, Ipv6AddressCount=1)

    addresses = [entry["Ipv6Address"] for entry in read_interface(lab, interface)["Ipv6Addresses"]]

    assert len(addresses) == 1
    assert ipaddress.ip_address(addresses[0]) in ipaddress.ip_network(network.ipv6)


def test_an_explicit_ipv6_address_is_checked(lab: Lab, network: Network) -> None:
    address = str(ipaddress.ip_network(network.ipv6).network_address + 0xABC)
    make_interface(lab, network, Ipv6Addresses=[{"Ipv6Address": address}])
    ec2 = lab.client("ec2")

    twice = refused(ec2.create_network_interface, SubnetId=network.subnet, Ipv6Addresses=[{"Ipv6Address": address}])
    outside = refused(
        ec2.create_network_interface, SubnetId=network.subnet, Ipv6Addresses=[{"Ipv6Address": "2001:db8::1"}]
    )

    assert (twice, outside) == ("InvalidIPAddress.InUse", "InvalidParameterValue")


def test_assigning_ipv6_returns_only_the_new_addresses(lab: Lab, network: Network) -> None:
    interface = make_interface(lab, network, Ipv6AddressCount=1)
    ec2 = lab.client("ec2")
    name = interface["NetworkInterfaceId"]

    added = ec2.assign_ipv6_addresses(NetworkInterfaceId=name, Ipv6AddressCount=1)["AssignedIpv6Addresses"]
    ec2.unassign_ipv6_addresses(NetworkInterfaceId=name, Ipv6Addresses=added)

    assert len(added) == 1
    assert read_interface(lab, interface)["Ipv6Addresses"] == interface["Ipv6Addresses"]


def test_source_dest_check_and_description_of_an_interface_can_be_changed(lab: Lab, network: Network) -> None:
    interface = make_interface(lab, network, Description="before")
    ec2, name = lab.client("ec2"), interface["NetworkInterfaceId"]

    ec2.modify_network_interface_attribute(NetworkInterfaceId=name, SourceDestCheck={"Value": False})
    ec2.modify_network_interface_attribute(NetworkInterfaceId=name, Description={"Value": ""})

    after = read_interface(lab, interface)
    assert (interface["SourceDestCheck"], after["SourceDestCheck"], after["Description"]) == (True, False, "")


def test_a_call_sent_again_with_its_token_makes_nothing_new(lab: Lab, network: Network, image: str) -> None:
    first = make_interface(lab, network, ClientToken="interface-token")
    again = make_interface(lab, network, ClientToken="interface-token", PrivateIpAddress=first["PrivateIpAddress"])
    instance = run_on(lab, image, first, ClientToken="instance-token")

    assert again["NetworkInterfaceId"] == first["NetworkInterfaceId"]
    assert run_on_again(lab, image, first) == instance


def run_on_again(lab: Lab, image: str, interface: dict[str, Any]) -> str:
    """Send the same RunInstances as before."""
    return run_on(lab, image, interface, ClientToken="instance-token")


def test_a_token_used_for_something_else_is_refused(lab: Lab, network: Network, image: str) -> None:
    interface = make_interface(lab, network)
    run_on(lab, image, interface, ClientToken="other-token")

    with pytest.raises(botocore.exceptions.ClientError) as caught:
        run_on(lab, image, interface, ClientToken="other-token", InstanceType="t4g.small")

    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatch"


def test_an_instance_reads_back_as_it_was_asked_for(lab: Lab, network: Network, image: str) -> None:
    interface = make_interface(lab, network, Ipv6AddressCount=1)

    name = run_on(
        lab,
        image,
        interface,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50, "VolumeType": "gp3", "Encrypted": True}}
        ],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "one"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "disk of one"}]},
        ],
    )

    instance = read_instance(lab, name)
    assert instance["PrivateIpAddress"] == interface["PrivateIpAddress"]
    assert instance["Ipv6Address"] == interface["Ipv6Addresses"][0]["Ipv6Address"]
    assert instance["NetworkInterfaces"][0]["Ipv6Addresses"][0]["Ipv6Address"] == instance["Ipv6Address"]
    assert instance["NetworkInterfaces"][0]["Attachment"]["DeleteOnTermination"] is False
    assert instance["NetworkInterfaces"][0]["Attachment"]["DeviceIndex"] == 0
    assert [group["GroupId"] for group in instance["SecurityGroups"]] == [network.group]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert instance["Architecture"] == "arm64"
    assert "PublicIpAddress" not in instance


def test_the_root_disk_reads_back_as_it_was_asked_for(lab: Lab, network: Network, image: str) -> None:
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50, "VolumeType": "gp3", "Encrypted": True}}
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "a disk"}]}]

    name = run_on(lab, image, make_interface(lab, network), BlockDeviceMappings=[disk], TagSpecifications=tags)

    wanted = [{"Name": "attachment.instance-id", "Values": [name]}]
    volumes = lab.client("ec2").describe_volumes(Filters=wanted)["Volumes"]
    assert len(volumes) == 1
    assert {key: volumes[0][key] for key in ("Size", "VolumeType", "Encrypted", "Iops", "Throughput")} == {
        "Size": 50,
        "VolumeType": "gp3",
        "Encrypted": True,
        "Iops": 3000,
        "Throughput": 125,
    }
    assert volumes[0]["Attachments"][0]["DeleteOnTermination"] is True
    assert volumes[0]["SnapshotId"].startswith("snap-")
    assert volumes[0]["Tags"] == [{"Key": "Name", "Value": "a disk"}]


def test_an_empty_disk_has_an_empty_snapshot_id(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    made = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)

    assert ec2.describe_volumes(VolumeIds=[made["VolumeId"]])["Volumes"][0]["SnapshotId"] == ""


def test_metadata_options_keep_what_a_change_does_not_name(lab: Lab, network: Network, image: str) -> None:
    name = run_on(lab, image, make_interface(lab, network), MetadataOptions={"HttpTokens": "required"})

    lab.client("ec2").modify_instance_metadata_options(InstanceId=name, HttpPutResponseHopLimit=3)

    options = read_instance(lab, name)["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 3)
    assert options["HttpEndpoint"] == "enabled"


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        pytest.param({}, "unlimited", id="what EC2 gives a T4g by default"),
        pytest.param({"CreditSpecification": {"CpuCredits": "standard"}}, "standard", id="standard"),
    ],
)
def test_cpu_credits_read_back(lab: Lab, network: Network, image: str, asked: dict[str, Any], read: str) -> None:
    name = run_on(lab, image, make_interface(lab, network), **asked)

    answer = lab.client("ec2").describe_instance_credit_specifications(InstanceIds=[name])

    assert answer["InstanceCreditSpecifications"] == [{"InstanceId": name, "CpuCredits": read}]


def test_an_image_of_another_architecture_is_refused(lab: Lab, network: Network, image: str) -> None:
    code = refused(
        lab.client("ec2").run_instances,
        ImageId=image,
        InstanceType="t3.medium",
        SubnetId=network.subnet,
        MinCount=1,
        MaxCount=1,
    )

    assert code == "InvalidParameterValue"


def test_an_image_that_does_not_exist_is_refused(lab: Lab, network: Network) -> None:
    arguments = {"InstanceType": "t4g.small", "SubnetId": network.subnet, "MinCount": 1, "MaxCount": 1}

    code = refused(lab.client("ec2").run_instances, ImageId="ami-00000000000000000", **arguments)

    assert code == "InvalidAMIID.NotFound"


def test_an_interface_in_use_is_neither_given_away_nor_deleted(lab: Lab, network: Network, image: str) -> None:
    interface = make_interface(lab, network)
    run_on(lab, image, interface)

    with pytest.raises(botocore.exceptions.ClientError) as caught:
        run_on(lab, image, interface)
    deleting = refused(lab.client("ec2").delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])

    assert caught.value.response["Error"]["Code"] == "InvalidNetworkInterface.InUse"
    assert deleting == "InvalidParameterValue"


def test_an_interface_outlives_its_instance_and_serves_the_next(lab: Lab, network: Network, image: str) -> None:
    ec2 = lab.client("ec2")
    interface = make_interface(lab, network, Ipv6AddressCount=1)
    first = run_on(lab, image, interface)

    ec2.terminate_instances(InstanceIds=[first])
    freed = eventually(lambda: read_interface(lab, interface), lambda found: found["Status"] == "available")
    second = run_on(lab, image, interface)

    assert "Attachment" not in freed
    assert freed["Ipv6Addresses"] == interface["Ipv6Addresses"]
    assert read_instance(lab, second)["PrivateIpAddress"] == interface["PrivateIpAddress"]
    assert read_interface(lab, interface)["Attachment"]["InstanceId"] == second


def test_a_terminated_instance_leaves_no_disk_and_no_addresses(lab: Lab, network: Network, image: str) -> None:
    ec2 = lab.client("ec2")
    name = run_on(lab, image, make_interface(lab, network))

    ec2.terminate_instances(InstanceIds=[name])

    gone = eventually(lambda: read_instance(lab, name), lambda found: found["State"]["Name"] == "terminated")
    wanted = [{"Name": "attachment.instance-id", "Values": [name]}]
    assert ec2.describe_volumes(Filters=wanted)["Volumes"] == []
    assert "PrivateIpAddress" not in gone
    assert gone["NetworkInterfaces"] == []


def test_an_instance_is_pending_before_it_runs_and_stops_and_starts(lab: Lab, network: Network, image: str) -> None:
    ec2 = lab.client("ec2")
    interface = make_interface(lab, network)
    nic = [{"DeviceIndex": 0, "NetworkInterfaceId": interface["NetworkInterfaceId"]}]
    answer = ec2.run_instances(ImageId=image, InstanceType="t4g.small", NetworkInterfaces=nic, MinCount=1, MaxCount=1)[
        "Instances"
    ][0]
    name = answer["InstanceId"]

    def wait_for(state: str) -> None:
        eventually(lambda: read_instance(lab, name)["State"]["Name"], lambda found: found == state)

    assert answer["State"]["Name"] == "pending"
    wait_for("running")
    ec2.stop_instances(InstanceIds=[name])
    wait_for("stopped")
    ec2.start_instances(InstanceIds=[name])
    wait_for("running")


def test_instances_are_found_by_the_filters_that_amazon_aws_sends(lab: Lab, network: Network, image: str) -> None:
    interface = make_interface(lab, network)
    name = run_on(lab, image, interface)
    filters = {
        "network-interface.network-interface-id": interface["NetworkInterfaceId"],
        "network-interface.addresses.private-ip-address": interface["PrivateIpAddress"],
        "private-ip-address": interface["PrivateIpAddress"],
    }

    for key, value in filters.items():
        found = lab.client("ec2").describe_instances(Filters=[{"Name": key, "Values": [value]}])["Reservations"]
        assert [i["InstanceId"] for r in found for i in r["Instances"]] == [name], key


def test_an_instance_follows_the_groups_of_its_interface(lab: Lab, network: Network, image: str) -> None:
    ec2 = lab.client("ec2")
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=network.vpc)["GroupId"]
    interface = make_interface(lab, network)
    name = run_on(lab, image, interface)

    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=[other])

    assert [group["GroupId"] for group in read_instance(lab, name)["SecurityGroups"]] == [other]


def test_security_group_rules_read_back(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    name = ec2.create_security_group(GroupName="rules", Description="rules", VpcId=network.vpc)["GroupId"]
    home = {"CidrIpv6": "2001:db8:1:2::/64", "Description": "home"}
    peers = {"GroupId": network.group, "UserId": "123456789012", "Description": "nodes"}
    ec2.authorize_security_group_ingress(
        GroupId=name,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443, "Ipv6Ranges": [home]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [peers]},
        ],
    )

    group = ec2.describe_security_groups(GroupIds=[name])["SecurityGroups"][0]

    tcp = next(rule for rule in group["IpPermissions"] if rule["IpProtocol"] == "tcp")
    everything = next(rule for rule in group["IpPermissions"] if rule["IpProtocol"] == "-1")
    assert (tcp["FromPort"], tcp["ToPort"], tcp["Ipv6Ranges"]) == (6443, 6443, [home])
    assert everything["UserIdGroupPairs"][0]["GroupId"] == network.group
    egress = [r["CidrIpv6"] for rule in group["IpPermissionsEgress"] for r in rule["Ipv6Ranges"]]
    assert egress == ["::/0"]


def test_a_network_in_use_cannot_be_taken_apart(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    make_interface(lab, network)

    codes = {
        refused(ec2.delete_subnet, SubnetId=network.subnet),
        refused(ec2.delete_security_group, GroupId=network.group),
        refused(ec2.delete_vpc, VpcId=network.vpc),
    }

    assert codes == {"DependencyViolation"}


def test_an_elastic_ip_needs_an_internet_gateway_at_its_vpc(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    face = {"NetworkInterfaceId": make_interface(lab, network)["NetworkInterfaceId"]}
    address = {"AllocationId": ec2.allocate_address(Domain="vpc")["AllocationId"]}

    code = refused(ec2.associate_address, **address, **face)
    with gateway_at(lab, network):
        joined = ec2.associate_address(**address, **face)["AssociationId"]
        ec2.disassociate_address(AssociationId=joined)
    ec2.release_address(**address)

    assert code == "Gateway.NotAttached"


def test_a_route_leads_to_a_gateway_of_its_vpc_only(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    loose = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}

    codes = [refused(ec2.create_route, **route, GatewayId=loose)]
    with gateway_at(lab, network) as gateway:
        ec2.create_route(**route, GatewayId=gateway)
        codes.append(refused(ec2.replace_route, **route, GatewayId=loose))
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_internet_gateway(InternetGatewayId=loose)

    assert codes == ["InvalidParameterValue"] * 2


def test_a_root_disk_is_not_smaller_than_the_snapshot_of_its_image(lab: Lab, network: Network, image: str) -> None:
    interface = make_interface(lab, network)
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 7}}

    code = refused(run_on, lab=lab, image=image, interface=interface, BlockDeviceMappings=[disk])

    assert code == "InvalidBlockDeviceMapping"
    assert read_interface(lab, interface)["Status"] == "available"


def test_the_default_group_of_a_vpc_goes_with_it_only(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.97.0.0/16")["Vpc"]["VpcId"]
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    (group,) = ec2.describe_security_groups(Filters=within)["SecurityGroups"]

    code = refused(ec2.delete_security_group, GroupId=group["GroupId"])
    ec2.delete_vpc(VpcId=vpc)

    assert code == "CannotDelete"
    assert ec2.describe_security_groups(Filters=within)["SecurityGroups"] == []


def test_an_unsupported_call_is_an_aws_error_with_the_cause(lab: Lab) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="moto cannot do this") as caught:
        lab.client("ec2").describe_instance_connect_endpoints()

    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"


def test_the_default_network_acl_lets_ipv6_through_as_soon_as_there_is_some(lab: Lab, network: Network) -> None:
    wanted = [{"Name": "vpc-id", "Values": [network.vpc]}]

    (acl,) = lab.client("ec2").describe_network_acls(Filters=wanted)["NetworkAcls"]

    entries = [entry for entry in acl["Entries"] if entry.get("Ipv6CidrBlock") == "::/0"]
    assert sorted((entry["Egress"], entry["RuleNumber"], entry["RuleAction"]) for entry in entries) == [
        (False, 101, "allow"),
        (False, 32768, "deny"),
        (True, 101, "allow"),
        (True, 32768, "deny"),
    ]


def test_the_tags_of_a_rule_go_with_it(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/64"}]}
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "Purpose", "Value": "gone-soon"}]}]
    made = ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[rule], TagSpecifications=tags)
    (identifier,) = [one["SecurityGroupRuleId"] for one in made["SecurityGroupRules"]]
    wanted = [{"Name": "resource-id", "Values": [identifier]}]
    before = ec2.describe_tags(Filters=wanted)["Tags"]

    ec2.revoke_security_group_ingress(GroupId=network.group, SecurityGroupRuleIds=[identifier])

    assert [tag["Value"] for tag in before] == ["gone-soon"]
    assert ec2.describe_tags(Filters=wanted)["Tags"] == []
