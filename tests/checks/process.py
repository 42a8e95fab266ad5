"""Run one command of a stage, in an environment without access to a cloud account."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
TOOLS = Path(sys.executable).parent
DROPPED = ("AWS_", "ANSIBLE_", "LAB_", "MAKE", "MFLAGS", "MOLECULE_", "PYTEST_", "PYTHON")


class Outcome(NamedTuple):
    """The result of a stage: passed, failed, or not run with the reason."""

    status: str
    output: str = ""
    note: str = ""


def passed(note: str = "", output: str = "") -> Outcome:
    """Return the outcome of a stage that found nothing wrong."""
    return Outcome("passed", output, note)


def failed(output: str, note: str = "") -> Outcome:
    """Return the outcome of a stage that found something wrong."""
    return Outcome("FAILED", output, note)


def not_run(reason: str) -> Outcome:
    """Return the outcome of a stage that this machine cannot run."""
    return Outcome("not run", note=reason)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process' environment without settings of AWS, Ansible and the lab, with our tools first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    ours = {
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_COLOR": "1",
        "PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    return kept | ours | dict(extra or {})


def capture(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    extra: Mapping[str, str] | None = None,
    limit: int = 3600,
) -> tuple[int, str]:
    """Run the command without a terminal and return its exit code and everything it said."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout or ""
        return 124, f"{said}\nStopped after {limit} s: {' '.join(map(str, command))}\n"
    return done.returncode, done.stdout


def run(*command: str | Path, cwd: Path = ROOT, extra: Mapping[str, str] | None = None) -> Outcome:
    """Run the command and take its exit code as the verdict."""
    code, output = capture(command, cwd=cwd, extra=extra)
    return passed(output=output) if code == 0 else failed(output, note=f"exit code {code}")


def run_all(*commands: Sequence[str | Path], cwd: Path = ROOT, extra: Mapping[str, str] | None = None) -> Outcome:
    """Run every command, also after one failed, and join what they said."""
    outcomes = [run(*command, cwd=cwd, extra=extra) for command in commands]
    output = "".join(outcome.output for outcome in outcomes)
    bad = [outcome.note for outcome in outcomes if outcome.status == "FAILED"]
    return failed(output, note=", ".join(bad)) if bad else passed(output=output)
