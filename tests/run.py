#!/usr/bin/env python3
"""Run the checks of `make test`: all of them, or the ones named on the command line.

Every stage runs, also after another one failed, three per core at a time, because most of them wait a good deal for
nodes and processes. The modules of tests/playbooks and the longest of tests/lab have labs of their own and are stages,
and tests/unit is several, so that they fill all cores to the end.
The run ends with the tests that passed in all stages, counted as pytest does.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
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


def pytest(*paths: str) -> Callable[[], Outcome]:
    """Return the check that runs tests, and whose note is the line with which pytest closes."""

    def check() -> Outcome:
        outcome = run(TOOLS / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths)
        closing = (outcome.output.strip().splitlines() or ["no output"])[-1].strip("= ")
        return outcome._replace(note=closing)

    return check


def playbook_stages() -> list[Stage]:
    """Return a stage for each module of tests/playbooks."""
    modules = sorted((ROOT / PLAYBOOKS).glob("test_*.py"))
    return [
        Stage(f"{PLAYBOOKS}/{path.stem.removeprefix('test_')}", pytest(f"{PLAYBOOKS}/{path.name}")) for path in modules
    ]


def lab_stages() -> list[Stage]:
    """Return a stage for each of the longest modules of tests/lab, and one for all others."""
    others = (f"--ignore={LAB}/test_{name}.py" for name in LONGEST_OF_LAB)
    single = [Stage(f"{LAB}/{name}", pytest(f"{LAB}/test_{name}.py")) for name in LONGEST_OF_LAB]
    return [*single, Stage(f"{LAB}/others", pytest(LAB, *others))]


def second_stages() -> list[Stage]:
    """Return a stage for each part of what runs with the second Python."""
    return [Stage(f"second-python/{part}", partial(pythons.second_python, part)) for part in pythons.PARTS]


def unit_stages() -> list[Stage]:
    """Return the stages of tests/unit."""
    return [
        Stage(name, pytest(folder, *((f"--ignore={left_out}",) if left_out else ())))
        for name, (folder, left_out) in UNIT.items()
    ]


def place_in_order(stage: Stage) -> int:
    """Return where a stage comes in the order in which stages start."""
    name = stage.name.removeprefix("tests/")
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


PLAYBOOKS, LAB = "tests/playbooks", "tests/lab"
# Stages of about the same length, each a folder of tests/unit without the one that another stage has.
UNIT = {
    "unit/plugins": ("tests/unit/plugins", pythons.EC2),
    "unit/ec2": (pythons.EC2, ""),
    "unit/others": ("tests/unit", "tests/unit/plugins"),
}
# A core waits for some of them while it works for others; more at a time would only make timings less certain.
AT_ONCE = min(3 * (os.cpu_count() or 2), 12)
LONGEST_OF_LAB = ("cluster_faults", "interruptions", "late_reads")
# By the CPU time that they take: a long stage that starts late keeps one core busy at the end, and the other one idle.
LONGEST = (
    *("playbooks/site_and_reset", "playbooks/refusals", "playbooks/access", "playbooks/examples"),
    *("second-python/plugins", "unit/plugins", "playbooks/controllers", "playbooks/hours", "lab/others"),
    *("playbooks/cozystack", "playbooks/talos_versions", "playbooks/interrupted", "sanity", "molecule", "unit/ec2"),
    *("lab/cluster_faults", "unit/others", "playbooks/shared_state", "second-python/ec2", "playbooks/strangers"),
    *("ansible-lint", "lab/interruptions", "playbooks/places", "second-python/story", "playbooks/home_access_file"),
)
NAMED = (
    Stage("molecule", scenarios.molecule),
    *second_stages(),
    *unit_stages(),
    *lab_stages(),
    *playbook_stages(),
    Stage("sanity", sanity.sanity),
    Stage("ansible-lint", tool("ansible-lint", "--nocolor", "--strict")),
    Stage("build", build.build),
    Stage("docs", sanity.docs),
    Stage("site", tool("python", "-m", "tools.docs")),
    Stage("mypy", mypy),
    Stage("ruff-format", tool("ruff", "format", "--check", "--diff", ".")),
    Stage("ruff", tool("ruff", "check", ".")),
    Stage("yamllint", tool("yamllint", "--strict", ".")),
    Stage("shellcheck", shellcheck),
    Stage("changelog", tool("antsibull-changelog", "lint")),
)
# The long ones first: the short ones fill the gaps.
STAGES = tuple(sorted(NAMED, key=place_in_order))
# Names that stand for several stages.
GROUPS = {
    "lint": ("ruff-format", "ruff", "mypy", "yamllint", "ansible-lint", "shellcheck", "docs", "changelog"),
    "playbooks": tuple(stage.name for stage in STAGES if stage.name.startswith(PLAYBOOKS)),
    "lab": tuple(stage.name for stage in STAGES if stage.name.startswith(LAB)),
    "unit": tuple(stage.name for stage in STAGES if stage.name.startswith("unit/")),
    "second-python": tuple(stage.name for stage in STAGES if stage.name.startswith("second-python/")),
}


def timed(stage: Stage) -> Result:
    """Run the stage; an error in the check itself is a failure of the stage."""
    start = time.monotonic()
    try:
        outcome = stage.check()
    except Exception as error:
        outcome = failed(f"{type(error).__name__}: {error}\n", note="the check itself failed")
    return Result(stage, outcome, time.monotonic() - start)


def header(result: Result) -> str:
    """Return the line that says what became of a stage."""
    note = f"  ({result.outcome.note})" if result.outcome.note else ""
    return f"{result.outcome.status:<8} {result.stage.name:<30} {result.seconds:6.1f} s{note}"


def show(result: Result) -> None:
    """Print the stage's line, which tests were left out and why, and all it said when it failed."""
    print(header(result), flush=True)
    output = result.outcome.output.rstrip()
    if result.outcome.status != "FAILED":
        output = "\n".join(line for line in output.splitlines() if line.startswith("SKIPPED ["))
    if output:
        print(output, flush=True)


