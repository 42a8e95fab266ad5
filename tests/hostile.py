# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts with which an attacker could deceive the reader of our output."""

from __future__ import annotations

import unicodedata

# Sets the title of a terminal, clears it, in both forms of a control sequence.
TERMINAL = "moon\x1b]0;owned\x07\x1b[2J\x9b31m"
# Reads as "gpj.exe" from the right, with a filler that has no width.
DIRECTION = "\u202eexe.jpg\u202c\u200b\u2066x\u2069"
UNWRITABLE = "\x00\ufffe\uffff\U0001ffff"
MARKUP = "<script>alert(1)</script>![x](https://example.com/i.png)[y](https://example.com) `a|b` **c** _d_ ~~e~~"
# EC2 answers in XML, which cannot hold all of these.
OF_XML = f"moon\x9b31m\x85{DIRECTION}{MARKUP}"
EACH = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;owned\x07",
    "a hyperlink of a terminal": "\x1b]8;;https://example.com\x1b\\x\x1b]8;;\x1b\\",
    "a control sequence in one character": "\x9b31m",
    "overwrites its line": "\r\x08\x7f",
    "ends a line": "\x0b\x0c\x85\u2028\u2029",
    "the other direction": "\u202egpj.exe\u202c\u2066x\u2069\u200f",
    "without a width": "\u200b\u2060\ufeff\U000e0041",
    "no characters": "\x00\ufffe\uffff\U0001fffe",
    "half of a pair": "\ud800x\udfff",
    "a script": "<script>alert(1)</script>",
    "an element with a handler": "<img src=x onerror=alert(1)>",
    "the end of an attribute": '"\' onmouseover=alert(1) x="',
    "the end of a section": "]]></testcase>&lt;&#x3c;",
    "a link": "[x](https://example.com)",
    "a link by reference": "[x][y]",
    "an image": "![x](https://example.com/i.png)",
    "a link in brackets": "<https://example.com>",
    "emphasis and code": "**b** _i_ `c` ~~d~~ | e",
}
ALL = f"{TERMINAL}{DIRECTION}{UNWRITABLE}{MARKUP}"


def hidden(text: str) -> set[str]:
    """Return the characters of a text that a terminal obeys, an eye cannot see, or no file can hold."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return {one for one in text if one not in "\n\t" and unicodedata.category(one) in kinds} | {
        one for one in text if ord(one) & 0xFFFE == 0xFFFE
    }
