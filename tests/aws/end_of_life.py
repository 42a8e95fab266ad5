# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule in AWS, before any instance exists, that the instances of an acceptance run are terminated.

A schedule of EventBridge starts AWS's own runbook AWS-TerminateEC2Instance on every instance that has the run's tag.
Which instances these are is asked when it starts, so the schedule needs none of their ids:
https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-map-targets.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import MANAGED_BY

TAG = "AcceptanceRun"
TARGET = "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution"
RUNBOOK = "AWS-TerminateEC2Instance"
# IAM takes a moment until other services know a new role.
TRIES, PAUSE_SECONDS = 30, 3.0


class EndOfLife(NamedTuple):
    """The end of a run: run is the value of the tag, name that of the schedule, the role and its policy."""

    name: str
    run: str
    region: str
    at: datetime

    def set(self, client: Callable[[str], Any], pause: Callable[[float], None] = time.sleep) -> None:
        """Make the role and the schedule."""
        account = client("sts").get_caller_identity()["Account"]
        iam = client("iam")
        tags = [{"Key": key, "Value": value} for key, value in (("ManagedBy", MANAGED_BY), (TAG, self.run))]
        trust = json.dumps(self.trust(account))
        arn = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=trust, Tags=tags)["Role"]["Arn"]
        iam.put_role_policy(RoleName=self.name, PolicyName=self.name, PolicyDocument=json.dumps(self.policy(arn)))
        _once_iam_is_known(lambda: client("scheduler").create_schedule(**self.schedule(arn)), pause)

    def remove(self, client: Callable[[str], Any]) -> None:
        """Delete the schedule and the role if they exist."""
        _unless_gone(lambda: client("scheduler").delete_schedule(Name=self.name))
        iam = client("iam")
        _unless_gone(lambda: iam.delete_role_policy(RoleName=self.name, PolicyName=self.name))
        _unless_gone(lambda: iam.delete_role(RoleName=self.name))

    def schedule(self, role: str) -> dict[str, Any]:
        """Return the parameters of the schedule, which deletes itself after its time."""
        return {
            "Name": self.name,
            "Description": "Terminates the machines of an acceptance run of urmanac.talos",
            "ScheduleExpression": f"at({self.at:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {"Arn": TARGET, "RoleArn": role, "Input": json.dumps(self.automation(role))},
        }

    def automation(self, role: str) -> dict[str, Any]:
        """Return the parameters of StartAutomationExecution."""
        return {
            "DocumentName": RUNBOOK,
            "Parameters": {"AutomationAssumeRole": [role]},
            "TargetParameterName": "InstanceId",
            "Targets": [{"Key": f"tag:{TAG}", "Values": [self.run]}],
            "MaxConcurrency": "10",
            "MaxErrors": "100%",
        }

    def trust(self, account: str) -> dict[str, Any]:
        """Return the trust policy: the schedule starts the runbook, and the runbook terminates."""
        services = ["scheduler.amazonaws.com", "ssm.amazonaws.com"]
        statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        condition = {"StringEquals": {"aws:SourceAccount": account}}
        return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}

    def policy(self, role: str) -> dict[str, Any]:
        """Return the permissions of the role: to terminate instances with the tag of this run only."""
        # The first is how IAM named a runbook until it judged document and execution: automation-setup-identity-based-
        # policies.html in the guide of Systems Manager. The runbook starts itself for each instance.
        runbook = (f"automation-definition/{RUNBOOK}:*", f"document/{RUNBOOK}", "automation-execution/*")
        statements = [
            _allowed([f"arn:aws:ssm:{self.region}:*:{part}" for part in runbook], "ssm:StartAutomationExecution"),
            _allowed(role, "iam:PassRole", **{"iam:PassedToService": "ssm.amazonaws.com"}),
            _allowed("*", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "tag:GetResources"),
            _allowed(
                f"arn:aws:ec2:{self.region}:*:instance/*",
                "ec2:TerminateInstances",
                **{f"aws:ResourceTag/{TAG}": self.run},
            ),
        ]
        return {"Version": "2012-10-17", "Statement": statements}


def _allowed(resource: str | list[str], *actions: str, **equals: str) -> dict[str, Any]:
    condition = {"Condition": {"StringEquals": equals}} if equals else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **condition}


def _once_iam_is_known(call: Callable[[], object], pause: Callable[[float], None]) -> None:
    for _ in range(TRIES):
        try:
            call()
        except ClientError as error:
            if "assume the role" not in error.response["Error"]["Message"]:
                raise
            pause(PAUSE_SECONDS)
        else:
            return
    call()


def _unless_gone(call: Callable[[], object]) -> None:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "NoSuchEntity"):
            raise
