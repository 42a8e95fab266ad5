# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of life of an acceptance run is made in AWS with the operator's permissions, and taken back."""

from __future__ import annotations

import fnmatch
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session
from botocore.validate import ParamValidator

from tests.aws.__main__ import end_of_run, parser
from tests.aws.end_of_life import EndOfLife
from tests.lab.labs import Lab
from tests.operator_policy import allowed, findings, operator_policy, permission, statements, unreachable

NOW = datetime(2026, 1, 1, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def end() -> EndOfLife:
    """Give the end of a run that begins now."""
    return end_of_run(parser().parse_args(["--minutes", "90", "--region", "eu-west-1"]), NOW)


def made(lab: Lab, end: EndOfLife) -> set[str]:
    """Return what exists of an end of life."""
    schedules = lab.client("scheduler").list_schedules()["Schedules"]
    roles = lab.client("iam").list_roles()["Roles"]
    names = {*(item["Name"] for item in schedules), *(item["RoleName"] for item in roles)}
    return names & {end.name}


def test_it_is_made_for_its_time_and_taken_back(lab: Lab, end: EndOfLife) -> None:
    end.set(lab.client)
    schedule = lab.client("scheduler").get_schedule(Name=end.name)
    end.remove(lab.client)

    assert schedule["ScheduleExpression"] == "at(2026-01-01T23:30:00)"
    assert (schedule["State"], schedule["ActionAfterCompletion"]) == ("ENABLED", "DELETE")
    assert made(lab, end) == set()


def test_what_is_gone_already_is_not_a_failure(lab: Lab, end: EndOfLife) -> None:
    end.remove(lab.client)
    end.set(lab.client)
    # It deletes itself after its time.
    lab.client("scheduler").delete_schedule(Name=end.name)

    end.remove(lab.client)

    assert made(lab, end) == set()


def test_a_refusal_is_not_reported_as_a_success(lab: Lab, end: EndOfLife) -> None:
    lab.fault(kind="refuse", action="DeleteRolePolicy", code="AccessDenied")

    with pytest.raises(ClientError, match="AccessDenied"):
        end.remove(lab.client)


def test_the_runbook_is_started_with_parameters_that_aws_takes(end: EndOfLife) -> None:
    call = Session().get_service_model("ssm").operation_model("StartAutomationExecution")
    sent: dict[str, Any] = json.loads(end.schedule("arn:aws:iam::123456789012:role/end")["Target"]["Input"])

    assert ParamValidator().validate(sent, call.input_shape).generate_report() == ""
    assert sent["Targets"] == [{"Key": "tag:AcceptanceRun", "Values": [end.run]}]


def test_the_role_may_terminate_what_has_the_tag_of_the_run_and_nothing_else(end: EndOfLife) -> None:
    policy = end.policy("arn:aws:iam::123456789012:role/end")
    (ending,) = [item for item in statements(policy) if "ec2:TerminateInstances" in item["Action"]]

    assert ending["Condition"] == {"StringEquals": {"aws:ResourceTag/AcceptanceRun": end.run}}
    assert findings(policy) == []
    assert unreachable(policy) == []


def test_the_operator_may_make_it(lab: Lab, end: EndOfLife) -> None:
    calls = (
        *(("iam", name) for name in ("CreateRole", "PutRolePolicy", "TagRole", "DeleteRolePolicy", "DeleteRole")),
        *(("scheduler", name) for name in ("CreateSchedule", "DeleteSchedule")),
    )
    (schedules,) = [item for item in statements(operator_policy()) if "scheduler:CreateSchedule" in item["Action"]]
    arn = f"arn:aws:scheduler:eu-west-1:123456789012:schedule/default/{end.name}"

    assert {permission(*call) for call in calls} <= allowed(operator_policy())
    assert any(fnmatch.fnmatchcase(arn, pattern) for pattern in schedules["Resource"])
    assert fnmatch.fnmatchcase(end.name, "talos-arm64-*")
