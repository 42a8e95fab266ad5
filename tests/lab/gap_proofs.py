# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proof of each gap of moto: it holds in the lab, and not when the one module that closes the gap is switched off.

    python -m tests.lab.gap_proofs

It runs moto in this process, without servers and machines, and forks for each gap, because a change of moto stays. It
prints, as JSON, how each proof fails "with" all modules of lab/aws/gaps, and "without" its own; an empty text where it
holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.config
import botocore.exceptions
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from lab.aws import extensions, gaps, patches
from lab.aws.faults import AwsRefusal
from lab.settings import REGION
from tests.lab.labs import AMI_PARAMETER

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
SCHEDULER = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST_OF_SCHEDULER = json.dumps({"Version": "2012-10-17", "Statement": [SCHEDULER]})
TRUST_OF_SCHEDULES = TRUST_OF_SCHEDULER.replace(
    '"scheduler.amazonaws.com"', '["scheduler.amazonaws.com", "ssm.amazonaws.com"]'
)


class Park:
    """A park without machines: delayed actions of AWS happen when a proof triggers them."""

    def __init__(self) -> None:
        self.machines: dict[str, Any] = {}
        self._waiting: list[Callable[[], object]] = []

    def later(self, change: Callable[[], object]) -> None:
        self._waiting.append(change)

    def settle(self) -> None:
        """Let the moment pass."""
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            change()

    def power_on(self, identifier: str, **_: Any) -> None: ...
    def power_off(self, identifier: str) -> None: ...
    def remove(self, identifier: str) -> None: ...


class Place(NamedTuple):
    """A network, an image and the clients."""

    park: Park
    ec2: Any
    autoscaling: Any
    iam: Any
    vpc: str
    subnet: str
    group: str
    ipv6: str
    image: str

    def interface(self, **more: Any) -> dict[str, Any]:
        arguments = {"SubnetId": self.subnet, "Groups": [self.group]} | more
        made: dict[str, Any] = self.ec2.create_network_interface(**arguments)["NetworkInterface"]
        return made

    def instance(self, **more: Any) -> dict[str, Any]:
        arguments = {"ImageId": self.image, "InstanceType": "t4g.small", "MinCount": 1, "MaxCount": 1}
        where = {} if "NetworkInterfaces" in more else {"SubnetId": self.subnet}
        made: dict[str, Any] = self.ec2.run_instances(**arguments | where | more)["Instances"][0]
        return made

    def instances(self, **wanted: Any) -> list[dict[str, Any]]:
        return [one for found in self.ec2.describe_instances(**wanted)["Reservations"] for one in found["Instances"]]

    def template(self, **more: Any) -> str:
        data = {"ImageId": self.image, "InstanceType": "t4g.small"} | more
        made = self.ec2.create_launch_template(LaunchTemplateName="one", LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def scaling_group(self, **more: Any) -> list[Any]:
        """Make a group of one instance; return the instances that it has at once."""
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="one",
            LaunchTemplate={"LaunchTemplateId": self.template(**more), "Version": "$Latest"},
            MinSize=0,
            MaxSize=1,
            DesiredCapacity=1,
            VPCZoneIdentifier=self.subnet,
        )
        return self.members()

    def members(self) -> list[Any]:
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["one"])["AutoScalingGroups"]
        return list(found[0]["Instances"])


def place(park: Park) -> Place:
    """Make a dual-stack network."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    ipv6 = block.replace("/56", "/64")
    where = {"CidrBlock": "10.1.0.0/24", "Ipv6CidrBlock": ipv6, "AvailabilityZone": f"{REGION}a"}
    subnet = ec2.create_subnet(VpcId=vpc, **where)["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    image = client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
    return Place(park, ec2, client("autoscaling"), client("iam"), vpc, subnet, group, ipv6, image)


def client(service: str) -> Any:
    once = botocore.config.Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    return boto3.client(service, region_name=REGION, config=once, **keys)


def refused(code: str, call: Callable[..., Any], **arguments: Any) -> bool:
    """Return whether AWS refuses a call with this code."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return bool(error.response["Error"]["Code"] == code)
    return False


