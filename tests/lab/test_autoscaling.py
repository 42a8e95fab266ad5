# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling in the lab: one machine on a named interface, again and again."""

from __future__ import annotations

import base64
import time
from functools import partial
from operator import eq
from typing import Any

import botocore.exceptions
import pytest

from tests.lab.labs import AMI_PARAMETER, Lab, Network, eventually, vcpu_quota

NAME = "one-bastion"
SCRIPT = "#!/bin/sh\n# Made by urmanac.talos\necho here"
TAGS = [{"Key": "Node", "Value": "bastion"}]


@pytest.fixture(scope="module")
def interface(lab: Lab, network: Network) -> dict[str, Any]:
    """Give the interface that outlives its machines."""
    answer = lab.client("ec2").create_network_interface(
        SubnetId=network.subnet, PrivateIpAddress=lab.address(100), Groups=[network.group], Ipv6AddressCount=1
    )
    made: dict[str, Any] = answer["NetworkInterface"]
    return made


@pytest.fixture(scope="module")
def template(lab: Lab, interface: dict[str, Any]) -> str:
    """Give the template that names the interface."""
    data = {
        "ImageId": f"resolve:ssm:{AMI_PARAMETER}",
        "InstanceType": "t4g.small",
        "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": interface["NetworkInterfaceId"]}],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30, "Encrypted": True}}],
        "CreditSpecification": {"CpuCredits": "standard"},
        "TagSpecifications": [{"ResourceType": kind, "Tags": TAGS} for kind in ("instance", "volume")],
    }
    ec2 = lab.client("ec2")
    made = ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData=data)["LaunchTemplate"]
    # Only the second version has user-data, as after a change of it.
    user_data = base64.b64encode(SCRIPT.encode()).decode()
    ec2.create_launch_template_version(LaunchTemplateName=NAME, LaunchTemplateData={**data, "UserData": user_data})
    return str(made["LaunchTemplateId"])


@pytest.fixture(scope="module")
def group(lab: Lab, template: str) -> str:
    """Give the group of one."""
    lab.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
        AvailabilityZones=["eu-west-1a"],
    )
    return NAME


def running(lab: Lab) -> list[dict[str, Any]]:
    """Return the running machines of the group."""
    wanted = {"tag:aws:autoscaling:groupName": [NAME], "instance-state-name": ["running"]}
    filters = [{"Name": name, "Values": values} for name, values in wanted.items()]
    reservations = lab.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def the_one(lab: Lab) -> dict[str, Any]:
    """Return the group's machine once it runs."""
    (found,) = eventually(lambda: running(lab), lambda machines: len(machines) == 1)
    return found  # type: ignore[no-any-return]


def test_the_group_starts_what_the_newest_version_says_on_the_named_interface(
    lab: Lab, group: str, interface: dict[str, Any]
) -> None:
    machine = the_one(lab)

    (attached,) = machine["NetworkInterfaces"]
    assert attached["NetworkInterfaceId"] == interface["NetworkInterfaceId"]
    assert machine["PrivateIpAddress"] == lab.address(100)
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    assert {"Key": "Node", "Value": "bastion"} in machine["Tags"]
    ec2 = lab.client("ec2")
    (disk,) = ec2.describe_volumes(Filters=[{"Name": "tag:Node", "Values": ["bastion"]}])["Volumes"]
    assert (disk["Size"], disk["Encrypted"]) == (30, True)
    credit = ec2.describe_instance_credit_specifications(InstanceIds=[machine["InstanceId"]])
    assert credit["InstanceCreditSpecifications"][0]["CpuCredits"] == "standard"
    eventually(
        lambda: ec2.get_console_output(InstanceId=machine["InstanceId"]).get("Output", ""), lambda t: "here" in t
    )


def test_a_machine_that_is_terminated_is_replaced_with_the_same_addresses(
    lab: Lab, group: str, interface: dict[str, Any]
) -> None:
    first = the_one(lab)

    lab.client("ec2").terminate_instances(InstanceIds=[first["InstanceId"]])
    eventually(
        lambda: running(lab), lambda machines: [m["InstanceId"] for m in machines] not in ([], [first["InstanceId"]])
    )

    second = the_one(lab)
    assert second["NetworkInterfaces"][0]["Ipv6Addresses"] == first["NetworkInterfaces"][0]["Ipv6Addresses"]
    assert second["PrivateIpAddress"] == first["PrivateIpAddress"]


