# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects a fieldSelector selects."""

from __future__ import annotations

import re
from typing import Any

from lab.kubernetes.status import bad_request
from lab.kubernetes.store import Filter, Object

_TEST = re.compile(r"(?P<path>[^=!\s]+)\s*(?P<operator>!=|==|=)\s*(?P<value>[^=!\s]*)")


def selected(selector: str) -> Filter:
    tests = [_test(part.strip()) for part in selector.split(",") if part.strip()]
    return lambda item: all(test(item) for test in tests)


def _test(text: str) -> Filter:
    match = _TEST.fullmatch(text)
    if not match:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    path, value, is_wanted = match["path"].split("."), match["value"], match["operator"] != "!="
    return lambda item: (_field(item, path) == value) == is_wanted


def _field(item: Object, path: list[str]) -> str:
    found: Any = item
    for key in path:
        found = (found or {}).get(key)
    return str(found).lower() if isinstance(found, bool) else str(found or "")