def auto_scaling_deletion(here: Place) -> bool:
    here.scaling_group()
    here.park.settle()
    unforced = refused("ResourceInUse", here.autoscaling.delete_auto_scaling_group, AutoScalingGroupName="one")
    here.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="one", ForceDelete=True)
    sizes = {"MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": here.subnet}
    launch = {"LaunchTemplateName": "one"}
    again = {"AutoScalingGroupName": "one", "LaunchTemplate": launch, **sizes}
    taken = refused("AlreadyExists", here.autoscaling.create_auto_scaling_group, **again)
    states: list[list[Any]] = []
    while states[-1:] != [[]] and len(states) < 9:
        found = here.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["one"])["AutoScalingGroups"]
        states.append([group.get("Status") for group in found])
        here.park.settle()
    return unforced and taken and states[0] == ["Delete in progress"] and states[-1] == []


def auto_scaling_groups(here: Place) -> bool:
    at_once = here.scaling_group()
    here.park.settle()
    return (len(at_once), len(here.members())) == (0, 1)


def bucket_owner(_: Place) -> bool:
    s3 = client("s3")
    s3.create_bucket(Bucket="owned", CreateBucketConfiguration={"LocationConstraint": REGION})
    of_others = refused("AccessDenied", s3.get_bucket_versioning, Bucket="owned", ExpectedBucketOwner="111122223333")
    s3.get_bucket_versioning(Bucket="owned", ExpectedBucketOwner=patches.ACCOUNT)
    return of_others


def client_tokens(here: Place) -> bool:
    first, again = (here.interface(ClientToken="one")["NetworkInterfaceId"] for _ in range(2))
    other = here.interface(ClientToken="two")["NetworkInterfaceId"]
    here.ec2.delete_network_interface(NetworkInterfaceId=first)
    new = here.interface(ClientToken="one")["NetworkInterfaceId"]
    try:
        here.interface(ClientToken="two", Description="of a different request")
    except AwsRefusal as error:
        return first == again and len({first, other, new}) == 3 and error.code == "IdempotentParameterMismatch"
    return False


def cpu_credits(here: Place) -> bool:
    name = here.instance()["InstanceId"]
    found = here.ec2.describe_instance_credit_specifications(InstanceIds=[name])["InstanceCreditSpecifications"]
    (reservation,) = here.ec2.describe_instances(InstanceIds=[name])["Reservations"]
    cores = reservation["Instances"][0].get("CpuOptions")
    return bool(
        (found, cores) == ([{"InstanceId": name, "CpuCredits": "unlimited"}], {"CoreCount": 2, "ThreadsPerCore": 1})
    )


def deleted_tags(here: Place) -> bool:
    name = here.interface()["NetworkInterfaceId"]
    here.ec2.create_tags(Resources=[name], Tags=[{"Key": "Name", "Value": "gone soon"}])
    here.ec2.delete_network_interface(NetworkInterfaceId=name)
    return not here.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]


def dependency_violations(here: Place) -> bool:
    face = {"NetworkInterfaceId": here.interface()["NetworkInterfaceId"]}
    address = {"AllocationId": here.ec2.allocate_address(Domain="vpc")["AllocationId"]}
    return refused("DependencyViolation", here.ec2.delete_subnet, SubnetId=here.subnet) and refused(
        "Gateway.NotAttached", here.ec2.associate_address, **address, **face
    )


def dhcp_options(here: Place) -> bool:
    tags = [{"Key": "Name", "Value": "here"}]
    made = here.ec2.create_dhcp_options(
        DhcpConfigurations=[
            {"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]},
            {"Key": "domain-name", "Values": ["talos.local"]},
        ],
        TagSpecifications=[{"ResourceType": "dhcp-options", "Tags": tags}],
    )["DhcpOptions"]
    names = [option["Key"] for option in made["DhcpConfigurations"]]
    return bool(made["Tags"] == tags and names == ["domain-name", "domain-name-servers"])


def elastic_ip_type(here: Place) -> bool:
    tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": "one"}]}]
    name = here.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
    found = here.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]
    return [tag["ResourceType"] for tag in found] == ["elastic-ip"]


