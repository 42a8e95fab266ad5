# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggest the name that was meant by a misspelt one. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_VERSION = re.compile(r"v?[0-9.]+")
# Among shorter names, other words are as near as misspellings: ip and ipv are not.
_SHORTEST = 4


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question with the known name that is most similar to a name, or nothing.

    Versions and numbers have no such name: that two are written alike does not mean that one was meant by the other.
    """
    if _VERSION.fullmatch(name):
        return ""
    near = get_close_matches(name, list(known), 1)
    return f"Did you mean {near[0]}?" if near else ""


def is_misspelt(name: str, known: str) -> bool:
    """Return whether one letter of a known name is missing, added or another one, or two neighbours are exchanged.

    A name with another digit is another name, such as ipv4 beside ipv6.
    """
    if name == known or min(len(name), len(known)) < _SHORTEST or abs(len(name) - len(known)) > 1:
        return False
    shorter, longer = sorted((name, known), key=len)
    first = next((at for at, pair in enumerate(zip(shorter, longer, strict=False)) if pair[0] != pair[1]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[first:] == longer[first + 1 :]
    if shorter[first].isdigit() and longer[first].isdigit():
        return False
    exchanged = f"{longer[:first]}{longer[first : first + 2][::-1]}{longer[first + 2 :]}"
    return shorter[first + 1 :] == longer[first + 1 :] or shorter == exchanged
