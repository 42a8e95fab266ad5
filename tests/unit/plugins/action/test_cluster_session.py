# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the actions that write and read the journal, as a task runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.urmanac.talos.plugins.action import cluster_session, cluster_session_info, report_phase
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.journal import Journal
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Part
from ansible_collections.urmanac.talos.plugins.plugin_utils._journal import write_or_warn
from tests.actions import run_action as run
from tests.ec2_cluster import cluster
from tests.ec2_costs import THREE
from tests.sessions import IMAGES, RECORD, REPORT, at, build, only, reading, reset, sessions

SEEN: dict[str, Any] = {"cluster": cluster(**THREE), "reading": reading(), "images": IMAGES, "images_record": RECORD}


def test_the_tasks_of_a_build_and_a_removal_write_one_session_and_report_no_change(tmp_path: Path) -> None:
    place = str(tmp_path / "sessions")
    results = [
        run(report_phase, name="preflight", journal=place),
        run(report_phase, name="network", journal=place),
        run(cluster_session, directory=place, **SEEN, report=REPORT),
        run(cluster_session, directory=place, **SEEN),
        run(cluster_session, directory=place, state="removed"),
    ]

    (session,) = sessions(Path(place))
    assert session.end == "removed"
    assert session.tried.outcome == "blocked"
    assert [result["changed"] for result in results] == [False] * 5


@pytest.mark.parametrize("plugin", [report_phase, cluster_session])
def test_check_mode_writes_nothing(tmp_path: Path, plugin: Any) -> None:
    arguments: dict[str, Any] = {"name": "network", "journal": str(tmp_path / "x")}
    if plugin is cluster_session:
        arguments = {"directory": str(tmp_path / "x"), **SEEN}

    run(plugin, check_mode=True, **arguments)

    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    place = str(tmp_path / "file" / "sessions")

    phase = run(report_phase, name="network", journal=place)
    seen = run(cluster_session, directory=place, **SEEN)

    assert "failed" not in phase | seen
    assert [one["name"] for one in phase["ansible_facts"]["cluster_phases"]] == ["network"]


@pytest.mark.parametrize("error", [OverflowError("date value out of range"), RecursionError(), KeyError("\x1b[2J")])
def test_an_unexpected_error_of_the_journal_ends_no_run(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> list[str]:
        raise error

    write_or_warn(fail)

    printed = capsys.readouterr()
    words = " ".join(f"{printed.out} {printed.err}".split())
    assert f"Failed to write into the journal of sessions: {type(error).__name__}" in words
    assert "\x1b[2J" not in words


def test_a_phase_without_a_journal_is_recorded_alone(tmp_path: Path) -> None:
    assert run(report_phase, name="network")["ansible_facts"]["cluster_phases"]


def test_broken_files_are_named_with_a_remedy_beside_the_sessions_that_can_be_read(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "newer.json").write_text('{"schema": 2}', encoding="utf-8")

    result = run(cluster_session_info, directory=str(tmp_path))

    assert [(one["code"], Path(one["subject"]).name) for one in result["problems"]] == [
        ("SESSION_NOT_READABLE", "broken.json"),
        ("SESSION_OF_OTHER_VERSION", "newer.json"),
    ]
    assert all(one["remedy"] for one in result["problems"])
    assert len(result["sessions"]) == 1


class Counted(tuple[Part, ...]):
    """Parts that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[Part]:
        self.times += 1
        return super().__iter__()


def test_each_session_has_one_bill(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    parts = Counted(only(tmp_path).parts)
    journal = Journal(tmp_path, (replace(only(tmp_path), parts=parts),), ())
    arguments = {"compare": ["1", "1"], "home_lab_power_per_month": 40.0, "per_hour": 0.1}

    found = cluster_session_info.answer(journal, arguments, at(99))

    assert found["comparison"]
    # For when it began, and for what it has cost.
    assert parts.times == 2


@pytest.mark.parametrize("check_mode", [False, True])
def test_actual_costs_are_written_into_the_journal(tmp_path: Path, check_mode: bool) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    actual = {"first": "2026-11-28", "last": "2026-11-28", "total": 0.3, "days": {"2026-11-28": 0.3}}

    result = run(
        cluster_session_info,
        check_mode=check_mode,
        directory=str(tmp_path),
        actual={**actual, "is_estimated": True, "services": {}, "requests": 1},
    )

    assert result["sessions"][0]["actual"] == 0.3
    (file,) = tmp_path.iterdir()
    assert (json.loads(file.read_text(encoding="utf-8"))["actual"] is None) is check_mode


def test_an_estimate_is_replaced_by_the_bill_of_the_same_amount(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    actual = {"first": "2026-11-28", "last": "2026-11-28", "total": 0.3, "days": {"2026-11-28": 0.3}}

    shown = [
        run(cluster_session_info, directory=str(tmp_path), actual={**actual, "is_estimated": is_estimated})
        for is_estimated in (True, False)
    ]

    assert [found["sessions"][0]["billed"] for found in shown] == ["$0.30 (estimated)", "$0.30"]


def test_tags_without_effect_are_not_actual_costs_of_zero(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    nothing = {"first": "2026-11-28", "last": "2026-11-28", "total": 0.0, "days": {}, "is_estimated": False}

    assert run(cluster_session_info, directory=str(tmp_path), actual=nothing)["sessions"][0]["actual"] is None


def test_a_comparison_with_an_unknown_session_fails(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="which does not exist"):
        run(cluster_session_info, directory=str(tmp_path), compare=["1", "2"])
