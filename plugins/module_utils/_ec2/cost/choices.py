# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare ways to use a cluster with its cost limits. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..hours.spec import HoursSpec
from ..spec import ClusterSpec
from .forecast import Totals, forecast
from .limits import hours_within
from .prices import TRANSFER_FREE_GB, Prices

# The goal of the project: less than $0.50 a day and $16 to $20 a month, with five hours a day.
GOAL_DAY, GOAL_MONTH, GOAL_HOURS = 0.50, 20.0, 5.0


class Choice(NamedTuple):
    """A way to use the cluster, and what it costs."""

    what: str
    totals: Totals

    def as_dict(self) -> dict[str, Any]:
        """Return the values for a module's result."""
        totals = self.totals.as_dict()
        return {"what": self.what, **{key: totals[key] for key in ("per_hour", "per_day", "per_month")}}


def choices(spec: ClusterSpec, prices: Prices) -> list[Choice]:
    """Return the ways to use the cluster whose prices are known, usually the most expensive first."""
    return [Choice(what, totals) for what, one in _ways(spec) if (totals := forecast(one, prices).totals)]


def _ways(spec: ClusterSpec) -> Iterator[tuple[str, ClusterSpec]]:
    hours = spec.use.hours_per_day if spec.use.hours_per_day < 24 else GOAL_HOURS
    removed = _used(spec, hours, "removed")
    yield "never stopped", _used(spec, 24.0, "stopped")
    yield f"nodes stopped after {hours:g} h a day", _used(spec, hours, "stopped")
    yield f"removed after {hours:g} h a day (playbooks/reset.yml)", removed
    if len(spec.nodes) > 1:
        yield f"one node, removed after {hours:g} h a day", replace(removed, nodes=removed.nodes[:1])


def _used(spec: ClusterSpec, hours: float, after: str) -> ClusterSpec:
    return replace(spec, cost=replace(spec.cost, hours_per_day=hours, after_hours=after), hours=HoursSpec())


def choice_lines(spec: ClusterSpec, prices: Prices, known: Sequence[Choice]) -> list[str]:
    """Return which of the ways are within the limits per day and month; without limits, within the project's goal."""
    day, month = spec.cost.per_day_max or GOAL_DAY, spec.cost.per_month_max or GOAL_MONTH
    origin = "your limits" if spec.cost.per_day_max or spec.cost.per_month_max else "the goal of this project"
    return [
        f"Compared with ${day:.2f} a day and ${month:.2f} a month, {origin}:",
        *(_choice_line(choice, day, month) for choice in known),
        *_hours_lines(spec, prices, day, month),
        f"  Counted as free, because every account has this allowance: {TRANSFER_FREE_GB} GB a month to the internet. "
        f"Not counted: "
        "trials, credits and offers for new accounts, which an account may not have; tax; CPU credits.",
    ]


def _choice_line(choice: Choice, day: float, month: float) -> str:
    totals = choice.totals
    said = f"${totals.day:.2f} a day ({_verdict(totals.day, day)}), ${totals.month:.2f} a month"
    return f"  {choice.what}: {said} ({_verdict(totals.month, month)})"


def _verdict(amount: float, limit: float) -> str:
    return "within" if amount <= limit else "above"


def _hours_lines(spec: ClusterSpec, prices: Prices, day: float, month: float) -> Iterator[str]:
    found = forecast(_used(spec, GOAL_HOURS, "removed"), prices)
    idle = forecast(_used(spec, 0.0, "stopped"), prices).totals
    if found.totals is None or idle is None:
        return
    yield (
        f"  Removed after each use, it may run {hours_within(found, 'day', day):g} h a day for ${day:.2f} a day, and "
        f"{hours_within(found, 'month', month):g} h a day for ${month:.2f} a month."
    )
    if idle.day > day:
        yield (
            f"  While the nodes are stopped, volumes, Elastic IP and the bastion's hours cost ${idle.day:.2f} a day by "
            f"themselves, so no number of hours is within ${day:.2f} a day."
        )
