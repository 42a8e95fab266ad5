# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a second run on a cluster while one is under way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._run_lock import Busy, take, this_run

ARGUMENTS = {"directory": {"type": "path", "required": True}}


def named(playbooks: Sequence[str]) -> str:
    """Return what a run does: the names of the playbooks on its command line."""
    return ", ".join(Path(playbook).name for playbook in playbooks)


class ActionModule(ActionBase):
    """Runs inside ansible-playbook, whose process is what holds the lock; tasks are its children."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(ARGUMENTS)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take the lock; a run that only looks takes none and is never refused."""
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._task.check_mode:
            try:
                run = this_run(os.getppid(), named(context.CLIARGS.get("args") or ()))
                take(Path(arguments["directory"]), run)
            except Busy as error:
                raise AnsibleActionFail(str(error)) from error
        return {**result, "changed": False}
