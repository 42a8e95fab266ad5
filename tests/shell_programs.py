# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs for the shell that simulate those that a computer may lack, or must not run in a test."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.machine import aws


def program(path: Path, script: str = "") -> Path:
    """Write a program and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def session_programs(folder: Path) -> None:
    """Put the lab's aws and session-manager-plugin into a folder that a test has first on its PATH."""
    for name in ("aws", aws.PLUGIN):
        program(folder / name, f'# Simulated by the lab.\nexec {sys.executable} -IS {aws.__file__} {name} "$@"')
