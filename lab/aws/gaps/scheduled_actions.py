# SPDX-License-Identifier: GPL-3.0-or-later
"""AutoScaling: scheduled actions take any group and time zone, are unique in the account, and show no next time.

In EC2 their names are unique in their group, and a recurring one has the next time as its start time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeScheduledAction, autoscaling_backends

from lab.aws.patches import ACCOUNT, Function, replaces, wraps
from lab.settings import REGION


def run_scheduled_action(group: str, name: str) -> None:
    """Run a scheduled action now; the lab has no clock that runs it."""
    backend = autoscaling_backends[ACCOUNT][REGION]
    (action,) = backend.describe_scheduled_actions(group, [name])
    found = backend.autoscaling_groups[group]
    for size in ("min_size", "max_size"):
        if getattr(action, size) is not None:
            setattr(found, size, getattr(action, size))
    if action.desired_capacity is not None:
        found.set_desired_capacity(action.desired_capacity)


@wraps(AutoScalingBackend, "put_scheduled_update_group_action")
def _checked_action(original: Function, self: Any, name: str, *args: Any, **options: Any) -> FakeScheduledAction:
    if name not in self.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    zone = options.get("timezone")
    try:
        ZoneInfo(zone or "UTC")
    except (KeyError, OSError, ValueError) as error:
        raise ValidationError(f"TimeZone '{zone}' is not valid") from error
    action: FakeScheduledAction = original(self, name, *args, **options)
    fields = (action.recurrence or "").split()[:2]
    if fields and not action.start_time and all(map(str.isdigit, fields)):  # others are not calculated
        minute, hour = map(int, fields)
        time = (now := datetime.now(ZoneInfo(zone or "UTC"))).replace(hour=hour, minute=minute, second=0, microsecond=0)
        action.start_time = (time + timedelta(days=time <= now)).isoformat()
    self.scheduled_actions.pop(action.scheduled_action_name)
    self.scheduled_actions[f"{name}/{action.scheduled_action_name}"] = action
    return action


@replaces(AutoScalingBackend, "delete_scheduled_action")
def _delete_action(self: Any, auto_scaling_group_name: str, scheduled_action_name: str) -> None:
    if self.scheduled_actions.pop(f"{auto_scaling_group_name}/{scheduled_action_name}", None) is None:
        raise ValidationError("Scheduled action name not found")
