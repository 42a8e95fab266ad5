# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the time of each task and phase from the records of a run. Pure functions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

Interval = tuple[float, float]

# What the time of a task is made of. `ansible` is all that no module took.
PARTS = ("ansible", "start", "imports", "network", "waiting", "computing")


class Spent(NamedTuple):
    """Seconds of a task or a phase for each part of the work; they add up to the wall time."""

    ansible: float = 0
    start: float = 0
    imports: float = 0
    network: float = 0
    waiting: float = 0
    computing: float = 0

    @property
    def wall(self) -> float:
        """Return all seconds."""
        return sum(self)


class Row(NamedTuple):
    """One task, or all of a phase."""

    name: str
    phase: str
    tasks: int
    skipped: int
    processes: int
    cpu: float
    spent: Spent


def rows(lines: Iterable[str]) -> list[Row]:
    """Return one row per task of the run in a file of records, in order."""
    records = [json.loads(line) for line in lines]
    marks = [record for record in records if record["kind"] in ("task", "end")]
    processes = [record for record in records if record["kind"] in ("process", "worker")]
    skipped = [record["at"] for record in records if record["kind"] == "skipped"]
    return [row(begin, end, processes, skipped) for begin, end in pairwise(sorted(marks, key=lambda mark: mark["at"]))]


def row(
    begin: Mapping[str, Any], end: Mapping[str, Any], processes: Sequence[Mapping[str, Any]], skipped: Sequence[float]
) -> Row:
    """Return the row of the task between two marks; its processes and workers began in that time."""
    # Linux notes births in hundredths of a second, so a process may seem to be born just before its task.
    own = [process for process in processes if begin["at"] <= process["loaded"] < end["at"]]
    return Row(
        name=begin["name"],
        phase=begin["phase"],
        tasks=1,
        skipped=int(any(begin["at"] <= at < end["at"] for at in skipped)),
        processes=sum(process["kind"] == "process" for process in own),
        cpu=end["cpu"] - begin["cpu"],
        spent=spent((begin["at"], end["at"]), own),
    )


def spent(task: Interval, processes: Sequence[Mapping[str, Any]]) -> Spent:
    """Return the parts of a task's time; of concurrent activities the first one counts."""
    kinds: list[tuple[str, list[Interval]]] = [
        (kind, [tuple(pair) for process in processes for pair in process[kind]])
        for kind in ("network", "waiting", "imports")
    ]
    # What else a worker does is Ansible's own work.
    alone = [process for process in processes if process["kind"] == "process"]
    kinds.append(("start", [(process["born"], process["loaded"]) for process in alone]))
    kinds.append(("computing", [(process["born"], process["ended"]) for process in alone]))
    seconds, covered = {}, list[Interval]()
    for kind, intervals in kinds:
        before = length(covered)
        covered = union([*covered, *clipped(intervals, task)])
        seconds[kind] = length(covered) - before
    return Spent(ansible=task[1] - task[0] - length(covered), **seconds)


def clipped(intervals: Iterable[Interval], within: Interval) -> Iterator[Interval]:
    """Yield the part of each interval that lies within another."""
    for begin, end in intervals:
        if begin < within[1] and end > within[0]:
            yield max(begin, within[0]), min(end, within[1])


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same times as intervals that do not touch."""
    joined: list[Interval] = []
    for begin, end in sorted(intervals):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def length(intervals: Iterable[Interval]) -> float:
    """Return the seconds of intervals that do not touch."""
    return sum(end - begin for begin, end in intervals)


def total(name: str, found: Sequence[Row]) -> Row:
    """Return all rows as one."""
    return Row(
        name=name,
        phase=name,
        tasks=sum(one.tasks for one in found),
        skipped=sum(one.skipped for one in found),
        processes=sum(one.processes for one in found),
        cpu=sum(one.cpu for one in found),
        spent=Spent(*map(sum, zip(*(one.spent for one in found), strict=True))),
    )


def phases(found: Iterable[Row]) -> list[Row]:
    """Return one row per phase, in the order in which they began."""
    grouped = defaultdict[str, list[Row]](list)
    for one in found:
        grouped[one.phase].append(one)
    return [total(phase, ones) for phase, ones in grouped.items()]


def longest(found: Iterable[Row], count: int) -> list[Row]:
    """Return the tasks that took longest, in that order."""
    return sorted(found, key=lambda one: -one.spent.wall)[:count]