def free_tier(_: Place) -> bool:
    return bool(client("freetier").get_account_plan_state()["accountPlanType"] == "PAID")


def instance_filters(here: Place) -> bool:
    made = here.instance()
    wanted = {"Name": "network-interface.addresses.private-ip-address", "Values": [made["PrivateIpAddress"][:-1] + "*"]}
    return [one["InstanceId"] for one in here.instances(Filters=[wanted])] == [made["InstanceId"]]


def instance_interfaces(here: Place) -> bool:
    made = here.instance(NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": here.subnet, "Ipv6AddressCount": 1}])
    (interface,) = here.instances(InstanceIds=[made["InstanceId"]])[0]["NetworkInterfaces"]
    return len(interface["PrivateIpAddresses"]) == len(interface["Ipv6Addresses"]) == 1


def instance_life(here: Place) -> bool:
    here.instance()
    (at_once,) = here.instances()
    here.park.settle()
    (later,) = here.instances()
    return (at_once["State"]["Name"], later["State"]["Name"]) == ("pending", "running")


def instance_profiles(here: Place) -> bool:
    here.iam.create_instance_profile(InstanceProfileName="one")
    here.iam.create_role(RoleName="one", AssumeRolePolicyDocument=TRUST)
    names = {"InstanceProfileName": "one", "RoleName": "one"}
    return refused("NoSuchEntity", here.iam.remove_role_from_instance_profile, **names)


def instance_volumes(here: Place) -> bool:
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50, "VolumeType": "gp3", "Throughput": 250}}
    here.instance(BlockDeviceMappings=[disk])
    found = here.ec2.describe_volumes()["Volumes"]
    return [(one["Size"], one.get("Throughput")) for one in found] == [(50, 250)]


def interface_addresses(here: Place) -> bool:
    code = "InvalidParameterValue"
    return refused(code, here.interface, PrivateIpAddress="10.1.0.1") and refused(
        code, here.interface, Ipv6Addresses=[{"Ipv6Address": "2001:db8::1"}]
    )


def interface_attachments(here: Place) -> bool:
    interface, code = here.interface()["NetworkInterfaceId"], "InvalidNetworkInterface.InUse"
    first, second = ({"InstanceId": here.instance()["InstanceId"], "DeviceIndex": 1} for _ in range(2))
    here.ec2.attach_network_interface(NetworkInterfaceId=interface, **first)
    return refused(code, here.ec2.attach_network_interface, NetworkInterfaceId=interface, **second)


def interface_filters(here: Place) -> bool:
    made = here.interface(Ipv6AddressCount=1)
    filters = {"status": "available", "ipv6-addresses.ipv6-address": made["Ipv6Addresses"][0]["Ipv6Address"]}
    wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    found = here.ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
    return [one["NetworkInterfaceId"] for one in found] == [made["NetworkInterfaceId"]]


def launch_checks(here: Place) -> bool:
    return refused("ValidationError", here.scaling_group, KeyName="unknown")


def launch_template_deletion(here: Place) -> bool:
    name = here.template()
    here.ec2.create_launch_template_version(LaunchTemplateId=name, LaunchTemplateData={"InstanceType": "t4g.large"})
    here.ec2.delete_launch_template_versions(LaunchTemplateId=name, Versions=["2"])
    found = here.ec2.describe_launch_template_versions(LaunchTemplateId=name)["LaunchTemplateVersions"]
    return [version["VersionNumber"] for version in found] == [1]


def launch_template_versions(here: Place) -> bool:
    made = here.ec2.create_launch_template_version(
        LaunchTemplateId=here.template(), SourceVersion="1", LaunchTemplateData={"InstanceType": "t4g.large"}
    )["LaunchTemplateVersion"]["LaunchTemplateData"]
    return (made.get("ImageId"), made["InstanceType"]) == (here.image, "t4g.large")


