# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of times for people."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ansible_collections.urmanac.talos.plugins.module_utils._times import utc_text


def test_a_moment_in_another_time_zone_is_given_in_utc() -> None:
    summer = datetime(2026, 7, 1, 0, 5, tzinfo=ZoneInfo("Europe/Dublin"))

    assert utc_text(summer) == "2026-06-30 23:05 UTC"
