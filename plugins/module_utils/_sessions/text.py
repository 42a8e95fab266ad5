# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions as lines of text and as rows of a table. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._errors import InputError
from .._text import counted
from .account import Account, Bill, Entry, Projection, Totals
from .record import UNFINISHED, Actual, Session, stamp

NOT_COUNTED = "list prices, without tax, traffic and CPU credits"
_ESTIMATED = " (estimated)"


def dollars(amount: float | None) -> str:
    """Return an amount with cents, or with tenths of a cent if it is small."""
    if amount is None:
        return "unknown"
    return f"${amount:.3f}" if 0 < amount < 0.1 else f"${amount:.2f}"


def billed(actual: Actual) -> str:
    """Return what AWS has billed, which may be an estimate until the end of the month."""
    return f"{dollars(actual.amount)}{_ESTIMATED if actual.is_estimated else ''}"


def length(hours: float) -> str:
    """Return a duration, short ones in minutes."""
    return f"{hours:.2f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def state(session: Session) -> str:
    """Return how a session ended, or that it has not."""
    last = session.runs[-1] if session.runs else None
    if session.is_open and last and last.outcome == UNFINISHED:
        # A run of one phase writes no report, and neither does one that failed or was killed.
        return f"open, its last run wrote no report (last phase: {last.phase})"
    return session.end or "open"


def tried(session: Session) -> str:
    """Return the setup and the outcome on one line."""
    types = Counter(session.tried.nodes.values())
    parts = [f"{count} x {name}" for name, count in types.items()]
    parts += [f"Talos {', '.join(session.tried.talos)}"] if session.tried.talos else []
    parts += [f"CozyStack {session.tried.cozystack}: {session.tried.outcome}"] if session.tried.cozystack else []
    return "; ".join([*parts, *([", ".join(session.codes)] if session.codes else [])])


def table(known: Account) -> list[dict[str, Any]]:
    """Return what lists and pages show of each session."""
    return [_row(number, *entry) for number, entry in enumerate(known.entries, 1)]


def _row(number: int, session: Session, found: Bill) -> dict[str, Any]:
    return {
        "number": number,
        "id": session.id,
        "began": stamp(session.began),
        "ended": stamp(session.ended) if session.ended else "",
        "hours": round(found.hours, 4),
        "cost": None if found.cost is None else round(found.cost, 6),
        "forecast_per_hour": session.forecast.per_hour if session.forecast else None,
        "actual": round(session.actual.amount, 6) if session.actual else None,
        "billed": billed(session.actual) if session.actual else "",
        "state": state(session),
        "tried": tried(session),
        "lab": session.lab,
        "items": [item._asdict() for item in found.items],
        "ran": "" if found.is_forecast else ran(found),
    }


def list_lines(known: Account) -> Iterator[str]:
    """Yield a line for each session, and what ran in it."""
    for number, (session, found) in enumerate(known.entries, 1):
        about = "forecast, because nothing was read yet; " if found.is_forecast else ""
        paid = f", AWS billed {billed(session.actual)}" if session.actual else ""
        end = f"{state(session)}{', in the lab' if session.lab else ''}"
        yield f"{number:>3}  {session.id}  {length(found.hours)}, {about}{dollars(found.cost)}{paid}, {end}"
        if what := tried(session):
            yield f"     {what}"
        if not found.is_forecast:
            yield f"     ran: {ran(found)}"


def ran(found: Bill) -> str:
    """Return what ran how long."""
    each = (f"{item.number} x {item.what} {length(item.hours)} in all, {dollars(item.cost)}" for item in found.items)
    return "; ".join(each) or "nothing"


def total_lines(whole: Totals) -> Iterator[str]:
    """Yield the sums and the averages."""
    if not whole.number:
        yield "No session yet: playbooks/site.yml begins one."
        return
    amount, known = whole.cost + whole.kept, whole.number - whole.unknown
    kept = f", {dollars(whole.kept)} of it for what stopped clusters keep" if whole.kept else ""
    yield f"Total: {counted(whole.number, 'session')}, {length(whole.hours)}, {dollars(amount)}{kept} ({NOT_COUNTED})"
    if whole.unknown:
        yield f"  Without {counted(whole.unknown, 'session')} whose prices are not known"
    if known:
        yield f"Average: {length(whole.hours / whole.number)} and {dollars(whole.cost / known)} a session"
    if whole.paid_count:
        compared = f"for {counted(whole.paid_count, 'session')}, calculated {dollars(whole.paid_for)}"
        mark = _ESTIMATED if whole.is_estimated else ""
        yield f"Billed by AWS: {dollars(whole.paid)}{mark} {compared}"


