# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return what the deletion of a cluster deletes, as lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

_NO_CLUSTER = "No cluster of this collection exists in this region."


def deletion_plan(
    found: Iterable[Mapping[str, Any]], name: str, region: str, others: Iterable[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """Return lines that list the resources of the cluster, and a sentence on other clusters in its region."""
    resources = list(found)
    to_delete = [f"  - {_title(one)}" for one in resources if one["part"] is not None]
    stay = [
        f"  ? {_title(one)} has its tags, but no playbook creates or deletes it"
        for one in resources
        if one["part"] is None
    ]
    clusters = _others(others)
    heading = [
        f"Cluster {name} in {region}: {len(to_delete)} to delete",
        "" if resources else f"It has no resources. {clusters}",
    ]
    return {"lines": [*heading, *to_delete, *stay], "others": clusters}


def _title(one: Mapping[str, Any]) -> str:
    return f"{one['kind']} {one['name']} {one['id']}"


def _others(others: Iterable[Mapping[str, str]]) -> str:
    named = ", ".join(f"{one['name']} (project {one['project']})" for one in others)
    return f"Clusters of this collection in this region: {named}." if named else _NO_CLUSTER


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"deletion_plan": deletion_plan}
