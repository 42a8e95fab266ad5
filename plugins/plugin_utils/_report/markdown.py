# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in Markdown. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re

from ansible_collections.urmanac.talos.plugins.module_utils._text import shown

_ENTITIES = {"&": "&amp;", "<": "&lt;"}
# An underscore within a word is no markup, and names are easier to read without a backslash in them.
_MARKUP = re.compile(r"[&<\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")


def as_text(value: object) -> str:
    """Return a value so that Markdown shows it as it is, on one line, in a cell of a table as well."""
    return " ".join(_MARKUP.sub(_escaped, shown(str(value))).split())


def _escaped(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], f"\\{match[0]}")
