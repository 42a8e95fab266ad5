# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a container's log, without secrets. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from typing import Final

from ..._text import shown

# How many of the lines a finding shows.
SHOWN: Final = 3
_LONGEST: Final = 240
_HIDDEN: Final = "(redacted)"
_COLOUR: Final = re.compile(r"(?:\x1b|\\x1b)\[[0-9;]*m")
_NAME = r"(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|auth(?:key)?)"
_SECRETS: Final = (
    re.compile(r"(?P<kept>-----BEGIN [A-Z0-9 ]+-----).*", re.S),
    re.compile(r"(?i)(?P<kept>\b(?:bearer|basic)\s+)[\w.+/=-]{8,}"),
    re.compile(rf"(?i)(?P<kept>[\w.-]*{_NAME}[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"),
    re.compile(r"(?P<kept>://[^\s/:@]*:)[^\s/@]+(?=@)"),
    re.compile(r"(?P<kept>)\beyJ[\w-]{10,}\.[\w.-]+"),
    re.compile(r"(?P<kept>)(?<![\w+/=-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Z])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+/=])"),
)


def words_of(log: str) -> tuple[str, ...]:
    """Return the lines of a log, shortened and without text that looks like a secret."""
    plain = _COLOUR.sub("", log)
    for pattern in _SECRETS:
        plain = pattern.sub(lambda match: f"{match['kept']}{_HIDDEN}", plain)
    lines = [" ".join(line.split()) for line in shown(plain).splitlines()]
    return tuple(line[:_LONGEST] for line in lines if line)
