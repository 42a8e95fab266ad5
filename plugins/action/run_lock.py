# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail if another run is active on the cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail

from ..module_utils._errors import failure_of
from ..module_utils._runs import Run
from ..plugin_utils._at_end import AtEnd
from ..plugin_utils._local_action import LocalAction
from ..plugin_utils._run_lock import Busy, current_run, release, take


def released(text: str) -> None:
    """Release the lock that a run holds, at its end."""
    run = Run(**json.loads(text))
    release(Path(run.directory), run)


# Ansible imports a plugin in its own process before it forks the first task that uses it.
END = AtEnd(released)


class ActionModule(LocalAction):
    """Lock the cluster's directory; the process of ansible-playbook holds the lock, and tasks are its children."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {"directory": {"type": "path", "required": True}}

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take the lock; a run in check mode takes no lock and never fails."""
        if self._task.check_mode:
            return {}
        run = current_run(arguments["directory"])
        try:
            if take(Path(arguments["directory"]), run):
                END.note(json.dumps(run._asdict()))
        except Busy as error:
            raise AnsibleActionFail(str(error), result=failure_of(error)) from error
        return {}
