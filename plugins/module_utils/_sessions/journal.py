# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the journal, and what a run writes into them. Private to urmanac.talos: may change at any time.

A file that cannot be read is never written or deleted: it is reported, and the run goes on with the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from .._errors import CollectionError
from .._files import write_file
from .._findings import Finding, finding
from .._text import short, shown
from .record import Actual, OtherVersion, Run, Session, dump, identity, parse, whole

_ENDING = ".json"
_MODE, _DIRECTORY_MODE = 0o600, 0o700


class Journal(NamedTuple):
    """The sessions of a directory, the oldest first, and a finding for each file that cannot be read."""

    directory: Path
    sessions: tuple[Session, ...]
    problems: tuple[Finding, ...]

    @property
    def open(self) -> Session | None:
        """Return the session that is under way: the latest one, unless it has ended."""
        latest = self.sessions[-1] if self.sessions else None
        return latest if latest and latest.is_open else None


def read(directory: Path) -> Journal:
    """Return the journal of a directory, which need not exist."""
    found = [_read(path) for path in _paths(directory)]
    sessions = sorted((one for one in found if isinstance(one, Session)), key=lambda one: (one.began, one.id))
    return Journal(directory, tuple(sessions), tuple(one for one in found if isinstance(one, Finding)))


def latest(directory: Path, count: int = 2) -> Journal:
    """Return the journal with its latest sessions alone, for a run that writes: there may be hundreds of files."""
    sessions: list[Session] = []
    problems: list[Finding] = []
    for path in reversed(_paths(directory)):
        found = _read(path)
        if isinstance(found, Finding):
            problems.append(found)
        else:
            sessions.insert(0, found)
        if len(sessions) == count:
            break
    return Journal(directory, tuple(sessions), tuple(problems))


def _paths(directory: Path) -> list[Path]:
    try:
        # Names sort by time.
        return sorted(path for path in directory.glob(f"*{_ENDING}") if not path.name.startswith("."))
    except OSError as error:
        raise CollectionError(f"Failed to read {directory}: {error.strerror}", code="FILE_NOT_READABLE") from error


def _read(path: Path) -> Session | Finding:
    try:
        return parse(path.read_text(encoding="utf-8"), path.stem)
    except OtherVersion as error:
        return finding("SESSION_OF_OTHER_VERSION", str(path), f"The session cannot be read: {shown(str(error))}.")
    except OSError as error:
        return finding("SESSION_NOT_READABLE", str(path), f"The session cannot be read: {error.strerror}.")
    except (ValueError, RecursionError) as error:
        return finding("SESSION_NOT_READABLE", str(path), f"The session cannot be read: {short(shown(str(error)))}")


def write(directory: Path, session: Session) -> None:
    """Write the file of a session in one step, readable by its owner alone."""
    try:
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        write_file(directory / f"{session.id}{_ENDING}", dump(session).encode(), mode=_MODE)
    except OSError as error:
        raise CollectionError(
            f"Failed to write the session into {directory}: {error.strerror}", code="FILE_NOT_WRITABLE"
        ) from error


def new(directory: Path, now: datetime) -> Session:
    """Return a session that begins now, with an id that no file of the directory has."""
    moment = whole(now)
    while (directory / f"{identity(moment)}{_ENDING}").exists():
        moment += timedelta(seconds=1)
    return Session(identity(moment), whole(now))


def with_run(session: Session, run: Run) -> Session:
    """Return the session with a run, which replaces an earlier state of the same run."""
    kept = [one for one in session.runs if (one.playbook, one.began) != (run.playbook, run.began)]
    return replace(session, runs=(*kept, run))


def with_outcome(session: Session, outcome: str) -> Session:
    """Return the session whose last run has ended."""
    return replace(session, runs=(*session.runs[:-1], *(replace(run, outcome=outcome) for run in session.runs[-1:])))


def with_actual(sessions: Iterable[Session], known: dict[str, Actual]) -> list[Session]:
    """Return the sessions whose actual costs are new."""
    return [
        replace(one, actual=known[one.id])
        for one in sessions
        if one.id in known and (one.actual is None or _billed(one.actual) != _billed(known[one.id]))
    ]


def _billed(actual: Actual) -> tuple[Mapping[str, float], bool]:
    return actual.days, actual.is_estimated
