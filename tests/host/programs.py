# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boot-to-talos an emulated machine executes: the real one where it is available, otherwise the simulation.

Either reaches the emulated machine only as a file to download. Neither is ever executed outside: it erases disks.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream
from tests.host.systems import GUEST

NAMED = "URMANAC_BOOT_TO_TALOS"
ARCHIVE = upstream.ARCHIVE.format(architecture="arm64")
# What the file of an ARM64 Linux program begins with: the ELF class, and at its place the machine's number.
ELF, AARCH64 = b"\x7fELF\x02\x01", b"\xb7\x00"


class Program(NamedTuple):
    """A boot-to-talos, and what is to be said of it."""

    content: bytes
    real: bool
    about: str


def choose() -> Program:
    """Return the program that the environment names, the simulation when it names none."""
    named = os.environ.get(NAMED)
    if not named:
        about = f"the simulation tests/host/guest/boot_to_talos.sh, as {NAMED} names no real one"
        return Program((GUEST / "boot_to_talos.sh").read_bytes(), real=False, about=about)
    content = unpacked(Path(named))
    if not content.startswith(ELF) or content[18:20] != AARCH64:
        raise ValueError(f"Failed to use {named} of {NAMED}: it has no program for ARM64 Linux")
    built = content.partition(upstream.BUILD_LINE)[2][:80].split(b"\t")[0].split(b"\n")[0].decode(errors="replace")
    about = f"the real one, {named} (built from {built or 'unknown'}, SHA-256 {hashlib.sha256(content).hexdigest()})"
    return Program(content, real=True, about=about)


def unpacked(path: Path) -> bytes:
    """Return the program, also from a release's archive."""
    if not path.name.endswith(".tar.gz"):
        return path.read_bytes()
    with tarfile.open(path) as archive:
        member = archive.extractfile(upstream.PROGRAM)
        return member.read() if member else b""


def publish(program: Program, folder: Path) -> None:
    """Lay the program down as a release: its archive and the list of checksums."""
    folder.mkdir(parents=True)
    entry = tarfile.TarInfo(upstream.PROGRAM)
    entry.size, entry.mode = len(program.content), 0o755
    with tarfile.open(folder / ARCHIVE, "w:gz", compresslevel=1) as archive:
        archive.addfile(entry, io.BytesIO(program.content))
    digest = hashlib.sha256((folder / ARCHIVE).read_bytes()).hexdigest()
    (folder / upstream.CHECKSUMS).write_text(f"{digest}  {ARCHIVE}\n", encoding="utf-8")
