"""Run molecule for every role that has a scenario, against a lab that nothing else uses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.checks.process import CACHE, ROOT, Outcome, capture, failed, not_run, passed, run

if TYPE_CHECKING:
    from pathlib import Path

LAB = {
    "LAB_DIRECTORY": str(CACHE / "lab-molecule"),
    "LAB_NETWORK": "127.30.0.0/16",
    "LAB_PORT": "5530",
    "PYTHONPATH": str(ROOT),
}


def molecule() -> Outcome:
    """Start a lab, run each role's scenario in it, stop it."""
    scenarios = sorted(ROOT.glob("roles/*/molecule/*/molecule.yml"))
    if not scenarios:
        return not_run("no role has a scenario")
    code, output = lab("up")
    if code != 0:
        return failed(output, note="the lab did not start")
    try:
        outcomes = {str(path.parent.relative_to(ROOT / "roles")): scenario(path) for path in scenarios}
    finally:
        lab("down")
    return verdict(outcomes)


def lab(verb: str) -> tuple[int, str]:
    """Run a command of the lab."""
    return capture([sys.executable, "-m", "lab", verb], extra=LAB)


def scenario(path: Path) -> Outcome:
    """Run the whole sequence of one scenario from the role's folder, as its author would."""
    role = path.parents[2]
    command = ("-m", "lab", "run", "--", "molecule", "test", "--scenario-name", path.parent.name)
    return run(sys.executable, *command, cwd=role, extra=LAB)


def verdict(outcomes: dict[str, Outcome]) -> Outcome:
    """Join the scenarios' outcomes; only what failed is shown in full."""
    bad = {name: outcome for name, outcome in outcomes.items() if outcome.status == "FAILED"}
    if not bad:
        return passed(note=f"{len(outcomes)} scenarios: {', '.join(outcomes)}")
    return failed("".join(f"--- {name}\n{outcome.output}" for name, outcome in bad.items()), note=", ".join(bad))
