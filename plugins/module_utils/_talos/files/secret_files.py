# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..._files import sweep, target_of, write_file


def write_private(path: Path, text: str) -> None:
    """Write a file with mode 0600 atomically."""
    make_private_directory(path.parent)
    # Write the target of a symbolic link, which other programs share.
    write_file(target_of(path), text.encode())


def sweep_private(path: Path, *, check_mode: bool) -> None:
    """Remove what killed runs have left beside a file, or beside the one that a link leads to."""
    # A link that leads to itself is refused by who reads or writes the file.
    with contextlib.suppress(OSError):
        if not check_mode:
            sweep(target_of(path).parent)


def make_private(path: Path) -> None:
    """Restrict a file's permissions to its owner."""
    path.chmod(0o600)


def is_private(path: Path) -> bool:
    """Return whether only the owner can read a file."""
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


def make_private_directory(path: Path) -> None:
    """Create a directory with mode 0700; an existing one keeps its mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file; the lock ends with the process."""
    make_private_directory(path.parent)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
