# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holes planted one after the other into one built cluster of the lab: each is found with its code, once, and alone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.facts import Reader
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.machine_facts import read_templates
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import Order
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity
from ansible_collections.urmanac.talos.plugins.modules.ec2_audit_info import audit_info
from lab.settings import REGION
from tests.ec2_cluster import OWNER, Builder, node, spec, tag_list
from tests.fake_credentials import slack_webhook, tailscale_key
from tests.home_access import ensure_home_access
from tests.lab.labs import AMI_PARAMETER, Lab

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOME = "2001:db8:1:2::/64"
STRANGER = "210987654321"
PARAMETERS = "/urmanac.talos/talos-arm64/moon/"
HOST_KEY = f"{PARAMETERS}bastion-host-key"
GROUP = "talos-arm64-moon-bastion"
STOP = f"{GROUP}-stop"
TAILSCALE = tailscale_key("kABCDEF1CNTRL-abcdefghijklmnop")
SLACK = f"curl -d hello {slack_webhook('T00000000/B00000000/' + 'Xy9' * 8)}"
# IAM has no regions: a role without this tag is not taken for the cluster's.
ROLE_OWNER = {**OWNER, "Region": REGION}
# Of the user-data that the builder gives.
USER_DATA_SHA256 = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
SAFE = {
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True}}],
}


class LabApi(AwsApi):
    """The Api of production on the lab's clients."""

    def __init__(self, lab: Lab) -> None:
        self.clients = {name: lab.client(name) for name in ("ec2", "iam", "autoscaling", "ssm", "scheduler")}
        super().__init__(self.clients, REGION)


class Place:
    """The built cluster, and the undoing of what is planted into it."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.api = lab, LabApi(lab)
        lab.ask("/lab/account", method="POST", body={"unknown_profile_uses": 0})
        self.ec2, self.iam = self.api.clients["ec2"], self.api.clients["iam"]
        image = self.api.clients["ssm"].get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
        bastion = {"instance_type": "t4g.small", "volume_size": 8, "image": image, "egress": "none"}
        bastion |= {"start": "18:00", "stop": "23:00", "host_key_parameter": HOST_KEY}
        self.image = image
        self.spec = spec(
            vpc_ipv4_cidr=f"{lab.network}/16",
            subnet_ipv4_cidr=f"{lab.network}/24",
            bastion_ipv4=lab.address(100),
            nodes=[node(ipv4=lab.address(101))],
            bastion=bastion,
        )
        self.ids = Builder(self.api, self.spec, image=image).build()
        self.undo = ExitStack()

    def codes(self) -> list[str]:
        """Return the code of each deviation, the most severe first."""
        return [deviation["code"] for deviation in self.audit()["deviations"]]

    def audit(self) -> dict[str, Any]:
        """Return the module's result."""
        launch = {"node_ssh_key_name": "", "node_ami_parameter": AMI_PARAMETER}
        return audit_info(self.api, self.spec, {"user_data_sha256": USER_DATA_SHA256, **launch}, NOW)

    def later(self, call: Callable[..., Any], **arguments: Any) -> None:
        """Undo with this call."""
        self.undo.callback(call, **arguments)


@pytest.fixture(scope="module")
def place(lab: Lab) -> Place:
    """Build one cluster for all holes."""
    return Place(lab)


@pytest.fixture
def planted(place: Place) -> Iterator[Place]:
    """Give the place, and take out of it what the test planted."""
    with ExitStack() as place.undo:
        yield place


def open_port(group: str = "nodes", egress: bool = False, **rule: Any) -> Callable[[Place], None]:
    """Return a hole: a rule of a security group."""

    def plant(place: Place) -> None:
        permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **rule}
        permission = {key: value for key, value in permission.items() if value is not None}
        way, target = "egress" if egress else "ingress", place.ids[f"security_group/{group}"]
        done = getattr(place.ec2, f"authorize_security_group_{way}")(GroupId=target, IpPermissions=[permission])
        ids = [item["SecurityGroupRuleId"] for item in done["SecurityGroupRules"]]
        place.later(getattr(place.ec2, f"revoke_security_group_{way}"), GroupId=target, SecurityGroupRuleIds=ids)

    return plant


def from_ipv4(cidr: str) -> dict[str, Any]:
    return {"IpRanges": [{"CidrIp": cidr}]}


def from_ipv6(cidr: str) -> dict[str, Any]:
    return {"Ipv6Ranges": [{"CidrIpv6": cidr}]}


EVERYTHING: dict[str, Any] = {"IpProtocol": "-1", "FromPort": None, "ToPort": None}


def make_group(place: Place, **tags: str) -> str:
    """Return a new security group, which goes when the test ends."""
    group: str = place.ec2.create_security_group(GroupName="x", Description="x", VpcId=place.ids["vpc"])["GroupId"]
    place.later(place.ec2.delete_security_group, GroupId=group)
    if tags:
        place.ec2.create_tags(Resources=[group], Tags=tag_list(tags))
    return group


def tagged_group(**tags: str) -> Callable[[Place], None]:
    return lambda place: (make_group(place, **tags), None)[1]


def open_ports(*networks: str) -> Callable[[Place], None]:
    """Return a hole: several rules for one port."""
    rules = [from_ipv6(cidr) if ":" in cidr else from_ipv4(cidr) for cidr in networks]
    return lambda place: ([open_port(**rule)(place) for rule in rules], None)[1]


def from_another_group(place: Place) -> None:
    open_port(UserIdGroupPairs=[{"GroupId": make_group(place)}])(place)


def make_prefix_list(place: Place, family: str, *cidrs: str) -> str:
    entries = [{"Cidr": cidr} for cidr in cidrs]
    made = place.ec2.create_managed_prefix_list(
        PrefixListName="x", MaxEntries=4, AddressFamily=family, Entries=entries
    )["PrefixList"]["PrefixListId"]
    place.later(place.ec2.delete_managed_prefix_list, PrefixListId=made)
    return str(made)


def from_a_prefix_list(place: Place) -> None:
    open_port(PrefixListIds=[{"PrefixListId": make_prefix_list(place, "IPv6", "2001:db8:7::/48", "::/0")}])(place)


def open_home(place: Place) -> list[str]:
    """Open home access as our own playbook does, and return the rules."""
    identity = Identity("moon", "talos-arm64")
    ensure_home_access(place.api, identity, Order("present", HOME), NOW)
    place.later(ensure_home_access, api=place.api, identity=identity, order=Order("absent"), now=NOW)
    found = place.ec2.describe_security_group_rules(Filters=[{"Name": "tag:Purpose", "Values": ["home-access"]}])
    return [rule["SecurityGroupRuleId"] for rule in found["SecurityGroupRules"]]


def home_with(**tags: str) -> Callable[[Place], None]:
    """Return a hole: one rule of home access with a tag changed."""
    return lambda place: place.ec2.create_tags(Resources=open_home(place)[:1], Tags=tag_list(tags))


def disguised_as_home_access(place: Place) -> None:
    open_port(FromPort=6443, ToPort=6443, **from_ipv6("::/0"))(place)
    wanted = [{"Name": "group-id", "Values": [place.ids["security_group/nodes"]]}]
    rules = place.ec2.describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]
    (rule,) = [item["SecurityGroupRuleId"] for item in rules if item.get("CidrIpv6") == "::/0" and not item["IsEgress"]]
    tags = {**OWNER, "Purpose": "home-access"}
    place.ec2.create_tags(Resources=[rule], Tags=tag_list(tags))


