# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the schedule stops the bastion next, and whether a run postpones that. Private: may change at any time.

A stop is postponed by its start time: Auto Scaling acts at that time first, and by the recurrence from then on. So
nothing has to be restored after a run, even an interrupted one, and the bastion never runs permanently. That page also
says that the start time is when the recurrence begins. If so, the bastion stops at its next daily stop, or by its time
to live. The acceptance run does not show which it is, because a replay of its record would differ from then on.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ..hours.daily import next_time
from .spec import BastionSpec

# A second run shortly after a first one must not postpone the stop again.
_TOLERANCE = timedelta(minutes=15)


class Stop(NamedTuple):
    """The next stop, how many minutes away it is, and the time to which it must be postponed, if any."""

    at: datetime
    minutes: int
    postponed_to: datetime | None


def bastion_stop(bastion: BastionSpec | None, group: Mapping[str, Any] | None, now: datetime) -> Stop | None:
    """Return the bastion's next stop, from the state of its Auto Scaling group; None if it has none or is unknown."""
    if bastion is None or not bastion.is_scheduled:
        return None
    at = _known_stop(group or {}, now) or next_time(bastion.stop, bastion.time_zone, now)
    if at is None:
        return None
    wanted = now + timedelta(minutes=bastion.keep_minutes)
    is_short = bastion.keep_minutes > 0 and at < wanted - _TOLERANCE
    postponed_to = wanted.astimezone(UTC).replace(microsecond=0) if is_short else None
    return Stop(at.astimezone(UTC), int((at - now).total_seconds() // 60), postponed_to)


def _known_stop(group: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the next stop that Auto Scaling reports, which may be a postponed one."""
    schedules, starts = group.get("schedules") or {}, group.get("next_starts") or {}
    stops = [starts.get(name) for name, schedule in schedules.items() if schedule.get("capacity") == 0]
    times = [time for time in map(_time, stops) if time and time > now]
    return min(times, default=None)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
