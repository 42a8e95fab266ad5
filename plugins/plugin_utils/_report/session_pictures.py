# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the sessions. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from ...module_utils._sessions.text import dollars, length
from .drawing import BAR_HEIGHT, MARGIN, WIDTH, Bar, Drawing

Record = Mapping[str, Any]

# More would not be readable; the table of the page has all.
_MOST = 12


def pictures(found: Record) -> dict[str, str]:
    """Return the pictures that have data, as SVG by name."""
    known = [one for one in found["sessions"] if one["cost"] is not None]
    drawn: dict[str, str] = {}
    if known:
        drawn["costs"] = costs(known[-_MOST:])
    if len(known) > 1:
        drawn["sum"] = summed(known)
    if known and found["projection"]:
        drawn["home"] = home(found["projection"])
    return drawn


def costs(sessions: Sequence[Record]) -> str:
    """Draw the costs of the latest sessions."""
    rows = [
        (f"{one['number']}: {one['began'][:16].replace('T', ' ')}, {length(one['hours'])}", one["cost"])
        for one in sessions
    ]
    return bars("Costs of each session", rows)


def home(projection: Record) -> str:
    """Draw the projected month beside the power bill."""
    rows = [("this cluster, projected", projection["per_month"]), ("power of a home lab", projection["power"])]
    return bars("Cost per month, compared with a home lab", rows)


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Draw amounts of dollars as bars, each with its text."""
    drawn = [Bar(text, dollars(amount), amount) for text, amount in rows]
    picture = Drawing(title, "; ".join(f"{row.text}: {row.value}" for row in drawn), 4 + len(drawn) * BAR_HEIGHT)
    picture.bars(drawn, "strong")
    return picture.svg()


def summed(sessions: Sequence[Record]) -> str:
    """Draw the sum of the costs, with a step at the begin of each session."""
    times = [datetime.fromisoformat(one["began"]).timestamp() for one in sessions]
    sums = list(accumulate(one["cost"] for one in sessions))
    span, most = (times[-1] - times[0]) or 1, sums[-1] or 1
    picture = Drawing("Cumulative costs", f"{dollars(sums[-1])} in {len(sessions)} sessions", 196)
    bottom, height, left, width = 150, 124, 52, WIDTH - 52 - MARGIN
    for amount in (0.0, most / 2, most):
        y = bottom - amount / most * height
        picture.line([(left, y), (left + width, y)], "grid")
        picture.text(left - 6, y + 4, dollars(amount), "small", anchor="end")
    spots = list(_spots(times, sums))
    picture.line(
        [(left + (at - times[0]) / span * width, bottom - amount / most * height) for at, amount in spots], "ready"
    )
    picture.text(left, 170, sessions[0]["began"][:10], "small")
    picture.text(left + width, 170, sessions[-1]["began"][:10], "small", anchor="end")
    picture.text(left, 188, f"{dollars(sums[-1])} in {len(sessions)} sessions", "strong")
    return picture.svg()


def _spots(times: Iterable[float], sums: Iterable[float]) -> Iterable[tuple[float, float]]:
    """Yield the points of a line with a step at each session."""
    before = 0.0
    for at, amount in zip(times, sums, strict=True):
        yield at, before
        yield at, amount
        before = amount
