# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read launch templates, Auto Scaling groups and host keys. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from ..._ssh.keys import public_key_problem
from ..client import Api
from ..identity import HOST_KEY_TAG, owner_tags
from ..spec import ClusterSpec
from .spec import action_names

Record = Mapping[str, Any]
_GZIP = b"\x1f\x8b"


def is_host_key_of(spec: ClusterSpec, tags: Mapping[str, str]) -> bool:
    """Return whether a parameter with these tags is the cluster's host key."""
    return owner_tags(spec).items() <= tags.items() and not public_key_problem(tags.get(HOST_KEY_TAG, ""))


def parameter_type(api: Api, name: str) -> str | None:
    """Return the type of a parameter, None if it does not exist; its value is not read."""
    named = [{"Key": "Name", "Values": [name]}]
    found = api.call("ssm", "describe_parameters", ParameterFilters=named)["Parameters"]
    return next((str(item["Type"]) for item in found), None)


def template_facts(record: Record) -> dict[str, Any]:
    """Return the properties of a launch template itself; its latest version has those of its instances."""
    return {"version": record["LatestVersionNumber"], "template_name": record["LaunchTemplateName"]}


def group_facts(record: Record) -> dict[str, Any]:
    """Return the properties of an Auto Scaling group and its instances."""
    template = record.get("LaunchTemplate") or {}
    return {
        "min_size": record["MinSize"],
        "max_size": record["MaxSize"],
        "desired_capacity": record["DesiredCapacity"],
        "availability_zones": sorted(record["AvailabilityZones"]),
        "launch_template": template.get("LaunchTemplateId"),
        "launch_template_version": template.get("Version"),
        "instances": [item["InstanceId"] for item in record.get("Instances") or ()],
    }


def _read_version(api: Api, template_id: str) -> dict[str, Any]:
    wanted = {"LaunchTemplateId": template_id, "Versions": ["$Latest"]}
    version = api.call("ec2", "describe_launch_template_versions", **wanted)["LaunchTemplateVersions"][0]
    data: Record = version["LaunchTemplateData"]
    metadata = data.get("MetadataOptions") or {}
    first: Record = next((item for item in data.get("NetworkInterfaces") or () if item.get("DeviceIndex") == 0), {})
    profile = data.get("IamInstanceProfile") or {}
    return {
        "image": data.get("ImageId"),
        "type": data.get("InstanceType"),
        "network_interface": first.get("NetworkInterfaceId"),
        "imds_tokens": metadata.get("HttpTokens"),
        "imds_hop_limit": metadata.get("HttpPutResponseHopLimit"),
        **_disk(data),
        "instance_profile": profile.get("Name") or profile.get("Arn", "").rpartition("/")[2] or None,
        "ssh_key_name": data.get("KeyName"),
        "cpu_credits": (data.get("CreditSpecification") or {}).get("CpuCredits"),
        "user_data_sha256": checksum(data.get("UserData")),
    }


def _disk(data: Record) -> dict[str, Any]:
    disk: Record = next((item["Ebs"] for item in data.get("BlockDeviceMappings") or () if item.get("Ebs")), {})
    return {
        "volume_type": disk.get("VolumeType"),
        "volume_size": disk.get("VolumeSize"),
        "volume_encrypted": disk.get("Encrypted", False),
    }


def checksum(user_data: str | None) -> str | None:
    """Return the checksum of the text, because compression differs between computers."""
    content = base64.b64decode(user_data or "")
    if content.startswith(_GZIP):
        content = gzip.decompress(content)
    return hashlib.sha256(content).hexdigest() if content else None


def _read_schedules(api: Api, group: str) -> dict[str, Any]:
    """Return the cluster's scheduled actions of its group, and other ones."""
    actions = api.call("autoscaling", "describe_scheduled_actions", AutoScalingGroupName=group)
    every = actions["ScheduledUpdateGroupActions"]
    found = [action for action in every if action["ScheduledActionName"] in action_names(group)]
    starts = dict(map(_next_start, found))
    stops = [start for action in found if action.get("DesiredCapacity") == 0 and (start := _next_start(action)[1])]
    return {
        "schedules": dict(map(_schedule, found)),
        "next_starts": starts,
        "next_stop": min(stops, default=None),
        "extra_actions": {action["ScheduledActionName"]: _when(action) for action in every if action not in found},
    }


def _when(action: Record) -> str:
    when = f"{action.get('Recurrence') or action.get('StartTime')} {action.get('TimeZone') or 'UTC'}"
    return f"{when}, capacity {action.get('DesiredCapacity')}"


def _next_start(action: Record) -> tuple[str, str | None]:
    start = action.get("StartTime")
    return action["ScheduledActionName"], start.isoformat() if start else None


def _schedule(action: Record) -> tuple[str, dict[str, Any]]:
    facts = {"recurrence": "Recurrence", "time_zone": "TimeZone", "capacity": "DesiredCapacity"}
    return action["ScheduledActionName"], {name: action.get(key) for name, key in facts.items()}


# Properties of a kind that only another call returns, by the id of the resource.
MORE: Mapping[str, Callable[[Api, str], dict[str, Any]]] = {
    "launch_template": _read_version,
    "autoscaling_group": _read_schedules,
}
