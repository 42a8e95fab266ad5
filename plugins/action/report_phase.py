# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record when a phase of a playbook begins, for the timings in the report and for the journal of sessions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from ..module_utils._sessions.acts import begin_phase
from ..module_utils._sessions.record import Run, whole
from ..plugin_utils._journal import write_or_warn
from ..plugin_utils._local_action import LocalAction
from ..plugin_utils._run_lock import current_playbooks


class Phase(TypedDict):
    """A part of a playbook that has its own line in the report."""

    name: str
    started: float


def with_phase(phases: list[Phase], name: str, *, now: float) -> list[Phase]:
    """Return the phases with one more that begins now."""
    return [*phases, {"name": name, "started": now}]


def run_of(phases: list[Phase]) -> Run:
    """Return the run that has these phases; its first phase distinguishes it from others."""
    began = datetime.fromtimestamp(phases[0]["started"], UTC)
    return Run(current_playbooks(), whole(began), phases[-1]["name"])


class ActionModule(LocalAction):
    """Record the time without starting a Python process on the host."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "name": {"type": "str", "required": True},
        "journal": {"type": "path"},
    }

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the phase to the fact C(cluster_phases) and to the session of the journal."""
        facts = task_vars.get("ansible_facts", {})
        phases = with_phase(facts.get("cluster_phases", []), arguments["name"], now=time.time())
        if arguments["journal"] and not self._task.check_mode:
            journal, run = Path(arguments["journal"]), run_of(phases)
            write_or_warn(lambda: begin_phase(journal, run, datetime.now(UTC)))
        return {"ansible_facts": {"cluster_phases": phases}}
