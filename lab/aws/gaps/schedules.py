# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduler: a schedule never runs, a group can be created twice, and an unknown one is an internal error.

A schedule runs when a test says so; the lab's clock starts none by itself. It runs with its role: a target that the
role does not allow, by action, resource and tags, does nothing, and only the log says so, as on AWS.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.scheduler.exceptions import ScheduleGroupNotFound
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends

from lab.aws.gaps.sessions import allow
from lab.aws.patches import ACCOUNT, Function, wraps
from lab.settings import REGION

LOG = logging.getLogger("lab.schedules")
TARGET = "arn:aws:scheduler:::aws-sdk:"
PARAMETERS = {"DocumentName", "MaxConcurrency", "MaxErrors", "Parameters", "TargetParameterName", "Targets"}
# The act of each runbook: its permission and the instance's method.
RUNBOOKS = {
    "AWS-StopEC2Instance": ("ec2:StopInstances", "stop"),
    "AWS-StartEC2Instance": ("ec2:StartInstances", "start"),
}
LOOKS = ("ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "tag:GetResources")  # by Systems Manager


def run_schedule(group: str, name: str) -> None:
    """Do now what a schedule would do at its time."""
    backend = scheduler_backends[ACCOUNT][REGION]
    if group not in backend.schedule_groups or name not in backend.schedule_groups[group].schedules:
        raise ValueError(f"there is no schedule {name!r} in a group {group!r}")
    schedule = backend.get_schedule(group, name)
    run = {"ssm:startAutomationExecution": _run_runbook, "autoscaling:setDesiredCapacity": _scale}
    target = schedule.target["Arn"].removeprefix(TARGET)
    if schedule.state == "ENABLED":
        run[target](json.loads(schedule.target["Input"]), schedule.target["RoleArn"])
    if schedule.action_after_completion == "DELETE":
        backend.delete_schedule(group, name)


def _scale(call: Mapping[str, Any], role: str) -> None:
    group = autoscaling_backends[ACCOUNT][REGION].autoscaling_groups.get(call["AutoScalingGroupName"])
    if group:
        arn = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:x:autoScalingGroupName/{group.name}"
        tags = {tag.get("Key") or tag["key"]: tag.get("Value") or tag["value"] for tag in group.tags}
        scale = partial(group.set_desired_capacity, call["DesiredCapacity"])
        _act(role, "autoscaling:SetDesiredCapacity", arn, tags, scale)


def _run_runbook(call: Mapping[str, Any], role: str) -> None:
    if set(call) != PARAMETERS or call["Parameters"] != {"AutomationAssumeRole": [role]} or len(call["Targets"]) != 1:
        raise ValueError(f"AWS does not start a runbook with {dict(call)}")
    runbook = f"arn:aws:ssm:{REGION}:{ACCOUNT}:automation-definition/{call['DocumentName']}:$DEFAULT"
    needs = {"ssm:StartAutomationExecution": runbook, "iam:PassRole": role} | dict.fromkeys(LOOKS, "*")
    if not all([_may(role, *need) for need in needs.items()]):
        return
    action, method = RUNBOOKS[call["DocumentName"]]
    (target,) = call["Targets"]
    key, (value,) = target["Key"].removeprefix("tag:"), target["Values"]
    for instance in ec2_backends[ACCOUNT][REGION].all_instances():
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance.id}"
        if tags.get(key) == value and instance.state != "terminated":
            _act(role, action, arn, tags, getattr(instance, method))


def _act(role: str, action: str, resource: str, tags: Mapping[str, str], act: Callable[[], object]) -> None:
    if _may(role, action, resource, tags):
        act()


def _may(role: str, action: str, resource: str, tags: Mapping[str, str] | None = None) -> bool:
    service = "ssm" if action in LOOKS else "scheduler"
    roles = [one for one in iam_backends[ACCOUNT]["aws"].get_roles() if one.arn == role]
    roles = [one for one in roles if f'"{service}.amazonaws.com"' in one.assume_role_policy_document]
    if not (may := allow(roles, action, resource, tags)):
        LOG.warning("%s is not authorized to perform: %s on resource: %s", role, action, resource)
    return may


@wraps(EventBridgeSchedulerBackend, "create_schedule_group")
def _once(original: Function, self: Any, name: str, *args: Any, **options: Any) -> Any:
    if name in self.schedule_groups:
        raise JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
    return original(self, name, *args, **options)


@wraps(EventBridgeSchedulerBackend, "delete_schedule_group")
def _known(original: Function, self: Any, name: str) -> Any:
    if name not in self.schedule_groups:
        raise ScheduleGroupNotFound(name)
    return original(self, name)


@wraps(EventBridgeSchedulerBackend, "create_schedule")
def _in_a_known_group(original: Function, self: Any, **options: Any) -> Any:
    self.get_schedule_group(options["group_name"])
    return original(self, **options)
