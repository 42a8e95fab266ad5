# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of when the bastion is stopped next, of the warning before it, and of what postpones it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.hours import Stop, bastion_stop
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.spec import BastionSpec, bastion_problems
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.text import stop_lines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.daily import next_time

EVENING = datetime(2026, 7, 1, 21, 20, tzinfo=UTC)


def bastion(**changes: Any) -> BastionSpec:
    hours = {"start": "18:00", "stop": "23:00", "time_zone": "Europe/Dublin"}
    return BastionSpec(instance_type="t4g.small", volume_size=30, image="ami-1", **{**hours, **changes})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def lines(described: BastionSpec, now: datetime = EVENING) -> str:
    return "\n".join(stop_lines(described, bastion_stop(described, None, now)))


@pytest.mark.parametrize(
    ("time_zone", "now", "expected"),
    [
        pytest.param("Etc/UTC", "2026-07-01T21:20Z", "2026-07-01T23:00Z", id="later today"),
        pytest.param("Etc/UTC", "2026-07-01T23:00Z", "2026-07-02T23:00Z", id="exactly now is tomorrow"),
        pytest.param("Europe/Dublin", "2026-07-01T21:20Z", "2026-07-01T22:00Z", id="summer time"),
        pytest.param("Europe/Dublin", "2026-01-01T21:20Z", "2026-01-01T23:00Z", id="winter time"),
        pytest.param("Europe/Dublin", "2026-10-24T22:30Z", "2026-10-25T23:00Z", id="a day of 25 hours"),
        pytest.param("Pacific/Auckland", "2026-07-01T21:20Z", "2026-07-02T11:00Z", id="tomorrow over there"),
    ],
)
def test_the_next_stop_follows_the_clock_of_its_time_zone(time_zone: str, now: str, expected: str) -> None:
    assert next_time("23:00", time_zone, at(now)) == at(expected)


@pytest.mark.parametrize(
    "described",
    [
        pytest.param(None, id="no bastion"),
        pytest.param(bastion(start="", stop=""), id="always on"),
        pytest.param(bastion(time_zone="Mars/Phobos"), id="unknown time zone"),
        pytest.param(bastion(stop="late"), id="no time"),
    ],
)
def test_an_unknown_stop_is_not_reported(described: BastionSpec | None) -> None:
    assert bastion_stop(described, None, EVENING) is None


def test_a_stop_that_comes_during_a_build_is_in_the_plan_with_the_way_to_keep_the_bastion() -> None:
    found = lines(bastion())

    assert "in 40 minutes" in found
    assert "2026-07-01 22:00 UTC" in found
    assert "cluster_bastion_keep_minutes=90" in found


def test_a_stop_that_comes_late_enough_is_not_mentioned() -> None:
    assert lines(bastion(), EVENING - timedelta(minutes=50)) == ""
    assert lines(bastion(), EVENING - timedelta(minutes=49)) != ""


def test_a_bastion_that_is_kept_has_its_stop_postponed_once() -> None:
    described = bastion(keep_minutes=120)

    stop = bastion_stop(described, None, EVENING)

    assert stop == Stop(at("2026-07-01T22:00Z"), 40, at("2026-07-01T23:20Z"))
    assert "postponed once, from 2026-07-01 22:00 UTC to 2026-07-01 23:20 UTC" in lines(described)


def test_a_stop_that_is_late_enough_is_not_postponed() -> None:
    stop = bastion_stop(bastion(keep_minutes=40), None, EVENING)

    assert stop and stop.postponed_to is None


def test_a_second_run_does_not_postpone_what_was_postponed() -> None:
    group = {
        "schedules": {"moon-bastion-start": {"capacity": 1}, "moon-bastion-stop": {"capacity": 0}},
        "next_starts": {
            "moon-bastion-start": "2026-07-01T21:25:00+00:00",
            "moon-bastion-stop": "2026-07-01T23:20:00+00:00",
        },
    }

    stop = bastion_stop(bastion(keep_minutes=120), group, EVENING + timedelta(minutes=10))

    assert stop == Stop(at("2026-07-01T23:20Z"), 110, None)


def test_a_postponed_stop_that_has_passed_is_followed_by_the_described_one() -> None:
    schedules = {"moon-bastion-stop": {"capacity": 0}}
    group = {"schedules": schedules, "next_starts": {"moon-bastion-stop": "2026-07-01T20:00:00+00:00"}}

    stop = bastion_stop(bastion(), group, EVENING)

    assert stop and stop.at == at("2026-07-01T22:00Z")


@pytest.mark.parametrize("minutes", [-1, 7 * 24 * 60 + 1])
def test_a_bastion_cannot_be_kept_for_ever(minutes: int) -> None:
    assert [problem.code for problem in bastion_problems(bastion(keep_minutes=minutes))] == ["INVALID_KEEP_MINUTES"]
