# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse a second run on a cluster while one is under way."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ansible import context
from ansible.errors import AnsibleActionFail

from ..plugin_utils._local_action import LocalAction
from ..plugin_utils._run_lock import Busy, take, this_run


def named(playbooks: Sequence[str]) -> str:
    """Return what a run does: the names of the playbooks on its command line."""
    return ", ".join(Path(playbook).name for playbook in playbooks)


class ActionModule(LocalAction):
    """Lock the cluster's directory; the process of ansible-playbook holds the lock, and tasks are its children."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {"directory": {"type": "path", "required": True}}

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take the lock; a run that only looks takes none and is never refused."""
        if not self._task.check_mode:
            try:
                run = this_run(os.getppid(), named(context.CLIARGS.get("args") or ()))
                take(Path(arguments["directory"]), run)
            except Busy as error:
                raise AnsibleActionFail(str(error)) from error
        return {}
