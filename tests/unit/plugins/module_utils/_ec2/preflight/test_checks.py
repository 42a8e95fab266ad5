# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what preflight asks and what it makes of the answers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import AMI_PARAMETER
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.checks import (
    Answers,
    InstanceType,
    answer_problems,
    ask,
    notes,
)
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from ansible_collections.urmanac.talos.plugins.modules import ec2_preflight_info
from lab.settings import REPOSITORY
from tests.ec2_cluster import MotoApi, aws_with_images, node, spec

MEDIUM = InstanceType(vcpus=2, memory_mib=4096, architecture="arm64", burstable=True)
SOUND = Answers(
    account="123456789012",
    zones={"eu-west-1a": "available", "eu-west-1b": "available"},
    instance_types={"t4g.medium": MEDIUM},
    offered=frozenset({"t4g.medium"}),
    ami={"id": "ami-0123456789abcdef0", "name": "al2023", "root_device": "/dev/xvda"},
)


class RefusingApi:
    """An Api that refuses some operations, for one reason each, and returns empty answers to the others."""

    def __init__(self, **reasons: str) -> None:
        self.reasons = reasons

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation in self.reasons:
            raise AwsError(finding(self.reasons[operation], f"call {operation}", "no", "Ask."))
        lists = ("AvailabilityZones", "InstanceTypes", "InstanceTypeOfferings", "Images", "Reservations", "Addresses")
        answer = {**{key: [] for key in (*lists, "Vpcs", "NetworkInterfaces", "Subnets")}, "Quota": {"Value": 64.0}}
        return {**answer, "Account": "1", "accountPlanType": "PAID"}


def codes(answers: Answers, **changes: Any) -> list[str]:
    return [problem.code for problem in answer_problems(spec(**changes), answers)]


def test_sound_answers_are_no_problem() -> None:
    assert codes(SOUND) == []


def test_no_answers_are_not_a_further_problem() -> None:
    assert codes(Answers()) == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(SOUND._replace(zones={"eu-west-1b": "available"}), ["ZONE_NOT_AVAILABLE"], id="no such zone"),
        pytest.param(SOUND._replace(zones={"eu-west-1a": "impaired"}), ["ZONE_NOT_AVAILABLE"], id="impaired zone"),
        pytest.param(SOUND._replace(instance_types={}), ["INSTANCE_TYPE_NOT_IN_REGION"], id="no such type"),
        pytest.param(SOUND._replace(offered=frozenset()), ["TYPE_NOT_IN_ZONE"], id="not in the zone"),
        pytest.param(
            SOUND._replace(instance_types={"t4g.medium": MEDIUM._replace(architecture="x86_64")}),
            ["ARCHITECTURE_NOT_ARM64"],
            id="x86",
        ),
        pytest.param(
            SOUND._replace(instance_types={"t4g.medium": MEDIUM._replace(memory_mib=1024)}),
            ["INSTANCE_TYPE_TOO_SMALL"],
            id="1 GiB",
        ),
        pytest.param(SOUND._replace(ami={}), ["AMI_NOT_FOUND"], id="no image"),
        pytest.param(SOUND._replace(bastion_architecture=""), ["BASTION_IMAGE_NOT_FOUND"], id="no image for a bastion"),
        pytest.param(SOUND._replace(bastion_architecture="x86_64"), ["ARCHITECTURE_NOT_ARM64"], id="bastion for x86"),
    ],
)
def test_each_wrong_answer_has_its_code(answers: Answers, expected: list[str]) -> None:
    assert codes(answers) == expected


def test_two_gibibytes_are_allowed_with_a_note() -> None:
    answers = SOUND._replace(instance_types={"t4g.medium": MEDIUM._replace(memory_mib=2048)})

    assert codes(answers) == []
    assert [note.code for note in notes(answers, answers.instance_types or ())] == ["INSTANCE_TYPE_TIGHT"]
    assert notes(SOUND, SOUND.instance_types or ()) == []


def test_each_type_is_judged_once() -> None:
    nodes = [node(ipv4="10.10.0.7"), node("b", ipv4="10.10.0.8"), node("c", ipv4="10.10.0.9", instance_type="t9.x")]

    assert codes(SOUND, nodes=nodes) == ["INSTANCE_TYPE_NOT_IN_REGION"]


def test_one_cause_of_many_refusals_is_reported_once() -> None:
    operations = ("get_caller_identity", "describe_availability_zones", "describe_instance_types", "get_parameter")
    api = RefusingApi(**dict.fromkeys(operations, "CREDENTIALS_EXPIRED"))

    refusals = ask(api, spec()).refusals

    assert [problem.code for problem in refusals] == ["CREDENTIALS_EXPIRED"]


def test_each_permission_that_is_missing_is_reported() -> None:
    api = RefusingApi(describe_instance_types="NOT_AUTHORIZED", get_parameter="NOT_AUTHORIZED")

    answers, refusals, _notes = ask(api, spec())

    assert [problem.subject for problem in refusals] == ["call describe_instance_types", "call get_parameter"]
    assert (answers.account, answers.instance_types, answers.ami) == ("1", None, None)


def test_a_bug_is_not_reported_as_a_refusal() -> None:
    class BrokenApi(RefusingApi):
        def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
            raise KeyError(operation)

    with pytest.raises(KeyError):
        ask(BrokenApi(), spec())


def test_aws_is_asked_about_everything() -> None:
    nodes = [node(), node("small", instance_type="t4g.small"), node("tiny", instance_type="t4g.nano")]

    with aws_with_images():
        answers, refusals, _notes = ask(MotoApi(), spec(nodes=[*nodes, node("none", instance_type="t9g.none")]))

    assert refusals == []
    assert answers.account == "123456789012"
    assert answers.instance_types
    assert answers.instance_types["t4g.medium"]._replace(free_tier_eligible=False) == MEDIUM
    assert set(answers.instance_types) == set(SIZES), "those of the nodes, and what could take their place"
    assert answers.offered == frozenset(SIZES) - {"a1.metal"}
    assert answers.zones and answers.zones["eu-west-1a"] == "available"
    assert answers.ami and "arm64" in answers.ami["name"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("resolve:ssm:/nonexistent", "", id="bastion_image_ssm_none"),
        pytest.param("ami-00000000000000000", "", id="an image that does not exist"),
        pytest.param("", None, id="a text that names none"),
        pytest.param(f"resolve:ssm:{AMI_PARAMETER}", None, id="the image of the nodes, asked for already"),
    ],
)
def test_the_image_of_the_bastion_is_asked_for(image: str, expected: str | None) -> None:
    with aws_with_images():
        answers = ask(
            MotoApi(), spec(bastion={"instance_type": "t4g.small", "volume_size": 30, "image": image})
        ).answers

    assert answers.bastion_architecture == expected


def test_the_role_and_the_module_have_the_same_default_image() -> None:
    defaults = yaml.safe_load((REPOSITORY / "roles" / "cluster" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    options = yaml.safe_load(ec2_preflight_info.DOCUMENTATION)["options"]

    assert defaults["cluster_ami_parameter"] == AMI_PARAMETER
    assert options["node_ami_parameter"]["default"] == AMI_PARAMETER
