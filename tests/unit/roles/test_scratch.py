# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary directories of killed runs and old snapshots are removed, and what others have made is not."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.actions import run_plays
from tests.checks.process import ROOT

STEP = ROOT / "roles" / "talos" / "tasks" / "scratch.yml"
DAYS = 24 * 3600
# Not a Python that Ansible finds: the first one in PATH can be a wrapper that starts none.
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


def left(folder: Path, name: str, *, days: float) -> Path:
    """Return a directory with a file that was made some days ago."""
    made = folder / name
    made.mkdir()
    (made / "secrets.yaml").touch()
    then = time.time() - days * DAYS
    os.utime(made, (then, then))
    return made


def test_only_old_directories_with_the_name_of_ours_are_removed(tmp_path: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    killed = left(place, "urmanac-talos-killed", days=2)
    kept = {left(place, "urmanac-talos-active", days=0.1), left(place, "theirs", days=2)}
    tasks = [{"ansible.builtin.include_tasks": str(STEP)}]
    play = {"hosts": "all", "gather_facts": False, "environment": {"TMPDIR": str(place)}, "tasks": tasks}
    host = {**HERE, "talos_api_host": "here"}

    code, output = run_plays(tmp_path, [play], {"here": host})

    assert code == 0, output
    assert not killed.exists()
    # The run has made one of its own.
    assert len(set(place.iterdir()) - kept) == 1
    assert kept <= set(place.iterdir())


def test_a_directory_of_another_user_is_not_removed() -> None:
    loader = DataLoader()
    tasks = loader.load_from_file(str(STEP), trusted_as_template=True)
    (removal,) = (task for task in tasks if "loop" in task)
    found = [{"path": "/tmp/urmanac-talos-a", "uid": 1000}, {"path": "/tmp/urmanac-talos-b", "uid": 1001}]  # noqa: S108
    given: dict[str, Any] = {"__talos_left": {"files": found}, "__talos_scratch": {"uid": 1001}}

    removed = Templar(loader=loader, variables=given).template(removal["loop"])

    assert [one["path"] for one in removed] == ["/tmp/urmanac-talos-b"]  # noqa: S108


def test_old_snapshots_are_removed_and_those_that_a_person_has_named_stay(tmp_path: Path) -> None:
    place = tmp_path / "snapshots"
    place.mkdir()
    ours = [f"2026110{day}T120000Z.snapshot" for day in range(1, 5)]
    theirs = ["0-important.snapshot", "20261101T120000Z-before-upgrade.snapshot", "my-20261101T120000Z.snapshot"]
    for name in (*ours, *theirs):
        (place / name).touch()
    step = STEP.with_name("etcd_snapshots_old.yml")
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.include_tasks": str(step)}]}
    variables = {"talos_snapshots_directory": str(place), "talos_snapshots_kept": 2}

    code, output = run_plays(tmp_path, [play], {"here": {**HERE, **variables}})

    assert code == 0, output
    assert {path.name for path in place.iterdir()} == {*ours[2:], *theirs}
