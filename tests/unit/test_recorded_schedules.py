# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schedules of the recorded acceptance run call at their time is a call that AWS has.

The simulated Scheduler takes any target and input, as the real one mostly does: a call that does not exist would only
fail at its time, unattended. Botocore's models are the judge.
"""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.aws.reports import read
from tests.operator_policy import RECORDED

_AWS = botocore.session.get_session()
_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"


def problems(target: dict[str, Any]) -> list[str]:
    """Return why AWS could not do what a schedule's target asks for."""
    service, _colon, action = target["Arn"].removeprefix(_UNIVERSAL).partition(":")
    if service not in _AWS.get_available_services():
        return [f"there is no service {service}"]
    model = _AWS.get_service_model(service)
    names = {name[0].lower() + name[1:]: name for name in model.operation_names}
    if action not in names:
        return [f"{service} has no operation {action}"]
    try:
        parameters = json.loads(target["Input"])
    except ValueError as error:
        return [f"the input is not JSON: {error}"]
    shape = model.operation_model(names[action]).input_shape
    unknown = [f"{action} has no parameter {name}" for name in sorted(parameters.keys() - shape.members.keys())]
    report = ParamValidator().validate(parameters, shape)
    return unknown + ([report.generate_report()] if report.has_errors() else [])


def targets() -> dict[str, dict[str, Any]]:
    """Return the target of each schedule in the record by its description and call."""
    made = [call["parameters"] for call in read(RECORDED)["record"] if call["operation"] == "CreateSchedule"]
    return {f"{one['Description']}: {one['Name']}": one["Target"] for one in made}


def test_every_kind_of_schedule_is_in_the_record() -> None:
    calls = {target["Arn"].removeprefix(_UNIVERSAL) for target in targets().values()}

    assert calls == {
        "autoscaling:setDesiredCapacity",
        "ec2:revokeSecurityGroupIngress",
        "ssm:startAutomationExecution",
    }


@pytest.mark.parametrize("target", [pytest.param(target, id=name) for name, target in targets().items()])
def test_what_a_schedule_calls_is_a_call_of_aws(target: dict[str, Any]) -> None:
    assert problems(target) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"Arn": _UNIVERSAL + "ec2:stopEverything"}, "ec2 has no operation stopEverything", id="operation"),
        pytest.param({"Arn": _UNIVERSAL + "ec3:stopInstances"}, "there is no service ec3", id="service"),
        pytest.param({"Input": "{"}, "the input is not JSON", id="not JSON"),
        pytest.param({"Input": '{"InstanceIds": "i-1"}'}, "Invalid type for parameter InstanceIds", id="type"),
        pytest.param({"Input": '{"InstanceId": ["i-1"]}'}, "has no parameter InstanceId", id="name"),
    ],
)
def test_a_call_that_aws_does_not_have_is_found(change: dict[str, str], problem: str) -> None:
    target = {"Arn": _UNIVERSAL + "ec2:terminateInstances", "Input": '{"InstanceIds": ["i-1"]}'} | change

    assert problem in "\n".join(problems(target))
