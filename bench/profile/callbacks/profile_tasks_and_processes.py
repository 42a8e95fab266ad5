# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record when each task of a run begins, for python -m bench.profile."""

from __future__ import annotations

DOCUMENTATION = """
name: profile_tasks_and_processes
type: aggregate
short_description: Records when each task begins
description:
  - Appends one line of JSON per task to the file that URMANAC_PROFILE names.
author: The urmanac.talos authors
requirements: [an environment variable URMANAC_PROFILE]
"""

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class CallbackModule(CallbackBase):
    """Writes lines to a file."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "profile_tasks_and_processes"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._play = ""

    def _write(self, kind: str, **more: Any) -> None:
        record = {"kind": kind, "at": time.clock_gettime(time.CLOCK_BOOTTIME), "cpu": cpu_seconds(), **more}
        with Path(os.environ["URMANAC_PROFILE"]).open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(record) + "\n")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Note a play."""
        self._play = play.get_name()
        self._write("task", name="Begin the play", action="", phase=self._play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note a task."""
        self._write("task", name=task.get_name(), action=task.action, phase=self._play)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Note a handler."""
        self.v2_playbook_on_task_start(task, False)

    def v2_playbook_on_cleanup_task_start(self, task: Any) -> None:
        """Note a task that cleans up."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Note that the task had nothing to do."""
        self._write("skipped")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Note the end."""
        self._write("end")
