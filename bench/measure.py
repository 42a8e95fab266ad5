# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure programs and compare them. Standard library only, so that this process is smaller than the measured ones.

Linux counts the memory of the process that starts another into the other's peak.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class CannotRun(Exception):
    """Why a figure could not be measured here."""


class Usage(NamedTuple):
    """Resource use of one run of a program, including its child processes."""

    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float


class Figure(NamedTuple):
    """One line of the bench; ratio is the value divided by that of the peer in the same run."""

    figure: str
    value: float
    unit: str
    against: str
    ratio: float
    goal: float
    met: bool


def run(command: Sequence[str | Path], *, environment: Mapping[str, str], output: Path) -> Usage:
    """Run a program, write its output to a file, and return its resource use; raise if it fails."""
    started = time.monotonic()
    with output.open("wb") as sink, output.with_suffix(".stderr").open("wb") as errors:
        process = subprocess.Popen(command, env=dict(environment), stdout=sink, stderr=errors)
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CannotRun(f"{Path(command[0]).name} exited {process.returncode}: {_last_lines(output)}")
    wall = time.monotonic() - started
    return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


def _last_lines(output: Path) -> str:
    texts = (path.read_text(errors="replace") for path in (output, output.with_suffix(".stderr")))
    # Ansible prints the failure before its recap, and Python on the other channel.
    return " / ".join(line.strip() for text in texts for line in text.strip().splitlines()[-8:] if line.strip())[-600:]


def interleaved(runs: Mapping[str, Callable[[], Usage]], *, repetitions: int) -> dict[str, list[Usage]]:
    """Return each program's usages; they take turns, so that a busy machine slows all of them alike.

    A first turn, which fills the disk's and Python's caches, is not counted.
    """
    usages: dict[str, list[Usage]] = {name: [] for name in runs}
    for turn in range(repetitions + 1):
        for name, measured in runs.items():
            usage = measured()
            if turn:
                usages[name].append(usage)
    return usages


def compare(
    figure: str, unit: str, ours: Sequence[float], peer: Sequence[float], *, against: str, goal: float
) -> Figure:
    """Return the figure that compares the medians of our values and the peer's."""
    ratio = median(ours) / median(peer)
    return Figure(figure, round(median(ours), 3), unit, against, round(ratio, 3), goal, ratio <= goal)


def cpu(usages: Sequence[Usage]) -> Iterator[float]:
    """Yield the CPU seconds."""
    return (usage.cpu_seconds for usage in usages)


def memory(usages: Sequence[Usage]) -> Iterator[float]:
    """Yield the megabytes at the peak."""
    return (usage.peak_megabytes for usage in usages)
