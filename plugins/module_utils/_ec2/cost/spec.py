# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The described use of a cluster and its cost limits. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from dataclasses import dataclass

# The state of the cluster outside of its hours.
AFTER_HOURS = ("stopped", "removed")
POLICIES = ("warn", "enforce")
PERIODS = ("hour", "day", "month", "session")
# Of a budget: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Notification.html
NOTIFICATIONS_MAX = 10


def limit_name(period: str) -> str:
    """Return the variable of the limit of a period."""
    return f"cluster_cost_per_{period}_max"


@dataclass(frozen=True)
class CostSpec:
    """The use for which a forecast is computed, and the limits in dollars; 0 is no limit."""

    hours_per_day: float = 24.0
    after_hours: str = "stopped"
    session_hours: float = 3.0
    transfer_gb: float = 10.0
    policy: str = "warn"
    per_hour_max: float = 0.0
    per_day_max: float = 0.0
    per_month_max: float = 0.0
    per_session_max: float = 0.0

    @property
    def is_removed(self) -> bool:
        """Return whether the cluster is removed outside of the hours."""
        return self.after_hours == "removed" and self.hours_per_day < 24

    @property
    def limits(self) -> dict[str, float]:
        """Return the limits that are set, by their period."""
        found = {period: float(getattr(self, f"per_{period}_max")) for period in PERIODS}
        return {period: limit for period, limit in found.items() if limit}
