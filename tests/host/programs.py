# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boot-to-talos an emulated machine executes: the real one where it is to be had, otherwise the stand-in.

Either reaches the emulated machine only as a file to download. Neither is ever executed outside: it erases disks.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import NamedTuple

from tests.host.systems import GUEST

NAMED = "URMANAC_BOOT_TO_TALOS"
ARCHIVE = "boot-to-talos-linux-arm64.tar.gz"
CHECKSUMS = "boot-to-talos-checksums.txt"
# What the file of an ARM64 Linux program begins with: the ELF class, and at its place the machine's number.
ELF, AARCH64 = b"\x7fELF\x02\x01", b"\xb7\x00"


class Program(NamedTuple):
    """A boot-to-talos, and what is to be said of it."""

    content: bytes
    real: bool
    about: str


def choose() -> Program:
    """Return the program that the environment names, the stand-in when it names none."""
    named = os.environ.get(NAMED)
    if not named:
        about = f"the stand-in tests/host/guest/boot_to_talos.sh, as {NAMED} names no real one"
        return Program((GUEST / "boot_to_talos.sh").read_bytes(), real=False, about=about)
    content = unpacked(Path(named))
    if not content.startswith(ELF) or content[18:20] != AARCH64:
        raise ValueError(f"Failed to use {named} of {NAMED}: it is no program for ARM64 Linux, and no archive with one")
    digest = hashlib.sha256(content).hexdigest()
    return Program(content, real=True, about=f"the real one, {named} (SHA-256 {digest})")


def unpacked(path: Path) -> bytes:
    """Return the program, also from a release's archive."""
    if not path.name.endswith(".tar.gz"):
        return path.read_bytes()
    with tarfile.open(path) as archive:
        member = archive.extractfile("boot-to-talos")
        return member.read() if member else b""


def publish(program: Program, folder: Path) -> None:
    """Lay the program down as a release: its archive and the list of checksums."""
    folder.mkdir(parents=True)
    entry = tarfile.TarInfo("boot-to-talos")
    entry.size, entry.mode = len(program.content), 0o755
    with tarfile.open(folder / ARCHIVE, "w:gz", compresslevel=1) as archive:
        archive.addfile(entry, io.BytesIO(program.content))
    digest = hashlib.sha256((folder / ARCHIVE).read_bytes()).hexdigest()
    (folder / CHECKSUMS).write_text(f"{digest}  {ARCHIVE}\n", encoding="utf-8")
