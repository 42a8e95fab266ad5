# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account may have: quotas, the plan, and what EC2 checks before it launches anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

from tests.lab.labs import VCPUS, Lab, Network, eventually

TRUST = '{"Version":"2012-10-17","Statement":[]}'
USUAL = {
    "quotas": {VCPUS: 64, "L-F678F1CE": 50, "L-0263D0A3": 5},
    "plan": "PAID",
    "may_link_roles": True,
    "unknown_profile_uses": 1,
}


@pytest.fixture(autouse=True)
def _usual_account(lab: Lab) -> Iterator[None]:
    yield
    order(lab, **USUAL)


def order(lab: Lab, **wanted: Any) -> None:
    """Change what the lab's account may have."""
    lab.ask("/lab/account", method="POST", body=wanted)


def refusal(call: Any, **arguments: Any) -> str:
    """Return code and message with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def machine(image: str, network: Network, **more: Any) -> dict[str, Any]:
    """Return the arguments of RunInstances for one small machine."""
    where = {"ImageId": image, "InstanceType": "t4g.small", "SubnetId": network.subnet}
    return where | {"MinCount": 1, "MaxCount": 1} | more


def states(ec2: Any, identifiers: list[str]) -> set[str]:
    """Return the states of instances."""
    found = ec2.describe_instances(InstanceIds=identifiers)["Reservations"]
    return {instance["State"]["Name"] for reservation in found for instance in reservation["Instances"]}


def test_an_account_with_the_default_quota_runs_two_machines_and_no_third(
    lab: Lab, network: Network, image: str
) -> None:
    ec2 = lab.client("ec2")
    order(lab, quotas={VCPUS: 5})
    first = [ec2.run_instances(**machine(image, network))["Instances"][0]["InstanceId"] for _ in range(2)]

    third = refusal(ec2.run_instances, **machine(image, network))
    ec2.terminate_instances(InstanceIds=first)
    eventually(lambda: states(ec2, first), lambda names: names == {"terminated"})
    fourth = ec2.run_instances(**machine(image, network))["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[fourth])

    assert third.startswith(
        "VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 5"
    )


def test_quotas_are_answered_as_the_account_has_them_and_as_aws_gives_them(lab: Lab) -> None:
    quotas = lab.client("service-quotas")
    order(lab, quotas={VCPUS: 16})

    own = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=VCPUS)["Quota"]
    default = quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=VCPUS)["Quota"]

    assert (own["Value"], default["Value"]) == (16.0, 5.0)
    unknown = refusal(quotas.get_service_quota, ServiceCode="ec2", QuotaCode="L-00000000")
    assert unknown.startswith("NoSuchResourceException")


def test_more_vpcs_and_addresses_than_the_quota_are_refused(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    order(lab, quotas={"L-F678F1CE": 1, "L-0263D0A3": 0})

    assert refusal(ec2.create_vpc, CidrBlock="10.77.0.0/16").startswith("VpcLimitExceeded")
    assert refusal(ec2.allocate_address, Domain="vpc").startswith("AddressLimitExceeded")


def test_the_free_plan_launches_types_of_the_free_tier_alone(lab: Lab, network: Network, image: str) -> None:
    ec2, plan = lab.client("ec2"), lab.client("freetier")
    before = plan.get_account_plan_state()["accountPlanType"]
    order(lab, plan="FREE")

    reported = refusal(ec2.run_instances, **machine(image, network, InstanceType="t4g.medium"))
    small = ec2.run_instances(**machine(image, network))["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[small])

    assert (before, plan.get_account_plan_state()["accountPlanType"]) == ("PAID", "FREE")
    assert reported.startswith(
        "InvalidParameterCombination: The specified instance type is not eligible for Free Tier."
    )
    eligible = ec2.describe_instance_types(Filters=[{"Name": "free-tier-eligible", "Values": ["true"]}])
    names = {reported["InstanceType"] for reported in eligible["InstanceTypes"]}
    assert {"t3.micro", "t3.small", "t4g.micro", "t4g.small", "c7i-flex.large", "m7i-flex.large"} <= names
    assert "t4g.medium" not in names


def test_types_are_offered_by_zone(lab: Lab) -> None:
    wanted = [{"Name": "instance-type", "Values": ["t4g.medium"]}]

    offers = lab.client("ec2").describe_instance_type_offerings(LocationType="availability-zone", Filters=wanted)

    assert {offer["Location"] for offer in offers["InstanceTypeOfferings"]} >= {"eu-west-1a"}


def test_a_credit_mode_is_refused_with_a_type_that_is_not_burstable(lab: Lab, network: Network, image: str) -> None:
    ec2 = lab.client("ec2")
    mode = {"CreditSpecification": {"CpuCredits": "standard"}}
    template = {"InstanceType": "m6g.medium"} | mode
    ec2.create_launch_template(LaunchTemplateName="fixed", LaunchTemplateData=template)
    asked = {"LaunchTemplate": {"LaunchTemplateName": "fixed"}, "ImageId": image, "SubnetId": network.subnet}

    direct = refusal(ec2.run_instances, **machine(image, network, InstanceType="m6g.medium", **mode))
    by_template = refusal(ec2.run_instances, MinCount=1, MaxCount=1, **asked)

    assert direct.startswith("InstanceCreditSpecification.NotSupported: The m6g.medium instance type")
    assert by_template == direct


def test_a_key_pair_that_does_not_exist_is_refused(lab: Lab, network: Network, image: str) -> None:
    ec2 = lab.client("ec2")
    missing = machine(image, network, KeyName="missing")

    direct = refusal(ec2.run_instances, **missing)
    data = {"ImageId": image, "InstanceType": "t4g.small", "KeyName": "missing"}
    ec2.create_launch_template(LaunchTemplateName="keyed", LaunchTemplateData=data)
    grouped = refusal(make_group, lab=lab, template="keyed")

    assert direct.startswith("InvalidKeyPair.NotFound")
    assert grouped.startswith("ValidationError: You must use a valid fully-formed launch template. The key pair")


def make_group(lab: Lab, template: str) -> None:
    """Make a group of no machines with a launch template."""
    lab.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=f"of-{template}",
        LaunchTemplate={"LaunchTemplateName": template, "Version": "$Latest"},
        AvailabilityZones=["eu-west-1a"],
        MinSize=0,
        MaxSize=1,
    )


def test_ec2_does_not_know_a_new_instance_profile_at_once(lab: Lab, network: Network, image: str) -> None:
    iam, ec2 = lab.client("iam"), lab.client("ec2")
    arn = iam.create_instance_profile(InstanceProfileName="new")["InstanceProfile"]["Arn"]
    other = iam.create_instance_profile(InstanceProfileName="newer")["InstanceProfile"]["Arn"]
    data = {"ImageId": image, "InstanceType": "t4g.small", "IamInstanceProfile": {"Arn": other}}
    ec2.create_launch_template(LaunchTemplateName="profiled", LaunchTemplateData=data)

    first = refusal(ec2.run_instances, **machine(image, network, IamInstanceProfile={"Arn": arn}))
    group = refusal(make_group, lab=lab, template="profiled")
    again = ec2.run_instances(**machine(image, network, IamInstanceProfile={"Arn": arn}))["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[again])
    make_group(lab, "profiled")

    assert first.startswith("InvalidParameterValue: ")
    assert first.endswith("Invalid IAM Instance Profile ARN")
    assert group.startswith("ValidationError: You must use a valid fully-formed launch template. Value (arn:aws:iam:")


def test_a_version_inherits_from_its_source_version_alone(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    data = {"InstanceType": "t4g.small", "KeyName": "mine", "CreditSpecification": {"CpuCredits": "standard"}}
    name = "inheriting"
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)

    def make(**more: Any) -> dict[str, Any]:
        asked = {"LaunchTemplateName": name, "LaunchTemplateData": {"InstanceType": "t4g.micro"}} | more
        version: dict[str, Any] = ec2.create_launch_template_version(**asked)["LaunchTemplateVersion"]
        return version["LaunchTemplateData"]

    assert make(SourceVersion="1") == data | {"InstanceType": "t4g.micro"}
    assert make() == {"InstanceType": "t4g.micro"}
    assert make(SourceVersion="$Latest") == {"InstanceType": "t4g.micro"}


def test_a_name_of_a_launch_template_is_taken_once(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    ec2.create_launch_template(LaunchTemplateName="taken", LaunchTemplateData={"InstanceType": "t4g.small"})

    code = refusal(ec2.create_launch_template, LaunchTemplateName="taken", LaunchTemplateData={"KeyName": "x"})

    assert code.startswith("InvalidLaunchTemplateName.AlreadyExistsException")


def test_an_order_that_makes_no_sense_is_refused(lab: Lab) -> None:
    with pytest.raises(Exception, match="400"):
        order(lab, plan="GOLD")


def test_the_first_group_makes_the_role_of_auto_scaling_if_the_caller_may(
    lab: Lab, network: Network, image: str
) -> None:
    iam, scaling, role = lab.client("iam"), lab.client("autoscaling"), "AWSServiceRoleForAutoScaling"
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_role(RoleName=role)
    data = {"ImageId": image, "InstanceType": "t4g.small"}
    lab.client("ec2").create_launch_template(LaunchTemplateName="first", LaunchTemplateData=data)
    sizes = {"MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": network.subnet}
    group = {"AutoScalingGroupName": "first", "LaunchTemplate": {"LaunchTemplateName": "first"}, **sizes}

    order(lab, may_link_roles=False)
    denied = refusal(scaling.create_auto_scaling_group, **group)
    absent = refusal(iam.get_role, RoleName=role)
    order(lab, may_link_roles=True)
    scaling.create_auto_scaling_group(**group)
    scaling.delete_auto_scaling_group(AutoScalingGroupName="first", ForceDelete=True)

    assert denied.startswith("AccessDenied: The default Service-Linked Role for Auto Scaling could not be created.")
    assert "is not authorized to perform: iam:CreateServiceLinkedRole on resource" in denied
    assert absent.startswith("NoSuchEntity")
    assert iam.get_role(RoleName=role)["Role"]["Path"] == "/aws-service-role/autoscaling.amazonaws.com/"