def metadata_options(here: Place) -> bool:
    name = here.instance(MetadataOptions={"HttpTokens": "required"})["InstanceId"]
    here.ec2.modify_instance_metadata_options(InstanceId=name, HttpPutResponseHopLimit=3)
    return bool(here.instances(InstanceIds=[name])[0]["MetadataOptions"]["HttpTokens"] == "required")


def quotas(_: Place) -> bool:
    found = client("service-quotas").get_aws_default_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")
    return bool(found["Quota"]["Value"] == 5)


def run_instances(here: Place) -> bool:
    return refused("InvalidParameterValue", here.instance, InstanceType="t3.medium")


def server_errors(_: Place) -> bool:
    server = DomainDispatcherApplication(create_backend_app)
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential=none/20261130/{REGION}/no-service/aws4_request"}
    try:
        Client(server).get("/", headers=signed)
    except AwsRefusal as error:
        return error.code == "UnsupportedOperation"
    return False


def service_linked_roles(here: Place) -> bool:
    before = refused("NoSuchEntity", here.iam.get_role, RoleName="AWSServiceRoleForAutoScaling")
    here.scaling_group()
    return before and not refused("NoSuchEntity", here.iam.get_role, RoleName="AWSServiceRoleForAutoScaling")


def schedule_roles(here: Place) -> bool:
    for name, trust in (("trusting", TRUST_OF_SCHEDULER), ("other", TRUST)):
        here.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)

    def is_refused(role: str) -> bool:
        return refused("ValidationException", client("scheduler").create_schedule, **schedule_of(role))

    return [is_refused(role) for role in ("trusting", "trusting", "other", "other", "missing")] == [
        *(True, False, True, True, True)
    ]