def route(**route: Any) -> Callable[[Place], None]:
    """Return a hole: a route of the described table; a value that is a key of the ids stands for that id."""

    def plant(place: Place) -> None:
        table = place.ids["route_table"]
        place.ec2.create_route(RouteTableId=table, **{key: place.ids.get(value, value) for key, value in route.items()})
        destination = {key: value for key, value in route.items() if key.startswith("Destination")}
        place.later(place.ec2.delete_route, RouteTableId=table, **destination)

    return plant


def route_to_a_prefix_list(place: Place) -> None:
    route(
        DestinationPrefixListId=make_prefix_list(place, "IPv4", "172.16.0.0/12", "192.0.2.0/24"),
        GatewayId="internet_gateway",
    )(place)


def make_table(place: Place) -> str:
    table: str = place.ec2.create_route_table(VpcId=place.ids["vpc"])["RouteTable"]["RouteTableId"]
    place.later(place.ec2.delete_route_table, RouteTableId=table)
    return table


def associations(place: Place) -> list[dict[str, Any]]:
    table = place.ec2.describe_route_tables(RouteTableIds=[place.ids["route_table"]])["RouteTables"][0]
    return [item for item in table["Associations"] if item.get("SubnetId")]


def another_route_table(place: Place) -> None:
    table = make_table(place)
    (old,) = associations(place)
    new = place.ec2.replace_route_table_association(AssociationId=old["RouteTableAssociationId"], RouteTableId=table)[
        "NewAssociationId"
    ]
    place.later(place.ec2.replace_route_table_association, AssociationId=new, RouteTableId=place.ids["route_table"])


def main_route_table(place: Place) -> None:
    (old,) = associations(place)
    place.ec2.disassociate_route_table(AssociationId=old["RouteTableAssociationId"])
    place.later(place.ec2.associate_route_table, RouteTableId=place.ids["route_table"], SubnetId=place.ids["subnet"])


def default_acl(place: Place) -> dict[str, Any]:
    wanted = [{"Name": "vpc-id", "Values": [place.ids["vpc"]]}, {"Name": "default", "Values": ["true"]}]
    found: dict[str, Any] = place.ec2.describe_network_acls(Filters=wanted)["NetworkAcls"][0]
    return found


def acl_entry(number: int, action: str, cidr: str) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        key = {"NetworkAclId": default_acl(place)["NetworkAclId"], "RuleNumber": number, "Egress": False}
        place.ec2.create_network_acl_entry(**key, Protocol="-1", RuleAction=action, CidrBlock=cidr)
        place.later(place.ec2.delete_network_acl_entry, **key)

    return plant


def another_acl(place: Place) -> None:
    old = next(item for item in default_acl(place)["Associations"] if item["SubnetId"] == place.ids["subnet"])[
        "NetworkAclAssociationId"
    ]
    acl = place.ec2.create_network_acl(VpcId=place.ids["vpc"])["NetworkAcl"]["NetworkAclId"]
    place.later(place.ec2.delete_network_acl, NetworkAclId=acl)
    new = place.ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)["NewAssociationId"]
    default = default_acl(place)["NetworkAclId"]
    place.later(place.ec2.replace_network_acl_association, AssociationId=new, NetworkAclId=default)


def subnet(place: Place) -> None:
    cidr = place.lab.network.rsplit(".", 2)[0] + ".9.0/24"
    made = place.ec2.create_subnet(VpcId=place.ids["vpc"], CidrBlock=cidr)["Subnet"]["SubnetId"]
    place.later(place.ec2.delete_subnet, SubnetId=made)


def subnet_attribute(name: str) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        change = place.ec2.modify_subnet_attribute
        change(SubnetId=place.ids["subnet"], **{name: {"Value": True}})
        place.later(change, SubnetId=place.ids["subnet"], **{name: {"Value": False}})

    return plant


def endpoint(kind: str) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        where = {"SubnetIds": [place.ids["subnet"]]} if kind == "Interface" else {}
        made = place.ec2.create_vpc_endpoint(
            VpcId=place.ids["vpc"], ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType=kind, **where
        )["VpcEndpoint"]
        place.later(place.ec2.delete_vpc_endpoints, VpcEndpointIds=[made["VpcEndpointId"]])

    return plant


def peering(*, route_to_it: bool = False, to_us: bool = False) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        other = place.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
        place.later(place.ec2.delete_vpc, VpcId=other)
        ends = {"VpcId": other, "PeerVpcId": place.ids["vpc"]}
        ends = ends if to_us else {"VpcId": place.ids["vpc"], "PeerVpcId": other}
        made = place.ec2.create_vpc_peering_connection(**ends)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        place.later(place.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=made)
        if route_to_it:
            place.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
            route(DestinationCidrBlock="10.99.0.0/16", VpcPeeringConnectionId=made)(place)

    return plant


def egress_only_gateway(place: Place) -> None:
    made = place.ec2.create_egress_only_internet_gateway(VpcId=place.ids["vpc"])["EgressOnlyInternetGateway"]
    gateway = made["EgressOnlyInternetGatewayId"]
    place.later(place.ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=gateway)


def vpn_gateway(place: Place) -> None:
    made = place.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    place.ec2.attach_vpn_gateway(VpnGatewayId=made, VpcId=place.ids["vpc"])
    place.later(place.ec2.delete_vpn_gateway, VpnGatewayId=made)
    place.later(place.ec2.detach_vpn_gateway, VpnGatewayId=made, VpcId=place.ids["vpc"])


def second_vpc(place: Place) -> str:
    made: str = place.ec2.create_vpc(CidrBlock=f"{place.lab.network}/16")["Vpc"]["VpcId"]
    place.later(place.ec2.delete_vpc, VpcId=made)
    place.ec2.create_tags(Resources=[made], Tags=tag_list({**OWNER, "Name": "moon-vpc"}))
    return made


def vpc_network(place: Place) -> None:
    made = place.ec2.associate_vpc_cidr_block(VpcId=place.ids["vpc"], CidrBlock="100.64.0.0/16")
    place.later(place.ec2.disassociate_vpc_cidr_block, AssociationId=made["CidrBlockAssociation"]["AssociationId"])


def interface_change(machine: str = "gateway", **change: Any) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        target = {"NetworkInterfaceId": place.ids[f"eni/{machine}"]}
        what = {"gateway": "nodes", "bastion": "bastion"}[machine]
        back: dict[str, Any] = {"SourceDestCheck": {"Value": True}} if "SourceDestCheck" in change else {}
        back |= {"Groups": [place.ids[f"security_group/{what}"]]} if "Groups" in change else {}
        wanted = {"Groups": [place.ids.get(item) or make_group(place) for item in change.get("Groups", [])]}
        wanted = {"Groups": wanted["Groups"]} if wanted["Groups"] else {"SourceDestCheck": change["SourceDestCheck"]}
        place.ec2.modify_network_interface_attribute(**target, **wanted)
        place.later(place.ec2.modify_network_interface_attribute, **target, **back)

    return plant


