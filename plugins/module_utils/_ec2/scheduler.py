# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and set schedules of EventBridge Scheduler. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from .calls import Calls
from .client import Api, existing

# A call that could not be made within an hour must not hit what was changed since.
_EVENT_AGE = 3600
# How AWS names the group of a schedule without one.
DEFAULT_GROUP = "default"


class Place(NamedTuple):
    """The name of a schedule, and its group; an empty one is the default group of AWS."""

    name: str
    group: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """Return it in the format of AWS."""
        return {"Name": self.name, **({"GroupName": self.group} if self.group else {})}


class Call(NamedTuple):
    """The call that a schedule makes, and when. A schedule for one time deletes itself when it has run."""

    expression: str
    time_zone: str | None
    target: str
    input: str
    role: str
    description: str
    # The names of the settings that are not as put_call sets them, such as the state of a disabled one.
    others: tuple[str, ...] = ()


def read_call(api: Api, place: Place, attempts: int) -> Call | None:
    """Return the call of a schedule, or None if it does not exist, such as one that ran and deleted itself."""
    answer = existing(api, "scheduler", "get_schedule", **place.parameters)
    if answer is None:
        return None
    target = answer["Target"]
    return Call(
        expression=answer["ScheduleExpression"],
        time_zone=answer.get("ScheduleExpressionTimezone"),
        target=target["Arn"],
        input=_sorted(target.get("Input", "")),
        role=target["RoleArn"],
        description=answer.get("Description", ""),
        others=_others(answer, _settings(answer["ScheduleExpression"], attempts)),
    )


# What put_call leaves out, of a schedule and of its target: AWS then removes it.
UNSET = frozenset(("StartDate", "EndDate", "KmsKeyArn"))
UNSET_OF_TARGET = frozenset(
    (
        *("DeadLetterConfig", "EcsParameters", "EventBridgeParameters", "EventBridgePutEventsV2Parameters"),
        *("EventBridgePutRawEventsParameters", "KinesisParameters", "SageMakerPipelineParameters", "SqsParameters"),
    )
)


def _settings(expression: str, attempts: int) -> dict[str, Any]:
    """Return the settings that are the same for every schedule of a form."""
    return {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "ActionAfterCompletion": "DELETE" if expression.startswith("at(") else "NONE",
        "RetryPolicy": {"MaximumEventAgeInSeconds": _EVENT_AGE, "MaximumRetryAttempts": attempts},
    }


def _others(answer: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of all settings that differ.

    One that AWS adds later is not among them: no run could set it, so every run would change the schedule.
    """
    have, names = {**answer["Target"], **answer}, UNSET | UNSET_OF_TARGET | settings.keys()
    return tuple(sorted(name for name in names if not _is_set(have.get(name), settings.get(name))))


def _is_set(have: Any, want: Any) -> bool:
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        return all(have.get(key) == value for key, value in want.items())
    return bool(have == want)


def _sorted(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def put_call(calls: Calls, place: Place, call: Call, *, is_new: bool, attempts: int) -> None:
    """Create a schedule, or replace its call; attempts is how often AWS repeats a failed call."""
    settings = _settings(call.expression, attempts)
    retry = settings.pop("RetryPolicy")
    parameters: dict[str, Any] = {
        **place.parameters,
        "Description": call.description,
        "ScheduleExpression": call.expression,
        "ScheduleExpressionTimezone": call.time_zone,
        **settings,
        "Target": {"Arn": call.target, "RoleArn": call.role, "Input": call.input, "RetryPolicy": retry},
    }
    if is_new:
        parameters["ClientToken"] = str(uuid.uuid4())
        calls.create("scheduler", "create_schedule", lambda: read_call(calls, place, attempts), **parameters)
    else:
        calls.call("scheduler", "update_schedule", **parameters)
