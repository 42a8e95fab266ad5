# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every playbook does first, and where all of them find the journal of sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checks.process import ROOT

PLAYBOOKS = ROOT / "playbooks"
CHECKS = ("tasks/judge.yml", "tasks/begin.yml")
JOURNALS = {"urmanac.talos.cluster_session": "directory", "urmanac.talos.cluster_session_info": "directory"} | {
    "urmanac.talos.report_phase": "journal"
}


def first_play(path: Path) -> dict[str, Any]:
    """Return the first play of a playbook."""
    play: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))[0]
    return play


OWN = [path for path in sorted(PLAYBOOKS.glob("*.yml")) if "hosts" in first_play(path)]


@pytest.mark.parametrize("playbook", OWN, ids=lambda path: path.name)
def test_no_role_runs_before_the_variables_are_checked(playbook: Path) -> None:
    play = first_play(playbook)

    # The order in which Ansible runs them.
    steps = [*play.get("pre_tasks", []), *play.get("roles", []), *play.get("tasks", [])]

    assert steps[0].get("ansible.builtin.import_tasks") in CHECKS


def places(found: Any) -> list[str]:
    """Return the folder of each task that writes or reads the journal."""
    if isinstance(found, list):
        return [place for item in found for place in places(item)]
    if not isinstance(found, dict):
        return []
    own = [found[module][option] for module, option in JOURNALS.items() if module in found]
    return own + places(list(found.values()))


def test_all_tasks_have_one_journal() -> None:
    files = [*PLAYBOOKS.rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]

    found = [place for path in files for place in places(yaml.safe_load(path.read_text(encoding="utf-8")))]

    assert len(found) >= 3
    assert set(found) == {"{{ cluster_sessions_directory }}"}
