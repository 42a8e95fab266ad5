# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time per cluster directory. Private to urmanac.talos: may change at any time.

Each task is a separate process, so a kernel lock cannot last for a whole run. The lock is a file that names the process
of ansible-playbook. It is valid while that process lives, so the lock of a killed run does not have to be removed.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from ansible import context

from ..module_utils._errors import CollectionError
from ..module_utils._findings import Finding, failure, finding
from ..module_utils._runs import Run, is_alive, this_run

_NAME = ".run.json"


class Busy(CollectionError):
    """Another run has the lock."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(failure("start", problem), problems=[problem])


def current_run(directory: str) -> Run:
    """Return the run of a task, whose process is a child of that of ansible-playbook, also if that was killed."""
    # The kernel gives an orphan another parent, such as process 1, which always runs.
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent and parent.pid else os.getppid()
    return this_run(pid, current_playbooks(), Path(directory))


def current_playbooks() -> str:
    """Return the names of the playbooks of this run."""
    return ", ".join(Path(playbook).name for playbook in context.CLIARGS.get("args") or ())


def take(directory: Path, run: Run, *, alive: Callable[[int, str], bool] = is_alive) -> bool:
    """Take the lock for a run and return whether that is new; raise while another run has it."""
    directory.mkdir(parents=True, exist_ok=True)
    with _opened(directory / _NAME) as stream:
        other = _parse(stream.read())
        if other and other._replace(what=run.what) == run:
            return False
        if other and (other.host != run.host or alive(other.pid, other.started)):
            # It is written once, when a run takes it.
            raise Busy(_problem(directory / _NAME, other, os.fstat(stream.fileno()).st_mtime))
        _write(stream, json.dumps(run._asdict()))
    return True


def release(directory: Path, run: Run) -> None:
    """Empty the lock if this run has it: otherwise a copy of the directory on another host would be locked."""
    with _opened(directory / _NAME) as stream:
        if _parse(stream.read()) == run:
            _write(stream, "")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def _write(stream: TextIO, text: str) -> None:
    stream.seek(0)
    stream.truncate()
    stream.write(text)


def _parse(text: str) -> Run | None:
    try:
        value = json.loads(text)
        return Run(*(value[field] for field in Run._fields))
    except (ValueError, KeyError, TypeError):
        # An empty file is a new one; a killed run may leave an incomplete line.
        return None


def _problem(path: Path, other: Run, since: float) -> Finding:
    began = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
    where = f"process {other.pid} on {other.host}, since {began}"
    remedy = (
        "Wait until it has ended. If that process no longer exists, which cannot be checked from here, delete "
        f"{path} and try again."
    )
    return finding("RUN_ACTIVE", str(path), f"another run ({other.what}, {where}) is active on this cluster", remedy)