def run_stages(stages: list[Stage]) -> list[Result]:
    """Run the stages side by side and show each when it ends."""
    results = []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
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


def counted(notes: Iterable[str]) -> str:
    """Return the sum of the lines with which runs of pytest closed, without those that ran with a second Python."""
    total: Counter[str] = Counter()
    for note in (note for note in notes if note[:1].isdigit()):
        total.update({word: int(count) for count, word in re.findall(r"(\d+) (failed|passed|skipped|errors?)\b", note)})
    return ", ".join(
        f"{total[word]} {word}" for word in ("failed", "passed", "skipped", "error", "errors") if total[word]
    )


def chosen(names: list[str]) -> list[str]:
    """Return the stages with these names, or all stages without names."""
    everything = [stage.name for stage in STAGES]
    unknown = [name for name in names if name not in (*everything, *GROUPS)]
    if unknown:
        raise SystemExit(f"No such stage: {', '.join(unknown)}. There are: {', '.join((*GROUPS, *everything))}.")
    wanted = {part for name in names for part in GROUPS.get(name, (name,))}
    return [name for name in everything if name in wanted or not names]


def main() -> int:
    """Run the selected stages and return the exit code."""
    parser = argparse.ArgumentParser(description="Run the project's checks.")
    parser.add_argument("stages", nargs="*", help=", ".join((*GROUPS, *(stage.name for stage in STAGES))))
    names = chosen(parser.parse_args().stages)
    build.clean()
    begun = time.monotonic()
    results = run_stages([stage for stage in STAGES if stage.name in names])
    print(f"\n{summary(results)}", flush=True)
    tests = counted(result.outcome.note for result in results)
    if tests:
        print(f"\n{tests} in {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if any(result.outcome.status == "FAILED" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
