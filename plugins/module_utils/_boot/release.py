# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Download and verify what boot-to-talos needs.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, and only
Ansible's own libraries.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ansible.module_utils.urls import open_url

from .._digests import is_sha256
from .._errors import CollectionError
from . import plan, upstream

TIMEOUT = 30
PAUSE = 5
CHUNK = 1024 * 1024


class Source(NamedTuple):
    """The locations of files in order, and the number of rounds."""

    urls: Sequence[str]
    rounds: int = 5
    sleep: Callable[[float], None] = time.sleep


def fetch(name: str, target: Path, source: Source) -> None:
    """Download a file from the first location that has it, with increasing pauses between the rounds."""
    for number in range(1, source.rounds + 1):
        problems = [
            problem for url in source.urls if (problem := _try(f"{url.rstrip('/')}/{name}", target)) is not None
        ]
        if len(problems) < len(source.urls):
            return
        if number < source.rounds:
            source.sleep(number * PAUSE)
    raise CollectionError(
        f"Failed to fetch {name} in {source.rounds} rounds: {'; '.join(problems)}. "
        "Provide it on the bastion, or let the machine reach one of these.",
        code="DOWNLOAD_FAILED",
    )


def fetch_url(url: str, target: Path, *, rounds: int, sleep: Callable[[float], None]) -> None:
    """Fetch the file at a URL."""
    place, _slash, name = url.rpartition("/")
    fetch(name, target, Source((place,), rounds, sleep))


def _try(url: str, target: Path) -> str | None:
    """Download a file and return None, or the reason of the failure."""
    try:
        with open_url(url, timeout=TIMEOUT, decompress=False) as response, target.open("wb") as file:
            shutil.copyfileobj(response, file, CHUNK)
            missing = response.length
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{url}: {error}"
    return f"{url}: incomplete, {missing} bytes are missing" if missing else None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def verify(path: Path, expected: str, *, by: str) -> None:
    """Fail if a file does not have its SHA-256."""
    actual = sha256_of(path)
    if actual != expected.lower():
        path.unlink()
        raise CollectionError(
            f"Failed to verify {path.name}: its SHA-256 is {actual}, expected {expected} ({by}). "
            "Correct the value, or the file at its source.",
            code="CHECKSUM_WRONG",
        )


def listed_sha256(text: str, name: str) -> str:
    """Return the SHA-256 that a release's list of checksums gives for a file, empty if it is not in it."""
    rows = [line.split() for line in text.splitlines()]
    return next((row[0] for row in rows if len(row) == 2 and row[1].lstrip("*") == name), "")


def fetch_program(folder: Path, source: Source, *, architecture: str, sha256: str = "") -> Path:
    """Fetch a release into a folder, verify it, and return its program."""
    archive = folder / upstream.ARCHIVE.format(architecture=architecture)
    fetch(archive.name, archive, source)
    by = "the option sha256"
    if not sha256:
        checksums = folder / upstream.CHECKSUMS
        fetch(checksums.name, checksums, source)
        sha256, by = (
            listed_sha256(checksums.read_text(encoding="utf-8", errors="replace"), archive.name),
            checksums.name,
        )
    if not is_sha256(sha256):
        raise CollectionError(
            f"Failed to verify {archive.name}: {by} has no SHA-256 of it. Set the option sha256.", code="CHECKSUM_WRONG"
        )
    verify(archive, sha256, by=by)
    return _unpack(archive, folder / upstream.PROGRAM)


def _unpack(archive: Path, program: Path) -> Path:
    """Unpack the program only, independent of its path in the archive."""
    try:
        with tarfile.open(archive) as content:
            member = content.extractfile(program.name)
            if member is None:
                raise KeyError(program.name)
            with member, program.open("wb") as file:
                shutil.copyfileobj(member, file, CHUNK)
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise CollectionError(
            f"Failed to unpack {archive.name}: {error}. Check the file at its source.", code="FILE_INVALID"
        ) from error
    program.chmod(0o700)
    _refuse_old(program)
    return program


def _refuse_old(program: Path) -> None:
    """Fail if Go's build information shows that a program is too old; not every build has it."""
    match = re.search(re.escape(upstream.BUILD_LINE) + rb"(v\d+\.\d+\.\d+)", program.read_bytes())
    version = match[1].decode() if match else upstream.VERSION_MIN
    if plan.is_old(version):
        raise CollectionError(
            f"Failed to use {program.name}: it is release {version}, which fails on ARM. "
            f"Provide {upstream.VERSION_MIN} or newer.",
            code="BOOT_TO_TALOS_TOO_OLD",
        )
