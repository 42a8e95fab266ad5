# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build programs of Go in the versions that a go.mod and its go.sum pin."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def is_built(program: Path, *sources: Path) -> bool:
    """Return whether a program was built after its sources were changed."""
    return program.exists() and program.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


def build(go: str, package: str, program: Path, *, module: Path, flags: tuple[str, ...] = ()) -> None:
    """Build a program, or raise with the last words of Go."""
    program.parent.mkdir(parents=True, exist_ok=True)
    command = [go, "build", "-mod=readonly", "-trimpath", *flags, "-o", str(program), package]
    # No other toolchain is fetched, and a static program starts on every machine.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    done = subprocess.run(command, cwd=module, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{package} cannot be built:\n{done.stderr[-3000:]}")
