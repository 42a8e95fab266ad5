# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time per cluster directory. Private to urmanac.talos: may change at any time.

A task is a process of its own, so no lock of the kernel's lasts for a whole run. The lock is a file that names the
process of ansible-playbook; it holds for as long as that very process lives, and a killed run leaves nothing to remove.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ..module_utils._errors import CollectionError

_NAME = ".run.json"


class Run(NamedTuple):
    """A run of ansible-playbook: process id, its start in ticks since boot, host and what it does."""

    pid: int
    started: str
    host: str
    what: str


class Busy(CollectionError):
    """Another run holds the lock."""


def start_of(pid: int) -> str:
    """Return when a process started, in ticks since boot, or nothing if it does not run or the system does not tell.

    A process id is given again later; together with its start it is unique. See proc_pid_stat(5), field 22.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def is_alive(pid: int, started: str) -> bool:
    """Return whether the process still runs; without /proc its id alone has to do."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not started or start_of(pid) in (started, "")


def take(directory: Path, run: Run, *, alive: Callable[[int, str], bool] = is_alive) -> bool:
    """Take the lock for a run and return whether it did not hold it already; refuse while another run holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        other = _parse(stream.read())
        if other and other._replace(what=run.what) == run:
            return False
        if other and (other.host != run.host or alive(other.pid, other.started)):
            # It is written once, when a run takes it.
            raise Busy(_message(path, other, os.fstat(stream.fileno()).st_mtime))
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps(run._asdict()))
    return True


def this_run(pid: int, what: str) -> Run:
    """Return the run of this machine's process with this id."""
    return Run(pid, start_of(pid), socket.gethostname(), what)


def _parse(text: str) -> Run | None:
    try:
        value = json.loads(text)
        return Run(*(value[field] for field in Run._fields))
    except (ValueError, KeyError, TypeError):
        # An empty file is a new one, and half a line is all that a killed run leaves.
        return None


def _message(path: Path, other: Run, since: float) -> str:
    began = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
    where = f"process {other.pid} on {other.host}, since {began}"
    return (
        f"Failed to start: another run ({other.what}, {where}) works on this cluster. Wait until it has ended. "
        f"If that process does not exist any more, which cannot be seen from here, delete {path} and run again."
    )
