# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note when a phase of a playbook begins, for the timings in the report."""

from __future__ import annotations

import time
from typing import Any, TypedDict

from ansible.plugins.action import ActionBase

ARGUMENTS = {"name": {"type": "str", "required": True}}


class Phase(TypedDict):
    """A part of a playbook that the report gives a line of its own."""

    name: str
    started: float


def with_phase(phases: list[Phase], name: str, *, now: float) -> list[Phase]:
    """Return the phases with one more that begins now."""
    return [*phases, {"name": name, "started": now}]


class ActionModule(ActionBase):
    """Runs inside ansible-playbook, because a clock reading is not worth a Python process on the host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(ARGUMENTS)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Add the phase to the fact C(cluster_phases)."""
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        facts = (task_vars or {}).get("ansible_facts", {})
        phases = with_phase(facts.get("cluster_phases", []), arguments["name"], now=time.time())
        return {**result, "changed": False, "ansible_facts": {"cluster_phases": phases}}