def second_ipv4(place: Place) -> None:
    target = {"NetworkInterfaceId": place.ids["eni/gateway"], "PrivateIpAddresses": [place.lab.address(77)]}
    place.ec2.assign_private_ip_addresses(**target)
    place.later(place.ec2.unassign_private_ip_addresses, **target)


def second_ipv6(place: Place) -> None:
    target = {"NetworkInterfaceId": place.ids["eni/gateway"]}
    added = place.ec2.assign_ipv6_addresses(**target, Ipv6AddressCount=1)["AssignedIpv6Addresses"]
    place.later(place.ec2.unassign_ipv6_addresses, **target, Ipv6Addresses=added)


def public_ipv4(machine: str) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        address = place.ec2.allocate_address(Domain="vpc")["AllocationId"]
        place.later(place.ec2.release_address, AllocationId=address)
        made = place.ec2.associate_address(AllocationId=address, NetworkInterfaceId=place.ids[f"eni/{machine}"])
        place.later(place.ec2.disassociate_address, AssociationId=made["AssociationId"])

    return plant


def address_elsewhere(place: Place) -> None:
    face = place.ec2.create_network_interface(SubnetId=other_subnet(place))["NetworkInterface"]
    gateway = place.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    place.later(place.ec2.delete_internet_gateway, InternetGatewayId=gateway)
    attached = {"InternetGatewayId": gateway, "VpcId": face["VpcId"]}
    place.ec2.attach_internet_gateway(**attached)
    place.later(place.ec2.detach_internet_gateway, **attached)
    face = {"NetworkInterfaceId": face["NetworkInterfaceId"]}
    place.later(place.ec2.delete_network_interface, **face)
    tags = [{"ResourceType": "elastic-ip", "Tags": tag_list(OWNER)}]
    address = place.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
    place.later(place.ec2.release_address, AllocationId=address)
    joined = place.ec2.associate_address(AllocationId=address, **face)["AssociationId"]
    place.later(place.ec2.disassociate_address, AssociationId=joined)


def unused_address(place: Place) -> None:
    tags = [{"ResourceType": "elastic-ip", "Tags": tag_list(OWNER)}]
    address = place.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
    place.later(place.ec2.release_address, AllocationId=address)


def another_interface(**tags: str) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        made = place.ec2.create_network_interface(
            SubnetId=place.ids["subnet"], Groups=[place.ids["security_group/nodes"]]
        )["NetworkInterface"]["NetworkInterfaceId"]
        place.later(place.ec2.delete_network_interface, NetworkInterfaceId=made)
        if tags:
            place.ec2.create_tags(Resources=[made], Tags=tag_list(tags))

    return plant


def imds(**options: Any) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        change = place.ec2.modify_instance_metadata_options
        change(InstanceId=place.ids["instance/gateway"], **options)
        closed = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpProtocolIpv6": "disabled"}
        place.later(change, InstanceId=place.ids["instance/gateway"], **closed)

    return plant


def other_instance_type(place: Place) -> None:
    change = place.ec2.modify_instance_attribute
    change(InstanceId=place.ids["instance/gateway"], InstanceType={"Value": "t4g.xlarge"})
    place.later(change, InstanceId=place.ids["instance/gateway"], InstanceType={"Value": "t4g.medium"})


def shell(line: str) -> str:
    """Return user-data of one line."""
    return base64.b64encode(f"#!/bin/sh\n{line}\n".encode()).decode()


def volume(*, encrypted: bool, **tags: str) -> Callable[[Place], str]:
    def plant(place: Place) -> str:
        made: str = place.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=encrypted)["VolumeId"]
        place.later(place.ec2.delete_volume, VolumeId=made)
        place.ec2.create_tags(Resources=[made], Tags=tag_list({**OWNER, **tags}))
        return made

    return plant


def image(permission: dict[str, str]) -> Callable[[Place], None]:
    """Return a hole: an image of a node that other accounts may start."""

    def plant(place: Place) -> None:
        made = place.ec2.create_image(InstanceId=place.ids["instance/gateway"], Name="a copy")["ImageId"]
        (record,) = place.ec2.describe_images(ImageIds=[made])["Images"]
        for device in record["BlockDeviceMappings"]:
            place.later(place.ec2.delete_snapshot, SnapshotId=device["Ebs"]["SnapshotId"])
        place.later(place.ec2.deregister_image, ImageId=made)
        place.ec2.modify_image_attribute(
            ImageId=made, Attribute="launchPermission", LaunchPermission={"Add": [permission]}
        )

    return plant


def snapshot(permission: dict[str, list[str]], *, encrypted: bool = True) -> Callable[[Place], None]:
    """Return a hole: a snapshot of a disk with the cluster's tags, and who may make volumes of it."""

    def plant(place: Place) -> None:
        disk = place.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=encrypted)["VolumeId"]
        place.later(place.ec2.delete_volume, VolumeId=disk)
        made = place.ec2.create_snapshot(
            VolumeId=disk, TagSpecifications=[{"ResourceType": "snapshot", "Tags": tag_list(OWNER)}]
        )["SnapshotId"]
        place.later(place.ec2.delete_snapshot, SnapshotId=made)
        if permission:
            place.ec2.modify_snapshot_attribute(
                SnapshotId=made, Attribute="createVolumePermission", OperationType="add", **permission
            )

    return plant


def clean_data(place: Place) -> dict[str, Any]:
    return Builder(place.api, place.spec, image=place.image).template_data(place.ids["eni/bastion"])


def another_template_of_the_group(place: Place) -> None:
    made = place.ec2.create_launch_template(LaunchTemplateName="other-template", LaunchTemplateData=clean_data(place))
    template = made["LaunchTemplate"]["LaunchTemplateId"]
    place.later(place.ec2.delete_launch_template, LaunchTemplateId=template)
    group = {"AutoScalingGroupName": place.ids["autoscaling_group/bastion"]}
    update = place.api.clients["autoscaling"].update_auto_scaling_group
    update(**group, LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"})
    ours = {"LaunchTemplateId": place.ids["launch_template/bastion"], "Version": "$Latest"}
    place.later(update, **group, LaunchTemplate=ours)


def group_with_version(version: str, *, deleted: bool = False, **changes: Any) -> Callable[[Place], None]:
    """Return a hole: the group makes its machines of an older version, or of one that has been deleted."""

    def plant(place: Place) -> None:
        template = {"LaunchTemplateId": place.ids["launch_template/bastion"]}
        data = clean_data(place)
        made = [
            str(
                place.ec2.create_launch_template_version(**template, LaunchTemplateData=wanted)[
                    "LaunchTemplateVersion"
                ]["VersionNumber"]
            )
            for wanted in ({**data, **changes}, data)
        ]
        update = place.api.clients["autoscaling"].update_auto_scaling_group
        group = {"AutoScalingGroupName": place.ids["autoscaling_group/bastion"]}
        update(**group, LaunchTemplate={**template, "Version": {"older": made[0]}.get(version, version)})
        place.later(place.ec2.delete_launch_template_versions, **template, Versions=made)
        place.later(update, **group, LaunchTemplate={**template, "Version": "$Latest"})
        if deleted:
            place.ec2.delete_launch_template_versions(**template, Versions=made[:1])

    return plant


def document(*accounts: str, text: str = "x") -> Callable[[Place], None]:
    """Return a hole: a document of Session Manager with the cluster's tags that others may read and run."""

    def plant(place: Place) -> None:
        ssm = place.api.clients["ssm"]
        content = {"schemaVersion": "2.2", "description": text, "mainSteps": []}
        ssm.create_document(
            Name="moon-steps", Content=json.dumps(content), DocumentType="Command", Tags=tag_list(OWNER)
        )
        place.later(ssm.delete_document, Name="moon-steps")
        share = {"Name": "moon-steps", "PermissionType": "Share"}
        if accounts:
            ssm.modify_document_permission(**share, AccountIdsToAdd=list(accounts))
            place.later(ssm.modify_document_permission, **share, AccountIdsToRemove=list(accounts))

    return plant


def parameter(name: str, kind: str) -> Callable[[Place], None]:
    """Return a hole: an SSM parameter."""

    def plant(place: Place) -> None:
        ssm = place.api.clients["ssm"]
        ssm.put_parameter(Name=name, Type=kind, Value="x")
        place.later(ssm.delete_parameter, Name=name)

    return plant


def profile_tag(place: Place) -> None:
    profile = {"InstanceProfileName": place.spec.iam_name}
    place.iam.tag_instance_profile(**profile, Tags=[{"Key": "Note", "Value": "password=correct-horse"}])
    place.later(place.iam.untag_instance_profile, **profile, TagKeys=["Note"])


def policy(**statement: Any) -> Callable[[Place], None]:
    """Return a hole: one more inline policy of the node's role."""

    def plant(place: Place) -> None:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement}]}
        what = {"RoleName": place.spec.iam_name, "PolicyName": "more"}
        place.iam.put_role_policy(**what, PolicyDocument=json.dumps(document))
        place.later(place.iam.delete_role_policy, **what)

    return plant


