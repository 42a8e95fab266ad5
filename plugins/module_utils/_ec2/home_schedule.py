# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let EventBridge Scheduler close home access at its end. Private to urmanac.talos: may change at any time.

One schedule for each group and end: it revokes the rules by their ids once, with a role that may do nothing else, and
deletes itself. Without it the next run of a playbook removes what has expired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import Api, AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_access import HomeRule, Identity

# A universal target: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
_TARGET = "arn:aws:scheduler:::aws-sdk:ec2:revokeSecurityGroupIngress"
# The tag may have been moved an hour ago, so a rule that is gone already is no reason to try again for a day.
_RETRY = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 5}


class Schedule(NamedTuple):
    """One call in the future: revoke these rules of a group at that time."""

    name: str
    expression: str
    input: str
    role_arn: str


class SchedulePlan(NamedTuple):
    """What to do about schedules."""

    create: tuple[Schedule, ...]
    update: tuple[Schedule, ...]
    delete: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.create or self.update or self.delete)


def ensure_schedules(
    api: Api, identity: Identity, rules: Iterable[HomeRule], role_arn: str, *, check_mode: bool
) -> SchedulePlan:
    """Bring the schedules to the ends of the rules and return what was, or in check mode would be, done."""
    plan = plan_schedules(_read(api, identity), schedules_of(identity, rules, role_arn))
    if check_mode:
        return plan
    for schedule in plan.create:
        api.call("scheduler", "create_schedule", **_parameters(schedule))
    for schedule in plan.update:
        api.call("scheduler", "update_schedule", **_parameters(schedule))
    for name in plan.delete:
        _delete(api, name)
    return plan


def plan_schedules(current: Mapping[str, Schedule], wanted: Iterable[Schedule]) -> SchedulePlan:
    """Return how to get from the schedules that exist to the wanted ones."""
    by_name = {schedule.name: schedule for schedule in wanted}
    return SchedulePlan(
        create=tuple(schedule for name, schedule in by_name.items() if name not in current),
        update=tuple(schedule for name, schedule in by_name.items() if name in current and current[name] != schedule),
        delete=tuple(sorted(set(current) - set(by_name))),
    )


def schedules_of(identity: Identity, rules: Iterable[HomeRule], role_arn: str) -> list[Schedule]:
    """Return the schedules that close these rules at their ends."""
    ends: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        if rule.expires:
            ends.setdefault((rule.group_id, rule.expires), []).append(rule.id or "unknown in check mode")
    calls = {key: {"GroupId": key[0], "SecurityGroupRuleIds": sorted(ids)} for key, ids in sorted(ends.items())}
    return [
        Schedule(
            name=f"{_prefix(identity)}{_digest(group_id, expires)}",
            expression=f"at({expires.rstrip('Z')})",
            input=json.dumps(call, sort_keys=True),
            role_arn=role_arn,
        )
        for (group_id, expires), call in calls.items()
    ]


def _prefix(identity: Identity) -> str:
    """Return what only this cluster's schedules begin with, within the 64 characters of a name."""
    return f"{identity.name[:24]}-home-access-{_digest(*identity)}-"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:10]


def _read(api: Api, identity: Identity) -> dict[str, Schedule]:
    listed = api.call("scheduler", "list_schedules", NamePrefix=_prefix(identity))["Schedules"]
    names = [item["Name"] for item in listed if re.fullmatch(r"[0-9a-f]{10}", item["Name"][len(_prefix(identity)) :])]
    answers = [(name, api.call("scheduler", "get_schedule", Name=name)) for name in names]
    return {
        name: Schedule(name, answer["ScheduleExpression"], answer["Target"]["Input"], answer["Target"]["RoleArn"])
        for name, answer in answers
    }


def _parameters(schedule: Schedule) -> dict[str, Any]:
    return {
        "Name": schedule.name,
        "Description": "Closes home access at its end, made by urmanac.talos",
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {"Arn": _TARGET, "RoleArn": schedule.role_arn, "Input": schedule.input, "RetryPolicy": _RETRY},
    }


def _delete(api: Api, name: str) -> None:
    try:
        api.call("scheduler", "delete_schedule", Name=name)
    except AwsError as error:
        # It has run, and deleted itself, since it was read.
        if error.reason != "ResourceNotFoundException":
            raise
