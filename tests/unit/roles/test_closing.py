# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that close expired home access are those that the remedy names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES
from tests.checks.files import mappings
from tests.checks.process import ROOT

PLAYBOOKS = ROOT / "playbooks"
ACCESS = "urmanac.talos.access"


def closing_playbooks() -> set[str]:
    """Return the playbooks that run the role access as a whole, and those that import one of them."""
    contents = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PLAYBOOKS.glob("*.yml")}
    found = {name for name, plays in contents.items() if any(map(is_whole_role, mappings(plays)))}
    while more := {name for name, plays in contents.items() if imported(plays) & found} - found:
        found |= more
    return found


def is_whole_role(one: Mapping[str, Any]) -> bool:
    """Return whether a role entry or a task runs the role access, and not only a part of it."""
    task = one.get("ansible.builtin.import_role") or {}
    return one.get("role") == ACCESS or (task.get("name") == ACCESS and "tasks_from" not in task)


def imported(plays: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the playbooks that a playbook consists of."""
    return {str(play.get("ansible.builtin.import_playbook")) for play in plays}


def test_the_remedy_for_expired_access_names_the_playbooks_that_close_it() -> None:
    remedy = CODES["HOME_ACCESS_EXPIRED"].remedy

    assert set(re.findall(r"\w+\.yml", remedy)) == closing_playbooks()
