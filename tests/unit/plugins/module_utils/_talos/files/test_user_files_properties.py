# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is in a file of a user, it is refused with a reason, or everything in it that is not ours stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_edit, yaml_text
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files.user_files import read_user_file
from tests.rare_values import WORDS, values
from tests.user_files import commented, documents, styled

NEW = {"name": "ours", "cluster": {"server": "1e5"}}


def is_inserted(text: str, longer: str) -> bool:
    """Return whether a text became longer at one place alone."""
    pairs = enumerate(zip(text, longer, strict=False))
    begin = next((index for index, (one, other) in pairs if one != other), len(text))
    return longer.endswith(text[begin:])


@settings(max_examples=80)
@given(document=documents(), style=styled(), comments=st.lists(st.integers(0, 30), max_size=4))
def test_an_entry_is_added_and_all_else_stays(document: dict[str, Any], style: Any, comments: list[int]) -> None:
    text = commented(style(document), comments)
    before = yaml_edit.read_one(text) or {}
    wanted = {**before, "clusters": [*(before.get("clusters") or []), NEW]}

    edited = yaml_edit.edit(text, wanted)
    after = yaml_edit.read_one(edited.text)

    assert yaml_text.dump_plain(after) == yaml_text.dump_plain(wanted)
    assert set(yaml_edit.comments(text)) == set(yaml_edit.comments(edited.text)) | set(edited.lost)
    if before.get("clusters"):
        assert edited.lost == ()
        assert is_inserted(text, edited.text)
    assert yaml_edit.edit(edited.text, wanted).text == edited.text


@settings(max_examples=100)
@given(before=values(), after=values())
def test_a_change_always_comes_to_what_is_wanted(before: Any, after: Any) -> None:
    text = yaml_text.dump_plain(before)

    edited = yaml_edit.edit(text, after)

    assert yaml_text.dump_plain(yaml_edit.read_one(edited.text)) == yaml_text.dump_plain(after)


TAGS = ("!!int ", "!!binary ", "!!timestamp ", "!!set ", "!b ")
SIGNS = (
    "a: ",
    "- ",
    "&a ",
    "*a",
    "? ",
    "---\n",
    "\n",
    "  ",
    "\r\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "<<: ",
    "contexts:",
    "#x",
)
PIECES = st.sampled_from([*WORDS, *TAGS, *SIGNS])


@settings(max_examples=150)
@given(content=st.lists(PIECES, max_size=8).map("".join).map(str.encode) | st.binary(max_size=20))
def test_any_file_is_read_or_refused_with_the_reason(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "config"
    path.write_bytes(content)

    try:
        document = read_user_file(path, "kubeconfig").document
    except InputError as error:
        assert str(error).startswith(f"Failed to read the kubeconfig {path}: ")
    else:
        assert isinstance(document, dict)
