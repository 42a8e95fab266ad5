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
    [(0o644, "0o644"), ("0o600", "0o600"), ("0644", "0o644"), (420, "0o644")],
)
def test_permissions_are_octal_however_they_were_given(given: object, written: str) -> None:
    assert yaml_text.dump_plain({"a": yaml_text.file_mode(given)}) == f"a: {written}\n"


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


def test_a_bomb_of_anchors_is_read_as_often_as_it_is_written() -> None:
    lines = ["a0: &a0 x", *(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 60))]

    (read,) = yaml_text.load_all("\n".join(lines))

    assert read["a2"] == [["x"] * 9] * 9
    assert read["a59"][0] is read["a58"]


def test_a_text_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InputError, match="Failed to read YAML"):
        yaml_text.load_all("[" * 5000)
    with pytest.raises(InputError, match="Failed to read YAML"):
        yaml_text.load_all("[" * 990 + "]" * 990)
