# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what playbooks write into the journal: a build, a second run, a killed one, a stop and a removal."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._sessions.account import (
    account,
    bill,
    kept_per_hour,
    totals,
)
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.acts import begin_phase, end, record_observation
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.journal import read
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Run
from tests.reports import ROLE
from tests.sessions import (
    ENDPOINT,
    IMAGES,
    NAMES,
    NOTHING,
    PER_HOUR,
    REPORT,
    at,
    build,
    only,
    phase,
    reading,
    reset,
    seen,
    sessions,
)


def test_a_build_and_its_removal_are_one_session_with_its_hours_and_costs(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)

    session = only(tmp_path)
    found = bill(session, at(100))
    assert (session.began, session.ended, session.end) == (at(0), at(2), "removed")
    assert found.hours == 2
    assert found.cost == pytest.approx(2 * PER_HOUR)
    assert [(run.playbook, run.outcome) for run in session.runs] == [("site.yml", "reported"), ("reset.yml", "removed")]


def test_a_session_says_what_was_tried_and_how_it_ended(tmp_path: Path) -> None:
    build(tmp_path)

    session = only(tmp_path)
    assert set(session.tried.nodes.values()) == {"t4g.medium"}
    assert session.tried.images == {"gateway": f"{IMAGES['gateway']}@sha256:1234"}
    assert (session.tried.talos, session.tried.cozystack) == (("v1.13.5",), "v1.6.2 full")
    assert session.tried.outcome == "blocked"
    assert session.codes == ("ARCH_UNSUPPORTED_IMAGES", "PUBLIC_IPV4")
    assert session.results == (("boot", "passed"), ("cozystack", "failed"))
    assert session.forecast is not None
    assert session.forecast.per_hour == 0.155456


@pytest.mark.parametrize(("endpoint", "lab"), [(ENDPOINT, False), ("http://127.0.0.1:5510", True)])
def test_a_session_is_one_of_a_lab_if_its_endpoint_is_on_loopback(tmp_path: Path, endpoint: str, lab: bool) -> None:
    record_observation(tmp_path, seen({**reading(), "endpoint": endpoint}), at(0))

    assert only(tmp_path).lab is lab


def test_an_upgrade_leaves_both_versions_in_the_session(tmp_path: Path) -> None:
    build(tmp_path)
    record_observation(tmp_path, seen(report={**REPORT, "nodes": [{"version": "v1.13.6"}]}), at(1))

    assert only(tmp_path).tried.talos == ("v1.13.5", "v1.13.6")


def test_a_second_run_extends_the_open_session(tmp_path: Path) -> None:
    build(tmp_path)
    phase(tmp_path, hours=1)
    record_observation(tmp_path, seen(), at(1.5))

    session = only(tmp_path)
    assert len(session.parts) == 9
    assert {part.until for part in session.parts} == {at(1.5)}
    assert len(session.runs) == 2


def test_a_killed_run_leaves_a_session_that_the_next_run_continues(tmp_path: Path) -> None:
    phase(tmp_path, "network")
    phase(tmp_path, "nodes", hours=0.2, began=0)

    assert only(tmp_path).runs == (Run("site.yml", at(0), "nodes", "unfinished"),)
    assert bill(only(tmp_path), at(1)).is_forecast

    build(tmp_path, 0.5)

    session = only(tmp_path)
    assert session.began == at(0)
    assert [run.outcome for run in session.runs] == ["unfinished", "reported"]


def test_a_removal_of_what_a_failed_build_has_made_has_its_costs(tmp_path: Path) -> None:
    phase(tmp_path, "nodes")
    reset(tmp_path, 3)

    assert bill(only(tmp_path), at(9)).cost == pytest.approx(3 * PER_HOUR)


def test_a_cluster_that_runs_without_a_session_gets_one(tmp_path: Path) -> None:
    reset(tmp_path, 5)

    session = only(tmp_path)
    assert session.began == at(0)
    # The address counts from the first reading: AWS does not say since when it exists.
    assert bill(session, at(9)).hours == 5
    assert bill(session, at(9)).cost == pytest.approx(5 * PER_HOUR - 4.9 * 0.005)


