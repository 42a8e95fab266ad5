# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daily hours of a machine: when it starts and stops. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from ..._findings import Finding, finding
from ..._spelling import did_you_mean
from ..texts import fits

# A first build with its images and CozyStack takes about half of it.
BUILD_MINUTES = 90
# The format of a time of day.
_TIME = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])")


class Daily:
    """A description with daily hours; without start and stop the machine always runs."""

    start: str
    stop: str
    time_zone: str

    @property
    def is_scheduled(self) -> bool:
        """Return whether a schedule starts and stops it."""
        return bool(self.start and self.stop)

    @property
    def hours_a_day(self) -> float:
        """Return how many hours a day it runs."""
        if not self.is_scheduled:
            return 24.0
        return ((minutes_of(self.stop) - minutes_of(self.start)) % (24 * 60) or 24 * 60) / 60


def is_time(time: str) -> bool:
    """Return whether a text is a time of day."""
    return bool(_TIME.fullmatch(time))


def minutes_of(time: str) -> int:
    """Return the minutes from midnight to a time of day; 0 for a text that is not one."""
    found = _TIME.fullmatch(time)
    return int(found["hour"]) * 60 + int(found["minute"]) if found else 0


def next_time(time: str, time_zone: str, now: datetime) -> datetime | None:
    """Return the next occurrence of a time of day in a time zone; None if the time or zone does not exist."""
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, OSError, ValueError):
        return None
    if not is_time(time):
        return None
    hour, minute = map(int, time.split(":"))
    today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    # Local time: a day on which daylight saving time changes is an hour shorter or longer.
    return today if today > now else (today.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)


def cron_fields(time: str) -> str:
    """Return minute and hour of a time of day, with which expressions of cron begin."""
    return f"{minutes_of(time) % 60} {minutes_of(time) // 60}"


def daily_problems(daily: Daily, variables: str) -> Iterator[Finding]:
    """Yield all problems of daily hours; variables is the common beginning of the names of their variables."""
    for name, time in ((f"{variables}_start", daily.start), (f"{variables}_stop", daily.stop)):
        if time and not is_time(time):
            yield finding("INVALID_TIME", name, f"{time!r} is not a time of day.")
    if bool(daily.start) != bool(daily.stop) or (daily.start and daily.start == daily.stop):
        message = f"Start {daily.start or 'none'} and stop {daily.stop or 'none'} are not a valid schedule."
        yield finding("INVALID_SCHEDULE", f"{variables}_start", message)
    if daily.is_scheduled and not _is_time_zone(daily.time_zone):
        message = f"{daily.time_zone!r} is not a time zone that AWS supports."
        remedy = did_you_mean(daily.time_zone, available_timezones()) or None
        yield finding("INVALID_TIME_ZONE", f"{variables}_time_zone", message, remedy)


def _is_time_zone(name: str) -> bool:
    """Return whether a name is in the IANA database; if the controller has no database, check the format only."""
    return fits("time_zone", name) and name in (available_timezones() or {name})
