# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what readings add to a session, above all of a bastion that its schedule starts and stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.spec import HoursSpec
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.observe import Reading, closed, is_there, observed
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Part, Session
from tests.ec2_cluster import spec
from tests.ec2_costs import BASTION, THREE
from tests.sessions import NAMES, NOTHING, PRICES, SPEC, at, reading


def looked(session: Session, hours: float, found: dict[str, Any], bastion: Any = SPEC.bastion) -> Session:
    """Return the session after a reading at this hour."""
    return observed(session, Reading(found["resources"], PRICES, bastion, at(hours)))


def bastions(session: Session) -> list[tuple[datetime, datetime]]:
    """Return when bastions ran."""
    return [(part.since, part.until) for part in session.parts if (part.kind, part.name) == ("instance", "bastion")]


FRESH = Session("x", at(0))


def test_a_bastion_that_was_stopped_by_its_schedule_counts_until_then() -> None:
    session = looked(looked(FRESH, 0.5, reading()), 8, reading(bastion=None))

    assert bastions(session) == [(at(0), at(5))]


def test_a_bastion_that_is_replaced_within_its_hours_counts_until_the_reading() -> None:
    session = looked(looked(FRESH, 0.5, reading()), 3, reading(bastion=at(2)))

    assert bastions(session) == [(at(0), at(3)), (at(2), at(3))]


def test_bastions_of_days_without_a_reading_count_by_the_schedule() -> None:
    session = looked(looked(FRESH, 0.5, reading()), 49, reading(bastion=at(48)))

    assert sorted(bastions(session)) == [(at(0), at(5)), (at(24), at(29)), (at(48), at(49))]


def test_a_bastion_without_a_schedule_counts_until_it_was_last_seen() -> None:
    always = spec(nodes=THREE["nodes"], bastion={**BASTION, "start": "", "stop": ""}).bastion
    session = looked(looked(FRESH, 0.5, reading(), always), 49, reading(bastion=None), always)

    assert bastions(session) == [(at(0), at(0.5))]


def test_what_is_gone_counts_until_it_was_last_seen() -> None:
    session = closed(looked(looked(FRESH, 2, reading()), 4, NOTHING), "removed", at(5))

    assert {part.until for part in session.parts if part.name != "bastion"} == {at(2)}


def test_a_stopped_instance_costs_its_volume_alone() -> None:
    found = reading()
    found["resources"]["instance/gateway"]["have"]["state"] = "stopped"

    kinds = [part.kind for part in looked(FRESH, 1, found).parts if part.name == "gateway"]

    assert kinds == ["volume"]


def test_an_instance_that_was_stopped_and_started_counts_twice_and_its_volume_once() -> None:
    session = looked(looked(FRESH, 1, reading()), 6, reading(nodes={"gateway": at(5)}))

    found = [(part.kind, part.since, part.until) for part in session.parts if part.name == "gateway"]
    assert found == [("instance", at(0), at(1)), ("volume", at(0), at(6)), ("instance", at(5), at(6))]


def stopped(found: dict[str, Any]) -> dict[str, Any]:
    """Return the reading with its nodes stopped."""
    for key, item in found["resources"].items():
        if key.startswith("instance/"):
            item["have"]["state"] = "stopped"
    return found


def ran(session: Session, name: str = "gateway") -> list[tuple[datetime, datetime]]:
    """Return when an instance ran."""
    return [(part.since, part.until) for part in session.parts if (part.kind, part.name) == ("instance", name)]


ENDING = replace(FRESH, expires=at(8))
NIGHTLY = HoursSpec(start="16:00", stop="22:30")


@pytest.mark.parametrize("found", [reading(nodes=dict.fromkeys(NAMES, at(24))), stopped(reading())])
def test_a_node_that_the_time_to_live_has_stopped_counts_until_then(found: dict[str, Any]) -> None:
    session = looked(looked(ENDING, 1, reading()), 24.5, found)

    assert ran(session)[0] == (at(0), at(8))


