# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""talos_apply on hundreds of nodes at once against bare connections to them, and against a loop of talosctl.

The nodes are the lab's simulations in a process of their own; what they take themselves counts for all.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.environment import ROOT, with_collection
from bench.measure import CannotRun, Figure, Usage, compare, interleaved, memory, run
from bench.serving import serving

NODES = 300
TALOSCTL_NODES = 20
MEMORY_GOAL = 150.0
TALOSCTL = ROOT / ".cache" / "peers" / "talosctl"


def addresses(count: int) -> list[str]:
    """Return that many addresses on loopback."""
    return [f"127.41.{number // 250}.{number % 250 + 1}" for number in range(count)]


def figures(directory: Path, *, repetitions: int) -> Iterator[Figure]:
    """Yield wall time against both peers, and memory."""
    with serving("bench.talos_nodes", directory, NODES):
        usages = interleaved(runs(directory), repetitions=repetitions)
        ours, bare = usages["ours"], usages["bare"]
        yield compare("talos_apply_wall", "s", wall(ours), wall(bare), against=f"{NODES} bare TLS + RPC", goal=2)
        peak = list(memory(ours))
        yield compare("talos_apply_memory", "MB", peak, [MEMORY_GOAL], against=f"{MEMORY_GOAL:.0f} MB", goal=1)
        loop = talosctl_loop(directory) * NODES / TALOSCTL_NODES
        against = f"a loop of talosctl dry run, apply-config, dry run over {NODES} nodes, from {TALOSCTL_NODES} of them"
        yield compare("talos_apply_talosctl", "s", wall(ours), [loop], against=against, goal=0.1)


def wall(usages: list[Usage]) -> list[float]:
    """Return the seconds that each run took, its start included."""
    return [usage.wall_seconds for usage in usages]


def runs(directory: Path) -> dict[str, partial[Usage]]:
    """Return what is compared; each run of ours brings a change of its own."""
    return {name: partial(client_run, name, directory) for name in ("ours", "bare")}


def client_run(name: str, directory: Path) -> Usage:
    """Run one of the clients."""
    command: list[str | Path] = [sys.executable, "-m", "bench.talos_client", name]
    command += [directory, str(NODES), new_config(directory)]
    return run(command, environment=with_collection(directory), output=directory / f"{name}.out")


def new_config(directory: Path) -> Path:
    """Return a configuration that no node has yet: its JSON is YAML as well."""
    document = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    document["machine"]["sysctls"] = {"kernel.pid_max": str(time.monotonic_ns())}
    path = directory / "config.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def talosctl_loop(directory: Path) -> float:
    """Return the seconds of talosctl for some of the nodes, one after the other.

    It does what ours does: see what would change, apply it, and have the node confirm that nothing is left to change.
    """
    program = Path(os.environ.get("URMANAC_TALOSCTL", TALOSCTL))
    if not program.exists():
        raise CannotRun("talosctl is not at hand; make test-peers builds it, URMANAC_TALOSCTL names one")
    config = new_config(directory)
    return sum(
        talosctl(program, directory, address, "apply-config", "--file", config, *dry_run)
        for address in addresses(TALOSCTL_NODES)
        for dry_run in (("--dry-run",), (), ("--dry-run",))
    )


def talosctl(program: Path, directory: Path, address: str, *arguments: str | Path) -> float:
    """Return the seconds of one call of talosctl."""
    command: list[str | Path] = [program, "--talosconfig", directory / "talosconfig", "--endpoints", address]
    command += ["--nodes", address, *arguments]
    return run(command, environment=with_collection(directory), output=directory / "talosctl.out").wall_seconds
