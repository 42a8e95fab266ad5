# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of etcd. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import hashlib
from pathlib import Path

# In bytes: etcd writes whole pages, and after them their SHA-256.
_PAGE = 512
_CHECKSUM = 32


def is_whole(path: Path) -> bool:
    """Return whether the snapshot ends with its checksum."""
    size = path.stat().st_size
    if size % _PAGE != _CHECKSUM:
        return False
    digest, left = hashlib.sha256(), size - _CHECKSUM
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
        return digest.digest() == file.read()
