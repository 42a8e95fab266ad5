# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every playbook does first, and where all of them find the journal of sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import role_names
from tests.checks.files import mappings
from tests.checks.process import ROOT

PLAYBOOKS = ROOT / "playbooks"
CHECKS = ("tasks/check_variables.yml", "tasks/begin.yml")
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


def tasks() -> Iterator[dict[str, Any]]:
    """Yield each mapping of playbooks and of steps of roles, which the tasks are among."""
    for path in [*PLAYBOOKS.rglob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]:
        yield from mappings(yaml.safe_load(path.read_text(encoding="utf-8")))


def uses(module: str) -> list[dict[str, Any]]:
    """Return the options of each task with this module."""
    return [task[module] for task in tasks() if module in task]


@pytest.mark.parametrize("kind", ["tasks", "role"])
def test_a_step_that_always_runs_is_imported(kind: str) -> None:
    """Ansible forks a process for an include."""
    included = [task for task in tasks() if f"ansible.builtin.include_{kind}" in task]

    assert included
    assert [task["name"] for task in included if not {"when", "loop"} & task.keys()] == []


def test_a_step_for_another_host_does_not_ask_again_whether_there_is_one() -> None:
    for role in ("cozystack", "talos"):
        text = (ROOT / "roles" / role / "tasks" / "scratch.yml").read_text(encoding="utf-8")

        assert f"__{role}_is_remote" not in text


def test_every_phase_that_creates_machines_or_works_on_them_sets_when_aws_stops_them() -> None:
    last = yaml.safe_load((PLAYBOOKS / "tasks" / "begin.yml").read_text(encoding="utf-8"))[-1]
    phases = [path for path in OWN if "tasks/begin.yml" in path.read_text(encoding="utf-8")]

    assert last["ansible.builtin.import_tasks"] == "hours.yml"
    assert last["when"] == "cluster_phase not in ['preflight', 'network']"
    assert len(phases) == 8
    assert [path.name for path in phases if "hours.yml" in path.read_text(encoding="utf-8")] == []


def test_one_task_writes_what_exists_into_the_journal_as_it_was_read() -> None:
    (options,) = uses("urmanac.talos.cluster_session")

    assert options["reading"] == "{{ cluster_reading }}"


def test_all_tasks_have_one_journal() -> None:
    found = [options[name] for module, name in JOURNALS.items() for options in uses(module)]

    assert len(found) >= 3
    assert set(found) == {"{{ cluster_sessions_directory }}"}


# What Ansible and tasks before have set, in the results of modules as well.
_NOT_INPUTS = {"ansible_limit", "ansible_run_tags", "found", "msg"}
_WITH_DEFAULT = re.compile(r"(?<![\w.])([a-z][a-z0-9_]*)(?: \| default| is (?:not )?defined)")
# Roles take these from the user by the name without a prefix.
_OF_ROLES = {"sessions.yml": {"compare", "home_lab_power_per_month"}}


@pytest.mark.parametrize("playbook", OWN, ids=lambda path: path.name)
def test_every_input_without_the_name_of_a_role_is_known_to_the_check_of_variables(playbook: Path) -> None:
    text = playbook.read_text(encoding="utf-8")
    (judged,) = [task for task in mappings(yaml.safe_load(text)) if "__check_names" in task] or [{"__check_names": []}]
    roles = tuple(f"{role}_" for role in role_names())

    used = {name for name in _WITH_DEFAULT.findall(text) if not name.startswith(("__", *roles))} - _NOT_INPUTS

    assert used | _OF_ROLES.get(playbook.name, set()) == set(judged["__check_names"])


def test_every_input_that_a_role_has_without_its_name_is_known_to_a_playbook() -> None:
    roles = tuple(f"{role}_" for role in role_names())
    defaults = [path.read_text(encoding="utf-8") for path in (ROOT / "roles").glob("*/defaults/main.yml")]

    used = {name for text in defaults for name in _WITH_DEFAULT.findall(text) if not name.startswith(("__", *roles))}

    assert used == {name for names in _OF_ROLES.values() for name in names}