@pytest.mark.parametrize("session", [ENDING, FRESH])
def test_a_node_that_was_stopped_by_hand_counts_until_the_time_that_aws_reports(session: Session) -> None:
    found = stopped(reading())
    for name in NAMES:
        found["resources"][f"instance/{name}"]["have"]["stopped"] = str(at(3))

    seen = looked(looked(session, 1, reading()), 24.5, found)

    assert ran(seen) == [(at(0), at(3))]
    assert looked(seen, 25, found).parts[0].until == seen.parts[0].until


def test_a_stop_before_the_last_reading_or_after_this_one_is_not_believed() -> None:
    found = stopped(reading())
    for wrong in (at(0.5), at(30)):
        found["resources"]["instance/gateway"]["have"]["stopped"] = str(wrong)

        assert ran(looked(looked(ENDING, 1, reading()), 24.5, found)) == [(at(0), at(8))]


def test_a_node_that_was_started_again_before_the_end_of_its_time_to_live_is_not_counted_twice() -> None:
    session = looked(looked(ENDING, 1, reading()), 6, reading(nodes=dict.fromkeys(NAMES, at(5))))

    assert ran(session) == [(at(0), at(5)), (at(5), at(6))]


def test_a_node_that_was_stopped_before_the_end_of_its_time_to_live_does_not_run_on() -> None:
    session = looked(looked(ENDING, 1, reading()), 6, stopped(reading()))

    (part,) = [part for part in session.parts if (part.kind, part.name) == ("instance", "gateway")]
    assert not is_there(part, session)
    assert at(5.9) < part.until < at(6)


@pytest.mark.parametrize(("expires", "end"), [(None, at(4.5)), (at(8), at(4.5)), (at(3), at(3))])
def test_a_node_with_daily_hours_counts_until_these_or_its_time_to_live_end(
    expires: datetime | None, end: datetime
) -> None:
    first = looked(replace(FRESH, expires=expires), 1, reading())

    session = observed(first, Reading(stopped(reading())["resources"], PRICES, SPEC.bastion, at(20), NIGHTLY))

    assert ran(session) == [(at(0), end)]


@pytest.mark.parametrize("hours", ["18:00", ""])
def test_a_bastion_counts_until_the_time_to_live_if_that_ends_earlier(hours: str) -> None:
    bastion = spec(nodes=THREE["nodes"], bastion={**BASTION, "start": hours, "stop": hours and "23:00"}).bastion
    first = looked(replace(FRESH, expires=at(3)), 1, reading(), bastion)

    session = looked(first, 8, reading(bastion=None), bastion)

    assert bastions(session) == [(at(0), at(3))]


def test_a_schedule_is_not_followed_for_centuries() -> None:
    old = replace(FRESH, seen=at(0) - timedelta(days=365 * 1500))

    assert 0 < len(bastions(looked(old, 0, reading(bastion=None)))) <= 1000


def test_a_clock_that_is_behind_makes_no_negative_hours() -> None:
    session = closed(looked(FRESH, -1, reading()), "removed", at(-2))

    assert session.ended == at(0)
    assert all(part.since <= part.until for part in session.parts)


@pytest.mark.parametrize("hours", [0.0, 5.0, 30.0, 24.0 * 400])
def test_a_part_never_ends_after_the_reading(hours: float) -> None:
    session = looked(looked(FRESH, 0, reading()), hours, reading(bastion=None))

    assert all(part.since <= part.until <= at(hours) for part in session.parts)


def test_an_unknown_price_is_not_zero() -> None:
    found = reading()
    found["resources"]["instance/gateway"]["have"]["type"] = "x1.unknown"
    parts: list[Part] = [part for part in looked(FRESH, 1, found).parts if part.what == "x1.unknown"]

    assert [part.per_hour for part in parts] == [None]
