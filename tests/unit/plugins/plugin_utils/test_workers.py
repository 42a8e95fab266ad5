# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests for what saves time in the workers of Ansible."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins import action
from ansible_collections.urmanac.talos.plugins.plugin_utils._in_process import InProcess
from ansible_collections.urmanac.talos.plugins.plugin_utils._local_action import LocalAction
from tests.checks.process import ROOT

CHILD = """
import gc, importlib, os, sys
from ansible.plugins.loader import init_plugin_loader

init_plugin_loader(sys.argv[2:])
importlib.import_module(sys.argv[1])

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


@pytest.mark.parametrize("base", [InProcess, LocalAction])
def test_a_worker_does_not_collect_the_garbage_of_its_parent(base: type) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CHILD, base.__module__, str(ROOT / "playbooks" / "collections")]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["0", "0", "0"], done.stderr


def test_every_action_plugin_has_a_base_that_saves_it() -> None:
    names = [path.stem for path in Path(action.__path__[0]).glob("*.py") if path.stem != "__init__"]

    plugins = [importlib.import_module(f"{action.__name__}.{name}").ActionModule for name in names]

    assert plugins
    assert [plugin for plugin in plugins if not issubclass(plugin, InProcess | LocalAction)] == []
