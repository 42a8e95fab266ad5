# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests for what saves time in the workers of Ansible."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.urmanac.talos.plugins.plugin_utils import _in_process, _local_action, _workers

CHILD = """
import gc, os, sys
import ansible_collections.urmanac.talos.plugins.plugin_utils._local_action

before = gc.get_freeze_count()
child = os.fork()
if not child:
    # Whatever the parent has is left out, and what the child makes is collected.
    ring = []
    ring.append(ring)
    left_out = gc.get_freeze_count()
    del ring
    os._exit(0 if left_out > 1000 and gc.collect() > 0 else 1)
_pid, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), before, gc.get_freeze_count())
"""


def test_a_worker_does_not_collect_the_garbage_of_its_parent() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CHILD]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["0", "0", "0"], done.stderr


def test_every_action_plugin_saves_it() -> None:
    saving = _workers.leave_out_parents_memory

    assert vars(_in_process)["leave_out_parents_memory"] is vars(_local_action)["leave_out_parents_memory"] is saving
    assert saving.cache_info().currsize == 1
