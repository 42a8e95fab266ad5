# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things of a stranger, one of each kind that a cluster makes: under its names, in its places, without its tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import claim_name
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.ownership.run_lock import lock_name
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from tests.ec2_cluster import tag_list

Client = Callable[[str], Any]
Read = Callable[[], Any]
BOB = {"Owner": "Bob"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
MACHINE = {"InstanceType": "t4g.small", "MinCount": 1, "MaxCount": 1}


class Stranger:
    """Another owner in the same account and region; each method makes one resource and returns how AWS describes it."""

    def __init__(self, client: Client, spec: ClusterSpec, image: str = "") -> None:
        self.ec2, self.iam, self.autoscaling, self.ssm = map(client, ("ec2", "iam", "autoscaling", "ssm"))
        self.spec, self.image, self.scheduler = spec, image, client("scheduler")
        # The VPC into which it puts what needs one: the cluster's, or one of its own.
        self.vpc = ""
        self.subnet_id = ""

    def tagged(self, kind: str, name: str = "") -> list[dict[str, Any]]:
        """Return its tags, and the cluster's name of the thing, as EC2 takes them."""
        return [{"ResourceType": kind, "Tags": tag_list({**BOB, **({"Name": name} if name else {})})}]

    def read(self, operation: str, answer: str, **parameters: Any) -> Read:
        """Return a reading with EC2."""
        return lambda: getattr(self.ec2, operation)(**parameters)[answer]

    def launch_template(self) -> Read:
        name = self.spec.names.unique
        tags = self.tagged("launch-template")
        self.ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "m7g.large"}, TagSpecifications=tags
        )
        named = {"LaunchTemplateName": name}
        return lambda: (
            self.ec2.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"],
            self.ec2.describe_launch_template_versions(**named)["LaunchTemplateVersions"],
        )

    def autoscaling_group(self) -> Read:
        """Make a group with our name, and actions with our names in it."""
        name, template = self.spec.names.unique, f"theirs-{self.spec.name}"
        self.ec2.create_launch_template(LaunchTemplateName=template, LaunchTemplateData={"InstanceType": "m7g.large"})
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": template, "Version": "$Latest"},
            MinSize=0,
            MaxSize=2,
            DesiredCapacity=0,
            AvailabilityZones=[self.spec.availability_zone],
            Tags=[{**tag, "PropagateAtLaunch": False} for tag in tag_list(BOB)],
        )
        group = {"AutoScalingGroupName": name}
        for what in ("start", "stop"):
            action = {"ScheduledActionName": f"{name}-{what}", "Recurrence": "5 4 * * *", "DesiredCapacity": 2}
            self.autoscaling.put_scheduled_update_group_action(**group, **action)
        return lambda: (
            self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"],
            self.autoscaling.describe_scheduled_actions(**group)["ScheduledUpdateGroupActions"],
        )

    def schedule_group(self) -> Read:
        """Make a schedule group with our name."""
        made = self.scheduler.create_schedule_group(Name=self.spec.hours_name, Tags=tag_list(BOB))
        return lambda: (
            self.scheduler.get_schedule_group(Name=self.spec.hours_name)["State"],
            self.scheduler.list_tags_for_resource(ResourceArn=made["ScheduleGroupArn"])["Tags"],
        )

    def role(self, name: str) -> Read:
        """Make a role with an inline policy of its name."""
        named, policy = {"RoleName": name}, {"RoleName": name, "PolicyName": name}
        self.iam.create_role(**named, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=tag_list(BOB))
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        self.iam.put_role_policy(**policy, PolicyDocument=json.dumps(allow))
        return lambda: (self.iam.get_role(**named)["Role"], self.iam.get_role_policy(**policy)["PolicyDocument"])

    def profile(self, name: str) -> Read:
        named = {"InstanceProfileName": name}
        self.iam.create_instance_profile(**named, Tags=tag_list(BOB))
        return lambda: self.iam.get_instance_profile(**named)["InstanceProfile"]

    def parameter(self, name: str) -> Read:
        self.ssm.put_parameter(Name=name, Value="theirs", Type="SecureString", Tags=tag_list(BOB))
        return lambda: (
            self.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"],
            self.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"],
        )

    def host_key(self) -> Read:
        assert self.spec.bastion
        return self.parameter(self.spec.bastion.host_key_parameter)

    def claim(self) -> Read:
        return self.parameter(claim_name(self.spec.project, self.spec.name))

    def run(self) -> Read:
        """Make a parameter with the name of the lock of a run."""
        return self.parameter(lock_name(self.spec.project, self.spec.name))

    def subnet(self) -> Read:
        """Make a subnet with our network in the VPC."""
        answer = self.ec2.create_subnet(
            VpcId=self.vpc,
            CidrBlock=self.spec.subnet_ipv4_cidr,
            TagSpecifications=self.tagged("subnet", f"{self.spec.name}-subnet"),
        )
        self.subnet_id = answer["Subnet"]["SubnetId"]
        return self.read("describe_subnets", "Subnets", SubnetIds=[self.subnet_id])

    def internet_gateway(self) -> Read:
        """Attach a gateway to the VPC."""
        tags = self.tagged("internet-gateway", f"{self.spec.name}-igw")
        made = self.ec2.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.vpc)
        return self.read("describe_internet_gateways", "InternetGateways", InternetGatewayIds=[made])

    def route_table(self) -> Read:
        tags = self.tagged("route-table", f"{self.spec.name}-routes")
        made = self.ec2.create_route_table(VpcId=self.vpc, TagSpecifications=tags)["RouteTable"]["RouteTableId"]
        return self.read("describe_route_tables", "RouteTables", RouteTableIds=[made])

    def security_group(self, what: str) -> Read:
        name = f"{self.spec.name}-{what}"
        made = self.ec2.create_security_group(
            VpcId=self.vpc,
            GroupName=name,
            Description="theirs",
            TagSpecifications=self.tagged("security-group", name),
        )["GroupId"]
        return lambda: (
            self.ec2.describe_security_groups(GroupIds=[made])["SecurityGroups"],
            self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [made]}])[
                "SecurityGroupRules"
            ],
        )

    def eni(self, name: str, ipv4: str) -> Read:
        """Make an interface with an address of ours in the subnet of its own."""
        tags = self.tagged("network-interface", f"{self.spec.name}-{name}")
        made = self.ec2.create_network_interface(
            SubnetId=self.subnet_id, PrivateIpAddress=ipv4, TagSpecifications=tags
        )["NetworkInterface"]["NetworkInterfaceId"]
        return self.read("describe_network_interfaces", "NetworkInterfaces", NetworkInterfaceIds=[made])

    def eni_with(self, ipv4: str) -> Read:
        """Make an interface that has an address of ours as its second one."""
        tags = self.tagged("network-interface")
        first = str(ip_address(ipv4) + 50)
        private = [{"PrivateIpAddress": first, "Primary": True}, {"PrivateIpAddress": ipv4, "Primary": False}]
        made = self.ec2.create_network_interface(
            SubnetId=self.subnet_id, PrivateIpAddresses=private, TagSpecifications=tags
        )["NetworkInterface"]["NetworkInterfaceId"]
        return self.read("describe_network_interfaces", "NetworkInterfaces", NetworkInterfaceIds=[made])

    def network_acl(self) -> Read:
        made = self.ec2.create_network_acl(VpcId=self.vpc, TagSpecifications=self.tagged("network-acl"))
        return self.read("describe_network_acls", "NetworkAcls", NetworkAclIds=[made["NetworkAcl"]["NetworkAclId"]])

    def vpc_endpoint(self) -> Read:
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{self.spec.region}.s3",
            TagSpecifications=self.tagged("vpc-endpoint"),
        )["VpcEndpoint"]["VpcEndpointId"]
        return self.read("describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[made])

    def vpn_gateway(self) -> Read:
        tags = self.tagged("vpn-gateway")
        made = self.ec2.create_vpn_gateway(Type="ipsec.1", TagSpecifications=tags)["VpnGateway"]["VpnGatewayId"]
        self.ec2.attach_vpn_gateway(VpnGatewayId=made, VpcId=self.vpc)
        return self.read("describe_vpn_gateways", "VpnGateways", VpnGatewayIds=[made])

    def nat_gateway(self) -> Read:
        """Make a NAT gateway without a public address in a subnet of its own."""
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=self.spec.subnet_ipv4_cidr)["Subnet"]["SubnetId"]
        tags = self.tagged("natgateway")
        made = self.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private", TagSpecifications=tags)
        return self.read("describe_nat_gateways", "NatGateways", NatGatewayIds=[made["NatGateway"]["NatGatewayId"]])

    def egress_only_gateway(self) -> Read:
        tags = self.tagged("egress-only-internet-gateway")
        made = self.ec2.create_egress_only_internet_gateway(VpcId=self.vpc, TagSpecifications=tags)
        ids = [made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]]
        return self.read(
            "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways", EgressOnlyInternetGatewayIds=ids
        )

    def peering(self) -> Read:
        """Ask for a peering with the VPC from another one."""
        other = self.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
        made = self.ec2.create_vpc_peering_connection(
            VpcId=other, PeerVpcId=self.vpc, TagSpecifications=self.tagged("vpc-peering-connection")
        )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        return self.read("describe_vpc_peering_connections", "VpcPeeringConnections", VpcPeeringConnectionIds=[made])

    def own_vpc(self) -> Read:
        """Make a VPC with our name and network, which all that follows is put into."""
        tags = self.tagged("vpc", f"{self.spec.name}-vpc")
        self.vpc = self.ec2.create_vpc(CidrBlock=self.spec.vpc_ipv4_cidr, TagSpecifications=tags)["Vpc"]["VpcId"]
        return self.read("describe_vpcs", "Vpcs", VpcIds=[self.vpc])

    def dhcp_options(self) -> Read:
        """Make a set of DHCP options, and have its own VPC use it."""
        made = self.ec2.create_dhcp_options(
            DhcpConfigurations=[{"Key": "domain-name", "Values": ["bob.example.com"]}],
            TagSpecifications=self.tagged("dhcp-options", f"{self.spec.name}-dhcp"),
        )["DhcpOptions"]["DhcpOptionsId"]
        self.ec2.associate_dhcp_options(DhcpOptionsId=made, VpcId=self.vpc)
        return self.read("describe_dhcp_options", "DhcpOptions", DhcpOptionsIds=[made])

    def address(self) -> Read:
        tags = self.tagged("elastic-ip", self.spec.names.bastion)
        made = self.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
        return self.read("describe_addresses", "Addresses", AllocationIds=[made])

    def volume(self) -> Read:
        made = self.ec2.create_volume(
            AvailabilityZone=self.spec.availability_zone,
            Size=1,
            TagSpecifications=self.tagged("volume", f"{self.spec.name}-gateway"),
        )["VolumeId"]
        return self.read("describe_volumes", "Volumes", VolumeIds=[made])

    def key_pair(self) -> Read:
        name = self.spec.names.unique
        self.ec2.create_key_pair(KeyName=name, TagSpecifications=self.tagged("key-pair"))
        return self.read("describe_key_pairs", "KeyPairs", KeyNames=[name])

    def instance(self) -> Read:
        """Launch a machine that has our name, and all of our tags but the project."""
        tags = tag_list({"Name": f"{self.spec.name}-gateway", "Cluster": self.spec.name, "Project": "another-owner"})
        answer = self.ec2.run_instances(
            ImageId=self.image,
            **MACHINE,
            TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        )
        made = answer["Instances"][0]["InstanceId"]
        return self.read("describe_instances", "Reservations", InstanceIds=[made])


