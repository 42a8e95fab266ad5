# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests of this folder: python -m tests.host [arguments of pytest].

Systems for the emulated machines are made first, once, with the network. The tests themselves run in namespaces of
their own, without any network but what they make, and everything they start ends with them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.checks.process import environment
from tests.host import real_matchbox, systems
from tests.host.conftest import ISOLATED
from tests.host.packages import EMULATOR, missing

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def prepare() -> dict[str, str]:
    """Make what emulated machines are made from, if they can run here, and return what the tests need to know."""
    if not missing(EMULATOR):
        systems.make(say)
    return {real_matchbox.NAMED: real_matchbox.choose(say), ISOLATED: "1"}


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def isolated(arguments: list[str]) -> list[str]:
    """Return the command that runs pytest in namespaces of its own, with the loopback interface up.

    The folder where ip names namespaces is its own too, so that two runs at once do not take each other's names.
    """
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(arguments or ["tests/host"])]
    begin = 'mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && exec "$@"'
    return ["unshare", *NAMESPACES, "sh", "-c", begin, "sh", *tests]


def main(arguments: list[str]) -> int:
    """Prepare and run, and return the exit code."""
    if sys.platform != "linux" or os.geteuid() != 0:
        print("make test-host needs root on Linux: it makes namespaces and network interfaces.", file=sys.stderr)
        return 1
    try:
        settings = prepare()
    except (RuntimeError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    environ = environment(settings)
    return subprocess.run(isolated(arguments), cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
