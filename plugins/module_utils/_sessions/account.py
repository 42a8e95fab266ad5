# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sessions cost, in dollars. Private to urmanac.talos: may change at any time.

The prices are those of the forecast's table at the time of each reading, which the parts of a session hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple

from .._ec2.cost.forecast import DAYS_A_MONTH
from .._ec2.identity import BASTION
from .observe import is_there
from .record import INSTANCE, STOPPED, VOLUME, Actual, Part, Session

_HOUR = 3600.0


class Item(NamedTuple):
    """What ran: the number of parts of one kind and price, and their hours together; None is not known."""

    what: str
    number: int
    hours: float
    cost: float | None


class Bill(NamedTuple):
    """The length of a session in hours, and what it has cost; without a reading its forecast is used."""

    hours: float
    items: tuple[Item, ...]
    is_forecast: bool

    @property
    def cost(self) -> float | None:
        """Return the costs; None if a price is not known."""
        each = [item.cost for item in self.items]
        return None if None in each else sum(cost or 0.0 for cost in each)


class Entry(NamedTuple):
    """A session with its bill."""

    session: Session
    bill: Bill


class Account(NamedTuple):
    """All sessions with their bills until a time, the oldest first."""

    entries: tuple[Entry, ...]
    now: datetime


class Totals(NamedTuple):
    """Totals of all sessions; parts without a known price are excluded and counted."""

    number: int
    hours: float
    cost: float
    # What volumes and addresses of stopped clusters cost until the next session.
    kept: float
    unknown: int
    paid: float
    paid_for: float
    paid_count: int
    # Whether AWS may still change some of it.
    is_estimated: bool


class Projection(NamedTuple):
    """The projected costs of a month at the present rate, compared with the power bill of a home lab."""

    days: float
    per_month: float
    power: float
    # How many hours of the cluster, and how many average sessions, cost as much as the power of a month.
    hours: float | None
    sessions: float | None

    @property
    def hours_a_day(self) -> float | None:
        """Return the hours a day; a cluster that costs less than the power all day has no limit."""
        return None if self.hours is None else min(24.0, self.hours / DAYS_A_MONTH)


def account(sessions: Iterable[Session], now: datetime) -> Account:
    """Return sessions with their bills."""
    return Account(tuple(Entry(session, bill(session, now)) for session in sessions), now)


def bill(session: Session, now: datetime) -> Bill:
    """Return the costs of a session until now; an open session counts as running."""
    end = session.ended or _until(session, now)
    began = min([session.began, *(part.since for part in session.parts)])
    hours = _hours(began, end)
    if session.seen is None:
        forecast = session.forecast.per_hour if session.forecast else None
        return Bill(hours, (Item("forecast", 1, hours, None if forecast is None else forecast * hours),), True)
    return Bill(hours, tuple(_items(session, now)), False)


def _until(session: Session, now: datetime) -> datetime:
    return max(session.began, min(now, session.expires or now))


def _items(session: Session, now: datetime) -> Iterator[Item]:
    groups: dict[tuple[str, float | None], list[Part]] = defaultdict(list)
    for part in session.parts:
        whose = f"bastion, {part.what}" if part.name == BASTION and part.kind == INSTANCE else part.what
        groups[whose, part.per_hour].append(part)
    for (what, per_hour), parts in groups.items():
        hours = sum(_hours(part.since, _end(part, session, now)) for part in parts)
        yield Item(what, len(parts), hours, None if per_hour is None else per_hour * hours)


def _end(part: Part, session: Session, now: datetime) -> datetime:
    """Return the end of a part; in an open session a part that existed at the last reading counts as running."""
    return max(part.until, _until(session, now)) if is_there(part, session) else part.until


def _hours(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() / _HOUR)


def kept_per_hour(session: Session) -> float:
    """Return what an hour costs after the cluster was stopped: its volumes and addresses."""
    if session.end != STOPPED:
        return 0.0
    return sum(part.per_hour or 0.0 for part in session.parts if part.until == session.ended and _stays(part))


def _stays(part: Part) -> bool:
    return part.kind != INSTANCE and not (part.kind == VOLUME and part.name == BASTION)


def totals(known: Account) -> Totals:
    """Return the sums over all sessions."""
    sessions, bills = [one.session for one in known.entries], [one.bill for one in known.entries]
    paid = [(session.actual, found.cost) for session, found in known.entries if session.actual]
    return Totals(
        len(bills),
        sum(found.hours for found in bills),
        sum(found.cost or 0.0 for found in bills),
        sum(_kept(sessions, known.now)),
        sum(found.cost is None for found in bills),
        sum(actual.amount for actual, _calculated in paid),
        sum(calculated or 0.0 for _actual, calculated in paid),
        len(paid),
        any(actual.is_estimated for actual, _calculated in paid),
    )


def _kept(sessions: Sequence[Session], now: datetime) -> Iterator[float]:
    for session, following in zip_longest(sessions, sessions[1:]):
        if session.ended:
            until = session.kept_until or (following.began if following else now)
            yield kept_per_hour(session) * _hours(session.ended, until)


def projection(known: Account, power: float) -> Projection | None:
    """Return the projection; None without sessions."""
    if not known.entries:
        return None
    whole = totals(known)
    days = max(1.0, _hours(known.entries[0].session.began, known.now) / 24)
    priced = [one.bill for one in known.entries if one.bill.cost is not None]
    cost, hours = sum(found.cost or 0.0 for found in priced), sum(found.hours for found in priced)
    return Projection(
        days,
        (whole.cost + whole.kept) / days * DAYS_A_MONTH,
        power,
        power * hours / cost if cost else None,
        power * len(priced) / cost if cost else None,
    )


def shares(sessions: Sequence[Session], costs: Mapping[str, Any], now: datetime) -> dict[str, Actual]:
    """Return the actual costs of each session whose days are all in an answer of Cost Explorer, by its id.

    AWS reports the costs of a day, in UTC. Sessions of the same day share them in proportion to what was calculated.
    """
    first, last = (date.fromisoformat(costs[name]) for name in ("first", "last"))
    found: dict[str, Actual] = {}
    for session in sessions:
        days = list(_days(session)) if session.ended else []
        if days and days[0] >= first and days[-1] <= last:
            each = {day.isoformat(): _share(session, sessions, day, now) for day in days}
            amounts = {day: round(share * costs["days"].get(day, 0.0), 6) for day, share in each.items()}
            found[session.id] = Actual(amounts, bool(costs["is_estimated"]), now.replace(microsecond=0))
    return found


def _days(session: Session) -> Iterator[date]:
    day = min([session.began, *(part.since for part in session.parts)]).date()
    while session.ended and day <= session.ended.date():
        yield day
        day += timedelta(days=1)


def _share(session: Session, sessions: Sequence[Session], day: date, now: datetime) -> float:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    weights = {one.id: _cost_between(one, start, start + timedelta(days=1), now) for one in sessions}
    whole = sum(weights.values())
    return weights[session.id] / whole if whole else 0.0


def _cost_between(session: Session, start: datetime, end: datetime, now: datetime) -> float:
    ends = ((part, min(end, _end(part, session, now))) for part in session.parts)
    return sum((part.per_hour or 0.0) * _hours(max(start, part.since), until) for part, until in ends)