@pytest.mark.parametrize("name", ["preflight", "talos", "report", "start"])
def test_a_phase_that_makes_nothing_begins_no_session(tmp_path: Path, name: str) -> None:
    phase(tmp_path, name)
    record_observation(tmp_path, seen(NOTHING), at(0))
    end(tmp_path, "removed", "reset.yml", at(1))

    assert sessions(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_new_build_after_a_removal_is_another_session(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    build(tmp_path, 24)

    assert [one.is_open for one in sessions(tmp_path)] == [False, True]


def test_two_sessions_of_the_same_second_have_files_of_their_own(tmp_path: Path) -> None:
    build(tmp_path)
    end(tmp_path, "removed", "reset.yml", at(0))
    build(tmp_path)

    assert len(sessions(tmp_path)) == 2


def test_what_a_stopped_cluster_keeps_costs_until_the_next_session(tmp_path: Path) -> None:
    build(tmp_path)
    record_observation(tmp_path, seen(), at(2))
    end(tmp_path, "stopped", "stop.yml", at(2))
    kept = 150 * 0.088 / 730 + 0.005

    assert kept_per_hour(only(tmp_path)) == pytest.approx(kept)
    assert totals(account(sessions(tmp_path), at(12))).kept == pytest.approx(10 * kept)

    phase(tmp_path, "network", hours=4)

    assert totals(account(sessions(tmp_path), at(12))).kept == pytest.approx(2 * kept)


def test_a_removal_after_a_stop_ends_what_was_kept(tmp_path: Path) -> None:
    build(tmp_path)
    end(tmp_path, "stopped", "stop.yml", at(2))
    end(tmp_path, "removed", "reset.yml", at(3))
    end(tmp_path, "removed", "reset.yml", at(8))

    assert only(tmp_path).kept_until == at(3)
    assert totals(account(sessions(tmp_path), at(100))).kept == pytest.approx(150 * 0.088 / 730 + 0.005)


def test_an_instance_that_began_before_the_previous_session_ended_is_not_counted_twice(tmp_path: Path) -> None:
    build(tmp_path)
    end(tmp_path, "stopped", "stop.yml", at(2))
    # A node that did not stop.
    phase(tmp_path, "network", hours=3)
    record_observation(tmp_path, seen(), at(4))

    assert {part.since for part in sessions(tmp_path)[1].parts if part.kind == "instance"} == {at(2)}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 2, "id": "2026-11-28T180000Z"}', "\x00"])
def test_a_broken_journal_stops_no_run_and_loses_nothing(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "2026-11-28T180000Z.json"
    broken.write_text(text, encoding="utf-8")

    warnings = begin_phase(tmp_path, Run("site.yml", at(0), "nodes"), at(0))
    record_observation(tmp_path, seen(), at(1))
    end(tmp_path, "removed", "reset.yml", at(2))

    assert len(warnings) == 1
    assert str(broken) in warnings[0]
    assert broken.read_text(encoding="utf-8") == text
    journal = read(tmp_path)
    assert [one.end for one in journal.sessions] == ["removed"]
    assert len(journal.problems) == 1


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    journal = tmp_path / "cluster" / "sessions"
    build(journal)

    (file,) = journal.iterdir()
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert oct(journal.stat().st_mode)[-3:] == "700"


def test_a_url_of_an_image_is_kept_without_what_may_be_secret(tmp_path: Path) -> None:
    images = {"compute": "https://ada:secret@example.com/talos.raw.xz?signature=secret", "gateway": "a@sha256:12"}
    record_observation(tmp_path, seen()._replace(images=images, images_record={}), at(0))

    (file,) = tmp_path.iterdir()
    assert only(tmp_path).tried.images == {"compute": "https://example.com/talos.raw.xz", "gateway": "a@sha256:12"}
    assert "secret" not in file.read_text(encoding="utf-8")


def test_every_file_is_as_the_schema_says(tmp_path: Path) -> None:
    phase(tmp_path, "network")
    schema = json.loads((ROLE / "files" / "session.schema.json").read_text(encoding="utf-8"))
    for act in (build, lambda path: reset(path, 2)):
        (file,) = tmp_path.iterdir()
        jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), schema)
        act(tmp_path)

    (file,) = tmp_path.iterdir()
    jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), schema)


