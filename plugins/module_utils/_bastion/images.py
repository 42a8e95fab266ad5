# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a bastion and their recorded digests. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._digests import is_sha256


class Images(NamedTuple):
    """The images to use, those to look up, and the record with what was found."""

    images: dict[str, str]
    unknown: list[str]
    record: dict[str, str]


def images_of(
    wanted: Mapping[str, str], architecture: str, recorded: Mapping[str, str], found: Iterable[Mapping[str, Any]]
) -> Images:
    """Return the digests of images. The record's keys are an architecture, a space and an image."""
    record = {**recorded, **{f"{architecture} {one['image']}": one["resolved"] for one in found}}
    digests = {image: record.get(f"{architecture} {image}", _without_tag(image)) for image in wanted.values()}
    return Images(
        images={name: digests[image] for name, image in wanted.items() if "@sha256:" in digests[image]},
        unknown=[name for name in digests if "@sha256:" not in name and f"{architecture} {name}" not in recorded],
        record=record,
    )


def _without_tag(image: str) -> str:
    """Return an image by its digest alone, where it has both a tag and a digest."""
    return re.sub(r":[^/:@]+@", "@", image)


def wrong_digests(images: Mapping[str, str], files: Mapping[str, Mapping[str, Any]], archive: str) -> list[str]:
    """Return the malformed SHA-256 values of images, files and an archive."""
    given = [image.rpartition("@")[2].removeprefix("sha256:") for image in images.values() if "@" in image]
    given += [str(file["sha256"]) for file in files.values() if file.get("sha256")]
    given += [archive] if archive else []
    return [digest for digest in given if not is_sha256(digest)]