def managed_policy(place: Place) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    arn = place.iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    place.later(place.iam.delete_policy, PolicyArn=arn)
    place.iam.attach_role_policy(RoleName=place.spec.iam_name, PolicyArn=arn)
    place.later(place.iam.detach_role_policy, RoleName=place.spec.iam_name, PolicyArn=arn)


def trust(role: str, principal: dict[str, str]) -> Callable[[Place], None]:
    """Return a hole: a role of ours that other principals may assume."""

    def plant(place: Place) -> None:
        name = {"node": place.spec.iam_name, "bastion": "talos-arm64-moon-bastion"}[role]
        before = place.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        place.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
        place.later(place.iam.update_assume_role_policy, RoleName=name, PolicyDocument=json.dumps(before))

    return plant


def closing_role(
    *,
    tags: dict[str, str] = ROLE_OWNER,
    principal: str = "scheduler.amazonaws.com",
    action: str = "ec2:RevokeSecurityGroupIngress",
) -> Callable[[Place], None]:
    """Return a role that closes home access at its end, or that is almost one."""

    def plant(place: Place) -> None:
        account = place.ec2.describe_vpcs(VpcIds=[place.ids["vpc"]])["Vpcs"][0]["OwnerId"]
        described = desired(spec(home_schedule_enabled=True), account=account)["iam_role/access"]
        name, trust, policy = described.name, described.want["trust_policy"], described.want["policy"]
        changed = {**trust, "Statement": [{**trust["Statement"][0], "Principal": {"Service": principal}}]}
        may = {**policy, "Statement": [{**policy["Statement"][0], "Action": action}]}
        place.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(changed), Tags=tag_list(tags))
        place.later(place.iam.delete_role, RoleName=name)
        place.iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(may))
        place.later(place.iam.delete_role_policy, RoleName=name, PolicyName=name)

    return plant


def exchanged_role(place: Place) -> None:
    profile = {"InstanceProfileName": place.spec.iam_name}
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    place.iam.create_role(RoleName="stranger", AssumeRolePolicyDocument=json.dumps(allow))
    place.later(place.iam.delete_role, RoleName="stranger")
    place.iam.put_role_policy(RoleName="stranger", PolicyName="all", PolicyDocument=json.dumps(allow))
    place.later(place.iam.delete_role_policy, RoleName="stranger", PolicyName="all")
    place.iam.remove_role_from_instance_profile(**profile, RoleName=place.spec.iam_name)
    place.later(place.iam.add_role_to_instance_profile, **profile, RoleName=place.spec.iam_name)
    place.iam.add_role_to_instance_profile(**profile, RoleName="stranger")
    place.later(place.iam.remove_role_from_instance_profile, **profile, RoleName="stranger")


def dhcp_options(**values: str) -> Callable[[Place], None]:
    """Return a hole: another owner's options, by which machines find names, the time and their domain."""

    def plant(place: Place) -> None:
        ours = {"domain-name-servers": "AmazonProvidedDNS", "domain-name": place.spec.domain}
        wanted = {**ours, **{key.replace("_", "-"): value for key, value in values.items()}}
        settings = [{"Key": key, "Values": [value]} for key, value in wanted.items()]
        made = place.ec2.create_dhcp_options(DhcpConfigurations=settings)["DhcpOptions"]["DhcpOptionsId"]
        place.later(place.ec2.delete_dhcp_options, DhcpOptionsId=made)
        vpc = {"VpcId": place.ids["vpc"]}
        place.ec2.associate_dhcp_options(DhcpOptionsId=made, **vpc)
        place.later(place.ec2.associate_dhcp_options, DhcpOptionsId=place.ids["dhcp_options"], **vpc)

    return plant


def public_interface(place: Place) -> None:
    made = place.ec2.create_network_interface(SubnetId=place.ids["subnet"], Groups=[place.ids["security_group/nodes"]])[
        "NetworkInterface"
    ]["NetworkInterfaceId"]
    place.later(place.ec2.delete_network_interface, NetworkInterfaceId=made)
    address = place.ec2.allocate_address(Domain="vpc")["AllocationId"]
    place.later(place.ec2.release_address, AllocationId=address)
    joined = place.ec2.associate_address(AllocationId=address, NetworkInterfaceId=made)
    place.later(place.ec2.disassociate_address, AssociationId=joined["AssociationId"])


def other_subnet(place: Place) -> str:
    """Return a subnet of another VPC."""
    vpc = place.ec2.create_vpc(CidrBlock="10.98.0.0/16")["Vpc"]["VpcId"]
    place.later(place.ec2.delete_vpc, VpcId=vpc)
    made: str = place.ec2.create_subnet(VpcId=vpc, CidrBlock="10.98.0.0/24")["Subnet"]["SubnetId"]
    place.later(place.ec2.delete_subnet, SubnetId=made)
    return made


def another_volume(place: Place) -> None:
    machine = {"InstanceId": place.ids["instance/gateway"]}
    made = place.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)["VolumeId"]
    place.later(place.ec2.delete_volume, VolumeId=made)
    place.ec2.attach_volume(VolumeId=made, Device="/dev/sdz", **machine)
    place.later(place.ec2.detach_volume, VolumeId=made, **machine)


def volume_of_a_snapshot(place: Place) -> None:
    disk = place.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)["VolumeId"]
    place.later(place.ec2.delete_volume, VolumeId=disk)
    copy = place.ec2.create_snapshot(VolumeId=disk)["SnapshotId"]
    place.later(place.ec2.delete_snapshot, SnapshotId=copy)
    attached_volume("instance/gateway", SnapshotId=copy)(place)


