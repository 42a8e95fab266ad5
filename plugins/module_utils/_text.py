# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Escape control characters and invisible characters in external texts. Private: may change at any time.

received() is called once for each response of AWS, a registry, a node, Kubernetes or a program. Texts that differ still
differ afterwards, so names and tags can be compared. shown() and all_shown() are for output, which may contain
variables of the user, and can be called repeatedly.

They are not used for data that must not change (kubeconfigs, configurations, manifests, snapshots).
Runs on bastions as well: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_LAST_OF_PLANES = range(0xFFFF, 0x110000, 0x10000)
_RANGES = (
    # C0 without tab and line feed, DEL and C1: commands to a terminal. A carriage return is left where a line ends.
    *("\x00-\x08", "\x0b\x0c", "\x0e-\x1f", "\x7f-\x9f"),
    # Fillers without a width, joiners, marks and overrides of the direction, separators of lines and paragraphs.
    *("\u00ad", "\u034f", "\u061c", "\u115f\u1160", "\u17b4\u17b5", "\u180b-\u180f", "\u200b-\u200f", "\u2028-\u202e"),
    # The blank of Braille.
    "\u2800",
    *("\u2060-\u206f", "\u3164", "\ufeff", "\uffa0", "\ufff0-\ufffb", "\U0001d173-\U0001d17a", "\U000e0000-\U000e0fff"),
    # Surrogates and Unicode noncharacters, which XML and UTF-8 do not allow.
    *("\ud800-\udfff", "\ufdd0-\ufdef", *(chr(number) for last in _LAST_OF_PLANES for number in (last - 1, last))),
)
_SHOWN = re.compile(f"[{''.join(_RANGES)}]|\r(?!\n)")
# A backslash where shown() would write one; it is always part of one of these forms.
_FORM = re.compile(r"\\(?=x([0-9a-f]{2})|u\{([0-9a-f]+)\})")
_BACKSLASH = r"\x5c"
# GitHub looks for mentions in the text that it displays, where no backslash is left. The comment splits that text.
_ENTITIES = {"&": "&amp;", "<": "&lt;", "@": "@<!-- -->"}
# An underscore within a word is not markup, and names are easier to read without a backslash. An @ within a word, as in
# image@sha256, mentions no one.
_MARKUP = re.compile(r"[&<\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])|(?<!\w)@(?=\w)")


def shortened(text: str, size: Callable[[str], int], limit: int) -> str:
    """Return the text if its size is within the limit, otherwise its begin and its end with an ellipsis between."""
    cut, kept = text, len(text)
    while size(cut) > limit and kept:
        kept = kept * 9 // 10
        # More of the end, which distinguishes paths.
        begin = kept // 3
        cut = f"{text[:begin]}…{text[len(text) - kept + begin :]}"
    return cut


def shown(text: str) -> str:
    r"""Return the text with \x1b in place of an escape character, and so on."""
    return _SHOWN.sub(lambda match: _escape(match[0]), text)


def received(value: Any) -> Any:
    r"""Return an external value, including texts in mappings and lists, with all texts escaped.

    If a text already contains an escape sequence, its backslash becomes \x5c.
    """
    return _each_text(value, lambda text: shown(_FORM.sub(_disambiguated, text)))


def all_shown(value: Any) -> Any:
    """Return a value for output, including texts in mappings and lists, with all texts escaped."""
    return _each_text(value, shown)


def counted(number: int, word: str) -> str:
    """Return a number with its noun."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def as_markdown(value: object) -> str:
    """Return a value escaped for Markdown, on one line, also for a table cell.

    A web address stays a link where the reader makes one of it: it shows where it leads, and remedies have them.
    """
    return " ".join(_MARKUP.sub(_marked_as_text, shown(str(value))).split())


def _marked_as_text(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], f"\\{match[0]}")


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_each_text(key, change): _each_text(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    return value


def _escape(character: str) -> str:
    number = ord(character)
    # Unlike \u1234, \x.. and \u{..} are not valid in JSON, so they are not confused with its escapes.
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:x}}}"


def _disambiguated(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    number = int(digits, 16)
    is_ours = number <= 0x10FFFF and (number == ord("\\") or _SHOWN.fullmatch(chr(number)))
    return _BACKSLASH if is_ours and _escape(chr(number))[1:] in (f"x{digits}", f"u{{{digits}}}") else match[0]


def short(message: str) -> str:
    """Return a message on one line, truncated if it is long."""
    plain = " ".join(message.split())
    return f"{plain.rstrip('.')}." if len(plain) <= 160 else f"{plain[:157]}..."
