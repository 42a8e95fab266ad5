# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real matchbox, in the version that bastions run: built from the module that matchbox/go.mod pins, where Go is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.go_programs import build, is_built

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
    if not is_built(BUILT, MODULE / "go.sum"):
        say("Building the real matchbox: about two minutes")
        build_it(go)
    return str(BUILT)


def build_it(go: str) -> None:
    """Build it; a Go that cannot is an error, or a broken build would look like a run with the simulation."""
    # What the program says of itself, as its own Makefile sets it.
    stamp = f"-X github.com/poseidon/matchbox/matchbox/version.Version={version()}"
    try:
        build(go, PACKAGE, BUILT, module=MODULE, flags=(f"-ldflags=-s -w {stamp}",))
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{NAMED}=/path names one, {NAMED}={SIMULATION} does without.") from error


def version() -> str:
    """Return the version that go.mod requires."""
    lines = (MODULE / "go.mod").read_text(encoding="utf-8").splitlines()
    return next(line.split()[-1] for line in lines if line.split()[-2:-1] == ["github.com/poseidon/matchbox"])
