# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with an image. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from .._errors import CollectionError
from .._findings import Finding, finding, sentences
from .._text import shown


class ImageError(CollectionError):
    """An image that cannot be had, or cannot be asked for; no part of the problem holds a credential."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(sentences(problem))
        self.problem = problem


def image_error(code: str, cause: str, remedy: str | None = None) -> ImageError:
    """Return the error of an image whose name is not known here."""
    return ImageError(finding(code, "image", shown(cause), None if remedy is None else shown(remedy)))


def unexpected(cause: str) -> ImageError:
    """Return the error of a registry that answers otherwise than the distribution specification says."""
    return image_error("IMAGE_UNEXPECTED_ANSWER", cause)
