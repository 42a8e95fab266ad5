# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions in the status of an object. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]


def conditions_of(item: Object) -> Sequence[Object]:
    """Return all conditions of an object."""
    return (item.get("status") or {}).get("conditions") or ()


def condition_of(item: Object, kind: str) -> Object:
    """Return a condition of an object, or an empty one."""
    return next((one for one in conditions_of(item) if one.get("type") == kind), {})


def ready_condition(item: Object) -> Object:
    """Return the condition Ready of an object, or an empty one."""
    return condition_of(item, "Ready")


def is_true(item: Object, kind: str) -> bool:
    """Return whether a condition of an object is true."""
    return condition_of(item, kind).get("status") == "True"
