# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags that identify a cluster, and those that name an owner. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_OWNER_TAGS = ("Project", "Cluster", "Region", "ManagedBy", "Owner", "Name")


class Identity(NamedTuple):
    """The tags that identify the cluster's groups and rules."""

    name: str
    project: str


def owner_text(tags: Mapping[str, str]) -> str:
    """Return the owner according to tags."""
    said = [f"{key}={tags[key]}" for key in _OWNER_TAGS if key in tags]
    return ", ".join(said) or "it has no tags that name an owner"
