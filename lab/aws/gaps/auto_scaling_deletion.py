# SPDX-License-Identifier: GPL-3.0-or-later
"""AutoScaling: a group with instances can be deleted without ForceDelete, and its scheduled actions remain."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse

from lab.aws.patches import Function, wraps


@wraps(AutoScalingResponse, "delete_auto_scaling_group")
def _only_empty_or_forced(original: Function, self: Any) -> Any:
    group = self.autoscaling_backend.autoscaling_groups.get(self._get_param("AutoScalingGroupName"))
    if group and group.active_instances() and not self._get_bool_param("ForceDelete"):
        message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance"
        raise AutoscalingClientError("ResourceInUse", f"{message} request(s) still in the group.")
    return original(self)


@wraps(AutoScalingBackend, "delete_auto_scaling_group")
def _with_its_actions(original: Function, self: Any, group_name: str) -> None:
    group = self.autoscaling_groups.get(group_name)
    if group:
        group.min_size = 0
    original(self, group_name)
    actions = self.scheduled_actions.items()
    self.scheduled_actions = {k: action for k, action in actions if action.auto_scaling_group_name != group_name}
    ids = [state.instance.id for state in group.active_instances()]
    if ids:
        group.ec2_backend.terminate_instances(ids)
