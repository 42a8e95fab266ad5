# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run M(urmanac.talos.ec2_state), and once more at the end of ansible-playbook, also after a failure."""

from __future__ import annotations

import json
from typing import Any

from ..modules import ec2_state
from ..plugin_utils._at_end import AtEnd
from ..plugin_utils._in_process import InProcessAction, run_again
from ..plugin_utils._run_lock import current_run

# The end of the run happens in the reverse order of these imports: the state is saved while the run has its locks.
from . import ec2_run_lock, run_lock  # noqa: F401  # pylint: disable=unused-import

_OF_BOTH = ("name", "project", "directory")
_NOT_SAVED = "The state of the cluster may be complete on this controller only. {} The next run from here saves it."


def saved(text: str) -> None:
    """Push what has changed, with the connection of a task, if the run has its lock, as another one may work."""
    noted = json.loads(text)
    arguments, run = {**noted["arguments"], "state": "present", "save_at_end": False}, noted["run"]
    connection = {name: value for name, value in arguments.items() if name not in ec2_state.ARGUMENT_SPEC}
    lock = {**connection, **{name: arguments[name] for name in _OF_BOTH}, "run": run, "state": "renewed"}
    for module, given in ((ec2_run_lock.ec2_run_lock, lock), (ec2_state, arguments)):
        run_again(module, given, _NOT_SAVED)


# Ansible imports a plugin in its own process before it forks the first task that uses it.
END = AtEnd(saved)


class ActionModule(InProcessAction):
    """Pushes at the end the files that the run changes after its last task with this plugin."""

    MODULE = ec2_state

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, and have it run again at the end of ansible-playbook."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.args.get("save_at_end") and not result.get("failed"):
            self.note_for_end(END, result, run=current_run(self._task.args["directory"])._asdict())
        return result
