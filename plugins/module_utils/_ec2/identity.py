# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags that identify a cluster, and those that name an owner. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

_OWNER_TAGS = ("Project", "Cluster", "Region", "ManagedBy", "Owner", "Name")


class Identified(Protocol):
    """An object with the values of the tags that identify a cluster, such as its description."""

    @property
    def name(self) -> str:
        """Return the value of the tag Cluster."""

    @property
    def project(self) -> str:
        """Return the value of the tag Project."""


class Identity(NamedTuple):
    """The tags that identify the cluster's groups and rules."""

    name: str
    project: str


def owner_text(tags: Mapping[str, str]) -> str:
    """Return the owner according to tags."""
    said = [f"{key}={tags[key]}" for key in _OWNER_TAGS if key in tags]
    return ", ".join(said) or "it has no tags that name an owner"


def owner_tags(cluster: Identified) -> dict[str, str]:
    """Return the tags that identify the resources of this cluster."""
    return {"Project": cluster.project, "Cluster": cluster.name}


def owner_filters(cluster: Identified) -> list[dict[str, Any]]:
    """Return the filters of EC2 and Auto Scaling that find everything of this cluster."""
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in owner_tags(cluster).items()]
