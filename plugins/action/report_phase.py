# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record when a phase of a playbook begins, for the timings in the report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict

from ..plugin_utils._local_action import LocalAction


class Phase(TypedDict):
    """A part of a playbook that has its own line in the report."""

    name: str
    started: float


def with_phase(phases: list[Phase], name: str, *, now: float) -> list[Phase]:
    """Return the phases with one more that begins now."""
    return [*phases, {"name": name, "started": now}]


class ActionModule(LocalAction):
    """Record the time without starting a Python process on the host."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {"name": {"type": "str", "required": True}}

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the phase to the fact C(cluster_phases)."""
        facts = task_vars.get("ansible_facts", {})
        phases = with_phase(facts.get("cluster_phases", []), arguments["name"], now=time.time())
        return {"ansible_facts": {"cluster_phases": phases}}
