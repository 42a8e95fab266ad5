# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a bastion and their recorded digests. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._oci.reference import digest_of


class Images(NamedTuple):
    """The images to use, those to look up, the record with what was found, and the images of a plan.

    A plan has any digest for an unknown image: only the length of it counts.
    """

    images: dict[str, str]
    unknown: list[str]
    record: dict[str, str]
    planned: dict[str, str]


def images_of(
    wanted: Mapping[str, str], architecture: str, recorded: Mapping[str, str], found: Iterable[Mapping[str, Any]]
) -> Images:
    """Return the digests of images. The record's keys are an architecture, a space and an image."""
    record = {**recorded, **{f"{architecture} {one['image']}": one["resolved"] for one in found}}
    digests = {image: record.get(f"{architecture} {image}", _without_tag(image)) for image in wanted.values()}
    known = {name: digests[image] for name, image in wanted.items() if digest_of(digests[image])}
    return Images(
        images=known,
        unknown=[name for name in digests if not digest_of(name) and f"{architecture} {name}" not in recorded],
        record=record,
        planned={name: known.get(name) or _with_any_digest(image) for name, image in wanted.items()},
    )


def _with_any_digest(image: str) -> str:
    return _without_tag(f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}")


def _without_tag(image: str) -> str:
    """Return an image by its digest alone, where it has both a tag and a digest."""
    return re.sub(r":[^/:@]+@", "@", image)
