# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small cluster for the tests about EC2: described, built in moto, and read through the same Api as in production."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

import boto3
import botocore.client
import botocore.session
import moto.core.responses
import pytest
from ansible.module_utils.testing import patch_module_args
from botocore.config import Config
from moto import mock_aws
from moto.ec2.models import ec2_backends

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import Desired, desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.compare import compare
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import Comparison
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import read_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec, parse_spec

ACCOUNT = "123456789012"
REGION = "eu-west-1"
IMAGE = "ami-0ef3038e9b73a0746"
# The tags of a resource of the cluster.
OWNER = {"Project": "talos-arm64", "Cluster": "moon", "ManagedBy": "urmanac.talos"}


def node(name: str = "gateway", **changes: Any) -> dict[str, Any]:
    """Return a node as a user describes it."""
    described = {"name": name, "role": "gateway", "machine_type": "controlplane", "ipv4": "10.10.0.101"}
    return {**described, **changes}


def cluster(**changes: Any) -> dict[str, Any]:
    """Return a cluster of one node as a user describes it."""
    described = {
        "name": "moon",
        "project": "talos-arm64",
        "tags": {"Owner": "Ada Lovelace"},
        "region": REGION,
        "availability_zone": "eu-west-1a",
        "vpc_ipv4_cidr": "10.10.0.0/16",
        "subnet_ipv4_cidr": "10.10.0.0/24",
        "domain": "talos.example.com",
        "bastion_ipv4": "10.10.0.100",
        "instance_type": "t4g.medium",
        "volume_size": 50,
        "cpu_credits": "unlimited",
        "nodes_max": 3,
        "nodes": [node()],
    }
    return {**described, **changes}


def spec(**changes: Any) -> ClusterSpec:
    """Return the parsed description."""
    return parse_spec(cluster(**changes))


# Moto lists the methods of a service's class again at each call, which takes an eighth of the call.
moto.core.responses.method_names_from_class = cache(moto.core.responses.method_names_from_class)
# Moto checks neither signatures nor the names of programs, and making both takes an eighth of a call.
UNSIGNED = Config(signature_version=botocore.UNSIGNED, user_agent="tests")
# Each session of boto3 would read megabytes of descriptions again.
_shared_loader = cache(botocore.session.create_loader)


