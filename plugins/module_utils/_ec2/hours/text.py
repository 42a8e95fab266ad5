# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the nodes' hours in the plan. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..._times import utc_text
from .daily import BUILD_MINUTES, next_time
from .spec import HoursSpec

# How much later the stop is advised to be than a run takes: otherwise the next run warns of it again.
MARGIN = timedelta(minutes=15)


def nodes_stop_lines(hours: HoursSpec, now: datetime) -> list[str]:
    """Return a line about the daily stop of the nodes if it comes during a run.

    It is not postponed as the bastion's is: a schedule of EventBridge that starts later would leave out a whole stop.
    """
    at = next_time(hours.stop, hours.time_zone, now) if hours.is_scheduled else None
    run = timedelta(minutes=BUILD_MINUTES)
    if at is None or at - now >= run:
        return []
    when = f"at {utc_text(at)}, in {(at - now) // timedelta(minutes=1)} minutes"
    later = f"-e cluster_nodes_stop={(now + run + MARGIN).astimezone(at.tzinfo):%H:%M}"
    return [
        f"! nodes: they are stopped {when}; a run takes up to {BUILD_MINUTES}: stop them later with {later}, until the "
        "next run without it"
    ]
