# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the end of a container matters now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.diagnosis.clock import Clock, time_of, was_away

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def before(**ago: float) -> str:
    """Return a time of the API, so long ago."""
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("up", "life", "ends", "ready", "stays"),
    [
        pytest.param({"seconds": 1}, {"hours": 1}, 1, True, True, id="seldom-and-ready"),
        pytest.param({"minutes": 9}, {"hours": 1}, 1, False, False, id="seldom-and-not-ready"),
        pytest.param({"minutes": 10}, {"hours": 1}, 1, False, True, id="seldom-and-not-ready-for-long"),
        pytest.param({"minutes": 9}, {"hours": 1}, 12, True, False, id="each-five-minutes"),
        pytest.param({"minutes": 10}, {"hours": 1}, 12, True, True, id="each-five-minutes-and-twice-as-long"),
        pytest.param({"minutes": 59}, {"hours": 8}, 12, True, False, id="each-forty-minutes"),
        pytest.param({"minutes": 60}, {"hours": 8}, 12, True, True, id="never-longer-than-an-hour"),
        pytest.param({"minutes": 3}, {"minutes": 5}, 5, True, True, id="at-first-only"),
        pytest.param({"minutes": 3}, {"minutes": 5}, 5, False, False, id="at-first-only-and-not-ready"),
        pytest.param({"minutes": 9}, {"days": 9}, 3, True, False, id="over-days"),
        pytest.param({"minutes": 10}, {"days": 9}, 3, True, True, id="over-days-and-up-for-ten-minutes"),
    ],
)
def test_a_container_stays_up_if_it_has_run_for_longer_than_usual(
    up: dict[str, float], life: dict[str, float], ends: int, *, ready: bool, stays: bool
) -> None:
    assert Clock(NOW).stays_up(before(**up), created=before(**life), ends=ends, ready=ready) is stays


@pytest.mark.parametrize(
    ("now", "since"),
    [
        pytest.param(None, before(hours=1), id="no-clock"),
        pytest.param(NOW, "", id="no-time"),
        pytest.param(NOW, "soon", id="no-date"),
    ],
)
def test_without_a_time_it_is_unknown(now: datetime | None, since: str) -> None:
    assert Clock(now).stays_up(since, created=before(days=1), ends=3, ready=True) is None


def test_a_break_is_longer_than_any_back_off_only_if_the_node_was_away() -> None:
    assert not was_away(before(minutes=20), before(minutes=5))
    assert was_away(before(minutes=21), before(minutes=5))
    assert not was_away("", before(minutes=5))


def test_what_ended_before_its_node_became_ready_ended_with_it() -> None:
    clock = Clock(NOW, {"gateway": NOW - timedelta(minutes=5)})

    assert clock.ended_with_node("gateway", before(minutes=6))
    assert not clock.ended_with_node("gateway", before(minutes=4))
    assert not clock.ended_with_node("compute-2", before(minutes=6))


def test_times_of_events_have_fractions() -> None:
    assert time_of("2026-01-02T11:59:59.500000Z") == NOW - timedelta(milliseconds=500)
