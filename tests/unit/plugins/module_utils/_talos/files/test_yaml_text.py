# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("", '""', id="empty"),
        pytest.param("yes", '"yes"', id="word of YAML 1.1"),
        pytest.param("1", '"1"', id="number"),
        pytest.param("0o644", '"0o644"', id="octal number"),
        pytest.param("1:30", '"1:30"', id="number to base sixty"),
        pytest.param("2001-01-01", '"2001-01-01"', id="date"),
        pytest.param("null", '"null"', id="null"),
        pytest.param("a: b", "'a: b'", id="colon"),
        pytest.param("#a", "'#a'", id="comment sign"),
        pytest.param("ä", "ä", id="other letters"),
        pytest.param("v1.28.0", "v1.28.0", id="version"),
    ],
)
def test_a_text_is_quoted_where_it_could_be_parsed_as_another_type(text: str, written: str) -> None:
    assert yaml_text.dump_plain({"a": text}) == f"a: {written}\n"
    assert yaml_text.load_all(f"a: {written}") == [{"a": text}]


def test_lines_are_written_as_a_block() -> None:
    assert yaml_text.dump_plain({"a": {"b": "x\n  y\n"}}) == "a:\n    b: |\n        x\n          y\n"


def test_elements_are_indented_by_two_and_everything_else_by_four() -> None:
    data = {"a": [{"b": ["c"], "d": {"e": "f"}}]}

    assert yaml_text.dump_plain(data) == "a:\n    - b:\n        - c\n      d:\n        e: f\n"


def test_maps_are_in_natural_order() -> None:
    keys = ["a10", "a9", "aB", "a-b", "a"]

    assert sorted(keys, key=yaml_text.natural) == ["a", "a-b", "a9", "a10", "aB"]


@pytest.mark.parametrize("written", ["1.10", "010", "0x1F", "1e3", "1_000"])
def test_a_number_knows_how_it_was_written(written: str) -> None:
    assert yaml_text.text_of(yaml_text.load_all(f"a: {written}")[0]["a"]) == written


@pytest.mark.parametrize(
    ("given", "written"),
    [(0o644, "0o644"), ("0o600", "0o600"), ("0644", "0o644"), (420, "0o644"), (1e3, "0o1750")],
)
def test_permissions_are_octal_however_they_were_given(given: object, written: str) -> None:
    assert yaml_text.dump_plain({"a": yaml_text.file_mode(given)}) == f"a: {written}\n"


@pytest.mark.parametrize("given", ["rw-r--r--", "0888", "", "0o99999999", -1, 1 << 32, 1.5, float("inf"), True, [420]])
def test_what_is_not_a_mode_of_a_file_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="it is not the mode of a file"):
        yaml_text.file_mode(given)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param("a: b\0c", "character 5 is U+0000, which YAML does not have", id="NUL"),
        pytest.param("a: \x1b[0m", "character 4 is U+001B, which YAML does not have", id="ESC"),
        pytest.param("a: 1".encode("utf-16-le").decode(), "character 2 is U+0000", id="UTF-16 without a mark"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_a_character_that_yaml_does_not_have_is_named_with_its_position(text: str, where: str, exact: bool) -> None:
    with pytest.raises(InputError) as caught:
        yaml_text.load_all(text, exact=exact)

    assert where in str(caught.value)


@pytest.mark.parametrize("exact", [True, False])
def test_aliases_must_not_make_a_short_text_endless(exact: bool) -> None:
    levels = ["l0: &a0 [x, x]", *(f"l{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 7))]

    with pytest.raises(InputError, match="its aliases make too many copies"):
        yaml_text.load_all("\n".join(levels), exact=exact)
    assert len(yaml_text.load_all("\n".join(levels[:4]), exact=exact)[0]) == 4


def test_permissions_are_numbers_in_any_notation() -> None:
    assert yaml_text.load_all("{a: 0o644, b: 0644, c: 420}") == [{"a": 420, "b": 420, "c": 420}]


def test_words_of_yaml_1_1_are_texts() -> None:
    assert yaml_text.load_all("{a: yes, b: off, c: true}") == [{"a": "yes", "b": "off", "c": True}]


def test_empty_fields_are_left_out_but_not_those_that_talos_writes() -> None:
    document = {"machine": {"type": "worker", "sysctls": {}, "network": {}, "certSANs": None}, "version": "v1alpha1"}

    text = yaml_text.dump(document)

    written = "type: worker", 'token: ""', "certSANs: []", "network: {}"
    lines = ("version: v1alpha1", "machine:", *(f"    {line}" for line in written), "cluster: null", "")
    assert text == "\n".join(lines)


@pytest.mark.parametrize("text", ["a: &a {b: *a}", "a: &a [[*a]]", "&a\n? *a\n: b"])
def test_an_anchor_that_contains_itself_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="an anchor contains itself"):
        yaml_text.load_all(text)


def test_a_text_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InputError, match="Failed to read YAML"):
        yaml_text.load_all("[" * 5000)
    with pytest.raises(InputError, match="Failed to read YAML"):
        yaml_text.load_all("[" * 990 + "]" * 990)
