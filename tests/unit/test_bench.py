# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's own arithmetic; no test asserts a figure, because figures depend on the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import figure_talos_apply
from bench.measure import CannotRun, Usage, compare, interleaved, run
from bench.serving import serving


def test_the_ratio_is_of_medians_so_that_one_slow_run_does_not_count() -> None:
    figure = compare("x", "s", [1.0, 9.0, 1.2], [4.0, 4.1, 0.1], against="peer", goal=0.3)

    assert (figure.value, figure.ratio, figure.met) == (1.2, 0.3, True)


def test_a_missed_goal_is_said() -> None:
    assert not compare("x", "s", [2.0], [4.0], against="peer", goal=0.25).met


def test_no_calls_at_all_meet_the_goal_of_none() -> None:
    assert compare("x", "calls", [0], [3], against="first run", goal=0).met


def test_programs_take_turns_and_the_first_turn_is_not_counted() -> None:
    order: list[str] = []

    def note(name: str) -> Usage:
        order.append(name)
        return Usage(float(len(order)), 0, 0)

    usages = interleaved({"a": lambda: note("a"), "b": lambda: note("b")}, repetitions=2)

    assert order == ["a", "b"] * 3
    assert [usage.cpu_seconds for usage in usages["a"]] == [3.0, 5.0]


def test_the_resource_use_of_a_run_is_measured(tmp_path: Path) -> None:
    hungry = [sys.executable, "-c", "import time; x = bytearray(200_000_000)\nwhile time.process_time() < 0.4: pass"]

    usage = run(hungry, environment={}, output=tmp_path / "out")

    assert 0.4 <= usage.cpu_seconds < 10
    assert usage.peak_megabytes > 190
    assert usage.wall_seconds > 0


def test_a_program_that_fails_is_not_a_figure_but_a_reason(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "raise SystemExit('it is broken')"]

    with pytest.raises(CannotRun, match=r"exited 1: it is broken"):
        run(failing, environment={}, output=tmp_path / "out")


def test_both_clients_of_talos_nodes_do_their_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_talos_apply, "NODES", 2)

    with serving("bench.talos_nodes", tmp_path, 2):
        # A client whose work fails ends with an error, which is CannotRun.
        usages = [client() for client in figure_talos_apply.runs(tmp_path).values()]

    assert all(usage.cpu_seconds > 0 for usage in usages)