DESCRIBED = {
    "describe_vpcs": "Vpcs",
    "describe_dhcp_options": "DhcpOptions",
    "describe_subnets": "Subnets",
    "describe_internet_gateways": "InternetGateways",
    "describe_route_tables": "RouteTables",
    "describe_security_groups": "SecurityGroups",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_instances": "Reservations",
    "describe_volumes": "Volumes",
    "describe_addresses": "Addresses",
    "describe_launch_templates": "LaunchTemplates",
}


def everything_of(client: Client, project: str, cluster: str, *roles: str) -> dict[str, Any]:
    """Return how AWS describes what carries a project's tag, and the group, roles and profiles with its names."""
    ec2, iam = client("ec2"), client("iam")
    tagged = [{"Name": "tag:Project", "Values": [project]}]
    found = {answer: getattr(ec2, operation)(Filters=tagged)[answer] for operation, answer in DESCRIBED.items()}
    names = [f"{project}-{cluster}-{role}" for role in roles]
    groups = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"{project}-{cluster}-bastion"])
    return {
        **found,
        "roles": [iam.get_role(RoleName=name)["Role"] for name in names],
        "policies": [iam.list_role_policies(RoleName=name)["PolicyNames"] for name in names],
        "groups": groups["AutoScalingGroups"],
    }


