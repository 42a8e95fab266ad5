# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The existing schedules of a schedule group. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..client import Api, existing
from ..scheduler import Place, read_call
from .schedules import ATTEMPTS, NAMES


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
    """Return the properties of a schedule group, or None if it does not exist."""
    return existing(api, "scheduler", "get_schedule_group", Name=name)


def read_schedule(api: Api, group: str, name: str) -> dict[str, Any] | None:
    """Return a schedule as it is described, or None if it ran and deleted itself."""
    call = read_call(api, Place(name, group), ATTEMPTS)
    if call is None:
        return None
    facts = {key: value for key, value in call._asdict().items() if key not in ("description", "others")}
    # One that is disabled, has ended or may run hours later stops nothing in time.
    return {**facts, "other_settings": list(call.others)} if call.others else facts
