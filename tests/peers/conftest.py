# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find or build the real programs that our code is compared with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream
from ansible_collections.urmanac.talos.plugins.module_utils._boot.release import Source, fetch_program
from tests.go_programs import build, is_built
from tests.peers.kubernetes import ControlPlane, control_plane

ROOT = Path(__file__).resolve().parents[2]
CACHED = ROOT / ".cache" / "peers" / "talosctl"
PACKAGE = "github.com/siderolabs/talos/cmd/talosctl"

Talosctl = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which the verdicts of Talos are recorded."""
    parser.addoption("--record", action="store_true", help="write tests/verdicts.json")


def find_talosctl() -> Path:
    """Return talosctl: the one that is named, or built before from the same versions, or built now."""
    named = os.environ.get("URMANAC_TALOSCTL")
    if named:
        return Path(named)
    if is_built(CACHED, Path(__file__).parent / "go.sum"):
        return CACHED
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed, so the real talosctl cannot be built; URMANAC_TALOSCTL names one")
    # The first time takes about six minutes.
    build(go, PACKAGE, CACHED, module=Path(__file__).parent)
    return CACHED


class Outcome(NamedTuple):
    """How a run of a program ended, and what it printed."""

    code: int
    output: str
    errors: str


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def run_talosctl(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs the real talosctl and reports how it ended."""
    program = find_talosctl()
    home = tmp_path_factory.mktemp("home")

    def run(*arguments: str | Path) -> Outcome:
        # A home of its own: the user's own talosconfig is neither read nor changed.
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TALOS_HOME": str(home)}
        command = [str(program), *map(str, arguments)]
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def talosctl(run_talosctl: Run) -> Talosctl:
    """Return a function that runs the real talosctl, which must not fail, and returns what it printed."""

    def run(*arguments: str | Path) -> str:
        done = run_talosctl(*arguments)
        assert done.code == 0, f"talosctl {' '.join(map(str, arguments))}:\n{done.output}{done.errors}"
        return done.output

    return run


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run one real control plane without nodes for all tests; each of them leaves it as empty as it was."""
    with control_plane(tmp_path_factory.mktemp("kubernetes")) as plane:
        yield plane


@pytest.fixture(scope="session")
def boot_to_talos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the real boot-to-talos: the one that is named, or the release if that is asked for."""
    named = os.environ.get("URMANAC_BOOT_TO_TALOS", "")
    if not named:
        pytest.skip(
            "no real boot-to-talos: URMANAC_BOOT_TO_TALOS names a program for this machine, or says release "
            "for that of GitHub"
        )
    if named != "release":
        return Path(named)
    url = upstream.RELEASE_URL.format(version=upstream.VERSION_MIN)
    architecture = upstream.ARCHITECTURES[os.uname().machine]
    return fetch_program(tmp_path_factory.mktemp("release"), Source([url], 1), architecture=architecture)
