# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find expressions in CEL that cannot be parsed. Private to urmanac.talos: may change at any time.

Only brackets, quotes, and the order of operands and operators are checked: names and types are known to the node alone.
What is refused here, no parser of CEL accepts (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Before the others: in a raw text a backslash does not escape the quote that ends it.
_RAW = r"""(?:[rR][bB]?|[bB][rR])(?:"(?!"")[^"\r\n]*"|'(?!'')[^'\r\n]*')"""
_QUOTED = "|".join(
    (r'"""(?:[^\\]|\\.)*?"""', r"'''(?:[^\\]|\\.)*?'''", r'"(?:[^"\\\r\n]|\\.)*"', r"'(?:[^'\\\r\n]|\\.)*'")
)
_TOKEN = re.compile(
    rf"""(?P<blank>\s+|//[^\n]*)
    |(?P<operand>{_RAW}|[rRbB]{{0,2}}(?:{_QUOTED})|0x[0-9a-fA-F]+u?|[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?[uU]?|`[^`]*`)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-<>+*/%!?:.,()\[\]{{}}])""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_UNARY = ("!", "-", ".")


def is_expression(text: str) -> bool:
    """Return whether a text may be an expression in CEL."""
    tokens = list(_tokens(text))
    return None not in tokens and _is_in_order([token for token in tokens if token])


def _tokens(text: str) -> Iterator[str | None]:
    """Yield the signs of a text, "a" for each operand and "" for blanks; None for what is neither."""
    end = 0
    while end < len(text):
        found = _TOKEN.match(text, end)
        if found is None:
            yield None
            return
        end = found.end()
        if found["blank"]:
            yield ""
        elif found["sign"] or found["name"] == "in":
            yield found[0]
        else:
            yield "a"


def _is_in_order(signs: list[str]) -> bool:
    """Return whether brackets match, and operands and operators alternate."""
    open_ones: list[str] = []
    is_wanted, before = True, ""
    for sign in signs:
        if sign in _CLOSES:
            if not open_ones or (is_wanted and not _may_be_empty(open_ones[-1], before)):
                return False
            if open_ones.pop().strip() != _CLOSES[sign]:
                return False
        elif sign in _CLOSES.values():
            # With a blank, the brackets of a call, an index or a message, which follow an operand.
            open_ones.append(sign if is_wanted else f"{sign} ")
        elif not _may_follow(sign, before, is_wanted=is_wanted):
            return False
        is_wanted, before = sign not in (*_CLOSES, "a"), sign
    return not is_wanted and not open_ones


def _may_be_empty(bracket: str, before: str) -> bool:
    """Return whether a bracket may be closed where an operand is wanted: f(), [], {}, and [a,]."""
    return (before == bracket.strip() and bracket != "(") or (before == "," and bracket.strip() != "(")


def _may_follow(sign: str, before: str, *, is_wanted: bool) -> bool:
    """Return whether an operand or an operator may be where an operand is wanted, or is not."""
    # An optional entry of a list or mapping begins with a question mark, and so does an optional field after its dot.
    is_prefix = sign in ("a", *_UNARY) or (sign == "?" and before in ("[", "{", ",", "."))
    return is_prefix if is_wanted else sign not in ("a", "!")
