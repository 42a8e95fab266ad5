#!/usr/bin/env python3
"""Run the checks of `make test`: all of them, or the ones named on the command line.

Every stage runs, also after another one failed, three at a time, because each of them waits a good deal for nodes and
processes. What pytest says of the unit and lab tests is shown last, so that the run ends with its closing line.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.checks import build, pythons, sanity, scenarios
from tests.checks.files import rendered, shell_scripts
from tests.checks.process import CACHE, TOOLS, Outcome, failed, not_run, run


class Stage(NamedTuple):
    """One kind of check under the name by which it can be asked for."""

    name: str
    check: Callable[[], Outcome]


class Result(NamedTuple):
    """What became of a stage and how long it took."""

    stage: Stage
    outcome: Outcome
    seconds: float


def tool(name: str, *options: str) -> Callable[[], Outcome]:
    """Return the check that runs one of the virtual environment's programs on the checkout."""
    return lambda: run(TOOLS / name, *options)


def mypy() -> Outcome:
    """Check the types of all Python; the collection is named by its import path, so no file is seen twice."""
    packages = ["ansible_collections.urmanac.talos.plugins", "tests"]
    packages += [name for name in ("lab", "bench", "tools") if any((ROOT / name).rglob("*.py"))]
    path = {"MYPYPATH": f"{ROOT}:{ROOT / 'playbooks' / 'collections'}"}
    return run(TOOLS / "mypy", *(part for name in packages for part in ("-p", name)), extra=path)


def shellcheck() -> Outcome:
    """Check the shell scripts that git knows, templates included."""
    scripts = [rendered(name, CACHE / "shellcheck") for name in shell_scripts()]
    return run(TOOLS / "shellcheck", *scripts) if scripts else not_run("git knows no shell script here")


def pytest(*options: str) -> Callable[[], Outcome]:
    """Return the check that runs tests, and whose note is the line with which pytest closes."""

    def check() -> Outcome:
        outcome = run(TOOLS / "python", "-m", "pytest", *options)
        closing = (outcome.output.strip().splitlines() or ["no output"])[-1].strip("= ")
        return outcome._replace(note=closing)

    return check


# The long ones first: the short ones fill the gaps.
STAGES = (
    # From end to end, each test module in a lab of its own.
    Stage("playbooks", pytest("-q", "-p", "no:cacheprovider", "tests/playbooks")),
    Stage("molecule", scenarios.molecule),
    Stage("pytest", pytest("tests/unit", "tests/lab")),
    Stage("second-python", pythons.second_python),
    Stage("sanity", sanity.sanity),
    Stage("build", build.build),
    Stage("ansible-lint", tool("ansible-lint", "--nocolor", "--strict")),
    Stage("docs", sanity.docs),
    Stage("mypy", mypy),
    Stage("ruff-format", tool("ruff", "format", "--check", "--diff", ".")),
    Stage("ruff", tool("ruff", "check", ".")),
    Stage("yamllint", tool("yamllint", "--strict", ".")),
    Stage("shellcheck", shellcheck),
    Stage("changelog", tool("antsibull-changelog", "lint")),
)
LINT = ("ruff-format", "ruff", "mypy", "yamllint", "ansible-lint", "shellcheck", "docs", "changelog")


def timed(stage: Stage) -> Result:
    """Run the stage; an error in the check itself is a failure of the stage."""
    start = time.monotonic()
    try:
        outcome = stage.check()
    except Exception as error:
        outcome = failed(f"{type(error).__name__}: {error}\n", note="the check itself failed")
    return Result(stage, outcome, time.monotonic() - start)


def header(result: Result) -> str:
    """Return the line that tells what became of a stage."""
    note = f"  ({result.outcome.note})" if result.outcome.note else ""
    return f"{result.outcome.status:<8} {result.stage.name:<14} {result.seconds:6.1f} s{note}"


def show(result: Result) -> None:
    """Print the stage's line, and all it said when it failed."""
    print(header(result), flush=True)
    if result.outcome.status == "FAILED" and result.stage.name != "pytest":
        print(result.outcome.output.rstrip(), flush=True)


def run_stages(stages: list[Stage]) -> list[Result]:
    """Run the stages side by side and show each when it ends."""
    results = []
    with ThreadPoolExecutor(max_workers=3) as pool:
        for future in as_completed([pool.submit(timed, stage) for stage in stages]):
            results.append(future.result())
            show(results[-1])
    return results


def summary(results: list[Result]) -> str:
    """Return one line per way in which stages ended."""
    lines = []
    for status in ("passed", "not run", "FAILED"):
        names = [result.stage.name for result in results if result.outcome.status == status]
        if names:
            lines.append(f"{status}: {', '.join(sorted(names))}")
    return "\n".join(lines)


def chosen(names: list[str]) -> list[str]:
    """Return the stages that the names stand for, everything when there is none."""
    everything = [stage.name for stage in STAGES]
    unknown = [name for name in names if name not in (*everything, "lint")]
    if unknown:
        raise SystemExit(f"No such stage: {', '.join(unknown)}. There are: lint, {', '.join(everything)}.")
    wanted = {part for name in names for part in (LINT if name == "lint" else (name,))}
    return [name for name in everything if name in wanted or not names]


def main() -> int:
    """Run what was asked for and return the exit code."""
    parser = argparse.ArgumentParser(description="Run the project's checks.")
    parser.add_argument("stages", nargs="*", help=f"lint, {', '.join(stage.name for stage in STAGES)}")
    names = chosen(parser.parse_args().stages)
    build.clean()
    results = run_stages([stage for stage in STAGES if stage.name in names])
    reported = summary(results)
    print(f"\n{reported}", flush=True)
    bad = [result for result in results if result.outcome.status == "FAILED"]
    for output in (result.outcome.output for result in results if result.stage.name == "pytest"):
        print(f"\npytest\n{output}{reported if bad else ''}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
