# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change entries of a YAML text and keep all other text unchanged. Private to urmanac.talos: may change at any time.

A parser says at which characters an entry begins and ends. Only these characters are replaced, so comments, quotes,
blank lines and the order of everything else stay. The outcome is read again: where it is not exactly what was wanted
(an anchor in the old entry, an explicit key), the whole text is written again from its values, and the comments that
this costs are returned. A library that keeps comments while it writes (ruamel.yaml) would be one more requirement of
users, and would still change quotes and widths of lines.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from ..._errors import InputError
from . import yaml_text

_COMMENT = re.compile(r"#[^\r\n]*")


class Change(NamedTuple):
    """A value and its path: keys of mappings; a list element is identified by its name."""

    path: tuple[str, ...]
    value: Any


class Edited(NamedTuple):
    """A changed text, and the comments that were lost."""

    text: str
    lost: tuple[str, ...] = ()


def read_one(text: str) -> Any:
    """Return the document of a text, None if it is empty. The text may be JSON, with its escapes."""
    documents = yaml_text.load_all(text, exact=True)
    if len(documents) > 1:
        raise InputError(
            f"Failed to read YAML: it has {len(documents)} documents, not one. Keep the first one only.",
            code="FILE_INVALID",
        )
    return documents[0] if documents else None


def edit(text: str, wanted: Any) -> Edited:
    """Return the text with the minimal changes for the wanted content."""
    edited, is_wanted = text, False
    with contextlib.suppress(InputError, yaml.YAMLError, LookupError, StopIteration):
        for change in differences(read_one(text), wanted):
            edited = _put(edited, change)
        is_wanted = _same(read_one(edited), wanted)
    after = edited if is_wanted else _in_lines_of(text, yaml_text.dump_plain(wanted))
    return Edited(after, tuple((Counter(comments(text)) - Counter(comments(after))).elements()))


def differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> list[Change]:
    """Return the smallest values that have to change, each with its path."""
    if _same(before, after):
        return []
    own, new = _by_name(before), _by_name(after)
    if not own or list(own) != list(new)[: len(own)] or type(before) is not type(after):
        return [Change(path, after)]
    return [change for name in new for change in differences(own.get(name), new[name], (*path, name))]


def _by_name(value: Any) -> dict[str, Any]:
    """Return a mapping, or the elements of a list by their names; None without unique names."""
    if isinstance(value, Mapping):
        return dict(value) if all(isinstance(key, str) for key in value) else {}
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return {}
    named = {str(item.get("name")): item for item in value}
    return named if len(named) == len(value) else {}


def comments(text: str) -> list[str]:
    """Return the comments of a text, which are between its tokens."""
    found, end = [], 0
    for token in yaml.scan(text):
        found += _COMMENT.findall(text[end : token.start_mark.index])
        end = max(end, token.end_mark.index)
    return [comment.rstrip() for comment in found + _COMMENT.findall(text[end:])]


def _same(found: Any, wanted: Any) -> bool:
    """Return whether two values have the same type and content: 1, 1.0, true and "1" all differ."""
    return yaml_text.dump_plain(found) == yaml_text.dump_plain(wanted)


def _put(text: str, change: Change) -> str:
    """Return the text with one value replaced."""
    root = yaml.compose(text, Loader=yaml_text.Loader)
    if root is None:
        return _in_lines_of(text, _ended(text) + yaml_text.dump_plain(change.value))
    parent: Any = root
    for step in change.path[:-1]:
        parent = _entries(parent)[step][-1]
    name = change.path[-1]
    written = change.value if isinstance(parent, yaml.SequenceNode) else {name: change.value}
    place = _entries(parent).get(name)
    if parent.flow_style:
        return _put_in_flow(text, parent, place, written)
    if place:
        return _replaced(text, place, written)
    return _appended(text, parent, [written] if isinstance(parent, yaml.SequenceNode) else written)


def _entries(parent: yaml.Node) -> dict[str, tuple[yaml.Node, ...]]:
    """Return the nodes of each entry of a mapping, or of a list whose elements have names; the last one first."""
    if isinstance(parent, yaml.MappingNode):
        return {key.value: (key, value) for key, value in reversed(parent.value)}
    return {str(_entries(item)["name"][-1].value): (item,) for item in reversed(parent.value)}


def _replaced(text: str, place: tuple[yaml.Node, ...], written: Any) -> str:
    start = place[0].start_mark
    new = _block(text, written, start.column)
    return text[: start.index] + new + text[_end(text, place[-1]) :]


def _appended(text: str, parent: yaml.Node, written: Any) -> str:
    """Return the text with one entry appended."""
    end = _last(parent).end_mark.index
    column = parent.start_mark.column
    if text[end - 1 : end] != "\n":
        line = text.find("\n", end)
        end = len(text) if line < 0 else line + 1
    before = _ended(text[:end])
    return f"{before}{' ' * column}{_block(text, written, column)}{_newline(text)}{text[end:]}"


def _put_in_flow(text: str, parent: yaml.Node, place: tuple[yaml.Node, ...] | None, written: Any) -> str:
    """Return the text with an entry in a flow collection ({} or [])."""
    new = json.dumps(written, ensure_ascii=False, default=str)
    new = new[1:-1] if isinstance(parent, yaml.MappingNode) else new
    if place:
        return text[: place[0].start_mark.index] + new + text[place[-1].end_mark.index :]
    # The last entry comes first; an empty collection has none and is rewritten.
    end = next(iter(_entries(parent).values()))[-1].end_mark.index
    return f"{text[:end]}, {new}{text[end:]}"


def _block(text: str, written: Any, column: int) -> str:
    """Return a value as lines indented to a column, except the first one."""
    lines = yaml_text.dump_plain(written).rstrip("\n").split("\n")
    return _newline(text).join([lines[0], *(f"{' ' * column}{line}" if line else "" for line in lines[1:])])


def _last(node: yaml.Node) -> yaml.Node:
    """Return the last scalar or flow node of a value: the end mark of a block is after the comments that follow it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[-1] if isinstance(node, yaml.MappingNode) else last
    return node


def _end(text: str, node: yaml.Node) -> int:
    return len(text[: _last(node).end_mark.index].rstrip())


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + _newline(text)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _in_lines_of(text: str, new: str) -> str:
    return new.replace("\r\n", "\n").replace("\n", _newline(text))
