# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of image lookups. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .._errors import CollectionError
from .._findings import Finding, finding, sentences
from .._text import received, shown

# After these errors it is not known whether an image exists: it may be available to other clients, or later.
UNKNOWN = ("IMAGE_UNREACHABLE", "IMAGE_RATE_LIMITED", "IMAGE_UNEXPECTED_ANSWER")
_WORDS_MAX = 400
# Where token servers have their message: Docker Hub's, those of OAuth 2.0, those of GitLab and quay.io.
_KEYS = ("details", "error", "error_description", "message", "error_message")


class ImageError(CollectionError):
    """An image that cannot be fetched, or an invalid reference; no part of the problem contains a credential."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(sentences(problem), problems=[problem])
        self.problem = problem


def image_error(code: str, cause: str, remedy: str | None = None) -> ImageError:
    """Return the error of an image whose name is not known here."""
    return ImageError(finding(code, "image", shown(cause), None if remedy is None else shown(remedy)))


def words_of(body: bytes) -> str:
    """Return the error message of a registry or of its token server, or an empty text.

    The distribution specification has a list of errors. Token servers have one text, proxies plain text.
    """
    try:
        said = list(_said(json.loads(body)))
    except (ValueError, RecursionError):
        said = [_plain(body)]
    return str(received("; ".join(dict.fromkeys(filter(None, said)))))[:_WORDS_MAX]


def _plain(body: bytes) -> str:
    """Return an answer that is plain text, and an empty text for a page or data."""
    try:
        text = " ".join(body.decode().split())
    except UnicodeDecodeError:
        return ""
    return "" if text.startswith("<") or not text.isprintable() else text


def _said(content: Any) -> Iterator[str]:
    """Yield the messages in a JSON answer."""
    if not isinstance(content, dict):
        return
    errors = content.get("errors")
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield f"{error.get('code') or ''}: {error.get('message') or ''}".strip(": ")
    yield from (content[key] for key in _KEYS if isinstance(content.get(key), str))


def quoting(cause: str, body: bytes) -> str:
    """Return a cause followed by the registry's own message."""
    words = words_of(body)
    return f"{cause} ({words})" if words else cause


def unexpected(cause: str) -> ImageError:
    """Return the error of a registry that does not follow the distribution specification."""
    return image_error("IMAGE_UNEXPECTED_ANSWER", cause)
