# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that others could write to deceive whoever reads what is printed of them."""

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
ALL = f"{TERMINAL}{DIRECTION}{UNWRITABLE}{MARKUP}"


def hidden(text: str) -> set[str]:
    """Return the characters of a text that a terminal obeys, an eye cannot see, or no file can hold."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return {one for one in text if one not in "\n\t" and unicodedata.category(one) in kinds} | {
        one for one in text if ord(one) & 0xFFFE == 0xFFFE
    }
