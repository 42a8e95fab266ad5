# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Received texts: hidden characters become visible, and different texts stay different."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.module_utils._text import counted, received, shown
from tests import hostile

# Where a backslash, a carriage return and the forms of escaped characters meet.
_PIECES = ("\\", "x", "1b", "5c", "\x1b", "\\x1b", "u{200b}", "\u200b", "\r", "\n", "{", "}")
_TEXTS = st.lists(st.one_of(st.sampled_from(_PIECES), st.text())).map("".join)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("moon-\u00e9\U0001f680 \u2705\ufe0f", "moon-\u00e9\U0001f680 \u2705\ufe0f", id="ordinary text"),
        pytest.param("a\tb\nc\r\nd", "a\tb\nc\r\nd", id="tabs and line ends"),
        pytest.param("50%\rdone", "50%\\x0ddone", id="what overwrites a line"),
        pytest.param("\x1b]0;x\x07", "\\x1b]0;x\\x07", id="a command to a terminal"),
        pytest.param("\x9b2J", "\\x9b2J", id="the same in one character"),
        pytest.param("a\u202eb\u200bc", "a\\u{202e}b\\u{200b}c", id="direction and width"),
        pytest.param("\ud800\ufffe", "\\u{d800}\\u{fffe}", id="no characters"),
        pytest.param("\\x1b", "\\x5cx1b", id="what an escaped character looks like"),
        pytest.param('C:\\x41 \\n {"a": "\\u00e9\\u200b"}', 'C:\\x41 \\n {"a": "\\u00e9\\u200b"}', id="backslashes"),
    ],
)
def test_what_cannot_be_seen_is_written_out(raw: str, expected: str) -> None:
    assert received(raw) == expected


def test_every_character_is_covered_that_unicode_calls_a_control_or_a_format() -> None:
    every = "".join(map(chr, range(0x110000)))
    # Signs of Arabic numbers, of hieroglyphs and of shorthand have a width; they are seen.
    left = {one for one in hostile.hidden(shown(every)) if unicodedata.category(one) != "Cf"}

    assert left == set()


@given(_TEXTS)
def test_a_text_can_be_distinguished_from_every_other_one(raw: str) -> None:
    assert inverse(received(raw)) == raw


def inverse(text: str) -> str:
    """Return what was received, by the rule that the documentation gives."""
    return re.sub(r"\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{3,6})\})", original, text)


def original(form: re.Match[str]) -> str:
    character = chr(int(form[1] or form[2], 16))
    return character if character == "\\" or shown(character) == form[0] else form[0]


def test_all_short_texts_of_the_pieces_that_could_collide_stay_different() -> None:
    raw = {"".join(pieces) for size in range(5) for pieces in itertools.product(_PIECES, repeat=size)}

    assert len({received(text) for text in raw}) == len(raw)


@given(_TEXTS)
def test_what_is_shown_is_shown_once_however_often_it_is_asked(raw: str) -> None:
    assert shown(received(raw)) == received(raw)
    assert shown(shown(raw)) == shown(raw)


@given(_TEXTS)
def test_xml_and_json_and_files_can_hold_what_was_received(raw: str) -> None:
    text = received(raw)
    element = ET.Element("a", {"b": text})
    element.text = text

    assert ET.fromstring(ET.tostring(element, encoding="utf-8")) is not None  # noqa: S314  our own
    assert json.loads(json.dumps({"a": text}).encode()) == {"a": text}


def test_all_texts_of_an_answer_are_received_and_nothing_else_changes() -> None:
    answer = {"a\x1b": [{"b": "\x1b"}, None, 1, True, b"\x1b"], "c": {"d": ["e"]}}

    assert received(answer) == {"a\\x1b": [{"b": "\\x1b"}, None, 1, True, b"\x1b"], "c": {"d": ["e"]}}


def test_json_within_a_text_can_still_be_read() -> None:
    content = {"holder": "ren\u00e9e\u200b", "path": "C:\\temp", "log": "\x1b[31m"}

    assert json.loads(received(json.dumps(content))) == content


def test_an_error_of_the_collection_holds_nothing_that_a_terminal_obeys() -> None:
    assert str(CollectionError(f"Failed to use {hostile.TERMINAL}.")) == (
        "Failed to use moon\\x1b]0;owned\\x07\\x1b[2J\\x9b31m."
    )


@pytest.mark.parametrize(("number", "expected"), [(0, "0 nodes"), (1, "1 node"), (2, "2 nodes")])
def test_a_number_has_its_noun(number: int, expected: str) -> None:
    assert counted(number, "node") == expected


def test_the_blank_of_braille_is_shown_as_such() -> None:
    assert shown("moon\u2800") == r"moon\u{2800}"
