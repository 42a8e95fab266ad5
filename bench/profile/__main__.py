# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print where the time of a build, of a run without changes and of a reset goes: python -m bench.profile.

All three run in a lab of their own, with CozyStack. With --page, docs/profile.md and its picture are written again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.environment import ROOT, clean
from bench.figure_converged import in_the_lab, lab
from bench.measure import run
from bench.profile import page
from bench.profile.table import Row, rows

HERE = Path(__file__).parent
# A port and a network that no other bench uses.
LAB = {"LAB_PORT": "5522", "LAB_NETWORK": "127.22.0.0/16"}
RUNS = {
    "build": ("playbooks/site.yml",),
    "no change": ("playbooks/site.yml",),
    "reset": ("playbooks/reset.yml", "-e", "reset_confirmation=yes"),
}


def profiled(name: str, command: Iterable[str], directory: Path, environment: Mapping[str, str]) -> list[Row]:
    """Return the rows of one run in the lab."""
    label = name.replace(" ", "_")
    records = directory / f"{label}.jsonl"
    recorded = {
        "URMANAC_PROFILE": str(records),
        "PYTHONPATH": f"{HERE / 'recorder'}:{environment['PYTHONPATH']}",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "profile_tasks_and_processes",
        "ANSIBLE_PIPELINING": "true",
    }
    run(in_the_lab(*command), environment={**environment, **recorded}, output=directory / f"{label}.txt")
    with records.open(encoding="utf-8") as lines:
        return rows(lines)


def main() -> None:
    """Run, print, and write the page when that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description="Where the time of a run goes.")
    parser.add_argument("--page", action="store_true", help="write docs/profile.md and docs/profile.svg")
    asked = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="urmanac-talos-profile-") as directory:
        home = Path(directory)
        environment = clean(home, LAB_DIRECTORY=str(home / "lab"), **LAB)
        with lab(environment):
            found = {name: profiled(name, command, home, environment) for name, command in RUNS.items()}
    print(page.text(found))
    if asked.page:
        where = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors"
        (ROOT / "docs" / "profile.md").write_text(page.markdown(found, where), encoding="utf-8")
        (ROOT / "docs" / "profile.svg").write_text(page.picture(found), encoding="utf-8")


if __name__ == "__main__":
    main()
