# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time per cluster directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._runs import Run, is_alive, this_run
from ansible_collections.urmanac.talos.plugins.plugin_utils._run_lock import Busy, release, take

OURS = Run(100, "5000", "laptop", "site.yml")
THEIRS = Run(200, "6000", "laptop", "reset.yml")


ORPHAN = """
import multiprocessing, os, signal, sys, time
from ansible_collections.urmanac.talos.plugins.plugin_utils._run_lock import current_run

def task(parent):
    until = time.monotonic() + 30
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(0.01)
    print(current_run(sys.argv[1]).pid, os.getppid() == parent, flush=True)

multiprocessing.get_context("fork").Process(target=task, args=(os.getpid(),)).start()
print(os.getpid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_task_that_outlives_a_killed_run_takes_no_lock_for_another_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    parent, task, *orphan = done.stdout.split()

    assert (task, orphan) == (parent, ["False"])


def test_a_run_takes_the_lock_once_and_keeps_it(tmp_path: Path) -> None:
    assert take(tmp_path / "cluster", OURS)
    assert not take(tmp_path / "cluster", OURS)
    assert not take(tmp_path / "cluster", OURS._replace(what="network.yml"), alive=lambda pid, started: True)


def test_a_second_run_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    take(tmp_path, OURS)
    os.utime(tmp_path / ".run.json", (1800000000, 1800000000))

    who = r"site.yml, process 100 on laptop, since 2027-01-15T08:00:00\+00:00"
    with pytest.raises(Busy, match=rf"another run \({who}\) is active on this cluster"):
        take(tmp_path, THEIRS, alive=lambda pid, started: (pid, started) == (100, "5000"))


def test_the_lock_of_a_run_that_ended_is_taken_over(tmp_path: Path) -> None:
    take(tmp_path, OURS)

    assert take(tmp_path, THEIRS, alive=lambda pid, started: False)
    with pytest.raises(Busy):
        take(tmp_path, OURS, alive=lambda pid, started: True)


def test_a_run_on_another_host_is_never_assumed_dead(tmp_path: Path) -> None:
    take(tmp_path, OURS._replace(host="desktop"))

    with pytest.raises(Busy, match=r"process 100 on desktop.*delete .*\.run\.json"):
        take(tmp_path, THEIRS, alive=lambda pid, started: False)


def test_a_lock_that_was_released_refuses_no_host_that_the_directory_is_copied_to(tmp_path: Path) -> None:
    take(tmp_path, OURS)
    release(tmp_path, THEIRS)
    with pytest.raises(Busy):
        take(tmp_path, THEIRS._replace(host="desktop"))

    release(tmp_path, OURS)

    assert take(tmp_path, THEIRS._replace(host="desktop"))


def test_a_truncated_file_does_not_block_a_run(tmp_path: Path) -> None:
    (tmp_path / ".run.json").write_text('{"pid": 1', encoding="utf-8")

    assert take(tmp_path, OURS)


def test_a_process_is_known_by_its_id_and_its_start(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = this_run(child.pid, "site.yml", tmp_path)

    assert is_alive(run.pid, run.started)
    assert not is_alive(run.pid, "1")
    child.communicate(b"\n")
    assert not is_alive(run.pid, run.started)
    assert run.started != this_run(os.getpid(), "site.yml", tmp_path).started or not run.started
