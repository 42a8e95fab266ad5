# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run M(urmanac.talos.ec2_run_lock) for the run of ansible-playbook that a task belongs to, and again at its end."""

from __future__ import annotations

import json
from typing import Any

from ..module_utils._errors import CollectionError
from ..modules import ec2_run_lock
from ..plugin_utils._at_end import AtEnd
from ..plugin_utils._in_process import ENCODER, InProcessAction, printed_by
from ..plugin_utils._run_lock import current_run


def left(text: str) -> None:
    """Delete the lock of the run with the connection of its task."""
    result = json.loads(printed_by(ec2_run_lock, {**json.loads(text), "state": "absent"}))
    if result.get("failed"):
        raise CollectionError(
            f"Failed to record that this run has ended: {result['msg']} The next run from elsewhere may have to wait, "
            "or needs -e cluster_run_takeover=true."
        )


# Ansible imports a plugin in its own process before it forks the first task that uses it.
END = AtEnd(left)


class ActionModule(InProcessAction):
    """Passes the run to the module, which cannot determine the process of ansible-playbook."""

    MODULE = ec2_run_lock

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, and have it run again at the end of ansible-playbook."""
        directory = self._task.args.get("directory")
        if directory:
            self._task.args = {**self._task.args, "run": current_run(directory)._asdict()}
        result: dict[str, Any] = super().run(tmp, task_vars)
        begun = self._task.args.get("state", "present") == "present"
        if begun and not result.get("failed") and not self._task.check_mode:
            # If the module ran in its own process, this one must configure itself from the task.
            END.note(json.dumps(self._arguments if self._is_here else self._task.args, cls=ENCODER))
        return result
