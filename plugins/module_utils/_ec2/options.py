# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suboptions of a module that are the fields of a dataclass. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def options_of(of: type[DataclassInstance]) -> dict[str, Any]:
    """Return the suboptions of a class whose fields all have a default."""
    return {item.name: {"type": str(item.type), "default": item.default} for item in fields(of)}


def parsed(of: type[T], given: Mapping[str, Any] | None) -> T:
    """Return the object of the suboptions; one that is not given has its default."""
    names = {item.name for item in fields(of)}
    return of(**{name: value for name, value in (given or {}).items() if name in names and value is not None})
