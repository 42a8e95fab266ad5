# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schedules that stop and start a cluster, and their role. Private to urmanac.talos: may change at any time.

EventBridge Scheduler runs them. They are in a schedule group of the cluster, because a schedule has no tags but its
group has. EC2 stops instances by their ids only, which are unknown until a node runs, and one id that no longer exists
makes it reject all. So the schedules start AWS's own runbooks, which look for a tag when they run: they are complete
before the first machine exists, and stay right when one is replaced.
https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-map-targets.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ..identity import owner_condition
from ..policies import allow, policy, trust
from .daily import cron_fields
from .spec import HoursSpec

HOURS = "hours"
# The tag of nodes that the runbooks look for: a target is one tag with one value.
NODES_TAG = "NodesOf"
_RUNBOOK = "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution"
# Unlike UpdateAutoScalingGroup it never asks for the permissions to launch the group's template.
_SCALING = "arn:aws:scheduler:::aws-sdk:autoscaling:setDesiredCapacity"
TTL = ("ttl-nodes", "ttl-bastion")
_DAILY = {"Start": "nodes-start", "Stop": "nodes-stop"}
# The names of all schedules that this collection makes: any other one in the group belongs to another owner.
NAMES = frozenset((*TTL, *_DAILY.values()))
# How often AWS repeats a call that failed.
ATTEMPTS = 60
# Clocks of controllers differ.
_TOLERANCE = timedelta(minutes=15)
_AT = "at(%Y-%m-%dT%H:%M:%S)"


class Scheduled(NamedTuple):
    """The properties of the cluster that the schedules need; group is the Auto Scaling group, empty for none."""

    name: str
    project: str
    region: str
    account: str
    group: str

    @property
    def unique(self) -> str:
        """Return the name of the role and of the schedule group."""
        return hours_name(self.project, self.name)

    @property
    def role(self) -> str:
        """Return the ARN of the role."""
        return f"arn:aws:iam::{self.account}:role/{self.unique}"


def hours_name(project: str, name: str) -> str:
    """Return the name of a cluster's role and schedule group."""
    return f"{project}-{name}-{HOURS}"


def nodes_tag(project: str, name: str) -> dict[str, str]:
    """Return the tag of the nodes of a cluster."""
    return {NODES_TAG: f"{project}/{name}"}


def hours_resources(
    hours: HoursSpec, of: Scheduled, end: datetime | None
) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return kind, name and properties of the role and of the schedule group; end is the end of the time to live."""
    if not hours.is_needed:
        return {}
    return {
        f"iam_role/{HOURS}": ("iam_role", of.unique, _role(hours, of)),
        f"schedule_group/{HOURS}": ("schedule_group", of.unique, {"schedules": dict(_schedules(hours, of, end))}),
    }


def ttl_end(hours: HoursSpec, schedules: Mapping[str, Mapping[str, Any]], now: datetime) -> datetime | None:
    """Return when the time to live ends: a run renews it if less than half is left, so a second run changes nothing."""
    if not hours.ttl:
        return None
    full = timedelta(hours=hours.ttl)
    ends = {end_of(schedules[name]) for name in TTL if name in schedules}
    end = ends.pop() if len(ends) == 1 else None
    if end and now + full / 2 <= end <= now + full + _TOLERANCE:
        return end
    return (now + full).replace(microsecond=0)


def is_late(hours: HoursSpec, schedule: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a schedule ends the time to live later than any run sets it, or never."""
    end = end_of(schedule)
    return end is None or end > now + timedelta(hours=hours.ttl) + _TOLERANCE


def end_in(schedules: Mapping[str, Mapping[str, Any]]) -> datetime | None:
    """Return when schedules end the time to live; one that is disabled or has other settings may stop nothing."""
    usual = [schedules[name] for name in TTL if name in schedules and not schedules[name].get("other_settings")]
    return min(filter(None, map(end_of, usual)), default=None)


