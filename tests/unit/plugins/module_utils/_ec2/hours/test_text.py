# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the warning before the daily stop of the nodes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.spec import HoursSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.text import MARGIN, nodes_stop_lines

EVENING = datetime(2026, 7, 1, 21, 20, tzinfo=UTC)
DAILY = HoursSpec(start="18:00", stop="23:00", time_zone="Europe/Dublin")


def test_a_stop_that_comes_during_a_run_is_reported_with_a_time_that_comes_after_it() -> None:
    (line,) = nodes_stop_lines(DAILY, EVENING)

    assert "at 2026-07-01 22:00 UTC, in 40 minutes" in line
    # 90 minutes of a build and a margin of 15 later, in Dublin.
    assert "-e cluster_nodes_stop=00:05" in line


def test_a_stop_at_the_advised_time_is_not_reported_by_the_next_runs() -> None:
    (line,) = nodes_stop_lines(DAILY, EVENING)
    found = re.search(r"cluster_nodes_stop=([0-9:]+)", line)
    assert found is not None
    moved = HoursSpec(start=DAILY.start, stop=found[1], time_zone=DAILY.time_zone)

    assert nodes_stop_lines(moved, EVENING + timedelta(minutes=1)) == []
    assert nodes_stop_lines(moved, EVENING + MARGIN) == []
    assert nodes_stop_lines(moved, EVENING + MARGIN + timedelta(minutes=1)) != []


def test_a_stop_that_comes_late_enough_is_not_mentioned() -> None:
    assert nodes_stop_lines(DAILY, EVENING - timedelta(minutes=50)) == []
    assert nodes_stop_lines(HoursSpec(ttl=8.0), EVENING) == []