@contextmanager
def empty_aws() -> Iterator[None]:
    """Have moto answer as AWS, without its list of images, whose loading takes longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", _shared_loader)
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        with mock_aws(), account_answers():
            yield


@contextmanager
def account_answers() -> Iterator[dict[str, Any]]:
    """Have the services that moto lacks answer; what they answer may be changed."""
    answers: dict[str, Any] = {
        "GetServiceQuota": {"Quota": {"Value": 64.0}},
        "GetAccountPlanState": {"accountPlanType": "PAID"},
    }
    call = botocore.client.BaseClient._make_api_call

    def answer(client: Any, operation: str, parameters: Any) -> Any:
        return answers[operation] if operation in answers else call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", answer)
        yield answers


@contextmanager
def aws_with_images() -> Iterator[None]:
    """Have moto answer as AWS with its list of images, in one region and read once: a test uses no other."""
    with empty_aws():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "true")
            ec2_backends[ACCOUNT][REGION].reset()
        yield


@cache
def moto_clients() -> dict[str, Any]:
    """Return clients that any test can use inside its own moto."""
    services = ("ec2", "iam", "autoscaling", "scheduler", "sts", "ssm", "service-quotas", "freetier")
    return {service: boto3.client(service, region_name=REGION, config=UNSIGNED) for service in services}


class MotoApi(AwsApi):
    """The real Api on moto's clients; moto calls every instance's credits standard, so those are remembered here."""

    def __init__(self) -> None:
        self.clients = moto_clients()
        self.cpu_credits = "unlimited"
        self.calls: list[str] = []
        super().__init__(self.clients, REGION)

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        if operation == "describe_instance_credit_specifications":
            ids = parameters["InstanceIds"]
            return {"InstanceCreditSpecifications": [{"InstanceId": i, "CpuCredits": self.cpu_credits} for i in ids]}
        return super().call(service, operation, **parameters)


class BuilderApi(Protocol):
    """What the builder needs: clients of boto3 by service."""

    clients: dict[str, Any]


class Builder:
    """Builds the cluster as its description says, so that a test starts from a converged one."""

    def __init__(self, api: BuilderApi, cluster_spec: ClusterSpec, *, image: str = IMAGE) -> None:
        self.image = image
        self.ec2, self.iam, self.autoscaling = (api.clients[name] for name in ("ec2", "iam", "autoscaling"))
        self.spec = cluster_spec
        self.wanted: dict[str, Desired] = desired(cluster_spec)
        self.ids: dict[str, str] = {}

    def build(self) -> dict[str, str]:
        """Build everything and return the ids by key."""
        self._network()
        self._security_groups()
        self._iam("node")
        if self.spec.bastion:
            self._bastion()
        for item in self.spec.nodes:
            self._node(item.name)
        return self.ids

    def _tag(self, key: str, resource: str, *, remember: bool = True) -> str:
        tags = self.wanted[key].want["tags"]
        self.ec2.create_tags(Resources=[resource], Tags=tag_list(tags))
        if remember:
            self.ids[key] = resource
        return resource

    def _network(self) -> None:
        ec2, spec_ = self.ec2, self.spec
        vpc = ec2.create_vpc(CidrBlock=spec_.vpc_ipv4_cidr, AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        vpc_id = self._tag("vpc", vpc["VpcId"])
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
        options = {
            "domain-name": [spec_.domain],
            "domain-name-servers": ["AmazonProvidedDNS"],
            "ntp-servers": ["169.254.169.123"],
        }
        configurations = [{"Key": key, "Values": values} for key, values in options.items()]
        dhcp = ec2.create_dhcp_options(DhcpConfigurations=configurations)["DhcpOptions"]["DhcpOptionsId"]
        ec2.associate_dhcp_options(DhcpOptionsId=self._tag("dhcp_options", dhcp), VpcId=vpc_id)
        block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
        subnet = ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=spec_.subnet_ipv4_cidr,
            Ipv6CidrBlock=block,
            AvailabilityZone=spec_.availability_zone,
        )["Subnet"]["SubnetId"]
        self._tag("subnet", subnet)
        igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self._tag("internet_gateway", igw), VpcId=vpc_id)
        table = self._tag("route_table", ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"])
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
        ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=igw)
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    def _security_groups(self) -> None:
        for what in ("nodes", "bastion"):
            name = f"{self.spec.name}-{what}"
            group = self.ec2.create_security_group(GroupName=name, Description=what, VpcId=self.ids["vpc"])
            self._tag(f"security_group/{what}", group["GroupId"])
        nodes, bastion = self.ids["security_group/nodes"], self.ids["security_group/bastion"]
        for group_id, protocol, ports, peer in (
            (nodes, "-1", None, nodes),
            (nodes, "tcp", 6443, bastion),
            (nodes, "tcp", 50000, bastion),
            (bastion, "-1", None, nodes),
        ):
            permission: dict[str, Any] = {"IpProtocol": protocol, "UserIdGroupPairs": [{"GroupId": peer}]}
            if ports:
                permission |= {"FromPort": ports, "ToPort": ports}
            self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])

    def _iam(self, what: str) -> None:
        name, role = self.wanted[f"iam_role/{what}"].name, self.wanted[f"iam_role/{what}"].want
        tags = tag_list(role["tags"])
        trust, policy = json.dumps(role["trust_policy"]), json.dumps(role["policy"])
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)
        self.iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)
        self.iam.create_instance_profile(InstanceProfileName=name, Tags=tags)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

    def _bastion(self) -> None:
        self._iam("bastion")
        eni, name = self.wanted["eni/bastion"].want, self.wanted["launch_template/bastion"].name
        interface = self.ec2.create_network_interface(
            SubnetId=self.ids["subnet"],
            PrivateIpAddress=eni["ipv4"],
            Ipv6AddressCount=1,
            Groups=[self.ids["security_group/bastion"]],
            Description=eni["description"],
        )["NetworkInterface"]["NetworkInterfaceId"]
        check = {"Value": eni["source_dest_check"]}
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, SourceDestCheck=check)
        self._tag("eni/bastion", interface)
        if "address/bastion" in self.wanted:
            address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
            self.ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
            self._tag("address/bastion", address)
        data = self.template_data(interface)
        # Moto knows of a template only the tags that it was made with.
        tags = tag_list(self.wanted["launch_template/bastion"].want["tags"])
        template = self.ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData=data,
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
        )
        self.ids["launch_template/bastion"] = template["LaunchTemplate"]["LaunchTemplateId"]
        self._group(name)

    def template_data(self, interface: str) -> dict[str, Any]:
        """Return the described launch template as EC2 takes it."""
        want = self.wanted["launch_template/bastion"].want
        ebs = {"VolumeSize": want["volume_size"], "VolumeType": "gp3", "Encrypted": True}
        return {
            "ImageId": want["image"],
            "InstanceType": want["type"],
            "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": ebs}],
            "IamInstanceProfile": {"Name": want["instance_profile"]},
            "CreditSpecification": {"CpuCredits": want["cpu_credits"]},
            "UserData": "IyEvYmluL3NoCg==",
            **({"KeyName": want["ssh_key_name"]} if want["ssh_key_name"] else {}),
        }

    def _group(self, name: str) -> None:
        want = self.wanted["autoscaling_group/bastion"].want
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateId": self.ids["launch_template/bastion"], "Version": "$Latest"},
            MinSize=0,
            MaxSize=1,
            # Moto would launch it without its interface.
            DesiredCapacity=0,
            AvailabilityZones=want["availability_zones"],
            Tags=[{**tag, "PropagateAtLaunch": False} for tag in tag_list(want["tags"])],
        )
        self.ids["autoscaling_group/bastion"] = name
        for action, schedule in want["schedules"].items():
            self.autoscaling.put_scheduled_update_group_action(
                AutoScalingGroupName=name,
                ScheduledActionName=action,
                Recurrence=schedule["recurrence"],
                TimeZone=schedule["time_zone"],
                DesiredCapacity=schedule["capacity"],
            )

    def _node(self, name: str) -> None:
        eni, instance = self.wanted[f"eni/{name}"].want, self.wanted[f"instance/{name}"].want
        interface = self.ec2.create_network_interface(
            SubnetId=self.ids["subnet"],
            PrivateIpAddress=eni["ipv4"],
            Ipv6AddressCount=1,
            Groups=[self.ids["security_group/nodes"]],
            Description=eni["description"],
        )["NetworkInterface"]["NetworkInterfaceId"]
        self._tag(f"eni/{name}", interface)
        ebs = {"VolumeSize": instance["volume_size"], "VolumeType": "gp3", "Encrypted": True}
        run = self.ec2.run_instances(
            ImageId=self.image,
            MinCount=1,
            MaxCount=1,
            InstanceType=instance["type"],
            NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {**ebs, "DeleteOnTermination": True}}],
            IamInstanceProfile={"Name": instance["instance_profile"]},
            TagSpecifications=[{"ResourceType": "volume", "Tags": tag_list(instance["tags"])}],
        )
        self._tag(f"instance/{name}", run["Instances"][0]["InstanceId"])


def compared(api: Any, cluster_spec: ClusterSpec) -> Comparison:
    """Return how the cluster in moto is, by its description."""
    things = read_cluster(api, cluster_spec)
    vpc = next((thing for thing in things if thing.kind == "vpc"), None)
    return compare(desired(cluster_spec, vpc_ipv6_cidr=vpc.have["ipv6_cidr"] if vpc else None), things)


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags in the format of AWS."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def run_module(
    main: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
    **options: Any,
) -> dict[str, Any]:
    """Run a module in this process, as Ansible would, and return what it prints."""
    with patch_module_args(options), pytest.raises(SystemExit):
        main()
    return json.loads(capsys.readouterr().out)


def change_schedule(scheduler: Any, name: str, group: str = "default", **changes: Any) -> None:
    """Change settings of a schedule; AWS resets those that the call does not name."""
    parts = ("ActionAfterCompletion", "Description", "FlexibleTimeWindow", "ScheduleExpression")
    kept = (*parts, "ScheduleExpressionTimezone", "State", "Target")
    have = scheduler.get_schedule(GroupName=group, Name=name)
    scheduler.update_schedule(GroupName=group, Name=name, **{key: have[key] for key in kept if key in have} | changes)
