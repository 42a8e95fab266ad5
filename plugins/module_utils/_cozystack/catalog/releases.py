# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of CozyStack that the collection has data for. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import v1_5, v1_6, v1_7

DEFAULT = v1_6.VERSION
# The oldest release that can be set; one without data has those of the oldest one that has some.
OLDEST = (1, 0, 0)


class Data(NamedTuple):
    """The data of one release, written by tools/cozystack_data.py."""

    version: str
    source: str
    bundles: Mapping[str, list[str]]
    packages: list[dict[str, Any]]


def _data(module: Any) -> Data:
    return Data(module.VERSION, module.SOURCE, module.BUNDLES, module.PACKAGES)


# One patch release represents its minor version. v1.7 is not released yet.
DATA: Mapping[tuple[int, int], Data] = {(1, 5): _data(v1_5), (1, 6): _data(v1_6), (1, 7): _data(v1_7)}


def data_of(version: str) -> Data:
    """Return the data of a version, or of the nearest earlier version, or of the oldest."""
    wanted = minor(version)
    before = [known for known in sorted(DATA) if known <= wanted]
    return DATA[before[-1] if before else min(DATA)]


def has_data(version: str) -> bool:
    """Return whether data of this minor version exist."""
    return minor(version) in DATA


def is_before_release(version: str) -> bool:
    """Return whether the data of this version were made before it was released: then they have no patch version."""
    return has_data(version) and data_of(version).version.count(".") < 2


def minor(version: str) -> tuple[int, int]:
    """Return the major and minor version. A name without one, such as that of a branch, sorts after all versions."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (sys.maxsize, 0)
