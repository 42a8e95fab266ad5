# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with an image. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json

from .._errors import CollectionError
from .._findings import Finding, finding, sentences
from .._text import received, shown

_WORDS_MAX = 400


class ImageError(CollectionError):
    """An image that cannot be had, or cannot be asked for; no part of the problem holds a credential."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(sentences(problem))
        self.problem = problem


def image_error(code: str, cause: str, remedy: str | None = None) -> ImageError:
    """Return the error of an image whose name is not known here."""
    return ImageError(finding(code, "image", shown(cause), None if remedy is None else shown(remedy)))


def words_of(body: bytes) -> str:
    """Return what a registry says of its refusal, as the distribution specification has it; empty without words."""
    try:
        errors = json.loads(body)["errors"]
        said = [f"{error.get('code', '')}: {error.get('message', '')}".strip(": ") for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return str(received("; ".join(dict.fromkeys(filter(None, said)))))[:_WORDS_MAX]


def quoting(cause: str, body: bytes) -> str:
    """Return a cause with the registry's own words behind it."""
    words = words_of(body)
    return f"{cause} ({words})" if words else cause


def unexpected(cause: str) -> ImageError:
    """Return the error of a registry that answers otherwise than the distribution specification says."""
    return image_error("IMAGE_UNEXPECTED_ANSWER", cause)
