# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab refuses the parameters that AWS refuses, by a table that is what its sources say."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import botocore.exceptions
import pytest
from botocore import xform_name
from moto.core.utils import get_service_model

from lab.aws import strict
from lab.aws.faults import AwsRefusal
from lab.settings import REPOSITORY
from tests.aws_services import calls_named, services_called, services_of
from tests.lab.labs import Lab, Network
from tests.lab.parameters import unreviewed

TRUST = '{"Version":"2012-10-17","Statement":[]}'


def refusal(call: Any, **arguments: Any) -> str:
    """Return code and message with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def judge(service: str, operation: str, **parameters: Any) -> str:
    """Return the rule that a call breaks, or accepted."""
    try:
        strict.check_parameters(service, get_service_model(service).operation_model(operation), parameters)
    except AwsRefusal as refused:
        return f"{refused.code}: {refused}"
    return "accepted"


def test_the_committed_table_is_what_the_sources_say() -> None:
    command = [sys.executable, str(REPOSITORY / "tools" / "aws_rules.py")]
    written = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout

    committed = (REPOSITORY / "lab" / "aws" / "rules.json").read_text(encoding="utf-8")
    assert committed == written, "Run tools/aws_rules.py > lab/aws/rules.json and read the difference."


def test_the_table_covers_every_call_that_the_collections_code_names() -> None:
    covered = strict.table()["operations"]
    names = {xform_name(name): name for service in covered for name in get_service_model(service).operation_names}
    code = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "plugins").rglob("*.py"))

    made = {names[word] for word in re.findall(r"[\"'.]([a-z]+(?:_[a-z0-9]+)+)[\"'(]", code) if word in names}

    assert "create_vpc" in code
    assert made - {name for names in covered.values() for name in names} == set()
    assert ("pricing", "GetProducts") in calls_named()
    assert {(service, name) for service, name in calls_named() if name not in covered.get(service, ())} == set()


def test_the_table_covers_every_service_that_the_product_calls_and_no_other() -> None:
    assert services_called() == set(strict.table()["operations"])


@pytest.mark.parametrize(
    ("code", "services"),
    [
        pytest.param('connect(module, ("ssm",), once=True)', {"ssm"}, id="given"),
        pytest.param('services = ("ec2", "sqs") if known else ("ec2",)', {"ec2", "sqs"}, id="chosen"),
        pytest.param('connect(module, SERVICES)\nSERVICES = ("ce",)', {"ce"}, id="named"),
        pytest.param('session.create_client("sns", region_name=region)', {"sns"}, id="a client of a session"),
        pytest.param("connect_checked(module, spec.wanted)", {"spec.wanted"}, id="in an unknown way"),
        pytest.param('print("ec2")', set(), id="a word"),
    ],
)
def test_a_new_service_is_found_however_its_client_is_made(code: str, services: set[str]) -> None:
    assert services_of([code]) == services


def test_an_apostrophe_in_the_description_of_a_rule_is_refused(lab: Lab, network: Network) -> None:
    ec2 = lab.client("ec2")
    pair = {"GroupId": network.group, "Description": "The nodes' way out"}
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [pair]}

    reported = refusal(ec2.authorize_security_group_ingress, GroupId=network.group, IpPermissions=[permission])
    pair["Description"] = "Way out of the nodes"
    ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[permission])

    assert reported.startswith(
        "InvalidParameterValue: Invalid rule description. Valid descriptions are strings less than"
    )


def test_a_role_name_ends_at_64_characters(lab: Lab) -> None:
    iam = lab.client("iam")

    reported = refusal(iam.create_role, RoleName="r" * 65, AssumeRolePolicyDocument=TRUST)
    iam.create_role(RoleName="r" * 64, AssumeRolePolicyDocument=TRUST)

    assert reported.startswith("ValidationError: 1 validation error detected: Value 'rrr")
    assert reported.endswith(
        "at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"
    )


def test_a_json_service_refuses_in_its_own_words(lab: Lab) -> None:
    ssm = lab.client("ssm")

    reported = refusal(ssm.put_parameter, Name="/here", Value="x", Type="Number")

    assert reported.startswith("ValidationException: 1 validation error detected: Value 'Number' at 'type' failed")


def test_a_service_that_the_lab_does_not_simulate_is_refused_in_words_after_its_parameters_were_checked(
    lab: Lab,
) -> None:
    prices = lab.client("pricing")
    product = {"Type": "TERM_MATCH", "Field": "regionCode"}

    assert refusal(prices.get_products, ServiceCode="AmazonEC2", Filters=[{**product, "Value": "v" * 1025}]).endswith(
        "at 'value' failed to satisfy constraint: Member must have length less than or equal to 1024"
    )
    reported = refusal(prices.get_products, ServiceCode="AmazonEC2", Filters=[{**product, "Value": "eu-west-1"}])
    assert reported == "UnsupportedOperation: The lab does not simulate this service."


@pytest.mark.parametrize(
    ("service", "operation", "accepted", "refused", "words"),
    [
        pytest.param(
            "ec2",
            "CreateSecurityGroup",
            {"GroupName": "n" * 255, "Description": "a, b"},
            {"GroupName": "n" * 256, "Description": "a, b"},
            "length less than or equal to 255",
            id="longest name of a group",
        ),
        pytest.param(
            "ec2",
            "CreateSecurityGroup",
            {"GroupName": "x", "Description": "a_b (c) #1"},
            {"GroupName": "x", "Description": "naïve"},
            "satisfy regular expression pattern",
            id="characters of a group's description",
        ),
        pytest.param(
            "ec2",
            "CreateSecurityGroup",
            {"GroupName": "asg-1", "Description": "x"},
            {"GroupName": "sg-1", "Description": "x"},
            "not begin with sg-",
            id="start of a group's name",
        ),
        pytest.param(
            "ec2",
            "CreateTags",
            {"Resources": ["i-1"] * 1000, "Tags": [{"Key": "k" * 127, "Value": "v" * 256}]},
            {"Resources": ["i-1"] * 1001, "Tags": []},
            "length less than or equal to 1000",
            id="number of resources",
        ),
        pytest.param(
            "ec2",
            "CreateTags",
            {"Resources": [], "Tags": [{"Key": "myaws:x", "Value": ""}]},
            {"Resources": [], "Tags": [{"Key": "aws:x", "Value": ""}]},
            "not begin with aws:",
            id="reserved key of a tag",
        ),
        pytest.param(
            "ec2",
            "CreateVpc",
            {"CidrBlock": "127.10.0.0/16", "TagSpecifications": [{"Tags": [{"Key": "a"}, {"Key": "A"}]}]},
            {"CidrBlock": "127.10.0.0/16", "TagSpecifications": [{"Tags": [{"Key": "a"}, {"Key": "a"}]}]},
            "have unique Key",
            id="keys of tags",
        ),
        pytest.param(
            "iam",
            "CreateRole",
            {"RoleName": "r", "Tags": [{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}]},
            {"RoleName": "r", "Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": "other"}]},
            "have unique Key",
            id="keys of a role's tags",
        ),
        pytest.param(
            "ec2",
            "CreateVpc",
            {"CidrBlock": "223.255.0.0/16"},
            {"CidrBlock": "169.254.0.0/16"},
            "satisfy regular expression pattern",
            id="link-local VPC",
        ),
        pytest.param(
            "ec2",
            "CreateVpc",
            {"CidrBlock": "10.0.0.0/16"},
            {"CidrBlock": "224.0.0.0/16"},
            "satisfy regular expression pattern",
            id="multicast VPC",
        ),
        pytest.param(
            "ssm",
            "PutParameter",
            {"Name": "/a" * 15, "Value": "x"},
            {"Name": "/a" * 16, "Value": "x"},
            "satisfy regular expression pattern",
            id="levels of a parameter's name",
        ),
        pytest.param(
            "ec2",
            "CreateLaunchTemplate",
            {"LaunchTemplateName": "abc", "LaunchTemplateData": {}},
            {"LaunchTemplateName": "ab", "LaunchTemplateData": {}},
            "length greater than or equal to 3",
            id="shortest name of a launch template",
        ),
        pytest.param(
            "ec2",
            "RunInstances",
            {"MetadataOptions": {"HttpPutResponseHopLimit": 64}},
            {"MetadataOptions": {"HttpPutResponseHopLimit": 65}},
            "value less than or equal to 64",
            id="most hops",
        ),
        pytest.param(
            "ec2",
            "RunInstances",
            {"BlockDeviceMappings": [{"Ebs": {"Throughput": 125}}]},
            {"BlockDeviceMappings": [{"Ebs": {"Throughput": 124}}]},
            "value greater than or equal to 125",
            id="least throughput",
        ),
        pytest.param(
            "ec2",
            "RunInstances",
            {"CreditSpecification": {"CpuCredits": "standard"}},
            {"CreditSpecification": {"CpuCredits": "none"}},
            "satisfy enum value set",
            id="choice of credits",
        ),
        pytest.param(
            "ec2",
            "RunInstances",
            {"UserData": "x" * 21848},
            {"UserData": "x" * 21852},
            "length less than or equal to 21848",
            id="largest user-data",
        ),
        pytest.param(
            "autoscaling",
            "PutScheduledUpdateGroupAction",
            {"ScheduledActionName": "s" * 255, "AutoScalingGroupName": "g"},
            {"ScheduledActionName": "s" * 256, "AutoScalingGroupName": "g"},
            "length less than or equal to 255",
            id="longest name of a schedule",
        ),
        pytest.param(
            "scheduler",
            "CreateSchedule",
            {"Name": "n" * 64},
            {"Name": "n" * 65},
            "length less than or equal to 64",
            id="longest name in EventBridge Scheduler",
        ),
        pytest.param(
            "ce",
            "GetCostAndUsage",
            {"Metrics": ["UnblendedCost"], "TimePeriod": {"Start": "2026-11-01", "End": "2026-11-08"}},
            {"Metrics": ["UnblendedCosts"]},
            "satisfy enum value set",
            id="metric of Cost Explorer",
        ),
    ],
)
def test_each_kind_of_rule_has_its_border(
    service: str, operation: str, accepted: dict[str, Any], refused: dict[str, Any], words: str
) -> None:
    assert judge(service, operation, **accepted) == "accepted"
    assert words in judge(service, operation, **refused)


def test_a_parameter_without_a_rule_is_reported_until_it_is_reviewed(lab: Lab) -> None:
    lab.client("ec2").describe_vpcs(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])
    known = lab.ask("/lab/parameters")["seen"]
    lab.client("iam").list_groups(PathPrefix="/")

    assert "ec2 DescribeVpcs Filter.Values" in known
    assert unreviewed(known) == []
    assert unreviewed(lab.ask("/lab/parameters")["seen"]) == ["iam ListGroups ListGroupsRequest.PathPrefix"]
