# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the content of an artifact in a registry. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from .errors import unexpected
from .image import check_digest, checked, sound
from .inquiry import Inquiry, repository_of
from .reference import parse_reference
from .web import Budget, Web

# CozyStack's packages are six megabytes.
ARTIFACT_MAX = 64 * 1024 * 1024


def fetch_archive(image: str, inquiry: Inquiry) -> bytes:
    """Return the archive (tar, gzip) that is the artifact's one layer, as Flux pushes it."""
    reference = parse_reference(image)
    web = Web(Budget(inquiry.timeout, inquiry.attempts), body_max=ARTIFACT_MAX)
    repository = repository_of(web, reference, inquiry)
    document = repository.manifest(reference.wanted)
    try:
        layers = checked(document, reference.digest or document.digest).get("layers") or ()
        digests = [str(layer["digest"]) for layer in layers if str(layer["mediaType"]).endswith("tar+gzip")]
    except (AttributeError, KeyError, TypeError) as error:
        raise unexpected("the manifest is malformed") from error
    if len(digests) != 1:
        raise unexpected(f"{reference} contains {len(digests)} archives, but a Flux artifact contains one")
    body = repository.blob(sound(digests[0]))
    check_digest(body, digests[0])
    return body
