# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a run does at its very end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from ansible_collections.urmanac.talos.plugins.plugin_utils._at_end import AtEnd

def act(text):
    if text == "bad":
        raise ValueError("no answer")
    print(text, os.getpid() == parent, flush=True)

parent, end = os.getpid(), AtEnd(act)
for text in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        end.note(text)
        if text == "leave":
            sys.exit()
        os._exit(0)
    os.waitpid(child, 0)
if sys.argv[1] == "fail":
    raise SystemExit(2)
"""


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return the end of a process whose children note texts, each a child of its own."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("how", ["fail", "succeed"])
def test_what_tasks_noted_is_done_once_by_ansible_playbook_itself_however_it_ends(how: str) -> None:
    assert ended(how, "one", "leave").stdout.splitlines() == ["one True", "leave True"]


def test_a_failure_at_the_end_is_a_warning() -> None:
    done = ended("succeed", "bad", "one")

    assert (done.returncode, done.stdout, done.stderr) == (0, "one True\n", "[WARNING]: no answer\n")


def test_a_run_without_anything_to_do_at_its_end_ends() -> None:
    assert (ended("succeed").returncode, ended("succeed").stdout) == (0, "")
