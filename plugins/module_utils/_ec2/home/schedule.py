# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close home access at its end with EventBridge Scheduler. Private to urmanac.talos: may change at any time.

One schedule for each group and end: it revokes the rules by their ids once, with a role that has no other permission,
and deletes itself. Without it the next run of a playbook closes what has expired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256
from typing import NamedTuple

from ..._findings import finding
from ..calls import LEFT, Calls, errors_named
from ..client import Api, Refused
from ..identity import MADE_BY, Identified, Identity
from ..scheduler import Call, Place, put_call, read_call
from .access import HomeRule

# A universal target: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
_TARGET = "arn:aws:scheduler:::aws-sdk:ec2:revokeSecurityGroupIngress"
# A schedule has no tags, so this identifies ours, together with its name and target.
DESCRIPTION = f"Closes home access at its end, {MADE_BY}"
# A rule may have been closed already, so that a call fails.
_ATTEMPTS = 5


class Schedule(NamedTuple):
    """One scheduled call: revoke these rules of a group at that time."""

    name: str
    call: Call
    ours: bool = True

    @property
    def rules(self) -> set[str]:
        """Return the ids of the rules that it revokes; none if its request cannot be parsed."""
        try:
            return set(map(str, json.loads(self.call.input)["SecurityGroupRuleIds"]))
        except (ValueError, LookupError, TypeError, RecursionError):
            return set()


class SchedulePlan(NamedTuple):
    """The planned changes of schedules."""

    create: tuple[Schedule, ...]
    update: tuple[Schedule, ...]
    delete: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Return whether there is a change."""
        return bool(self.create or self.update or self.delete)


def refuse_others(current: Mapping[str, Schedule], wanted: Iterable[Schedule]) -> None:
    """Raise Ec2Error for schedules of another owner with a name that is needed."""
    taken = [schedule.name for schedule in wanted if schedule.name in current and not current[schedule.name].ours]
    if taken:
        message = "it already exists, but does not close home access of this cluster"
        raise Refused(finding("HOME_SCHEDULE_TAKEN", f"create the schedule {', '.join(taken)}", message))


def carry_out(calls: Calls, plan: SchedulePlan) -> None:
    """Carry out the plan."""
    for schedule in plan.create:
        with errors_named(f"create schedule {schedule.name}"):
            _put(calls, schedule, is_new=True)
    for schedule in plan.update:
        with errors_named(f"change schedule {schedule.name}"):
            _put(calls, schedule, is_new=False)
    for name in plan.delete:
        with errors_named(f"delete schedule {name}", LEFT):
            calls.delete("scheduler", "delete_schedule", Name=name)


def unneeded(current: Mapping[str, Schedule], wanted: Iterable[Schedule]) -> list[Schedule]:
    """Return our schedules that are not wanted any more."""
    names = {schedule.name for schedule in wanted}
    return [schedule for name, schedule in sorted(current.items()) if schedule.ours and name not in names]


def plan_schedules(
    current: Mapping[str, Schedule], wanted: Collection[Schedule], still_open: AbstractSet[str] = frozenset()
) -> SchedulePlan:
    """Return the changes from the existing schedules to the wanted ones; one of a rule that is still open is kept."""
    by_name = {schedule.name: schedule for schedule in wanted}
    return SchedulePlan(
        create=tuple(schedule for name, schedule in by_name.items() if name not in current),
        update=tuple(schedule for name, schedule in by_name.items() if name in current and current[name] != schedule),
        delete=tuple(old.name for old in unneeded(current, wanted) if not old.rules & still_open),
    )


def schedules_of(identity: Identity, rules: Iterable[HomeRule], role_arn: str) -> list[Schedule]:
    """Return the schedules that close these rules at their ends."""
    ends: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        if rule.expires:
            ends.setdefault((rule.group_id, rule.expires), []).append(rule.id or "unknown in check mode")
    calls = {key: {"GroupId": key[0], "SecurityGroupRuleIds": sorted(ids)} for key, ids in sorted(ends.items())}
    return [
        Schedule(
            f"{name_prefix(identity)}{_digest(group_id, expires)}",
            Call(
                expression=f"at({expires.rstrip('Z')})",
                time_zone="UTC",
                target=_TARGET,
                input=json.dumps(call, sort_keys=True),
                role=role_arn,
                description=DESCRIPTION,
            ),
        )
        for (group_id, expires), call in calls.items()
    ]


def name_prefix(identity: Identity) -> str:
    """Return the unique prefix of this cluster's schedules, within the 64 characters of a name."""
    return f"{identity.name[:24]}-home-access-{_digest(*identity)}-"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:10]


def read_schedules(api: Api, identity: Identity) -> dict[str, Schedule]:
    """Return the schedules with the cluster's prefix."""
    listed = api.call("scheduler", "list_schedules", NamePrefix=name_prefix(identity))["Schedules"]
    names = [
        item["Name"] for item in listed if re.fullmatch(r"[0-9a-f]{10}", item["Name"][len(name_prefix(identity)) :])
    ]
    return {name: schedule for name in names if (schedule := read_schedule(api, name))}


def read_schedule(api: Api, name: str) -> Schedule | None:
    """Return a schedule, or None if it ran and deleted itself after it was listed."""
    call = read_call(api, Place(name), _ATTEMPTS)
    return Schedule(name, call, _is_ours(call)) if call else None


def _is_ours(call: Call) -> bool:
    return (call.target, call.description) == (_TARGET, DESCRIPTION)


def is_closing(identity: Identified, name: str, call: Call) -> bool:
    """Return whether a schedule of the default group closes home access of this cluster."""
    return name.startswith(name_prefix(Identity(identity.name, identity.project))) and _is_ours(call)


def _put(calls: Calls, schedule: Schedule, *, is_new: bool) -> None:
    put_call(calls, Place(schedule.name), schedule.call, is_new=is_new, attempts=_ATTEMPTS)
