# SPDX-License-Identifier: GPL-3.0-or-later
"""AutoScaling: groups start instances within the call, ignore most of the launch template, and report no failures."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from lab.aws.gaps.cpu_credits import give_credits
from lab.aws.gaps.instance_life import on_termination
from lab.aws.gaps.launch_checks import check_launch
from lab.aws.gaps.run_instances import resolve_image
from lab.aws.patches import put, replaces
from lab.machines import MachinePark
from lab.settings import REGION

LOG = logging.getLogger("lab.autoscaling")
GROUP_TAG = "aws:autoscaling:groupName"
DELETING = "Delete in progress"
LIFECYCLE = {"pending": "Pending", "running": "InService"}


def install(park: MachinePark) -> None:
    put(FakeAutoScalingGroup, set_desired_capacity=lambda group, capacity: _set_capacity(group, capacity, park))
    on_termination(lambda instance: _react(instance, park))


def _set_capacity(group: Any, capacity: int | None, park: MachinePark) -> None:
    wanted = group.min_size if capacity is None else capacity
    if not group.min_size <= wanted <= group.max_size:
        message = f"Desired capacity:{wanted} must be between the specified min size:{group.min_size} and max size:"
        raise ValidationError(f"{message}{group.max_size}")
    group.desired_capacity = wanted
    park.later(lambda: reconcile(group, park))


def reconcile(group: Any, park: MachinePark) -> None:
    """Launch or terminate, one step; what fails is tried again, as AWS does."""
    group.instance_states = [state for state in group.instance_states if state.instance.state != "terminated"]
    if getattr(group, "status", None) == DELETING and not group.instance_states:
        group.autoscaling_backend.autoscaling_groups.pop(group.name, None)
    active = group.active_instances()
    missing = group.desired_capacity - len(active)
    try:
        if missing > 0:
            group.replace_autoscaling_group_instances(missing, group.get_propagated_tags())
        elif missing < 0:
            group.ec2_backend.terminate_instances([state.instance.id for state in active][missing:])
    except Exception as error:
        LOG.warning("group %s: %s", group.name, error)
        _note(group, error)
        park.later(lambda: reconcile(group, park))


def _note(group: Any, error: Exception) -> None:
    text = f"{getattr(error, 'message', error)} Launching EC2 instance failed."
    failed = {"ActivityId": str(uuid4()), "StartTime": datetime.now(UTC), "StatusCode": "Failed", "StatusMessage": text}
    group.failed = [failed, *getattr(group, "failed", [])][:20]


@replaces(AutoScalingResponse, "describe_scaling_activities")
def _activities(self: Any) -> Any:
    group = self.autoscaling_backend.autoscaling_groups.get(self._get_param("AutoScalingGroupName"))
    return ActionResult({"Activities": getattr(group, "failed", [])})


@replaces(FakeAutoScalingGroup, "active_instances")
def _active(group: Any) -> list[Any]:
    return [state for state in group.instance_states if state.instance.state in LIFECYCLE]


_LIFECYCLE_STATE = property(lambda state: LIFECYCLE.get(state.instance.state, "Terminating"), lambda state, value: None)
put(InstanceState, lifecycle_state=_LIFECYCLE_STATE)


@replaces(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
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
        **{"instance_type": data["InstanceType"], "is_instance_type_default": False, "nics": interfaces},
        **{"placement": group.availability_zones[0], "region_name": REGION, "key_name": data.get("KeyName")},
        "subnet_id": None if interfaces else (group.vpc_zone_identifier or "").split(",")[0] or None,
        "security_group_ids": list(data.get("SecurityGroupIds", [])),
        "block_device_mappings": [dict(mapping) for mapping in data.get("BlockDeviceMappings", [])],
        "metadata_options": data.get("MetadataOptions", {}),
    }


def _react(instance: Any, park: MachinePark) -> None:
    group = getattr(instance, "autoscaling_group", None)
    if group is not None:
        reconcile(group, park)
