# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around Auto Scaling: groups that launch what their template says, and again when it has gone."""

from __future__ import annotations

import logging
from typing import Any
from zoneinfo import ZoneInfo

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    AutoScalingBackend,
    FakeAutoScalingGroup,
    FakeScheduledAction,
    InstanceState,
    autoscaling_backends,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from lab.aws.account import check_launch
from lab.aws.instances import give_credits, on_termination, resolve_image
from lab.aws.patches import ACCOUNT, Function, put, wrap
from lab.machines import MachinePark
from lab.settings import REGION

LOG = logging.getLogger("lab.autoscaling")
GROUP_TAG = "aws:autoscaling:groupName"
LIFECYCLE = {"pending": "Pending", "running": "InService"}


def install(park: MachinePark) -> None:
    """Close the gaps, and let groups act in a short moment, as AWS does, instead of in the call."""
    put(FakeAutoScalingGroup, set_desired_capacity=lambda group, capacity: _wish(group, capacity, park))
    put(FakeAutoScalingGroup, replace_autoscaling_group_instances=_launch, active_instances=_active)
    put(InstanceState, lifecycle_state=property(_lifecycle, lambda state, value: None))
    put(AutoScalingResponse, disable_metrics_collection=_without_metrics)
    put(AutoScalingResponse, describe_scaling_activities=_activities)
    wrap(AutoScalingResponse, "delete_auto_scaling_group", _only_empty_or_forced)
    wrap(AutoScalingBackend, "delete_auto_scaling_group", _with_its_actions)
    wrap(AutoScalingBackend, "put_scheduled_update_group_action", _checked_action)
    put(AutoScalingBackend, delete_scheduled_action=_delete_action)
    on_termination(lambda instance: _react(instance, park))


def run_scheduled_action(group_name: str, name: str) -> None:
    """Do now what a scheduled action would do at its time; the lab's clock starts none by itself."""
    backend = autoscaling_backends[ACCOUNT][REGION]
    actions = backend.describe_scheduled_actions(group_name, [name])
    if not actions:
        raise ValueError(f"the group {group_name!r} has no scheduled action {name!r}")
    group = backend.autoscaling_groups[group_name]
    for size in ("min_size", "max_size"):
        if getattr(actions[0], size) is not None:
            setattr(group, size, getattr(actions[0], size))
    if actions[0].desired_capacity is not None:
        group.set_desired_capacity(actions[0].desired_capacity)


# Gap: instances come and go within the call, and a launch that fails makes the call fail.
def _wish(group: Any, capacity: int | None, park: MachinePark) -> None:
    wanted = group.min_size if capacity is None else capacity
    if not group.min_size <= wanted <= group.max_size:
        message = f"Desired capacity:{wanted} must be between the specified min size:{group.min_size} and max size:"
        raise ValidationError(f"{message}{group.max_size}")
    group.desired_capacity = wanted
    park.later(lambda: _reconcile(group, park))


def _reconcile(group: Any, park: MachinePark) -> None:
    """Launch or terminate, one step; what fails is tried again, as AWS does."""
    group.instance_states = [state for state in group.instance_states if state.instance.state != "terminated"]
    gone = group.name not in group.autoscaling_backend.autoscaling_groups
    active = group.active_instances()
    missing = 0 if gone else group.desired_capacity - len(active)
    try:
        if missing > 0:
            group.replace_autoscaling_group_instances(missing, group.get_propagated_tags())
            _note(group, f"Launching {missing} EC2 instance(s)", "Successful")
        elif missing < 0:
            ids = [state.instance.id for state in active][missing:]
            group.ec2_backend.terminate_instances(ids)
            _note(group, f"Terminating EC2 instance(s): {', '.join(ids)}", "Successful")
    except Exception as error:
        LOG.warning("group %s: %s", group.name, error)
        _note(group, f"Launching a new EC2 instance. Status Reason: {error}. Launching EC2 instance failed.", "Failed")
        park.later(lambda: _reconcile(group, park))


# Gap: nothing is told of what a group did, nor why it could not.
def _note(group: Any, description: str, status: str) -> None:
    activity = {
        "ActivityId": str(mock_random.uuid4()),
        "AutoScalingGroupName": group.name,
        "Description": description,
        "Cause": "The desired capacity differs from the number of instances.",
        "StartTime": utcnow(),
        "EndTime": utcnow(),
        "StatusCode": status,
        "Progress": 100,
    }
    group.__dict__.setdefault("lab_activities", []).insert(0, activity)


def _activities(response: Any) -> ActionResult:
    groups = response.autoscaling_backend.autoscaling_groups
    name = response._get_param("AutoScalingGroupName")
    chosen = [groups[name]] if name in groups else [] if name else list(groups.values())
    found = [activity for group in chosen for activity in group.__dict__.get("lab_activities", [])]
    return ActionResult({"Activities": found[:100]})


def _active(group: Any) -> list[Any]:
    return [state for state in group.instance_states if state.instance.state in LIFECYCLE]


# Gap: an instance is in service from its launch to the end of days.
def _lifecycle(state: Any) -> str:
    return LIFECYCLE.get(state.instance.state, "Terminating")


