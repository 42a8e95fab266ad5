# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a cost forecast with the limits before anything is created. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..._findings import Finding, finding
from .forecast import DAYS_A_MONTH, Forecast, use_text
from .spec import limit_name

_PER = {"hour": "an hour", "day": "a day", "month": "a month", "session": "a session"}


def limit_findings(found: Forecast) -> Iterator[Finding]:
    """Yield a finding for each limit that is exceeded, or cannot be checked because a price is not known."""
    limits = found.use.limits
    totals = found.totals
    if totals is None:
        if limits:
            yield _unknown(found, limits)
        return
    for period, limit in limits.items():
        total, worst = getattr(totals, period), getattr(found.credits, period)
        if total > limit:
            yield _above(found, period, total, limit)
        elif total + worst > limit:
            message = (
                f"The cluster costs ${total:.2f} {_PER[period]}, and its CPU credits could add ${worst:.2f}, which "
                f"exceeds the limit of ${limit:.2f}."
            )
            yield finding("COST_CREDITS_ABOVE_LIMIT", limit_name(period), message)


def enforced(found: Forecast) -> tuple[list[Finding], list[Finding]]:
    """Return which findings about the limits refuse the build, and which are worth knowing, by the policy."""
    each = list(limit_findings(found))
    refuses = found.use.policy != "warn"
    problems = [one for one in each if refuses and one.blocks]
    return problems, [one for one in each if one not in problems]


def _above(found: Forecast, period: str, total: float, limit: float) -> Finding:
    message = (
        f"The cluster would cost ${total:.2f} {_PER[period]} ({use_text(found.use)}), which exceeds the limit of "
        f"${limit:.2f}."
    )
    return finding("COST_ABOVE_LIMIT", limit_name(period), message, _remedy(found, period, limit))


def _remedy(found: Forecast, period: str, limit: float) -> str:
    """Return the remedy; for a day and a month, with the hours a day that are within the limit."""
    raised = f"or raise {limit_name(period)}. playbooks/cost.yml compares the choices."
    fewer = "Describe fewer or smaller instances and volumes"
    if period in ("hour", "session"):
        shorter = ", plan a shorter session (cluster_cost_session_hours)" if period == "session" else ""
        return f"{fewer}{shorter}, {raised}"
    hours = hours_within(found, period, limit)
    use = "cluster_cost_after_hours to removed (playbooks/reset.yml after each use)"
    return f"Set cluster_cost_hours_per_day to {hours:.1f} or less and {use}, {fewer.lower()}, {raised}"


def hours_within(found: Forecast, period: str, limit: float) -> float:
    """Return how many hours a day the cluster may exist within a limit, if it is removed afterwards."""
    totals = found.totals
    if totals is None or not totals.hour:
        return 0.0
    per_day = limit if period == "day" else limit / DAYS_A_MONTH
    # Rounded down, so that the limit is not exceeded.
    return min(24.0, int(per_day / totals.hour * 10) / 10)


def _unknown(found: Forecast, limits: Mapping[str, float]) -> Finding:
    names = ", ".join(limit_name(period) for period in limits)
    message = (
        f"The price of {'; '.join(found.unknown)} in {found.prices.region} is not known, so nothing can be compared."
    )
    return finding("COST_UNKNOWN", names, message)
