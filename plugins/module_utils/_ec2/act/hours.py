# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change and delete the schedules of a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ..._errors import Ec2Error
from ..calls import TERMINATION
from ..hours.current import read_group, read_state
from ..hours.schedules import ATTEMPTS
from ..identity import owner_tags, tag_list
from ..plan.current import Existing
from ..scheduler import Call, Place, put_call
from .work import Work

_MADE = "Made by urmanac.talos"


def ensure_schedule_group(work: Work, key: str) -> None:
    """Ensure the group with the described schedules, and no other one of ours; those of another owner stay."""
    name, want = work.wanted[key].name, work.want(key)["schedules"]
    if key not in work.things:
        _make(work, key)
    have = work.things[key].have["schedules"]
    for schedule, described in want.items():
        if have.get(schedule) != described:
            _put(work, name, schedule, described, is_new=schedule not in have)
            work.changed(key, f"{schedule} {described['expression']} {described['time_zone']}")
    for schedule in have.keys() - want.keys():
        work.calls.delete("scheduler", "delete_schedule", GroupName=name, Name=schedule)
        work.changed(key, f"{schedule} removed")
    arn = work.things[key].have["arn"]
    work.tag_with(key, lambda tags: work.calls.call("scheduler", "tag_resource", ResourceArn=arn, Tags=tags))


def _make(work: Work, key: str) -> None:
    name, tags = work.wanted[key].name, work.want(key)["tags"]
    # AWS deletes a group in the background, with its schedules.
    if not work.calls.wait_for(lambda: read_state(work.calls, name) is None, TERMINATION):
        raise Ec2Error(
            f"Failed to create schedule group {name}: AWS is still deleting the previous one after several minutes. "
            "Run the playbook again."
        )
    token = {"ClientToken": str(uuid.uuid4())}
    made = work.calls.create(
        "scheduler", "create_schedule_group", lambda: _ours(work, name), Name=name, Tags=tag_list(tags), **token
    )
    arn = made.get("ScheduleGroupArn") or made["arn"]
    work.note(key, Existing("schedule_group", name, name, tags, {"arn": arn, "tags": tags, "schedules": {}}))


def _ours(work: Work, name: str) -> dict[str, Any] | None:
    """Return the group if it has our tags."""
    group = read_group(work.calls, name)
    return group if group and owner_tags(work.spec).items() <= group["tags"].items() else None


def _put(work: Work, group: str, name: str, want: Mapping[str, Any], *, is_new: bool) -> None:
    call = Call(**{key: want[key] for key in ("expression", "time_zone", "target", "input", "role")}, description=_MADE)
    put_call(work.calls, Place(name, group), call, is_new=is_new, attempts=ATTEMPTS)


def delete_schedule_group(work: Work, name: str) -> None:
    """Delete a group with all its schedules."""
    work.calls.delete("scheduler", "delete_schedule_group", Name=name)
