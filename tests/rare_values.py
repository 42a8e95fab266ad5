# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are rarely written, for tests of what must hold for every input."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# What other readers of YAML take for something else, or for markup.
WORDS = (
    *("", "on", "yes", "no", "y", "null", "~", "true", "1e5", ".5e3", "0o17", "017", "1_000", "0x1f", "12:30:45"),
    *("2026-11-29", "2026-11-29T12:00:00Z", "=", "<<", "- a", "a: b", "a #b", "#a", "'", '"', "é", "\u2028", "\x85"),
    *("\t", " a", "a ", "a\nb", "a\n", "%a", "&a", "*a", "!a", "[", "{", "|", "@", "`", "\ufeff", "\x1b[31m"),
)


def texts() -> st.SearchStrategy[str]:
    """Return texts, more of them trouble than chance would have."""
    return st.sampled_from(WORDS) | st.text(max_size=12)


def values() -> st.SearchStrategy[Any]:
    """Return anything that JSON can say."""
    plain = st.none() | st.booleans() | st.integers(-(2**40), 2**70) | st.floats(allow_nan=False) | texts()
    return st.recursive(
        plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3), max_leaves=6
    )
