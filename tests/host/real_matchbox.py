# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real matchbox, in the version that bastions run: built from the module that matchbox/go.mod pins, where Go is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

NAMED = "URMANAC_MATCHBOX"
SIMULATION = "simulation"
MODULE = Path(__file__).parent / "matchbox"
PACKAGE = "github.com/poseidon/matchbox/cmd/matchbox"
BUILT = Path(__file__).resolve().parents[2] / ".cache" / "host" / "matchbox"


def choose(say: Callable[[str], None]) -> str:
    """Return the path of a real matchbox: the one that is named, or one built here; nothing for the simulation."""
    named = os.environ.get(NAMED, "")
    if named:
        return "" if named == SIMULATION else named
    go = shutil.which("go")
    if go is None:
        say(f"Go is not installed, so matchbox is a simulation. {NAMED} names a real one.")
        return ""
    if not BUILT.exists() or BUILT.stat().st_mtime < (MODULE / "go.sum").stat().st_mtime:
        say("Building the real matchbox: about two minutes")
        build(go)
    return str(BUILT)


def build(go: str) -> None:
    """Build it; a Go that cannot is an error, or a broken build would look like a run with the simulation."""
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    # What the program says of itself, as its own Makefile sets it.
    stamp = f"-X github.com/poseidon/matchbox/matchbox/version.Version={version()}"
    command = [go, "build", "-mod=readonly", "-trimpath", f"-ldflags=-s -w {stamp}", "-o", str(BUILT), PACKAGE]
    # No other toolchain is fetched, and a static program starts on every machine.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    done = subprocess.run(command, cwd=MODULE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"The real matchbox cannot be built:\n{done.stderr[-2000:]}\n"
            f"{NAMED}=/path names one, {NAMED}={SIMULATION} does without."
        )


def version() -> str:
    """Return the version that go.mod requires."""
    lines = (MODULE / "go.mod").read_text(encoding="utf-8").splitlines()
    return next(line.split()[-1] for line in lines if line.split()[-2:-1] == ["github.com/poseidon/matchbox"])