Plant = Callable[[Stranger], Read]


def role(end: str) -> Plant:
    return lambda stranger: stranger.role(f"{stranger.spec.project}-{stranger.spec.name}-{end}")


def profile(end: str) -> Plant:
    return lambda stranger: stranger.profile(f"{stranger.spec.project}-{stranger.spec.name}-{end}")


def group(what: str) -> Plant:
    return lambda stranger: stranger.security_group(what)


def interface(name: str) -> Plant:
    """Return a stranger's interface at the address of the bastion or of a node."""

    def plant(stranger: Stranger) -> Read:
        nodes = {node.name: node.ipv4 for node in stranger.spec.nodes}
        return stranger.eni(name, {**nodes, "bastion": stranger.spec.bastion_ipv4}[name])

    return plant


# Joins something of a stranger with a resource of ours, whose ids are given by key; returns its id and a reading.
Join = Callable[[Stranger, Mapping[str, str]], tuple[str, Read]]


def their_vpc(stranger: Stranger) -> tuple[str, Read]:
    """Make a VPC of the stranger's that has nothing of our names."""
    tags = stranger.tagged("vpc")
    made = stranger.ec2.create_vpc(CidrBlock="10.98.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    return made, stranger.read("describe_vpcs", "Vpcs", VpcIds=[made])


def their_machine(stranger: Stranger, **more: Any) -> tuple[str, Read]:
    """Launch a machine of the stranger's."""
    tags = stranger.tagged("instance")
    answer = stranger.ec2.run_instances(ImageId=stranger.image, **MACHINE, TagSpecifications=tags, **more)
    made = answer["Instances"][0]["InstanceId"]
    return made, stranger.read("describe_instances", "Reservations", InstanceIds=[made])


def their_interface(stranger: Stranger, subnet: str, **more: Any) -> tuple[str, Read]:
    """Make an interface of the stranger's."""
    tags = stranger.tagged("network-interface")
    made = stranger.ec2.create_network_interface(SubnetId=subnet, TagSpecifications=tags, **more)
    eni = made["NetworkInterface"]["NetworkInterfaceId"]
    return eni, stranger.read("describe_network_interfaces", "NetworkInterfaces", NetworkInterfaceIds=[eni])


def their_group(stranger: Stranger, name: str, **more: Any) -> tuple[str, Read]:
    """Make an Auto Scaling group of the stranger's without machines."""
    tags = [{**tag, "PropagateAtLaunch": False} for tag in tag_list(BOB)]
    sizes = {"MinSize": 0, "MaxSize": 1, "DesiredCapacity": 0}
    stranger.autoscaling.create_auto_scaling_group(AutoScalingGroupName=name, Tags=tags, **sizes, **more)
    read = stranger.autoscaling.describe_auto_scaling_groups
    return name, lambda: read(AutoScalingGroupNames=[name])["AutoScalingGroups"]


def their_rule(stranger: Stranger, ours: Mapping[str, str], word: str) -> tuple[str, Read]:
    """Make a group of the stranger's in our VPC with a rule that names our group."""
    tags = stranger.tagged("security-group")
    made = stranger.ec2.create_security_group(
        VpcId=ours["vpc"], GroupName=f"theirs-{word}", Description="theirs", TagSpecifications=tags
    )["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": ours["nodes"]}]}
    getattr(stranger.ec2, f"authorize_security_group_{word}")(GroupId=made, IpPermissions=[rule])
    return made, stranger.read("describe_security_groups", "SecurityGroups", GroupIds=[made])


