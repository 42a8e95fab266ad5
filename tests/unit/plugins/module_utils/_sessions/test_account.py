# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of sums, projection, break-even and the shares of actual costs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.forecast import DAYS_A_MONTH
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.account import (
    account,
    bill,
    projection,
    shares,
    totals,
)
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Forecast, Part, Session
from tests.sessions import PER_HOUR, at, build, phase, reset, sessions

COSTS: dict[str, Any] = {"first": "2026-11-27", "last": "2026-11-29", "is_estimated": False}


def ran(name: str, start: float, end: float, per_hour: float | None = 0.1) -> Session:
    """Return a session in which one instance ran between these hours."""
    part = Part("instance", "gateway", "i-1", "t4g.medium", per_hour, at(start), at(end))
    return Session(name, at(start), seen=at(end), ended=at(end), end="removed", parts=(part,))


@pytest.fixture
def two(tmp_path: Path) -> tuple[Session, ...]:
    """Give two sessions of two hours and of one hour, a day apart."""
    build(tmp_path)
    reset(tmp_path, 2)
    build(tmp_path, 24)
    reset(tmp_path, 25)
    return sessions(tmp_path)


def test_the_sum_is_that_of_the_sessions(two: tuple[Session, ...]) -> None:
    found = totals(account(two, at(100)))

    assert (found.number, found.hours, found.kept, found.unknown) == (2, 3, 0, 0)
    assert found.cost == pytest.approx(3 * PER_HOUR)


def test_a_month_goes_on_as_since_the_first_session() -> None:
    found = projection(account([ran("a", 0, 2), ran("b", 24, 26)], at(240)), 40)

    assert found is not None
    assert found.days == 10
    assert found.per_month == pytest.approx(0.4 / 10 * DAYS_A_MONTH)
    assert found.hours == pytest.approx(400)
    assert found.hours_a_day == pytest.approx(400 / DAYS_A_MONTH)
    assert found.sessions == pytest.approx(200)


def test_the_first_day_counts_as_one() -> None:
    found = projection(account([ran("a", 0, 2)], at(3)), 40)

    assert found is not None
    assert found.days == 1


def test_without_sessions_there_is_no_projection() -> None:
    assert projection(account([], at(0)), 40) is None


def test_a_cluster_cheaper_than_the_power_may_run_all_day() -> None:
    found = projection(account([ran("a", 0, 2, 0.001)], at(3)), 40)

    assert found is not None
    assert found.hours_a_day == 24


def test_an_unknown_price_is_left_out_and_counted() -> None:
    found = totals(account([ran("a", 0, 2, None), ran("b", 5, 6)], at(100)))

    assert found.unknown == 1
    assert found.cost == pytest.approx(0.1)
    assert bill(ran("a", 0, 2, None), at(100)).cost is None


def test_without_a_reading_the_forecast_is_what_it_costs(tmp_path: Path) -> None:
    phase(tmp_path, "network")
    (session,) = sessions(tmp_path)

    assert bill(session, at(2)).cost is None
    forecast = Session("x", at(0), forecast=Forecast(0.15, None, None))
    assert bill(forecast, at(2)).cost == pytest.approx(0.3)


def test_the_actual_costs_of_a_day_are_divided_in_proportion_to_calculated_costs() -> None:
    both = [ran("a", 0, 1), ran("b", 2, 5)]

    found = shares(both, {**COSTS, "days": {"2026-11-28": 0.8}}, at(100))

    assert {name: one.amount for name, one in found.items()} == {"a": 0.2, "b": 0.6}


def test_a_session_over_midnight_has_costs_of_both_days() -> None:
    found = shares([ran("a", 0, 12)], {**COSTS, "days": {"2026-11-28": 0.6, "2026-11-29": 0.5}}, at(100))

    assert found["a"].days == {"2026-11-28": 0.6, "2026-11-29": 0.5}


@pytest.mark.parametrize(
    ("first", "last"),
    [pytest.param("2026-11-29", "2026-11-30", id="begins later"), pytest.param("2026-11-01", "2026-11-28", id="ends")],
)
def test_a_session_with_a_day_that_was_not_asked_for_has_no_actual_costs(first: str, last: str) -> None:
    costs = {**COSTS, "first": first, "last": last, "days": {"2026-11-28": 0.6}}

    assert shares([ran("a", 0, 12)], costs, at(100)) == {}


def test_an_open_session_has_no_actual_costs() -> None:
    session = Session("a", at(0))

    assert shares([session], {**COSTS, "days": {"2026-11-28": 0.6}}, at(100)) == {}


spans = st.tuples(st.floats(0, 60), st.floats(0, 60)).map(sorted)


@given(st.lists(spans, min_size=1, max_size=5), st.floats(0.01, 100))
def test_no_more_is_shared_than_was_billed(found: list[list[float]], billed: float) -> None:
    known = [ran(str(number), *span) for number, span in enumerate(found)]
    days = {(at(0).date() + timedelta(days=number)).isoformat(): billed for number in range(4)}
    costs = {**COSTS, "last": "2026-12-30", "days": days}

    shared = shares(known, costs, at(100))

    for day in days:
        assert sum(one.days.get(day, 0) for one in shared.values()) <= billed + 1e-4
    assert totals(account(known, at(100))).cost >= 0
