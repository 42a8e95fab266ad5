"""Run molecule for every role that has a scenario, against a lab that nothing else uses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.checks.process import CACHE, ROOT, Outcome, capture, failed, not_run, passed, run
from tests.lab.labs import free_network, free_port

if TYPE_CHECKING:
    from pathlib import Path


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
    scenarios = sorted(ROOT.glob("roles/*/molecule/*/molecule.yml"))
    if not scenarios:
        return not_run("no role has a scenario")
    where = place()
    code, output = lab("up", where)
    if code != 0:
        return failed(output, note="the lab did not start")
    try:
        outcomes = {str(path.parent.relative_to(ROOT / "roles")): scenario(path, where) for path in scenarios}
    finally:
        lab("down", where)
    return verdict(outcomes)


def lab(verb: str, where: dict[str, str]) -> tuple[int, str]:
    """Run a command of the lab."""
    return capture([sys.executable, "-m", "lab", verb], extra=where)


def scenario(path: Path, where: dict[str, str]) -> Outcome:
    """Run the whole sequence of one scenario from the role's folder, as its author would."""
    role = path.parents[2]
    command = ("-m", "lab", "run", "--", "molecule", "test", "--scenario-name", path.parent.name)
    return run(sys.executable, *command, cwd=role, extra=where)


def verdict(outcomes: dict[str, Outcome]) -> Outcome:
    """Join the scenarios' outcomes; only what failed is shown in full."""
    bad = {name: outcome for name, outcome in outcomes.items() if outcome.status == "FAILED"}
    if not bad:
        return passed(note=f"{len(outcomes)} scenarios: {', '.join(outcomes)}")
    return failed("".join(f"--- {name}\n{outcome.output}" for name, outcome in bad.items()), note=", ".join(bad))