def test_an_open_session_counts_no_longer_than_until_aws_stops_it(tmp_path: Path) -> None:
    record_observation(tmp_path, seen(reading(expires=at(8))), at(1))

    assert bill(only(tmp_path), at(30)).hours == 8


@pytest.mark.parametrize(
    ("found", "expires"),
    [pytest.param(reading(), None, id="it runs on"), pytest.param(NOTHING, at(8), id="AWS has stopped it")],
)
def test_a_cluster_that_runs_without_an_end_has_none_in_the_journal(
    tmp_path: Path, found: dict[str, Any], expires: datetime | None
) -> None:
    record_observation(tmp_path, seen(reading(expires=at(8))), at(1))

    record_observation(tmp_path, seen(found), at(9))

    assert sessions(tmp_path)[0].expires == expires


def test_a_node_that_is_replaced_is_another_part(tmp_path: Path) -> None:
    build(tmp_path)
    found = reading(nodes={"gateway": at(3)})
    found["resources"]["instance/gateway"]["id"] = "i-other"
    record_observation(tmp_path, seen(found), at(4))

    instances = [part for part in only(tmp_path).parts if part.kind == "instance" and part.name == "gateway"]
    assert [(part.since, part.until) for part in instances] == [(at(0), at(0.5)), (at(3), at(4))]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(("forecast", "per_hour"), 10**400, id="an amount that no float can hold"),
        pytest.param(("forecast", "per_hour"), 1.5e308, id="an amount whose sums are infinite"),
        pytest.param(("cluster",), "\ud800", id="a text that no file can hold"),
        pytest.param(("tried", "nodes", "\ud800"), "x", id="a key that no file can hold"),
        *(
            pytest.param((name,), f"{year}-12-31T23:59:59Z", id=f"{name} in {year}")
            for name in ("began", "seen", "expires")
            for year in ("0001", "1500", "9999")
        ),
    ],
)
def test_a_value_that_is_impossible_stops_no_run(tmp_path: Path, place: tuple[str, ...], value: Any) -> None:
    build(tmp_path)
    (broken,) = tmp_path.iterdir()
    content = json.loads(broken.read_text(encoding="utf-8"))
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    broken.write_text(text := json.dumps(content), encoding="utf-8")

    warnings = begin_phase(tmp_path, Run("site.yml", at(0), "nodes"), at(1))
    record_observation(tmp_path, seen(), at(2))
    end(tmp_path, "removed", "reset.yml", at(3))

    assert [str(broken) in one for one in warnings] == [True]
    assert broken.read_text(encoding="utf-8") == text
    assert [one.end for one in read(tmp_path).sessions] == ["removed"]


def test_the_hours_until_aws_stopped_the_nodes_stay_in_the_bill(tmp_path: Path) -> None:
    # Started at 18:10, last run at 19:10, stopped by AWS at 02:10, and the next run on the next evening.
    phase(tmp_path, hours=1 / 6)
    started, again = (dict.fromkeys(NAMES, at(hours)) for hours in (1 / 6, 24))
    record_observation(tmp_path, seen(reading(nodes=started, bastion=None, expires=at(1 / 6 + 8))), at(1 / 6 + 1))
    before = node_hours(tmp_path, 24)

    record_observation(tmp_path, seen(reading(nodes=again, bastion=None, expires=at(32))), at(24.5))

    assert before == pytest.approx(3 * 8)
    assert node_hours(tmp_path, 24.5) == pytest.approx(3 * 8.5)


def node_hours(directory: Path, now: float) -> float:
    """Return the hours of all nodes on the bill."""
    return sum(item.hours for item in bill(only(directory), at(now)).items if item.what == "t4g.medium")