def attached_volume(machine: str, **options: Any) -> Callable[[Place], None]:
    """Return a hole: a volume with the cluster's tags at a machine."""

    def plant(place: Place) -> None:
        target = place.ids.get(machine) or run_elsewhere(place)
        made = place.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True, **options)["VolumeId"]
        place.later(place.ec2.delete_volume, VolumeId=made)
        place.ec2.create_tags(Resources=[made], Tags=tag_list(OWNER))
        place.ec2.attach_volume(VolumeId=made, Device="/dev/sdz", InstanceId=target)
        place.later(place.ec2.detach_volume, VolumeId=made, InstanceId=target)

    return plant


def copy_of_an_ended_machine(kind: str, **words: str) -> Callable[[Place], None]:
    """Return a hole: a public copy of a disk that has gone, which nothing but its words joins with the cluster."""

    def plant(place: Place) -> None:
        disk = place.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)["VolumeId"]
        made = place.ec2.create_snapshot(VolumeId=disk, Description=words.get("snapshot", ""))["SnapshotId"]
        place.ec2.delete_volume(VolumeId=disk)
        place.later(place.ec2.delete_snapshot, SnapshotId=made)
        share: dict[str, Any] = {"SnapshotId": made, "Attribute": "createVolumePermission"}
        if kind == "image":
            device = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": made}}
            names = {"Name": words.get("name", "a copy"), "Description": words.get("description", "")}
            made = place.ec2.register_image(**names, RootDeviceName="/dev/xvda", BlockDeviceMappings=[device])[
                "ImageId"
            ]
            place.later(place.ec2.deregister_image, ImageId=made)
            share = {"ImageId": made, "Attribute": "launchPermission"}
        if "tag" in words:
            place.ec2.create_tags(Resources=[made], Tags=tag_list({"Name": words["tag"]}))
        what = {"UserGroups": ["all"]} if kind == "image" else {"GroupNames": ["all"]}
        getattr(place.ec2, f"modify_{kind}_attribute")(**share, OperationType="add", **what)

    return plant


def scaling_change(**changes: int) -> Callable[[Place], None]:
    def plant(place: Place) -> None:
        group = {"AutoScalingGroupName": place.ids["autoscaling_group/bastion"]}
        update = place.api.clients["autoscaling"].update_auto_scaling_group
        update(**group, **changes)
        place.later(update, **group, MinSize=0, MaxSize=1, DesiredCapacity=0)

    return plant


def scheduled_action(name: str, **changes: Any) -> Callable[[Place], None]:
    """Return a hole: another scheduled action, or other times of a described one."""

    def plant(place: Place) -> None:
        scaling = place.api.clients["autoscaling"]
        what = {"AutoScalingGroupName": GROUP, "ScheduledActionName": name}
        usual = {"Recurrence": "0 23 * * *", "TimeZone": "Etc/UTC", "DesiredCapacity": 0}
        scaling.put_scheduled_update_group_action(**what, **{**usual, **changes})
        if name == STOP:
            place.later(scaling.put_scheduled_update_group_action, **what, **usual)
        else:
            place.later(scaling.delete_scheduled_action, **what)

    return plant


def no_stop(place: Place) -> None:
    scheduled_action(STOP)(place)
    place.api.clients["autoscaling"].delete_scheduled_action(AutoScalingGroupName=GROUP, ScheduledActionName=STOP)


def schedule_in_our_group(place: Place) -> None:
    scheduler, group, role = place.api.clients["scheduler"], place.spec.hours_name, "stranger"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = place.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    place.later(place.iam.delete_role, RoleName=role)
    scheduler.create_schedule_group(Name=group, Tags=tag_list(OWNER))
    place.later(scheduler.delete_schedule_group, Name=group)
    scheduler.create_schedule(
        GroupName=group,
        Name="every-night",
        ScheduleExpression="cron(0 3 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances", "RoleArn": arn, "Input": "{}"},
    )
    place.later(scheduler.delete_schedule, GroupName=group, Name="every-night")


def protected(place: Place) -> None:
    update = place.api.clients["autoscaling"].update_auto_scaling_group
    update(AutoScalingGroupName=GROUP, NewInstancesProtectedFromScaleIn=True)
    place.later(update, AutoScalingGroupName=GROUP, NewInstancesProtectedFromScaleIn=False)


def scaling_policy(place: Place) -> None:
    scaling = place.api.clients["autoscaling"]
    what = {"AutoScalingGroupName": GROUP, "PolicyName": "always-on"}
    scaling.put_scaling_policy(**what, AdjustmentType="ExactCapacity", ScalingAdjustment=1)
    place.later(scaling.delete_policy, **what)


def lifecycle_hook(place: Place) -> None:
    scaling = place.api.clients["autoscaling"]
    what = {"AutoScalingGroupName": GROUP, "LifecycleHookName": "wait"}
    scaling.put_lifecycle_hook(**what, LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING")
    place.later(scaling.delete_lifecycle_hook, **what)


def another_scaling_group(place: Place) -> None:
    scaling = place.api.clients["autoscaling"]
    template = {"LaunchTemplateId": place.ids["launch_template/bastion"], "Version": "$Latest"}
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="theirs",
        LaunchTemplate=template,
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=0,
        AvailabilityZones=[f"{REGION}a"],
        Tags=[{**tag, "PropagateAtLaunch": False} for tag in tag_list(OWNER)],
    )
    place.later(scaling.delete_auto_scaling_group, AutoScalingGroupName="theirs")


def another_bastion(place: Place) -> None:
    tags = tag_list({**OWNER, "Name": "moon-bastion"})
    run_elsewhere(place, SubnetId=place.ids["subnet"], TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])


def suspended(place: Place) -> None:
    scaling = place.api.clients["autoscaling"]
    what = {"AutoScalingGroupName": place.ids["autoscaling_group/bastion"], "ScalingProcesses": ["ScheduledActions"]}
    scaling.suspend_processes(**what)
    place.later(scaling.resume_processes, **what)


def role_in_another_profile(place: Place) -> None:
    profile = {"InstanceProfileName": "theirs"}
    place.iam.create_instance_profile(**profile)
    place.later(place.iam.delete_instance_profile, **profile)
    place.iam.add_role_to_instance_profile(**profile, RoleName=place.spec.iam_name)
    place.later(place.iam.remove_role_from_instance_profile, **profile, RoleName=place.spec.iam_name)


def run_elsewhere(place: Place, **options: Any) -> str:
    """Return a machine of another owner in another VPC."""
    made: str = place.ec2.run_instances(
        ImageId=place.image,
        InstanceType="t4g.nano",
        MinCount=1,
        MaxCount=1,
        **SAFE,
        **({"SubnetId": other_subnet(place)} | options),
    )["Instances"][0]["InstanceId"]
    place.later(wait_for_the_end, place=place, instance=made)
    return made


def wait_for_the_end(place: Place, instance: str) -> None:
    place.ec2.terminate_instances(InstanceIds=[instance])
    place.ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})


def our_profile_elsewhere(place: Place) -> None:
    run_elsewhere(place, IamInstanceProfile={"Name": place.spec.iam_name})


def interface_in_another_vpc(place: Place) -> None:
    made = place.ec2.create_network_interface(SubnetId=other_subnet(place))["NetworkInterface"]["NetworkInterfaceId"]
    place.later(place.ec2.delete_network_interface, NetworkInterfaceId=made)
    machine = place.ids["instance/gateway"]
    joined = place.ec2.attach_network_interface(NetworkInterfaceId=made, InstanceId=machine, DeviceIndex=1)
    place.later(place.ec2.detach_network_interface, AttachmentId=joined["AttachmentId"], Force=True)


