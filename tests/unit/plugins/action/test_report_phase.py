# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.urmanac.talos.plugins.action import report_phase
from ansible_collections.urmanac.talos.plugins.action.report_phase import with_phase
from tests.actions import run_action


def run(task_vars: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return run_action(report_phase, task_vars=task_vars, **arguments)


def test_the_first_phase_of_a_run_is_noted_without_a_change() -> None:
    result = run({}, name="network")

    assert [phase["name"] for phase in result["ansible_facts"]["cluster_phases"]] == ["network"]
    assert result["changed"] is False


def test_a_later_phase_keeps_the_earlier_ones() -> None:
    facts = run({}, name="network")["ansible_facts"]

    names = [phase["name"] for phase in run({"ansible_facts": facts}, name="nodes")["ansible_facts"]["cluster_phases"]]

    assert names == ["network", "nodes"]


def test_a_phase_holds_the_time_it_began_and_its_list_is_a_new_one() -> None:
    phases = with_phase([], "network", now=1764000000.25)

    assert phases == [{"name": "network", "started": 1764000000.25}]
    assert with_phase(phases, "nodes", now=1764000001.0) is not phases


def test_a_phase_without_a_name_is_refused() -> None:
    with pytest.raises(AnsibleActionFail, match="name"):
        run({})
