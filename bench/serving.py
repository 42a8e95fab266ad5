# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the server of a measurement in a process of its own, so that its CPU time is not measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.environment import ROOT, with_collection
from bench.measure import CannotRun


@contextmanager
def serving(module: str, directory: Path, *counts: int) -> Iterator[None]:
    """Run a server that reports when it is ready, and ends with its input."""
    command = [sys.executable, "-m", module, str(directory), *map(str, counts)]
    environment, pipe = with_collection(directory), subprocess.PIPE
    with subprocess.Popen(command, text=True, env=environment, cwd=ROOT, stdin=pipe, stdout=pipe) as process:
        assert process.stdin  # noqa: S101  for the type checker: both are pipes
        assert process.stdout  # noqa: S101
        try:
            if process.stdout.readline() != "ready\n":
                raise CannotRun(f"{module} did not come up")
            yield
        finally:
            process.stdin.close()
            process.terminate()
