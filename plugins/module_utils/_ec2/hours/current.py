# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The existing schedules of a schedule group. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..client import Api, existing
from .schedules import NAMES


def read_group(api: Api, name: str) -> dict[str, Any] | None:
    """Return ARN, tags and schedules of a schedule group, or None if there is none, or it is being deleted.

    Of the schedules of other owners only the names are read.
    """
    group = read_state(api, name)
    if not group or group["State"] == "DELETING":
        return None
    # One after the other they would be the slowest part of a reading, whose calls are parallel.
    with ThreadPoolExecutor(len(NAMES)) as pool:
        tags = pool.submit(api.call, "scheduler", "list_tags_for_resource", ResourceArn=group["Arn"])
        found = pool.submit(api.call, "scheduler", "list_schedules", GroupName=name)
        listed = {item["Name"] for item in found.result()["Schedules"]}
        ours = sorted(listed & NAMES)
        read = zip(ours, pool.map(lambda key: read_schedule(api, name, key), ours), strict=True)
    return {
        "arn": group["Arn"],
        "tags": {tag["Key"]: tag["Value"] for tag in tags.result()["Tags"]},
        "schedules": {key: schedule for key, schedule in read if schedule},
        "extra_schedules": sorted(listed - NAMES),
    }


def read_state(api: Api, name: str) -> dict[str, Any] | None:
    """Return what AWS says of a schedule group itself, or None if there is none."""
    return existing(api, "scheduler", "get_schedule_group", Name=name)


def read_schedule(api: Api, group: str, name: str) -> dict[str, Any] | None:
    """Return a schedule as it is described, or None if it ran and deleted itself."""
    answer = existing(api, "scheduler", "get_schedule", GroupName=group, Name=name)
    if answer is None:
        return None
    target = answer["Target"]
    return {
        "expression": answer["ScheduleExpression"],
        "time_zone": answer.get("ScheduleExpressionTimezone"),
        "target": target["Arn"],
        "input": _sorted(target.get("Input", "")),
        "role": target["RoleArn"],
        # A disabled one stops nothing.
        **({} if answer.get("State") == "ENABLED" else {"state": answer.get("State")}),
    }


def _sorted(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text
