"""Run molecule for every role that has a scenario, each on the result of the previous one, in a lab of its own.

Each scenario works by itself as well: its prepare.yml makes what it needs, and its cleanup.yml removes everything.
Here a role finds what the scenarios before it made, so that a cluster is built and removed once. Only the last one,
whose prepare.yml has the roles of all others, runs as it does by hand.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from tests.checks.process import CACHE, ROOT, Outcome, capture, failed, not_run, passed, run
from tests.lab.labs import free_network, free_port

if TYPE_CHECKING:
    from pathlib import Path

# As site.yml has them; the report and the access are reported of and opened where there is no more than a network.
ORDER = ("preflight", "network", "report", "access", "bastion", "nodes", "talos", "cozystack")
CONFIG = ROOT / ".config" / "molecule"


def place() -> dict[str, str]:
    """Return the variables of a lab where nothing listens: another checkout may be running its tests."""
    return {
        "LAB_DIRECTORY": str(CACHE / "lab-molecule"),
        "LAB_NETWORK": free_network(),
        "LAB_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
    }


def molecule() -> Outcome:
    """Start a lab, run each role's scenario in it, stop it."""
    found = sorted(ROOT.glob("roles/*/molecule/*/molecule.yml"), key=place_in_order)
    lacking = {path: missing(path) for path in found}
    scenarios = [path for path in found if not lacking[path]]
    if not scenarios:
        return not_run("no role has a scenario that can run here")
    where = place()
    code, output = lab("up", where)
    if code != 0:
        return failed(output, note="the lab did not start")
    try:
        outcomes = {title(path): scenario(path, where, alone=path == scenarios[-1]) for path in scenarios}
    finally:
        lab("down", where)
    skipped = [f"{title(path)} (needs {', '.join(needs)})" for path, needs in lacking.items() if needs]
    return verdict(outcomes, skipped)


def missing(path: Path) -> list[str]:
    """Return what a scenario needs and is missing: root, programs, variables; its needs.txt names them."""
    listed = path.with_name("needs.txt")
    names = listed.read_text(encoding="utf-8").split() if listed.exists() else []
    return [name for name in names if not is_there(name)]


def is_there(name: str) -> bool:
    """Return whether a scenario's need is met; an upper-case name is that of an environment variable."""
    if name == "root":
        return os.geteuid() == 0
    return bool(os.environ.get(name) if name.isupper() else shutil.which(name))


def title(path: Path) -> str:
    """Return the name of a scenario."""
    return str(path.parent.relative_to(ROOT / "roles"))


def lab(verb: str, where: dict[str, str]) -> tuple[int, str]:
    """Run a command of the lab."""
    return capture([sys.executable, "-m", "lab", verb], extra=where)


def place_in_order(path: Path) -> tuple[int, Path]:
    """Return where a scenario comes in the order; one whose role is not in it needs no other and comes first."""
    role = path.parents[2].name
    return ORDER.index(role) if role in ORDER else -1, path


def scenario(path: Path, where: dict[str, str], *, alone: bool) -> Outcome:
    """Run one scenario from the role's folder, as its author would, or among the others."""
    configs = (f"--base-config={CONFIG / name}" for name in ("config.yml", *(() if alone else ("together.yml",))))
    command = ("-m", "lab", "run", "--", "molecule", *configs, "test", "--scenario-name", path.parent.name)
    return run(sys.executable, *command, cwd=path.parents[2], extra=where)


def verdict(outcomes: dict[str, Outcome], skipped: list[str]) -> Outcome:
    """Join the scenarios' outcomes; only what failed is shown in full."""
    bad = {name: outcome for name, outcome in outcomes.items() if outcome.status == "FAILED"}
    if not bad:
        left_out = f"; not run: {', '.join(skipped)}" if skipped else ""
        return passed(note=f"{', '.join(outcomes)}{left_out}")
    return failed("".join(f"--- {name}\n{outcome.output}" for name, outcome in bad.items()), note=", ".join(bad))
