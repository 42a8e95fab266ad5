# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launch template and the Auto Scaling group of the bastion. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ..calls import TERMINATION, Calls
from ..client import AwsError
from ..identity import tag_list
from ..plan.current import DELETING, Existing
from .machines import (
    hardware,
    metadata_options,
)
from .work import Work, tag_specifications

_GROUP = "AutoScalingGroupName"


def ensure_launch_template(work: Work, key: str) -> None:
    """Ensure that the latest version of the template launches the described instance.

    Each version is complete: one that is based on another version would inherit what it does not name.
    """
    want = work.want(key)
    data = _template_data(work, want)
    if key not in work.things:
        work.make(key, LaunchTemplateName=work.wanted[key].name, LaunchTemplateData=data)
    elif work.differs(key, *(name for name in want if name not in ("tags", "network_interface"))) or (
        work.things[key].have.get("network_interface") != work.id("eni/bastion")
    ):
        token = str(uuid.uuid4())
        work.ec2(
            "create_launch_template_version", LaunchTemplateId=work.id(key), LaunchTemplateData=data, ClientToken=token
        )
        work.changed(key, "a new version")
    work.tag(key)


def _template_data(work: Work, want: Mapping[str, Any]) -> dict[str, Any]:
    optional = {"KeyName": want["ssh_key_name"], "UserData": work.machines.user_data.get("bastion")}
    return {
        "ImageId": want["image"],
        "InstanceType": want["type"],
        "IamInstanceProfile": {"Name": want["instance_profile"]},
        "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": work.id("eni/bastion")}],
        "MetadataOptions": metadata_options(want),
        **hardware(want, work.machines.root_device),
        "TagSpecifications": tag_specifications(
            {**want["tags"], "Name": want["network_interface"]}, "instance", "volume"
        ),
        **{parameter: value for parameter, value in optional.items() if value},
    }


def delete_launch_template(work: Work, thing_id: str) -> None:
    """Delete a launch template with all its versions."""
    work.calls.delete("ec2", "delete_launch_template", LaunchTemplateId=thing_id)


def ensure_autoscaling_group(work: Work, key: str) -> None:
    """Ensure the group and its schedule as described, and start the bastion if requested."""
    name = work.wanted[key].name
    if key not in work.things:
        _create_group(work, key)
    elif work.differs(key, "min_size", "max_size", "availability_zones", "launch_template_version") or (
        work.things[key].have["launch_template"] != work.id("launch_template/bastion")
    ):
        _scaling(work, "update_auto_scaling_group", **{_GROUP: name}, **_group_options(work, key))
        work.changed(key, "settings")
    if "desired_capacity" in work.want(key) and work.differs(key, "desired_capacity"):
        _scaling(work, "set_desired_capacity", **{_GROUP: name}, DesiredCapacity=1, HonorCooldown=False)
        work.changed(key, "started")
    _set_hours(work, key)
    work.tag_with(key, lambda tags: _scaling(work, "create_or_update_tags", Tags=_group_tags(name, tags)))


def _create_group(work: Work, key: str) -> None:
    item = work.wanted[key]
    tags = item.want["tags"]
    capacity = item.want.get("desired_capacity", item.want["min_size"])
    options = _group_options(work, key)

    def create() -> None:
        work.calls.create(
            "autoscaling",
            "create_auto_scaling_group",
            lambda: _own_group(work, item.name),
            **{_GROUP: item.name},
            **options,
            DesiredCapacity=capacity,
            Tags=_group_tags(item.name, tag_list(tags)),
        )

    try:
        create()
    except AwsError as error:
        if error.reason != "AlreadyExists" or not _is_gone_in_time(work, item.name):
            raise
        create()
    have = {**item.want, "desired_capacity": capacity, "launch_template": work.id("launch_template/bastion")}
    work.note(key, Existing(item.kind, item.name, tags["Name"], tags, {**have, "schedules": {}, "next_stop": None}))


def _is_gone_in_time(work: Work, name: str) -> bool:
    """Return whether a group with this name is being deleted, and is gone as soon as its instances can be."""

    def is_ending() -> bool:
        answer = work.calls.call("autoscaling", "describe_auto_scaling_groups", **{f"{_GROUP}s": [name]})
        return any(group.get("Status") == DELETING for group in answer["AutoScalingGroups"])

    return is_ending() and bool(work.calls.wait_for(lambda: not is_ending(), TERMINATION))


def _own_group(work: Work, name: str) -> Mapping[str, Any] | None:
    """Return the group with this name as soon as it has our tags."""
    found = work.read_own("autoscaling_group", **{f"{_GROUP}s": [name]})
    return found[0].have if found else None


def _group_options(work: Work, key: str) -> dict[str, Any]:
    want = work.want(key)
    template = {"LaunchTemplateId": work.id("launch_template/bastion"), "Version": want["launch_template_version"]}
    return {
        "LaunchTemplate": template,
        "MinSize": want["min_size"],
        "MaxSize": want["max_size"],
        "AvailabilityZones": want["availability_zones"],
    }


def _group_tags(name: str, tags: list[dict[str, str]]) -> list[dict[str, Any]]:
    # The tags of instances come from the template.
    of = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    return [{**tag, **of} for tag in tags]


def _set_hours(work: Work, key: str) -> None:
    """Ensure the described scheduled actions and no other one of ours; those of another owner stay."""
    have, want = work.things[key].have.get("schedules", {}), work.want(key)["schedules"]
    group = {_GROUP: work.wanted[key].name}
    for action, hours in want.items():
        # Auto Scaling acts at the start time first, then by the recurrence: nothing has to be restored.
        start = {"StartTime": work.want(key)["next_stop"]} if _is_postponed(work, key, hours) else {}
        if start or have.get(action) != hours:
            _put_action(work.calls, work.wanted[key].name, action, hours, **start)
            work.changed(key, f"hours {action}" + (f", next at {start['StartTime']}" if start else ""))
    for action in have.keys() - want.keys():
        work.calls.delete("autoscaling", "delete_scheduled_action", **group, ScheduledActionName=action)
        work.changed(key, f"hours {action} removed")


def _put_action(calls: Calls, group: str, action: str, hours: Mapping[str, Any], **start: str) -> None:
    times = {"Recurrence": hours["recurrence"], "TimeZone": hours["time_zone"], "DesiredCapacity": hours["capacity"]}
    names = {_GROUP: group, "ScheduledActionName": action}
    calls.call("autoscaling", "put_scheduled_update_group_action", **names, **times, **start)


def postpone_stop(calls: Calls, group: str, schedules: Mapping[str, Mapping[str, Any]], at: str) -> None:
    """Postpone the next stop of a group, whose schedules stay as they are."""
    for action, hours in schedules.items():
        if hours["capacity"] == 0:
            _put_action(calls, group, action, hours, StartTime=at)


def _is_postponed(work: Work, key: str, hours: Mapping[str, Any]) -> bool:
    return hours["capacity"] == 0 and "next_stop" in work.want(key) and work.differs(key, "next_stop")


def delete_autoscaling_group(work: Work, name: str) -> None:
    """Delete a group with its schedule and its instance."""
    work.calls.delete("autoscaling", "delete_auto_scaling_group", **{_GROUP: name}, ForceDelete=True)


def _scaling(work: Work, operation: str, **parameters: Any) -> None:
    work.calls.call("autoscaling", operation, **parameters)