def gateway_in_their_vpc(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    vpc, _read = their_vpc(stranger)
    gateway = {"InternetGatewayId": ours["internet_gateway"]}
    stranger.ec2.detach_internet_gateway(**gateway, VpcId=ours["vpc"])
    stranger.ec2.attach_internet_gateway(**gateway, VpcId=vpc)
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    return vpc, stranger.read("describe_internet_gateways", "InternetGateways", Filters=attached)


def options_of_their_vpc(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    vpc, read = their_vpc(stranger)
    stranger.ec2.associate_dhcp_options(DhcpOptionsId=ours["dhcp_options"], VpcId=vpc)
    return vpc, read


def their_options_of_our_vpc(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    """Associate our VPC with the stranger's set of DHCP options instead of ours."""
    made = stranger.ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["bob.example.com"]}],
        TagSpecifications=stranger.tagged("dhcp-options"),
    )["DhcpOptions"]["DhcpOptionsId"]
    stranger.ec2.create_tags(Resources=[made], Tags=tag_list(BOB))
    stranger.ec2.associate_dhcp_options(DhcpOptionsId=made, VpcId=ours["vpc"])
    # The VPC shows which set it uses.
    return made, stranger.read("describe_vpcs", "Vpcs", VpcIds=[ours["vpc"]])


