# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with an image, by code. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from .._errors import CollectionError
from .._text import shown

INVALID_REFERENCE = "invalid_reference"
NOT_FOUND = "not_found"
NOT_AUTHORISED = "not_authorised"
NO_SUCH_PLATFORM = "no_such_platform"
BAD_DIGEST = "bad_digest"
UNREACHABLE = "unreachable"
RATE_LIMITED = "rate_limited"
UNEXPECTED_ANSWER = "unexpected_answer"


class ImageError(CollectionError):
    """An image that cannot be had, or cannot be asked for; no part of it holds a credential."""

    def __init__(self, code: str, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}. {remedy}")
        self.code = code
        self.cause = shown(cause)
        self.remedy = shown(remedy)


def unexpected(cause: str) -> ImageError:
    """Return the error of a registry that answers otherwise than the distribution specification says."""
    return ImageError(UNEXPECTED_ANSWER, cause, "See whether that is a registry at all, and whether it is well.")