# Gap: of the template only image, type and user-data are looked at, and of these the default version's.
def _launch(group: Any, count: int, tags: dict[str, str]) -> None:
    data = group.ec2_launch_template.get_version(group.launch_template_version).data
    wanted = {
        item["ResourceType"]: {t["Key"]: t["Value"] for t in item["Tags"]} for item in data.get("TagSpecifications", [])
    }
    check_launch(group.ec2_backend, data, count)
    wanted["instance"] = wanted.get("instance", {}) | tags | {GROUP_TAG: group.name}
    for _ in range(count):
        reservation = group.ec2_backend.run_instances(
            resolve_image(data["ImageId"]), 1, group.user_data, [], **_options(group, data), tags=wanted
        )
        (instance,) = reservation.instances
        give_credits(instance, data.get("CreditSpecification", {}).get("CpuCredits"))
        profile = data.get("IamInstanceProfile")
        if profile:
            group.ec2_backend.associate_iam_instance_profile(
                instance_id=instance.id,
                iam_instance_profile_name=profile.get("Name"),
                iam_instance_profile_arn=profile.get("Arn"),
            )
        instance.autoscaling_group = group
        group.instance_states.append(InstanceState(instance))


def _options(group: Any, data: dict[str, Any]) -> dict[str, Any]:
    interfaces = [dict(nic) for nic in data.get("NetworkInterfaces", [])]
    for nic in interfaces:
        if nic.get("NetworkInterfaceId"):
            # An interface that the old instance has not let go of yet makes the launch fail, as it does on AWS.
            nic["SubnetId"] = group.ec2_backend.get_network_interface(nic["NetworkInterfaceId"]).subnet.id
    return {
        "instance_type": data["InstanceType"],
        "is_instance_type_default": False,
        "placement": group.availability_zones[0],
        "region_name": REGION,
        "subnet_id": None if interfaces else (group.vpc_zone_identifier or "").split(",")[0] or None,
        "nics": interfaces,
        "security_group_ids": list(data.get("SecurityGroupIds", [])),
        "block_device_mappings": [dict(mapping) for mapping in data.get("BlockDeviceMappings", [])],
        "metadata_options": data.get("MetadataOptions", {}),
        "key_name": data.get("KeyName"),
    }


def _react(instance: Any, park: MachinePark) -> None:
    group = getattr(instance, "autoscaling_group", None)
    if group is not None:
        _reconcile(group, park)


# Gap: the call does not exist, and amazon.aws.autoscaling_group makes it on every run but the first.
def _without_metrics(response: Any) -> EmptyResult:
    group = response.autoscaling_backend.autoscaling_groups[response._get_param("AutoScalingGroupName")]
    gone = response._get_param("Metrics", []) or list(group.metrics)
    group.metrics = [metric for metric in group.metrics if metric not in gone]
    return EmptyResult()


# Gap: a group with instances can be deleted without force.
def _only_empty_or_forced(original: Function) -> Function:
    def delete_auto_scaling_group(self: Any) -> Any:
        group = self.autoscaling_backend.autoscaling_groups.get(self._get_param("AutoScalingGroupName"))
        if group and group.active_instances() and not self._get_bool_param("ForceDelete"):
            message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance"
            raise AutoscalingClientError("ResourceInUse", f"{message} request(s) still in the group.")
        return original(self)

    return delete_auto_scaling_group


# Gap: scheduled actions outlive their group, and instances wait for a change that a gone group does not make.
def _with_its_actions(original: Function) -> Function:
    def delete_auto_scaling_group(self: Any, group_name: str) -> None:
        group = self.autoscaling_groups.get(group_name)
        if group:
            group.min_size = 0
        original(self, group_name)
        for key in [key for key, action in self.scheduled_actions.items() if _is_of(action, group_name)]:
            del self.scheduled_actions[key]
        ids = [state.instance.id for state in group.active_instances()]
        if ids:
            group.ec2_backend.terminate_instances(ids)

    return delete_auto_scaling_group


def _is_of(action: Any, group_name: str) -> bool:
    return bool(action.auto_scaling_group_name == group_name)


# Gap: any group and any zone will do, and two groups cannot have actions of the same name.
def _checked_action(original: Function) -> Function:
    def put_scheduled_update_group_action(self: Any, name: str, *args: Any, **options: Any) -> FakeScheduledAction:
        if name not in self.autoscaling_groups:
            raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        zone = options.get("timezone")
        try:
            ZoneInfo(zone or "UTC")
        except (KeyError, OSError, ValueError) as error:
            raise ValidationError(f"TimeZone '{zone}' is not valid") from error
        action: FakeScheduledAction = original(self, name, *args, **options)
        self.scheduled_actions.pop(action.scheduled_action_name)
        self.scheduled_actions[f"{name}/{action.scheduled_action_name}"] = action
        return action

    return put_scheduled_update_group_action


def _delete_action(self: Any, auto_scaling_group_name: str, scheduled_action_name: str) -> None:
    if self.scheduled_actions.pop(f"{auto_scaling_group_name}/{scheduled_action_name}", None) is None:
        raise ValidationError("Scheduled action name not found")
