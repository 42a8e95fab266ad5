# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start boot-to-talos detached from the connection, and read its state from its log.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from .._findings import Finding
from .._text import received
from . import upstream
from .failures import explain, failure_of, plain

LOG = "boot-to-talos.log"
STATUS = "exit-status"
PROCESS = "process-id"
STARTER = "start"
UNIT = "urmanac-boot-to-talos"


class Run(NamedTuple):
    """The state of the program that was started last. The status is None while it runs and before any start."""

    lines: tuple[str, ...] = ()
    is_running: bool = False
    status: int | None = None

    @property
    def has_begun(self) -> bool:
        """Return whether the program has no more prompts and has begun its work."""
        return any(plain(line)[0].startswith(upstream.BEGUN) for line in self.lines)

    @property
    def failure(self) -> Finding | None:
        """Return why it failed, or None."""
        if self.is_running or self.status in (None, 0):
            return None
        last = plain(self.lines[-1])[0] if self.lines else "no output"
        cause = f"boot-to-talos ended with exit status {self.status}"
        return explain(self.lines) or failure_of("BOOT_FAILED", last, cause)


def script(folder: Path, root: Path, command: Sequence[str], answers: Sequence[str], *, raw: bool) -> str:
    """Return the shell script that runs the program: its output goes to the log, and from there to the console."""
    log, lines = shlex.quote(str(folder / LOG)), ["#!/bin/sh", f"cd {shlex.quote(str(folder))} || exit"]
    lines += [
        f"echo $$ >{PROCESS}",
        # It must exist before tail follows it.
        f": >{log}",
        f"tail -n +1 -f {log} >{shlex.quote(str(root / 'dev/console'))} 2>/dev/null &",
        "follower=$!",
    ]
    lines += [f"[ -e {shlex.quote(str(root / upstream.LOOP_CONTROL))} ] || modprobe loop"]
    if raw:
        # For a disk image boot-to-talos does not do that itself, and writes of Linux would corrupt the new disk.
        lines += [f"printf u >{shlex.quote(str(root / upstream.SYSRQ))}", "sleep 1"]
    lines += [f"printf '%s\\n' {' '.join(answers)} | {shlex.join(command)} >>{log} 2>&1", f"echo $? >{STATUS}"]
    return "\n".join([*lines, 'kill "$follower" 2>/dev/null', ""])


def read_run(folder: Path, is_alive: Callable[[int], bool]) -> Run:
    """Return the state of the program, given whether a process runs it."""
    # The order matters: a start or an end between two of these reads must not look like a killed program.
    process = process_of(folder)
    alive = process > 0 and is_alive(process)
    status = _text(folder / STATUS).strip()
    ended = int(status) if status.isdigit() else None
    if ended is None and process and not alive:
        ended = 137  # it was killed, with the shell that would have noted its end
    return Run(tuple(map(received, _text(folder / LOG).splitlines())), is_running=alive and ended is None, status=ended)


def process_of(folder: Path) -> int:
    """Return the id of the process that runs the program, 0 if none was started."""
    text = _text(folder / PROCESS).strip()
    return int(text) if text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
