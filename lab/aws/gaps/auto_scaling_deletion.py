# SPDX-License-Identifier: GPL-3.0-or-later
"""AutoScaling: a group goes at once, also with instances and without ForceDelete, and its scheduled actions remain."""

from __future__ import annotations

from functools import partial
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse

from lab.aws.gaps.auto_scaling_groups import DELETING, reconcile
from lab.aws.patches import Function, wraps
from lab.machines import MachinePark


def install(park: MachinePark) -> None:
    wraps(AutoScalingBackend, "delete_auto_scaling_group")(partial(_begin, park))


@wraps(AutoScalingResponse, "delete_auto_scaling_group")
def _only_empty_or_forced(original: Function, self: Any) -> Any:
    group = self.autoscaling_backend.autoscaling_groups.get(self._get_param("AutoScalingGroupName"))
    if group and group.active_instances() and not self._get_bool_param("ForceDelete"):
        message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance"
        raise AutoscalingClientError("ResourceInUse", f"{message} request(s) still in the group.")
    return original(self)


@wraps(AutoScalingBackend, "create_auto_scaling_group")
def _only_once(original: Function, self: Any, name: str, *arguments: Any, **options: Any) -> Any:
    if name in self.autoscaling_groups:
        message = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
        raise AutoscalingClientError("AlreadyExists", message)
    return original(self, name, *arguments, **options)


def _begin(park: MachinePark, original: Function, self: Any, group_name: str) -> None:
    group = self.autoscaling_groups.get(group_name)
    if not group:
        original(self, group_name)
        return
    group.min_size = group.desired_capacity = 0
    group.status = DELETING
    actions = self.scheduled_actions.items()
    self.scheduled_actions = {k: action for k, action in actions if action.auto_scaling_group_name != group_name}
    park.later(lambda: reconcile(group, park))