def test_a_launch_that_the_account_does_not_allow_is_a_failed_activity(lab: Lab, group: str) -> None:
    with vcpu_quota(lab, 0):
        lab.client("ec2").terminate_instances(InstanceIds=[the_one(lab)["InstanceId"]])
        ask = partial(lab.client("autoscaling").describe_scaling_activities, AutoScalingGroupName=group)
        latest = eventually(ask, lambda found: found["Activities"] and "vCPU" in str(found["Activities"][0]))

    assert latest["Activities"][0]["StatusCode"] == "Failed"
    assert "your current vCPU limit of 0 allows" in latest["Activities"][0]["StatusMessage"]


def test_scheduled_actions_stop_and_start_it_and_go_with_the_group(lab: Lab, group: str) -> None:
    client = lab.client("autoscaling")
    for name, capacity in (("stop", 0), ("start", 1)):
        client.put_scheduled_update_group_action(
            AutoScalingGroupName=group,
            ScheduledActionName=name,
            Recurrence="0 18 * * *",
            TimeZone="Europe/Dublin",
            DesiredCapacity=capacity,
        )

    for name, count in (("stop", 0), ("start", 1)):
        lab.ask("/lab/scheduled_actions", method="POST", body={"group": group, "name": name})
        eventually(lambda: len(running(lab)), partial(eq, count))

    with pytest.raises(botocore.exceptions.ClientError, match="ResourceInUse"):
        client.delete_auto_scaling_group(AutoScalingGroupName=group)
    client.delete_auto_scaling_group(AutoScalingGroupName=group, ForceDelete=True)
    eventually(lambda: running(lab), lambda machines: machines == [])
    assert client.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    find = partial(client.describe_auto_scaling_groups, AutoScalingGroupNames=[group])
    eventually(lambda: find()["AutoScalingGroups"], lambda groups: groups == [])


def test_a_time_zone_that_no_one_knows_is_refused(lab: Lab, template: str) -> None:
    client = lab.client("autoscaling")
    launch, sizes = {"LaunchTemplateId": template}, {"MinSize": 0, "MaxSize": 1, "AvailabilityZones": ["eu-west-1a"]}
    client.create_auto_scaling_group(AutoScalingGroupName="zoned", LaunchTemplate=launch, **sizes)

    with pytest.raises(botocore.exceptions.ClientError, match="TimeZone 'Moon/Mare' is not valid"):
        client.put_scheduled_update_group_action(
            AutoScalingGroupName="zoned",
            ScheduledActionName="x",
            Recurrence="0 1 * * *",
            TimeZone="Moon/Mare",
            DesiredCapacity=0,
        )


def test_a_launch_that_fails_is_tried_again_until_the_interface_is_free(lab: Lab, network: Network, image: str) -> None:
    ec2, client = lab.client("ec2"), lab.client("autoscaling")
    nic = ec2.create_network_interface(SubnetId=network.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    named = {"DeviceIndex": 0, "NetworkInterfaceId": nic}
    launched = ec2.run_instances(
        ImageId=image, InstanceType="t4g.small", MinCount=1, MaxCount=1, NetworkInterfaces=[named]
    )
    data = {"ImageId": image, "InstanceType": "t4g.small", "NetworkInterfaces": [named]}
    made = ec2.create_launch_template(LaunchTemplateName="taken", LaunchTemplateData=data)["LaunchTemplate"]

    client.create_auto_scaling_group(
        AutoScalingGroupName="taken",
        LaunchTemplate={"LaunchTemplateId": made["LaunchTemplateId"]},
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["eu-west-1a"],
    )

    def instances() -> list[dict[str, Any]]:
        (group,) = client.describe_auto_scaling_groups(AutoScalingGroupNames=["taken"])["AutoScalingGroups"]
        found: list[dict[str, Any]] = group["Instances"]
        return found

    time.sleep(1)
    assert instances() == []
    ec2.terminate_instances(InstanceIds=[launched["Instances"][0]["InstanceId"]])
    assert eventually(instances, bool)[0]["LifecycleState"] in ("Pending", "InService")
    client.delete_auto_scaling_group(AutoScalingGroupName="taken", ForceDelete=True)
