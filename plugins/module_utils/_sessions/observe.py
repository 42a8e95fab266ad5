# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add to a session what a reading of AWS found. Private to urmanac.talos: may change at any time.

AWS reports the last start and stop of an instance, and a reading is made only when a playbook runs. An instance that is
gone was there at least until it was last seen; what AWS stops by itself ran until the end of the time to live or of the
daily hours, if it has run again or is gone since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .._ec2.bastion.spec import BastionSpec
from .._ec2.cost.existing import addresses, instances
from .._ec2.cost.prices import PUBLIC_IPV4, Prices
from .._ec2.hours.daily import Daily, next_time
from .._ec2.hours.spec import HoursSpec
from .._ec2.identity import BASTION
from .record import ADDRESS, INSTANCE, VOLUME, Part, Session, whole

Record = Mapping[str, Any]

# Days of a bastion's schedule that are followed since the last reading.
_DAYS_MAX = timedelta(days=1000)


class Reading(NamedTuple):
    """A reading: the resources with their prices, the described bastion, the time, and the nodes' daily hours."""

    resources: Mapping[str, Record]
    prices: Prices
    bastion: BastionSpec | None
    now: datetime
    hours: HoursSpec = HoursSpec()


def observed(session: Session, reading: Reading, *, after: datetime | None = None) -> Session:
    """Return the session with the existing parts; they count from the end of the previous session at the earliest."""
    now = whole(reading.now)
    parts = list(session.parts)
    for found in _existing(reading, session.began):
        since = max(found.since, after) if after else found.since
        _add(parts, replace(found, since=min(since, now), until=now))
    known = [_ended(part, session, reading) for part in parts]
    return replace(session, seen=now, parts=(*known, *_unseen(session, known, reading)))


def closed(session: Session, end: str, now: datetime) -> Session:
    """Return the session as ended now; parts that existed at its last reading end now as well."""
    moment = max(whole(now), session.began)
    parts = tuple(replace(part, until=moment) if is_there(part, session) else part for part in session.parts)
    return replace(session, ended=moment, end=end, parts=parts)


def is_there(part: Part, session: Session) -> bool:
    """Return whether a part was there at the last reading."""
    return session.is_open and part.until == session.seen


def _existing(reading: Reading, began: datetime) -> Iterator[Part]:
    """Yield what exists and is billed."""
    now = whole(reading.now)
    for one in instances(reading.resources):
        since = whole(datetime.fromisoformat(one.launched))
        if one.is_running:
            price = reading.prices.instances.get(one.type)
            yield Part(INSTANCE, one.name, one.id, one.type, price, since, now)
        if one.volume_gib:
            price = reading.prices.volume_hour(one.volume_gib)
            yield Part(VOLUME, one.name, one.id, f"{one.volume_gib} GiB gp3", price, since, now)
    for identity, name in addresses(reading.resources).items():
        # AWS does not report since when it is allocated.
        yield Part(ADDRESS, name, identity, "public IPv4", PUBLIC_IPV4, began, now)


def _add(parts: list[Part], found: Part) -> None:
    """Extend the part that it continues, or append it: an instance that was started again is another part."""
    for number, part in enumerate(parts):
        is_same = (part.kind, part.id, part.what) == (found.kind, found.id, found.what)
        if is_same and (part.kind != INSTANCE or part.since == found.since):
            parts[number] = replace(part, until=found.until)
            return
    parts.append(found)


def _ended(part: Part, session: Session, reading: Reading) -> Part:
    """Return a part with the time at which AWS stopped it since the last reading; other parts unchanged."""
    is_bastion = part.name == BASTION
    daily: Daily | None = reading.bastion if is_bastion else reading.hours
    if daily is None or part.kind == ADDRESS or part.until != session.seen:
        return part
    if reported := _reported_stop(part, reading):
        return replace(part, until=reported)
    stop = next_time(daily.stop, daily.time_zone, part.until) if daily.is_scheduled else None
    # The time to live that has not ended says nothing of a bastion that is gone: its group may have replaced it.
    ttl = session.expires if not (is_bastion and session.expires and session.expires > reading.now) else None
    latest = whole(reading.now) if is_bastion else _restart(part, reading)
    stops = [whole(end) for end in (ttl, stop) if end and end > part.until]
    return replace(part, until=max(part.until, min(*stops, latest))) if stops and latest else part


def _reported_stop(part: Part, reading: Reading) -> datetime | None:
    """Return the time at which an instance was stopped since the last reading, or None if AWS does not report it."""
    for one in instances(reading.resources) if part.kind == INSTANCE else ():
        if one.id == part.id and one.stopped and not one.is_running:
            at = whole(datetime.fromisoformat(one.stopped))
            return at if part.until <= at <= whole(reading.now) else None
    return None


def _restart(part: Part, reading: Reading) -> datetime | None:
    """Return the latest time at which a node's instance can have stopped; None if it or its volume is deleted.

    A part that ends at the time of the reading is one that is there.
    """
    before = whole(reading.now) - timedelta(seconds=1)
    for one in instances(reading.resources) if part.kind == INSTANCE else ():
        if one.id == part.id:
            return min(before, whole(datetime.fromisoformat(one.launched))) if one.is_running else before
    return None


def _unseen(session: Session, known: list[Part], reading: Reading) -> Iterator[Part]:
    """Yield the bastions that the schedule has started and stopped between two readings."""
    bastion, now = reading.bastion, whole(reading.now)
    if bastion is None or not bastion.is_scheduled or session.seen is None:
        return
    ran = [part for part in known if (part.kind, part.name) == (INSTANCE, BASTION)]
    start = next_time(bastion.start, bastion.time_zone, max(session.seen, now - _DAYS_MAX))
    while start and whole(start) < now:
        stop = next_time(bastion.stop, bastion.time_zone, start)
        since, until = whole(start), min(whole(stop or reading.now), now)
        if not any(part.since < until and part.until > since for part in ran):
            yield from _scheduled(bastion, reading.prices, since, until)
        start = next_time(bastion.start, bastion.time_zone, start)


def _scheduled(bastion: BastionSpec, prices: Prices, since: datetime, until: datetime) -> Iterator[Part]:
    price, volume = prices.instances.get(bastion.instance_type), prices.volume_hour(bastion.volume_size)
    yield Part(INSTANCE, BASTION, "", bastion.instance_type, price, since, until)
    yield Part(VOLUME, BASTION, "", f"{bastion.volume_size} GiB gp3", volume, since, until)
