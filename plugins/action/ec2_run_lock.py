# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run M(urmanac.talos.ec2_run_lock) for the run of ansible-playbook that a task belongs to, and again at its end."""

from __future__ import annotations

import json
from typing import Any

from ..modules import ec2_run_lock
from ..plugin_utils._at_end import AtEnd
from ..plugin_utils._in_process import InProcessAction, run_again
from ..plugin_utils._run_lock import current_run

_NOT_LEFT = (
    "Failed to record that this run has ended: {} The next run from elsewhere may have to wait, or needs "
    "-e cluster_run_takeover=true."
)


def left(text: str) -> None:
    """Delete the lock of the run with the connection of its task."""
    arguments = {**json.loads(text)["arguments"], "state": "absent"}
    run_again(ec2_run_lock, arguments, _NOT_LEFT)


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
        if self._task.args.get("state", "present") == "present":
            self.note_for_end(END, result)
        return result