def our_interface_at_a_machine_elsewhere(place: Place) -> None:
    machine, ours = run_elsewhere(place), place.ids["eni/bastion"]
    joined = place.ec2.attach_network_interface(NetworkInterfaceId=ours, InstanceId=machine, DeviceIndex=1)
    place.later(place.ec2.detach_network_interface, AttachmentId=joined["AttachmentId"], Force=True)


def tagged(resource: str, **tags: str) -> Callable[[Place], None]:
    """Return a hole: tags of a resource of ours."""

    def plant(place: Place) -> None:
        what = {"Resources": [place.ids[resource]], "Tags": tag_list(tags)}
        place.ec2.create_tags(**what)
        place.later(place.ec2.delete_tags, **what)

    return plant


HOLES: dict[str, tuple[Callable[[Place], Any], str]] = {
    "SSH from everybody": (open_port(**from_ipv4("0.0.0.0/0")), "RULE_OPEN_TO_INTERNET"),
    "SSH from everybody over IPv6": (open_port(**from_ipv6("::/0")), "RULE_OPEN_TO_INTERNET"),
    "the last addresses of IPv4": (open_port(**from_ipv4("240.0.0.0/4")), "RULE_OPEN_TO_INTERNET"),
    "the half of IPv4": (open_port(**from_ipv4("128.0.0.0/1")), "RULE_OPEN_TO_INTERNET"),
    "all global IPv6": (open_port(**from_ipv6("2000::/3")), "RULE_OPEN_TO_INTERNET"),
    "everything to the nodes": (open_port(**EVERYTHING, **from_ipv6("::/0")), "RULE_OPEN_TO_INTERNET"),
    "everything to the bastion": (
        open_port("bastion", **EVERYTHING, **from_ipv4("0.0.0.0/0")),
        "RULE_OPEN_TO_INTERNET",
    ),
    "WireGuard from everybody": (
        open_port("bastion", IpProtocol="udp", FromPort=51820, ToPort=51820, **from_ipv6("::/0")),
        "RULE_OPEN_TO_INTERNET",
    ),
    "a prefix list of everybody": (from_a_prefix_list, "RULE_OPEN_TO_INTERNET"),
    "one address": (open_port(**from_ipv4("198.51.100.7/32")), "RULE_NOT_ALLOWED"),
    "one network of IPv6": (open_port(**from_ipv6("2001:db8:9::/64")), "RULE_NOT_ALLOWED"),
    "the VPC itself": (open_port(**EVERYTHING, **from_ipv4("127.0.0.0/8")), "RULE_NOT_ALLOWED"),
    "ping": (open_port(IpProtocol="icmp", FromPort=8, ToPort=-1, **from_ipv4("192.0.2.0/24")), "RULE_NOT_ALLOWED"),
    "a way out": (open_port(egress=True, **from_ipv4("192.0.2.0/24")), "RULE_NOT_ALLOWED"),
    "an end that has come": (home_with(Expires="2026-12-01T11:59:59Z"), "HOME_ACCESS_EXPIRED"),
    "an end that is not a time": (home_with(Expires="whenever"), "HOME_ACCESS_EXPIRED"),
    "an end that is too far away": (home_with(Expires="2099-12-24T18:00:00Z"), "HOME_ACCESS_TOO_LONG"),
    "everybody with the tags of home access": (disguised_as_home_access, "HOME_ACCESS_NOT_EXACT"),
    "a group": (tagged_group(), "GROUP_NOT_DESCRIBED"),
    "a group with the name of ours": (tagged_group(Name="moon-nodes"), "GROUP_NOT_DESCRIBED"),
    "a route": (route(DestinationCidrBlock="172.16.0.0/12", NetworkInterfaceId="eni/gateway"), "ROUTE_NOT_ALLOWED"),
    "a route of IPv6": (
        route(DestinationIpv6CidrBlock="2001:db8:9::/48", NetworkInterfaceId="eni/gateway"),
        "ROUTE_NOT_ALLOWED",
    ),
    "a route to a prefix list": (route_to_a_prefix_list, "ROUTE_NOT_ALLOWED"),
    "another route table": (another_route_table, "ROUTE_TABLE_NOT_DESCRIBED"),
    "the main route table": (main_route_table, "ROUTE_TABLE_NOT_DESCRIBED"),
    "a denial first": (acl_entry(50, "deny", "0.0.0.0/0"), "NETWORK_ACL_CHANGED"),
    "an entry": (acl_entry(60, "allow", "192.0.2.0/24"), "NETWORK_ACL_CHANGED"),
    "another network ACL": (another_acl, "NETWORK_ACL_NOT_DEFAULT"),
    "a subnet": (subnet, "SUBNET_NOT_DESCRIBED"),
    "public IPv4 on launch": (subnet_attribute("MapPublicIpOnLaunch"), "SUBNET_GIVES_PUBLIC_IPV4"),
    "IPv6 on launch": (subnet_attribute("AssignIpv6AddressOnCreation"), "SUBNET_GIVES_IPV6"),
    "a gateway endpoint": (endpoint("Gateway"), "VPC_ENDPOINT_NOT_DESCRIBED"),
    "a peering that we asked for": (peering(), "VPC_PEERING_NOT_DESCRIBED"),
    "a peering that another account requested": (peering(to_us=True), "VPC_PEERING_NOT_DESCRIBED"),
    "a peering with a route": (peering(route_to_it=True), "VPC_PEERING_NOT_DESCRIBED"),
    "a VPN gateway": (vpn_gateway, "VPN_GATEWAY_NOT_DESCRIBED"),
    "a network of the VPC": (vpc_network, "VPC_NETWORK_NOT_DESCRIBED"),
    "a router": (interface_change(SourceDestCheck={"Value": False}), "SOURCE_DEST_CHECK_OFF"),
    "a node in the bastion's group too": (
        interface_change(Groups=["security_group/nodes", "security_group/bastion"]),
        "INTERFACE_IN_FOREIGN_GROUP",
    ),
    "the bastion in the nodes' group": (
        interface_change("bastion", Groups=["security_group/nodes"]),
        "INTERFACE_IN_FOREIGN_GROUP",
    ),
    "a second IPv4": (second_ipv4, "INTERFACE_HAS_MORE_ADDRESSES"),
    "a second IPv6": (second_ipv6, "INTERFACE_HAS_MORE_ADDRESSES"),
    "a public address of a node": (public_ipv4("gateway"), "PUBLIC_IPV4"),
    "a public address of the bastion": (public_ipv4("bastion"), "PUBLIC_IPV4"),
    "an unused address": (unused_address, "ADDRESS_UNUSED"),
    "an interface": (another_interface(), "INTERFACE_NOT_DESCRIBED"),
    "an interface with our tags": (another_interface(Name="moon-other", **OWNER), "INTERFACE_NOT_DESCRIBED"),
    "an interface with a node's name": (another_interface(Name="moon-gateway", **OWNER), "INTERFACE_NOT_DESCRIBED"),
    "a node of another instance type": (other_instance_type, "INSTANCE_NOT_AS_DESCRIBED"),
    "IMDS over IPv6": (imds(HttpTokens="required", HttpProtocolIpv6="enabled"), "IMDS_NOT_DESCRIBED"),
    "IMDSv1": (imds(HttpTokens="optional"), "IMDS_V1"),
    "two hops": (imds(HttpTokens="required", HttpPutResponseHopLimit=2), "IMDS_HOP_LIMIT"),
    "an unencrypted volume": (volume(encrypted=False), "VOLUME_NOT_ENCRYPTED"),
    "a public image": (image({"Group": "all"}), "IMAGE_PUBLIC"),
    "a shared image": (image({"UserId": STRANGER}), "IMAGE_SHARED"),
    "a shared snapshot": (snapshot({"UserIds": [STRANGER]}), "SNAPSHOT_SHARED"),
    "a public snapshot": (snapshot({"GroupNames": ["all"]}), "SNAPSHOT_PUBLIC"),
    "a snapshot without encryption": (snapshot({}, encrypted=False), "SNAPSHOT_NOT_ENCRYPTED"),
    "an older version in use": (
        group_with_version("older", MetadataOptions={"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}),
        "IMDS_V1",
    ),
    "a version that was deleted": (group_with_version("older", deleted=True), "SCALING_VERSION_MISSING"),
    "a public document": (document("all"), "DOCUMENT_PUBLIC"),
    "a shared document": (document(STRANGER), "DOCUMENT_SHARED"),
    "an interface endpoint": (endpoint("Interface"), "VPC_ENDPOINT_NOT_DESCRIBED"),
    "a second VPC": (second_vpc, "DUPLICATE_VPC"),
    "another template of the group": (another_template_of_the_group, "SCALING_TEMPLATE_NOT_DESCRIBED"),
    "all of IAM": (policy(Action="*"), "IAM_WILDCARD"),
    "all of a service": (policy(Action=["ec2:DescribeInstances", "s3:*"]), "IAM_WILDCARD"),
    "all but one action": (policy(NotAction="iam:DeleteUser"), "IAM_WILDCARD"),
    "one more action": (policy(Action="ec2:TerminateInstances"), "IAM_STATEMENT_NOT_ALLOWED"),
    "a condition that is lost": (policy(Action="ec2:DescribeInstances"), "IAM_STATEMENT_NOT_ALLOWED"),
    "a managed policy": (managed_policy, "IAM_POLICY_ATTACHED"),
    "trust for everybody": (trust("node", {"AWS": "*"}), "IAM_TRUST_NOT_ALLOWED"),
    "trust for another service": (trust("bastion", {"Service": "lambda.amazonaws.com"}), "IAM_TRUST_NOT_ALLOWED"),
    "another service that may close home access": (
        closing_role(principal="lambda.amazonaws.com"),
        "IAM_TRUST_NOT_ALLOWED",
    ),
    "a closing of home access that may do more": (
        closing_role(action="ec2:AuthorizeSecurityGroupIngress"),
        "IAM_STATEMENT_NOT_ALLOWED",
    ),
    "a role that schedules name, of another owner": (closing_role(tags={"Owner": "Bob"}), "IAM_ROLE_TAG_MISSING"),
    "another role in the profile": (exchanged_role, "PROFILE_ROLE_NOT_DESCRIBED"),
    "other servers of names": (dhcp_options(domain_name_servers="198.51.100.53"), "DHCP_NOT_DESCRIBED"),
    "another server of the time": (dhcp_options(ntp_servers="198.51.100.123"), "DHCP_NOT_DESCRIBED"),
    "another domain": (dhcp_options(domain_name="example.net"), "DHCP_NOT_DESCRIBED"),
    "an interface with a public address": (public_interface, "PUBLIC_IPV4"),
    "an interface of a node in another VPC": (interface_in_another_vpc, "INTERFACE_ACROSS_VPCS"),
    "the bastion's interface at a machine elsewhere": (our_interface_at_a_machine_elsewhere, "INTERFACE_ACROSS_VPCS"),
    "a machine elsewhere with our profile": (our_profile_elsewhere, "PROFILE_USED_OUTSIDE_CLUSTER"),
    "our role in another profile": (role_in_another_profile, "ROLE_IN_OTHER_PROFILE"),
    "another image": (group_with_version("older", ImageId="ami-0123456789abcdef0"), "TEMPLATE_NOT_AS_DESCRIBED"),
    "another key pair": (group_with_version("older", KeyName="theirs"), "TEMPLATE_NOT_AS_DESCRIBED"),
    "other user-data": (group_with_version("older", UserData="IyEvYmluL3NoCmlkCg=="), "TEMPLATE_NOT_AS_DESCRIBED"),
    "another interface": (
        group_with_version("older", NetworkInterfaces=[{"DeviceIndex": 0, "Ipv6AddressCount": 1}]),
        "TEMPLATE_NOT_AS_DESCRIBED",
    ),
    "a key in a tag of a node": (tagged("instance/gateway", Note=f"up {TAILSCALE}"), "TEXT_SECRET"),
    "a password in a tag of the VPC": (tagged("vpc", Note="password=correct-horse"), "TEXT_SECRET"),
    "a password in the tags that a template gives": (
        group_with_version(
            "$Latest",
            TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list({"Note": "password=correct-horse"})}],
        ),
        "TEXT_SECRET",
    ),
    "a token in the user-data of a version": (
        group_with_version(
            "$Latest", UserData=shell(f"curl -H 'Authorization: Bearer {'a1B2' * 8}' https://example.com")
        ),
        "USER_DATA_SECRET",
    ),
    "a webhook in the user-data of a version": (
        group_with_version("$Latest", UserData=shell(SLACK)),
        "USER_DATA_SECRET",
    ),
    "a disk of a template from a snapshot": (
        group_with_version(
            "older",
            BlockDeviceMappings=[
                {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-0123456789abcdef0", "Encrypted": True}}
            ],
        ),
        "TEMPLATE_NOT_AS_DESCRIBED",
    ),
    "another disk of a template": (
        group_with_version(
            "older",
            BlockDeviceMappings=[
                {"DeviceName": f"/dev/sd{letter}", "Ebs": {"VolumeSize": 8, "Encrypted": True}} for letter in "ab"
            ],
        ),
        "TEMPLATE_NOT_AS_DESCRIBED",
    ),
    "another type of a template": (
        group_with_version("older", InstanceType="c7g.16xlarge"),
        "TEMPLATE_NOT_AS_DESCRIBED",
    ),
    "other CPU credits of a template": (
        group_with_version("older", CreditSpecification={"CpuCredits": "standard"}),
        "TEMPLATE_NOT_AS_DESCRIBED",
    ),
    "other user-data of a node": (tagged("instance/gateway", UserDataSha256="0" * 64), "INSTANCE_NOT_AS_DESCRIBED"),
    "a volume of ours at a machine elsewhere": (attached_volume("elsewhere"), "VOLUME_USED_OUTSIDE_CLUSTER"),
    "a volume of a snapshot": (volume_of_a_snapshot, "VOLUME_NOT_DESCRIBED"),
    "a key of another account": (
        attached_volume("instance/gateway", KmsKeyId=f"arn:aws:kms:{REGION}:{STRANGER}:key/0-1-2"),
        "VOLUME_KEY_OF_OTHER_ACCOUNT",
    ),
    "an address of ours elsewhere": (address_elsewhere, "ADDRESS_USED_OUTSIDE_CLUSTER"),
    "an egress-only gateway without a route": (egress_only_gateway, "EGRESS_GATEWAY_NOT_DESCRIBED"),
    "a host key in plain text": (parameter(HOST_KEY, "String"), "PARAMETER_NOT_ENCRYPTED"),
    "another parameter in plain text": (parameter(f"{PARAMETERS}note", "String"), "PARAMETER_NOT_DESCRIBED"),
    "a password in a document": (document(text="mysql --password correct-horse"), "TEXT_SECRET"),
    "a password in a tag of a profile": (profile_tag, "TEXT_SECRET"),
    "all of IPv4 in sixteen rules": (
        open_ports(*(f"{first}.0.0.0/4" for first in range(0, 256, 16))),
        "RULE_OPEN_TO_INTERNET",
    ),
    "everybody in small pieces": (
        open_ports("128.0.0.0/9", "128.128.0.0/9"),
        "RULE_OPEN_TO_INTERNET",
    ),
    "everybody in both families": (open_ports("0.0.0.0/0", "::/0"), "RULE_OPEN_TO_INTERNET"),
    "a volume of another owner": (another_volume, "VOLUME_NOT_DESCRIBED"),
    "a group of three": (scaling_change(MaxSize=3), "SCALING_SIZE_NOT_DESCRIBED"),
    "a scheduled action": (
        scheduled_action("always-on", Recurrence="0 * * * *", DesiredCapacity=1),
        "SCALING_SCHEDULE_NOT_DESCRIBED",
    ),
    "a stop at another time": (scheduled_action(STOP, Recurrence="0 23 1 1 *"), "SCALING_SCHEDULE_NOT_DESCRIBED"),
    "a stop in another time zone": (
        scheduled_action(STOP, TimeZone="America/Lima"),
        "SCALING_SCHEDULE_NOT_DESCRIBED",
    ),
    "a stop that stops nothing": (scheduled_action(STOP, DesiredCapacity=1), "SCALING_SCHEDULE_NOT_DESCRIBED"),
    "a stop that changes the limits": (scheduled_action(STOP, MaxSize=9), "SCALING_SCHEDULE_NOT_DESCRIBED"),
    "a stop in a year": (
        scheduled_action(STOP, StartTime=datetime(2027, 12, 1, tzinfo=UTC)),
        "SCALING_SCHEDULE_NOT_DESCRIBED",
    ),
    "no stop": (no_stop, "SCALING_SCHEDULE_NOT_DESCRIBED"),
    "a schedule in our schedule group": (schedule_in_our_group, "HOURS_NOT_DESCRIBED"),
    "a group that protects its machines": (protected, "SCALING_NOT_AS_DESCRIBED"),
    "a scaling policy": (scaling_policy, "SCALING_NOT_AS_DESCRIBED"),
    "a lifecycle hook": (lifecycle_hook, "SCALING_NOT_AS_DESCRIBED"),
    "another group with our tags": (another_scaling_group, "SCALING_GROUP_NOT_DESCRIBED"),
    "a bastion that the group did not launch": (another_bastion, "INSTANCE_NOT_DESCRIBED"),
    "a process that is suspended": (suspended, "SCALING_SUSPENDED"),
    "a public snapshot of a machine that ended": (
        copy_of_an_ended_machine("snapshot", snapshot="before moon-bastion went"),
        "SNAPSHOT_PUBLIC",
    ),
    "a public snapshot with the name of a node": (
        copy_of_an_ended_machine("snapshot", tag="moon-gateway"),
        "SNAPSHOT_PUBLIC",
    ),
    "a public image of a machine that ended": (
        copy_of_an_ended_machine("image", name="moon-gateway-2026"),
        "IMAGE_PUBLIC",
    ),
    "a public image that says what it is of": (
        copy_of_an_ended_machine("image", description="moon-bastion"),
        "IMAGE_PUBLIC",
    ),
}


def test_a_clean_account_has_no_deviation(place: Place) -> None:
    result = place.audit()

    assert (result["deviations"], len(HOLES) >= 120) == ([], True)
    assert any("network ACL acl-" in line and "default, allows everything" in line for line in result["lines"])


def test_home_access_that_our_own_procedure_opened_is_not_a_deviation(planted: Place) -> None:
    rules = open_home(planted)

    assert (planted.codes(), len(rules)) == ([], 3)


@pytest.mark.parametrize(("plant", "code"), HOLES.values(), ids=HOLES.keys())
def test_a_hole_is_one_deviation(planted: Place, plant: Callable[[Place], Any], code: str) -> None:
    plant(planted)

    result = planted.audit()

    assert [deviation["code"] for deviation in result["deviations"]] == [code], result["lines"]
    assert TAILSCALE not in json.dumps(result)


def test_an_open_rule_says_what_it_reaches_and_comes_before_what_is_less_grave(planted: Place) -> None:
    unused_address(planted)
    imds(HttpTokens="optional")(planted)
    open_port(**from_ipv6("::/0"))(planted)

    first, second, third = planted.audit()["deviations"]

    assert (first["code"], second["code"], third["code"]) == ("RULE_OPEN_TO_INTERNET", "IMDS_V1", "ADDRESS_UNUSED")
    assert "the Internet reaches tcp/22 of gateway (2" in first["message"]


def test_a_hole_in_a_second_vpc_is_found_beside_the_vpc(planted: Place) -> None:
    vpc = second_vpc(planted)
    group = planted.ec2.create_security_group(GroupName="x", Description="x", VpcId=vpc)["GroupId"]
    planted.later(planted.ec2.delete_security_group, GroupId=group)
    planted.ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", **from_ipv4("0.0.0.0/0")}]
    )

    assert planted.codes() == ["RULE_OPEN_TO_INTERNET", "DUPLICATE_VPC", "GROUP_NOT_DESCRIBED"]


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(document(), id="a document of the account alone"),
        pytest.param(parameter(f"{PARAMETERS}claim", "String"), id="the claim"),
        pytest.param(parameter(f"{PARAMETERS}tunnel", "SecureString"), id="an encrypted parameter"),
        pytest.param(
            parameter("/urmanac.talos/talos-arm64/moonlight/note", "String"), id="a parameter of another cluster"
        ),
        pytest.param(
            scheduled_action(STOP, StartTime=datetime(2026, 12, 8, 12, tzinfo=UTC)), id="a stop that a run postponed"
        ),
        pytest.param(closing_role(), id="the role that closes home access"),
        pytest.param(group_with_version("$Latest", UserData="cGFzc3dvcmQK"), id="an older version that is not used"),
        pytest.param(group_with_version("$Latest", deleted=True), id="a deleted version that is not used"),
    ],
)
def test_what_opens_nothing_is_not_a_deviation(planted: Place, plant: Callable[[Place], None]) -> None:
    plant(planted)

    assert planted.codes() == []


def test_a_template_that_a_machine_outlived_is_left_out(place: Place) -> None:
    reader = Reader(place.api, place.spec)
    read = read_templates(reader, reader.named("launch_template").ours, {("lt-0123456789abcdef0", "1")})

    assert [machine.known.id for machine in read] == [place.ids["launch_template/bastion"]]


def test_after_all_holes_the_account_is_clean_again(place: Place) -> None:
    assert place.codes() == []
