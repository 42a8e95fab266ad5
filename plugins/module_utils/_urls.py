# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read URLs that a user wrote. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL, all of them empty if it has no parts: urlsplit raises for brackets without an end."""
    try:
        return urlsplit(text)
    except ValueError:
        return SplitResult("", "", "", "", "")


def has_port(parts: SplitResult) -> bool:
    """Return whether the port of a URL is a number from 1 to 65535, or not given."""
    try:
        return parts.port != 0
    except ValueError:
        return False
