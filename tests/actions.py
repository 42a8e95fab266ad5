# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run an action plugin as a task of a playbook does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader


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
