# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files atomically, and remove temporary files of killed runs. Private: may change at any time.

A file is written under a temporary name beside its own and renamed at the end. A run that is killed before that leaves
the temporary file, which may contain a secret. The writer has a kernel lock on it, which a killed process loses: a file
that can be locked has no writer. This is exact; process ids are reused and differ between containers, and an age would
either keep the file of a killed run or remove that of a slow one.

Runs on bastions as well: Python 3.9, standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

_MARK = ".urmanac-talos."
_ENDING = ".tmp"


def shell_word(path: Path | str) -> str:
    """Return a path as a command that a person copies names it, for the shell to find home in it."""
    text = str(path)
    return f"~/{shlex.quote(text[2:])}" if text.startswith("~/") else shlex.quote(text)


def target_of(path: Path) -> Path:
    """Return the file that symbolic links lead to; OSError if they lead to themselves.

    Path.resolve raises another error for these in each version of Python, or none.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link that leads to itself", str(path))
    return target


def write_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file in one step."""
    with replacing(path, mode=mode) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Yield a file that replaces the path when the block ends, and is removed when the block fails."""
    sweep(path.parent)
    with _temporary(path.parent, path.name) as (file, temporary):
        yield file
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
        temporary.replace(path)


@contextlib.contextmanager
def scratch(content: bytes) -> Iterator[str]:
    """Yield the path of a file that only its owner can read, which exists while the block runs."""
    folder = Path(tempfile.gettempdir())
    sweep(folder)
    with _temporary(folder, "") as (file, path):
        file.write(content)
        file.flush()
        yield str(path)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed runs of this user have left in a folder."""
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{_MARK}*{_ENDING}"):
            _remove_if_left(path)


@contextlib.contextmanager
def _temporary(folder: Path, name: str) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file of mode 0600, locked for as long as the block runs, and its path."""
    file, path = _locked_file(folder, name)
    try:
        with file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def _locked_file(folder: Path, name: str) -> tuple[BinaryIO, Path]:
    while True:
        descriptor, text = tempfile.mkstemp(dir=folder, prefix=f".{name}{_MARK}", suffix=_ENDING)
        # On a file system without locks, sweep() cannot lock files either.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_at(descriptor, Path(text)):
                # Another run removed it before it was locked.
                os.close(descriptor)
                continue
        # So that the file object has its name.
        return open(text, "wb", opener=partial(_opened, descriptor)), Path(text)


def _opened(descriptor: int, _path: str, _flags: int) -> int:
    return descriptor


def _remove_if_left(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and stat.S_ISREG(found.st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except OSError:
        # Its writer is alive, or the file system has no locks.
        return
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one with this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
