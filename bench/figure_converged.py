# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the roles network and nodes that has nothing to do, against one task of amazon.aws per resource.

Both run in one lab, which is the bench's own, and both end by asking every node whether Talos answers.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.environment import BIN, ROOT, clean
from bench.measure import CannotRun, Figure, Usage, compare, cpu, interleaved, run

LAB = {"LAB_PORT": "5520", "LAB_NETWORK": "127.20.0.0/16"}
AGAINST = "one amazon.aws task per resource, converged"


def figures(directory: Path, *, repetitions: int) -> Iterator[Figure]:
    """Yield the wall and CPU time of a converged run against the peer's; a busy machine distorts the CPU time less."""
    environment = clean(directory, LAB_DIRECTORY=str(directory / "lab"), **LAB)
    with lab(environment):
        runs = {
            "ours": playbook("roles_playbook.yml", directory, environment),
            "peer": playbook("peer_playbook.yml", directory, environment),
        }
        # Where the machines of both get boot-to-talos from.
        playbook("bastion_playbook.yml", directory, environment)()
        for build in runs.values():
            build()
        usages = interleaved(runs, repetitions=repetitions)
        for name in ("roles_playbook", "peer_playbook"):
            check_converged(directory / f"{name}.txt")
    walls = {name: [usage.wall_seconds for usage in usages[name]] for name in usages}
    yield compare("converged_run", "s", walls["ours"], walls["peer"], against=AGAINST, goal=0.25)
    values = [list(cpu(usages[name])) for name in ("ours", "peer")]
    yield compare("converged_run_cpu", "s", values[0], values[1], against=AGAINST, goal=0.25)


def playbook(name: str, directory: Path, environment: Mapping[str, str]) -> partial[Usage]:
    """Return what runs one of the two playbooks in the lab."""
    return partial(
        run, in_the_lab(ROOT / "bench" / name), environment=environment, output=(directory / name).with_suffix(".txt")
    )


def in_the_lab(*words: str | Path) -> list[str | Path]:
    """Return the command that runs a playbook in the lab."""
    variables = f"@{ROOT / 'lab' / 'variables.yml'}"
    return [sys.executable, "-m", "lab", "run", "--", BIN / "ansible-playbook", "--extra-vars", variables, *words]


def check_converged(output: Path) -> None:
    """Raise if the last run changed anything; the figure is about runs that have nothing to do."""
    recap = re.findall(r"changed=(\d+)", output.read_text(encoding="utf-8"))
    if recap != ["0"]:
        raise CannotRun(f"a second run of {output.stem} is not converged: changed={', '.join(recap) or 'unknown'}")


@contextmanager
def lab(environment: Mapping[str, str]) -> Iterator[None]:
    """Run a lab during the measurement."""
    lab_command(environment, "up")
    try:
        yield
    finally:
        lab_command(environment, "down")


def lab_command(environment: Mapping[str, str], verb: str) -> None:
    """Run a command of the lab, or raise with its last line."""
    command = [sys.executable, "-m", "lab", verb]
    done = subprocess.run(command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"python -m lab {verb} failed: {(done.stderr or done.stdout).strip()[-300:]}")
