# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an initramfs: a cpio archive in the format "newc", which the kernel unpacks."""

from __future__ import annotations

import gzip
import stat
from collections.abc import Iterator
from pathlib import Path

TRAILER = "TRAILER!!!"


def entry(name: str, number: int, mode: int, content: bytes) -> bytes:
    """Return one file of the archive, owned by root."""
    links = 2 if stat.S_ISDIR(mode) else 1
    # Inode, mode, owner, group, links, time, size, device and special device (two numbers each), name's length, sum.
    numbers = [number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08X" % value for value in numbers)
    return padded(header + name.encode() + b"\0") + padded(content)


def padded(part: bytes) -> bytes:
    """Return the bytes, filled up to a multiple of four."""
    return part + bytes(-len(part) % 4)


def entries(root: Path) -> Iterator[bytes]:
    """Return the archive of a folder, file by file."""
    for number, path in enumerate(sorted(root.rglob("*")), start=1):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            content = str(path.readlink()).encode()
        else:
            content = path.read_bytes() if stat.S_ISREG(mode) else b""
        yield entry(str(path.relative_to(root)), number, mode, content)
    yield entry(TRAILER, 0, 0, b"")


def write(path: Path, root: Path) -> Path:
    """Write the folder as an initramfs."""
    path.write_bytes(gzip.compress(b"".join(entries(root)), compresslevel=6, mtime=0))
    return path