def schedules(here: Place) -> bool:
    # Importing it closes the gap.
    from lab.aws.gaps.schedules import run_schedule

    scheduler, machine = client("scheduler"), here.instance()["InstanceId"]
    here.park.settle()
    here.ec2.create_tags(Resources=[machine], Tags=[{"Key": "NodesOf", "Value": "one"}])
    scheduler.create_schedule_group(Name="one")
    looks = ["ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "tag:GetResources"]
    needed = ["ec2:StopInstances", "ssm:StartAutomationExecution", "iam:PassRole", *looks]
    allow = {"Effect": "Allow", "Action": needed, "Resource": "*"}
    here.iam.create_role(RoleName="stop", AssumeRolePolicyDocument=TRUST_OF_SCHEDULER)
    # For some seconds a role that was just created is refused.
    while refused("ValidationException", scheduler.create_schedule, GroupName="one", **schedule_of("stop")):
        pass

    def state(*statements: dict[str, Any], trust: str = TRUST_OF_SCHEDULES) -> str:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        here.iam.put_role_policy(RoleName="stop", PolicyName="stop", PolicyDocument=policy)
        here.iam.update_assume_role_policy(RoleName="stop", PolicyDocument=trust)
        run_schedule("one", "stop")
        return str(here.instances(InstanceIds=[machine])[0]["State"]["Name"])

    less = [state(allow | {"Action": [item for item in needed if item != one]}) for one in needed]
    less += [state(allow, allow | {"Effect": "Deny", "Action": "ec2:*"}), state(allow, trust=TRUST_OF_SCHEDULER)]
    unknown = {"GroupName": "two", **schedule_of("stop")}
    return (set(less), state(allow)) == ({"running"}, "stopping") and all(
        (
            refused("ConflictException", scheduler.create_schedule_group, Name="one"),
            refused("ResourceNotFoundException", scheduler.delete_schedule_group, Name="two"),
            refused("ResourceNotFoundException", scheduler.create_schedule, **unknown),
        )
    )


def schedule_of(name: str) -> dict[str, Any]:
    role = f"arn:aws:iam::{patches.ACCOUNT}:role/{name}"
    call: dict[str, Any] = {"DocumentName": "AWS-StopEC2Instance", "TargetParameterName": "InstanceId"}
    call |= {"Parameters": {"AutomationAssumeRole": [role]}, "MaxConcurrency": "100%", "MaxErrors": "100%"}
    call |= {"Targets": [{"Key": "tag:NodesOf", "Values": ["one"]}]}
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution", "Input": json.dumps(call)}
    when = {"ScheduleExpression": "at(2026-12-24T18:00:00)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    return {"Name": name, "Target": target | {"RoleArn": role}, **when}


def scheduled_actions(here: Place) -> bool:
    here.scaling_group()
    action = {"AutoScalingGroupName": "one", "ScheduledActionName": "stop", "Recurrence": "0 1 * * *"}
    return refused(
        "ValidationError", here.autoscaling.put_scheduled_update_group_action, TimeZone="Mars/Olympus", **action
    )


def sessions(_: Place) -> bool:
    wanted = {"Target": "i-00000000000000000", "DocumentName": "AWS-StartSSHSession"}
    return refused("TargetNotConnected", client("ssm").start_session, **wanted)


def subnet_ipv6(here: Place) -> bool:
    (subnet,) = here.ec2.describe_subnets(SubnetIds=[here.subnet])["Subnets"]
    return bool(subnet["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"] == {"State": "associated"})


def vpc_ipv6(here: Place) -> bool:
    vpc, states = here.ec2.create_vpc(CidrBlock="10.2.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"], []
    for _ in range(2):
        (block,) = here.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
        states.append(block["Ipv6CidrBlockState"]["State"])
        here.park.settle()
    (acl,) = here.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    has_entries = any(entry.get("Ipv6CidrBlock") == "::/0" for entry in acl["Entries"])
    return states == ["associating", "associated"] and has_entries


def vpc_endpoints(here: Place) -> bool:
    service = {"VpcId": here.vpc, "ServiceName": f"com.amazonaws.{REGION}.ssm", "SubnetIds": [here.subnet]}
    made = here.ec2.create_vpc_endpoint(VpcEndpointType="Interface", **service)["VpcEndpoint"]
    wanted = made["NetworkInterfaceIds"]
    found = here.ec2.describe_network_interfaces(NetworkInterfaceIds=wanted)["NetworkInterfaces"]
    return [one["InterfaceType"] for one in found] == ["vpc_endpoint"]


def switch_off(name: str) -> None:
    """Let the module of a gap change nothing in moto, when it is imported; others may still use its functions."""
    path = f"{gaps.__name__}.{name}"
    put = patches.put

    def put_unless_off(owner: Any, **members: Any) -> None:
        frame = sys._getframe()
        while frame and not frame.f_globals["__name__"].startswith(f"{gaps.__name__}."):
            frame = frame.f_back  # type: ignore[assignment]
        if not frame or frame.f_globals["__name__"] != path:
            put(owner, **members)

    patches.put = put_unless_off
    if "patches" not in (Path(gaps.__path__[0]) / f"{name}.py").read_text(encoding="utf-8"):
        # It changes a table of moto itself, and has nothing that others use.
        sys.modules[path] = types.ModuleType(path)


def failure(name: str, *, without: bool) -> str:
    """Return how the proof of a gap fails, or nothing where it holds."""
    if without:
        switch_off(name)
    park: Any = Park()
    extensions.install(park)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # moto prints some of its failures
            return "" if globals()[name](place(park)) else "the proof does not hold"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def in_a_fork(name: str, *, without: bool = False) -> str:
    """Return what failure() returns in a process of its own: what it changes in moto is gone afterwards."""
    with tempfile.TemporaryFile("w+") as answer:
        if not (child := os.fork()):
            print(failure(name, without=without), file=answer, end="", flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        answer.seek(0)
        return answer.read()


def main() -> None:
    # As lab.daemon does: moto reads these once.
    os.environ |= {"MOTO_ENABLE_AMI_VALIDATION": "true", "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true"}
    from moto import mock_aws

    with mock_aws():
        place(Park())  # what moto and botocore read when they are first used is read once, not in each fork
        client("service-quotas")
        names = extensions.names()
        found = {"with": {name: in_a_fork(name) for name in names}}
        found["without"] = {name: in_a_fork(name, without=True) for name in names}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
