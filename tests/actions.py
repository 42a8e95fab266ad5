# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an action plugin as a task of a playbook does, and plays with hosts of an inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader

from tests.checks.process import TOOLS, capture


def run_action(
    plugin: Any, *, task_vars: Mapping[str, Any] | None = None, check_mode: bool = False, **arguments: Any
) -> dict[str, Any]:
    """Return the result of a task."""
    task = Task()
    task.args, task.async_val, task.check_mode = arguments, 0, check_mode
    connection = connection_loader.get("local", PlayContext(), None)
    action = plugin.ActionModule(task, connection, None, None, None, None)
    result: dict[str, Any] = action.run(task_vars=dict(task_vars or {}))
    return result


def run_plays(folder: Path, plays: list[dict[str, Any]], hosts: Mapping[str, Any]) -> tuple[int, str]:
    """Return exit code and output of plays with these hosts in the inventory; the folder gets their files."""
    inventory, playbook = folder / "hosts.json", folder / "playbook.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    playbook.write_text(json.dumps(plays), encoding="utf-8")
    return capture([TOOLS / "ansible-playbook", "-i", inventory, playbook])