def projection_lines(found: Projection | None) -> Iterator[str]:
    """Yield the projection and the comparison with a home lab."""
    if found is None:
        return
    days = counted(round(found.days), "day")
    yield f"Projection: {dollars(found.per_month)} a month, at the rate since the first session ({days})"
    power = f"Home lab: its power is {dollars(found.power)} a month (home_lab_power_per_month)"
    if found.hours is None or found.hours_a_day is None or found.sessions is None:
        yield f"{power}; what an hour of the cluster costs is not known yet"
        return
    yield (
        f"{power}, which pays for {found.hours:.0f} h of this cluster a month, {found.hours_a_day:.1f} h a day, or "
        f"{found.sessions:.0f} sessions like the average. {verdict(found)}"
    )


def verdict(found: Projection) -> str:
    """Return which of the two costs less."""
    difference = found.power - found.per_month
    return f"The projection is {dollars(abs(difference))} {'below' if difference >= 0 else 'above'} it."


def summary(whole: Totals, found: Projection | None) -> list[str]:
    """Return the sums, the averages, the projection and the comparison with a home lab."""
    return [*total_lines(whole), *projection_lines(found)]


# --- Two sessions ---


def chosen(known: Account, asked: Iterable[str]) -> tuple[Entry, Entry] | None:
    """Return the two sessions to compare, by number or id; None if none are asked for."""
    names = [name.strip() for name in asked if name.strip()]
    if not names:
        return None
    if len(names) != 2:
        raise InputError(
            "compare needs two sessions: two ids or numbers of the list, such as -e compare=1,2.", code="INPUT_MISSING"
        )
    first, second = (_one(known.entries, name) for name in names)
    return first, second


def _one(entries: Sequence[Entry], name: str) -> Entry:
    by_name = {entry.session.id: entry for entry in entries}
    by_number = {str(number): entry for number, entry in enumerate(entries, 1)}
    found = by_name.get(name) or by_number.get(name)
    if found is None:
        have = f"There are 1 to {len(entries)}" if entries else "There is none"
        raise InputError(
            f"compare names the session {name!r}, which does not exist. {have}; see playbooks/sessions.yml."
        )
    return found


def compared(pair: tuple[Entry, Entry]) -> list[dict[str, Any]]:
    """Return what two sessions have in each respect."""
    each = [_facts(*entry) for entry in pair]
    names = dict.fromkeys(name for facts in each for name in facts)
    return [
        {"what": name, "first": first, "second": second, "differs": first != second}
        for name in names
        for first, second in [(each[0].get(name, "-"), each[1].get(name, "-"))]
    ]


def _facts(session: Session, found: Bill) -> Mapping[str, str]:
    per_hour = found.cost / found.hours if found.cost is not None and found.hours else None
    types = Counter(session.tried.nodes.values())
    return {
        "session": session.id,
        "length": length(found.hours),
        "cost": dollars(found.cost),
        "an hour": dollars(per_hour),
        "forecast an hour": dollars(session.forecast.per_hour if session.forecast else None),
        "billed by AWS": billed(session.actual) if session.actual else "not asked",
        "end": state(session),
        "runs": str(len(session.runs)),
        "nodes": ", ".join(f"{count} x {name}" for name, count in types.items()) or "-",
        "Talos": ", ".join(session.tried.talos) or "-",
        "CozyStack": session.tried.cozystack or "-",
        "CozyStack is": session.tried.outcome or "-",
        **{f"image {role}": image for role, image in session.tried.images.items()},
        **{f"result {name}": outcome for name, outcome in session.results},
        "codes": ", ".join(session.codes) or "-",
        **{f"ran {item.what}": f"{item.number} for {length(item.hours)}, {dollars(item.cost)}" for item in found.items},
    }


def compare_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the comparison, with a mark at what differs."""
    for one in rows:
        if one["differs"]:
            yield f"~ {one['what']}: {one['first']} | {one['second']}"
        else:
            yield f"  {one['what']}: {one['first']}"
