# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cozystack_info on many releases and thousands of pods, against nothing but reading the pages of the same lists."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.environment import with_collection
from bench.measure import CannotRun, Figure, Usage, compare, cpu, interleaved, memory, run
from bench.serving import serving

RELEASES = 100
PODS = 5000
MEMORY_GOAL = 150.0


def figures(directory: Path, *, repetitions: int) -> Iterator[Figure]:
    """Yield processor time against the bare lists, and memory."""
    with serving("bench.kubernetes_api", directory, RELEASES, PODS):
        usages = interleaved(
            {name: partial(client, name, directory) for name in ("ours", "bare")}, repetitions=repetitions
        )
        check(directory)
        ours, bare = (list(cpu(usages[name])) for name in ("ours", "bare"))
        against = f"the standard library reading the pages of {RELEASES} releases and {PODS} pods"
        yield compare("cozystack_info_cpu", "s", ours, bare, against=against, goal=3)
        peak = list(memory(usages["ours"]))
        yield compare("cozystack_info_memory", "MB", peak, [MEMORY_GOAL], against=f"{MEMORY_GOAL:.0f} MB", goal=1)


def client(name: str, directory: Path) -> Usage:
    """Run one of the clients."""
    command: list[str | Path] = [sys.executable, "-m", "bench.kubernetes_client", name, directory / "kubeconfig"]
    return run(command, environment=with_collection(directory), output=directory / f"{name}.out")


def check(directory: Path) -> None:
    """Refuse to compare clients that did not see the same."""
    account = json.loads((directory / "ours.out").read_text(encoding="utf-8"))
    counted = json.loads((directory / "bare.out").read_text(encoding="utf-8"))
    seen = {"helmreleases": account["releases"]["present"], "pods": account["pods"]["total"]}
    if not counted == seen == {"helmreleases": RELEASES, "pods": PODS}:
        raise CannotRun(f"the clients saw different things: {seen} and {counted}")