def end_of(schedule: Mapping[str, Any]) -> datetime | None:
    """Return the time of a one-time schedule, None if it has another form."""
    try:
        return datetime.strptime(f"{schedule['expression']} +0000", f"{_AT} %z")
    except ValueError:
        return None


def schedule_text(schedule: Mapping[str, Any]) -> str:
    """Return the times of a schedule, and which settings differ from those of every schedule."""
    others = ", ".join(schedule.get("other_settings", ()))
    return f"{schedule['expression']} {schedule['time_zone']}" + (f" (with another {others})" if others else "")


def _schedules(hours: HoursSpec, of: Scheduled, end: datetime | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if hours.ttl:
        once = f"{end:{_AT}}" if end else f"{hours.ttl:g} hours after the run"
        yield TTL[0], _schedule(once, "Etc/UTC", _RUNBOOK, _runbook(of, "Stop"), of)
        if of.group:
            stopped = {"AutoScalingGroupName": of.group, "DesiredCapacity": 0}
            yield TTL[1], _schedule(once, "Etc/UTC", _SCALING, stopped, of)
    if hours.is_scheduled:
        for verb, time in (("Start", hours.start), ("Stop", hours.stop)):
            daily = f"cron({cron_fields(time)} * * ? *)"
            yield _DAILY[verb], _schedule(daily, hours.time_zone, _RUNBOOK, _runbook(of, verb), of)


def _schedule(
    expression: str, time_zone: str, target: str, request: Mapping[str, Any], of: Scheduled
) -> dict[str, Any]:
    call = json.dumps(request, sort_keys=True)
    return {"expression": expression, "time_zone": time_zone, "target": target, "input": call, "role": of.role}


def _runbook(of: Scheduled, verb: str) -> dict[str, Any]:
    (tag,) = nodes_tag(of.project, of.name).items()
    return {
        "DocumentName": f"AWS-{verb}EC2Instance",
        "Parameters": {"AutomationAssumeRole": [of.role]},
        "TargetParameterName": "InstanceId",
        "Targets": [{"Key": f"tag:{tag[0]}", "Values": [tag[1]]}],
        "MaxConcurrency": "50",
        "MaxErrors": "100%",
    }


def _role(hours: HoursSpec, of: Scheduled) -> dict[str, Any]:
    # The schedules start the runbooks, and the runbooks stop the nodes.
    trusted = trust(["scheduler.amazonaws.com", "ssm.amazonaws.com"], of.account)
    verbs = ("Start", "Stop") if hours.is_scheduled else ("Stop",)
    return {"trust_policy": trusted, "policy": policy(*_statements(of, verbs, ttl=bool(hours.ttl)))}


def _statements(of: Scheduled, verbs: Sequence[str], *, ttl: bool) -> Iterator[dict[str, Any]]:
    runbooks = [f"AWS-{verb}EC2Instance" for verb in verbs]
    # Both names of a runbook, and its executions: a runbook starts itself for each instance.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-identity-based-policies.html
    names = [*(f"automation-definition/{name}:*" for name in runbooks), *(f"document/{name}" for name in runbooks)]
    started = [f"arn:aws:ssm:{of.region}:*:{name}" for name in (*names, "automation-execution/*")]
    yield allow(["ssm:StartAutomationExecution"], started)
    yield allow(["iam:PassRole"], of.role, {"iam:PassedToService": "ssm.amazonaws.com"})
    looks = ["ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "tag:GetResources"]
    yield allow(looks, "*", {"aws:RequestedRegion": of.region})
    instances = f"arn:aws:ec2:{of.region}:{of.account}:instance/*"
    owner = owner_condition(of)
    yield allow([f"ec2:{verb}Instances" for verb in verbs], instances, owner)
    if ttl and of.group:
        group = f"arn:aws:autoscaling:{of.region}:{of.account}:autoScalingGroup:*:autoScalingGroupName/{of.group}"
        yield allow(["autoscaling:SetDesiredCapacity"], group, owner)
