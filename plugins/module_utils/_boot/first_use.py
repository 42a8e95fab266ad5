# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust the checksum of a release of boot-to-talos on first use. Private to urmanac.talos: may change at any time.

Only the release itself names its checksum. So the first answer is recorded, and a later different one is refused: a
release that is replaced after a cluster has used it is not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .._digests import is_sha256
from .._errors import CollectionError
from .._files import scratch
from .._findings import Finding, finding
from . import upstream
from .release import Source, fetch, listed_sha256

_GIVE_IT = "Set cluster_boot_to_talos_sha256 to the checksum of the archive, or let this machine reach the release."


class Release(NamedTuple):
    """The version and the architecture of an archive."""

    version: str
    architecture: str

    @property
    def key(self) -> str:
        """Return the key of its checksum in a record."""
        return f"{self.architecture} {self.version}"

    @property
    def subject(self) -> str:
        """Return what a finding about it names."""
        return f"boot-to-talos {self.version} for {self.architecture}"


class FirstUse(NamedTuple):
    """The checksum to expect, the record with it, what prevents its use, and why it is unknown for now."""

    sha256: str
    record: Mapping[str, str]
    problem: Finding | None = None
    unknown: Finding | None = None


def first_use(release: Release, recorded: Mapping[str, str], source: Source) -> FirstUse:
    """Compare the checksum that a release lists with the recorded one, or take it where there is no record."""
    known = str(recorded.get(release.key) or "").lower()
    try:
        seen = _listed(release, source)
    except CollectionError as error:
        return FirstUse(known, recorded) if known else _without_one(release, recorded, error)
    if known and seen != known:
        return FirstUse(known, recorded, _replaced(release, known, seen, source))
    return FirstUse(seen, {**recorded, release.key: seen})


def _listed(release: Release, source: Source) -> str:
    """Return the checksum that the list of a release has for its archive."""
    archive = upstream.ARCHIVE.format(architecture=release.architecture)
    with scratch(b"") as place:
        fetch(upstream.CHECKSUMS, Path(place), source)
        found = listed_sha256(Path(place).read_text(encoding="utf-8", errors="replace"), archive)
    if not is_sha256(found):
        raise CollectionError(f"{upstream.CHECKSUMS} has no SHA-256 of {archive}.", code="CHECKSUM_WRONG")
    return found.lower()


def _without_one(release: Release, recorded: Mapping[str, str], error: CollectionError) -> FirstUse:
    """Return that there is no checksum. A recorded one needs no answer: bastion and nodes refuse any other archive."""
    cause = error.problems[0]
    found = finding(cause.code, release.subject, cause.apart().message, _GIVE_IT)
    return FirstUse("", recorded, **{"unknown" if cause.code == "DOWNLOAD_FAILED" else "problem": found})


def _replaced(release: Release, known: str, seen: str, source: Source) -> Finding:
    places = " and ".join(source.urls)
    message = f"Its SHA-256 is {seen} at {places}, and was {known} when this cluster first used it."
    return finding("ARCHIVE_REPLACED", release.subject, message, evidence={"recorded": known, "listed": seen})
