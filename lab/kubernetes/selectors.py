# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects a labelSelector and a fieldSelector mean."""

from __future__ import annotations

import re
from typing import Any

from lab.kubernetes.status import bad_request
from lab.kubernetes.store import Filter, Object

_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s+\((?P<values>[^)]*)\)")
_EQUAL = re.compile(r"(?P<key>[^=!\s]+)\s*(?P<operator>!=|==|=)\s*(?P<values>[^=!\s]*)")
_EXISTS = re.compile(r"(?P<operator>!?)\s*(?P<key>[^=!\s()]+)")


def selected(labels: str, fields: str) -> Filter:
    tests = [_label_test(part) for part in _parts(labels)] + [_field_test(part) for part in _parts(fields)]
    return lambda item: all(test(item) for test in tests)


def _parts(selector: str) -> list[str]:
    """Return the requirements; a comma inside parentheses separates values."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", selector) if part.strip()]


def _label_test(text: str) -> Filter:
    match = _SET.fullmatch(text) or _EQUAL.fullmatch(text)
    if not match:
        return _existence_test(text)
    key = match["key"]
    values = {value.strip() for value in match["values"].split(",")}
    is_wanted = match["operator"] not in ("!=", "notin")
    return lambda item: (_labels(item).get(key) in values) == is_wanted


def _existence_test(text: str) -> Filter:
    match = _EXISTS.fullmatch(text)
    if not match:
        raise bad_request(f'unable to parse requirement: invalid selector "{text}"')
    key, is_wanted = match["key"], not match["operator"]
    return lambda item: (key in _labels(item)) == is_wanted


def _field_test(text: str) -> Filter:
    match = _EQUAL.fullmatch(text)
    if not match:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    path, value, is_wanted = match["key"].split("."), match["values"], match["operator"] != "!="
    return lambda item: (_field(item, path) == value) == is_wanted


def _labels(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def _field(item: Object, path: list[str]) -> str:
    found: Any = item
    for key in path:
        found = (found or {}).get(key)
    return str(found).lower() if isinstance(found, bool) else str(found or "")
