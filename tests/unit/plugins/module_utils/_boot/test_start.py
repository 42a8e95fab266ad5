# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run is read while it starts and ends: what changes between two reads must not look like a failure."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.urmanac.talos.plugins.module_utils._boot import start


def test_a_run_that_starts_during_the_read_is_not_assumed_killed(tmp_path: Path) -> None:
    asked: list[int] = []

    def is_alive(process: int) -> bool:
        asked.append(process)
        return True

    assert start.read_run(tmp_path, is_alive) == start.Run()
    # The shell makes the file before it writes into it.
    (tmp_path / start.PROCESS).touch()
    assert start.read_run(tmp_path, is_alive) == start.Run()
    assert asked == []
    (tmp_path / start.PROCESS).write_text("4711\n", encoding="utf-8")
    assert start.read_run(tmp_path, is_alive) == start.Run(is_running=True)
    assert asked == [4711]


def test_a_run_that_ends_while_it_is_read_has_its_own_status(tmp_path: Path) -> None:
    (tmp_path / start.PROCESS).write_text("4711\n", encoding="utf-8")

    def is_alive(_process: int) -> bool:
        (tmp_path / start.STATUS).write_text("0\n", encoding="utf-8")
        return False

    assert start.read_run(tmp_path, is_alive) == start.Run(status=0)


def test_a_run_that_was_killed_says_so(tmp_path: Path) -> None:
    (tmp_path / start.PROCESS).write_text("4711\n", encoding="utf-8")
    (tmp_path / start.LOG).write_text("pulling\n", encoding="utf-8")

    run = start.read_run(tmp_path, lambda _process: False)

    assert (run.status, run.is_running, run.lines) == (137, False, ("pulling",))
    assert run.failure and "exit status 137" in run.failure.message