def role_in_their_profile(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    read = stranger.profile("theirs")
    stranger.iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName=ours["iam_role/node"])
    return "theirs", read


def profile_of_their_machine(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    return their_machine(stranger, IamInstanceProfile={"Name": ours["instance_profile/node"]})


def interface_on_their_machine(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    machine, read = their_machine(stranger)
    eni = ours["eni/bastion"]
    stranger.ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId=machine, DeviceIndex=1)
    return machine, read


def address_on_our_interface(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    tags = stranger.tagged("elastic-ip")
    made = stranger.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
    stranger.ec2.associate_address(AllocationId=made, NetworkInterfaceId=ours["eni/gateway"])
    return made, stranger.read("describe_addresses", "Addresses", AllocationIds=[made])


def address_on_our_bastion(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    stranger.ec2.disassociate_address(
        AssociationId=stranger.ec2.describe_addresses(AllocationIds=[ours["address/bastion"]])["Addresses"][0][
            "AssociationId"
        ]
    )
    return address_on_our_interface(stranger, {"eni/gateway": ours["eni/bastion"]})


def table_of_our_subnet(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    """Associate our subnet with the stranger's route table instead of ours."""
    used = [{"Name": "association.subnet-id", "Values": [ours["subnet"]]}]
    (table,) = stranger.ec2.describe_route_tables(Filters=used)["RouteTables"]
    (association,) = [item for item in table["Associations"] if item.get("SubnetId") == ours["subnet"]]
    tags = stranger.tagged("route-table")
    made = stranger.ec2.create_route_table(VpcId=ours["vpc"], TagSpecifications=tags)["RouteTable"]["RouteTableId"]
    stranger.ec2.replace_route_table_association(
        AssociationId=association["RouteTableAssociationId"], RouteTableId=made
    )
    return made, stranger.read("describe_route_tables", "RouteTables", RouteTableIds=[made])


def our_address_on_their_interface(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    eni, read = their_interface(stranger, ours["subnet"])
    address = {"AllocationId": ours["address/bastion"], "AllowReassociation": True}
    stranger.ec2.associate_address(**address, NetworkInterfaceId=eni)
    return eni, read


def our_volume_on_their_machine(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    machine, read = their_machine(stranger)
    stranger.ec2.attach_volume(VolumeId=ours["volume"], InstanceId=machine, Device="/dev/sdf")
    return machine, read


def their_volume_on_our_machine(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    place = {"AvailabilityZone": stranger.spec.availability_zone, "Size": 1}
    made = stranger.ec2.create_volume(**place, TagSpecifications=stranger.tagged("volume"))["VolumeId"]
    stranger.ec2.attach_volume(VolumeId=made, InstanceId=ours["instance/gateway"], Device="/dev/sdf")
    return made, stranger.read("describe_volumes", "Volumes", VolumeIds=[made])


def their_interface_on_our_machine(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    vpc, _read = their_vpc(stranger)
    subnet = stranger.ec2.create_subnet(VpcId=vpc, CidrBlock="10.98.0.0/24")["Subnet"]["SubnetId"]
    eni, read = their_interface(stranger, subnet)
    machine = ours["instance/gateway"]
    stranger.ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId=machine, DeviceIndex=1)
    return eni, read


def their_machine_in_our_group(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    machine, read = their_machine(stranger)
    group = ours["autoscaling_group/bastion"]
    stranger.autoscaling.attach_instances(AutoScalingGroupName=group, InstanceIds=[machine])
    return machine, read


def group_in_our_subnet(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    name, data = "theirs-in-our-subnet", {"InstanceType": "m7g.large"}
    stranger.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
    template = {"LaunchTemplateName": name}
    return their_group(stranger, name, LaunchTemplate=template, VPCZoneIdentifier=ours["subnet"])


def group_of_our_template(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    template, zones = {"LaunchTemplateId": ours["launch_template/bastion"]}, [stranger.spec.availability_zone]
    return their_group(stranger, "theirs-of-our-template", LaunchTemplate=template, AvailabilityZones=zones)


def template_naming(key: str, data: Callable[[str], dict[str, Any]]) -> Join:
    """Make a template of the stranger's that names a resource of ours."""

    def join(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
        made = stranger.ec2.create_launch_template(
            LaunchTemplateName=f"theirs-{key.replace('/', '-')}",
            LaunchTemplateData={"InstanceType": "m7g.large", **data(ours[key])},
            TagSpecifications=stranger.tagged("launch-template"),
        )["LaunchTemplate"]["LaunchTemplateId"]
        return made, stranger.read("describe_launch_templates", "LaunchTemplates", LaunchTemplateIds=[made])

    return join


def template_that_their_group_pins(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    """Make a group that uses the first version of a template, and a newer one that names nothing of ours."""
    name, data = "theirs-pinned", {"InstanceType": "m7g.large"}
    first: dict[str, Any] = {
        "LaunchTemplateName": name,
        "LaunchTemplateData": {**data, "SecurityGroupIds": [ours["nodes"]]},
    }
    first |= {"TagSpecifications": stranger.tagged("launch-template")}
    made = stranger.ec2.create_launch_template(**first)["LaunchTemplate"]["LaunchTemplateId"]
    stranger.ec2.create_launch_template_version(LaunchTemplateId=made, LaunchTemplateData=data)
    stranger.ec2.modify_launch_template(LaunchTemplateId=made, DefaultVersion="2")
    template, zones = {"LaunchTemplateId": made, "Version": "1"}, [stranger.spec.availability_zone]
    their_group(stranger, name, LaunchTemplate=template, AvailabilityZones=zones)
    return made, stranger.read("describe_launch_templates", "LaunchTemplates", LaunchTemplateIds=[made])


def in_interface(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda value: {"NetworkInterfaces": [{"DeviceIndex": 0, name: [value] if name == "Groups" else value}]}


def profile_by_arn(name: str) -> dict[str, Any]:
    return {"IamInstanceProfile": {"Arn": f"arn:aws:iam::123456789012:instance-profile/{name}"}}


def rule_in(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    return their_rule(stranger, ours, "ingress")


def rule_out(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    return their_rule(stranger, ours, "egress")


def interface_with_our_group(stranger: Stranger, ours: Mapping[str, str]) -> tuple[str, Read]:
    return their_interface(stranger, ours["subnet"], Groups=[ours["nodes"]])


# A kind of ours, how it is joined, with which kind of another owner, and what joins them.
JOINS: Sequence[tuple[str, str, str, Join]] = (
    ("internet_gateway", "is attached to", "vpc", gateway_in_their_vpc),
    ("dhcp_options", "are used by", "vpc", options_of_their_vpc),
    ("vpc", "uses", "dhcp_options", their_options_of_our_vpc),
    ("subnet", "is used by", "autoscaling_group", group_in_our_subnet),
    ("subnet", "uses", "route_table", table_of_our_subnet),
    ("security_group", "is referenced by a rule of", "security_group", rule_in),
    ("security_group", "is referenced by a rule of", "security_group", rule_out),
    ("security_group", "is used by", "eni", interface_with_our_group),
    ("iam_role", "is in", "instance_profile", role_in_their_profile),
    ("instance_profile", "is used by", "instance", profile_of_their_machine),
    ("eni", "is attached to", "instance", interface_on_their_machine),
    ("eni", "has", "address", address_on_our_interface),
    ("address", "is associated with", "eni", our_address_on_their_interface),
    ("volume", "is attached to", "instance", our_volume_on_their_machine),
    ("instance", "has", "volume", their_volume_on_our_machine),
    ("instance", "has", "eni", their_interface_on_our_machine),
    ("launch_template", "is used by", "autoscaling_group", group_of_our_template),
    ("autoscaling_group", "contains", "instance", their_machine_in_our_group),
    ("subnet", "is named by", "launch_template", template_naming("subnet", in_interface("SubnetId"))),
    ("security_group", "is named by", "launch_template", template_naming("nodes", in_interface("Groups"))),
    (
        "security_group",
        "is named by",
        "launch_template",
        template_naming("security_group/bastion", lambda group: {"SecurityGroupIds": [group]}),
    ),
    ("security_group", "is named by", "launch_template", template_that_their_group_pins),
    ("eni", "is named by", "launch_template", template_naming("eni/gateway", in_interface("NetworkInterfaceId"))),
    ("instance_profile", "is named by", "launch_template", template_naming("instance_profile/node", profile_by_arn)),
)


# By the key of the resource whose name, unique in the account or the region, each has.
NAMES: Mapping[str, Plant] = {
    "ssm_parameter/bastion": Stranger.host_key,
    "iam_role/node": role("node"),
    "iam_role/bastion": role("bastion"),
    "iam_role/access": role("home-access"),
    "instance_profile/node": profile("node"),
    "instance_profile/bastion": profile("bastion"),
    "launch_template/bastion": Stranger.launch_template,
    "autoscaling_group/bastion": Stranger.autoscaling_group,
    "iam_role/hours": role("hours"),
    "schedule_group/hours": Stranger.schedule_group,
}
# By the last part of its name: each parameter that is not a resource of the cluster.
PARAMETERS: Mapping[str, Plant] = {"claim": Stranger.claim, "run": Stranger.run}
# By the key of the resource whose place in a VPC of the cluster's each takes, in an order in which they can be made.
PLACES: Mapping[str, Plant] = {
    "subnet": Stranger.subnet,
    "internet_gateway": Stranger.internet_gateway,
    "security_group/nodes": group("nodes"),
    "security_group/bastion": group("bastion"),
    "eni/bastion": interface("bastion"),
    "eni/gateway": interface("gateway"),
}
# By kind: what keeps a VPC of the cluster's from being deleted without taking the place of anything.
FOREIGN_KINDS: Mapping[str, Plant] = {
    "route_table": Stranger.route_table,
    "network_acl": Stranger.network_acl,
    "vpc_endpoint": Stranger.vpc_endpoint,
    "vpn_gateway": Stranger.vpn_gateway,
    "vpc_peering_connection": Stranger.peering,
    "natgateway": Stranger.nat_gateway,
    "egress_only_internet_gateway": Stranger.egress_only_gateway,
}
# By kind: what AWS allows any number of beside the cluster's, in a VPC of the stranger's own.
BESIDE: Mapping[str, Plant] = {
    "vpc": Stranger.own_vpc,
    "dhcp_options": Stranger.dhcp_options,
    "subnet": Stranger.subnet,
    "internet_gateway": Stranger.internet_gateway,
    "route_table": Stranger.route_table,
    "security_group": group("nodes"),
    "eni": interface("gateway"),
    "address": Stranger.address,
    "volume": Stranger.volume,
    "key_pair": Stranger.key_pair,
    "instance": Stranger.instance,
}
# The calls that make something, and the kind of what they make.
MADE_BY: Mapping[str, str] = {
    "AllocateAddress": "address",
    "CreateAutoScalingGroup": "autoscaling_group",
    "CreateDhcpOptions": "dhcp_options",
    "CreateInstanceProfile": "instance_profile",
    "CreateInternetGateway": "internet_gateway",
    "CreateLaunchTemplate": "launch_template",
    "CreateNetworkInterface": "eni",
    "CreateRole": "iam_role",
    "CreateRouteTable": "route_table",
    "CreateScheduleGroup": "schedule_group",
    "CreateSecurityGroup": "security_group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "PutParameter": "ssm_parameter",
    "RunInstances": "instance",
}
# They make something inside a thing that one of the others has made, and which names it.
PARTS_OF_OTHERS = (
    *("CreateLaunchTemplateVersion", "CreateOrUpdateTags", "CreateRoute", "CreateSchedule", "CreateTags"),
    *("PutRolePolicy", "PutScheduledUpdateGroupAction"),
)
