# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When AWS stops and starts a cluster without a controller. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..._findings import Finding, finding
from .daily import BUILD_MINUTES, Daily, daily_problems

# A run begins with half of it at least, which has to last for a build.
TTL_HOURS_MIN = 2 * BUILD_MINUTES / 60
TTL_HOURS_MAX = 30 * 24.0


@dataclass(frozen=True)
class HoursSpec(Daily):
    """The time to live that each run renews, 0 for none, and the daily hours of the nodes."""

    ttl: float = 0.0
    start: str = ""
    stop: str = ""
    time_zone: str = "Etc/UTC"

    @property
    def is_needed(self) -> bool:
        """Return whether anything is scheduled."""
        return bool(self.ttl) or self.is_scheduled

    @property
    def hours_a_day_max(self) -> float:
        """Return how many hours a day the nodes run at most, with one run a day."""
        return self.hours_a_day if self.is_scheduled else min(24.0, self.ttl or 24.0)


def hours_problems(hours: HoursSpec) -> Iterator[Finding]:
    """Yield all problems of the hours."""
    yield from daily_problems(hours, "cluster_nodes")
    if hours.ttl and not TTL_HOURS_MIN <= hours.ttl <= TTL_HOURS_MAX:
        message = f"The cluster cannot be stopped {hours.ttl:g} hours after a run."
        remedy = f"Use {TTL_HOURS_MIN:g} to {TTL_HOURS_MAX:g}, or 0 for none."
        yield finding("INVALID_TTL_HOURS", "cluster_ttl_hours", message, remedy)
