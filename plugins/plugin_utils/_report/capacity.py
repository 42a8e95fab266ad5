# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Needed and available capacity. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]


def capacity(installed: Record | None, forecast: Record) -> dict[str, Any] | None:
    """Return memory and CPU per node and in total: read from the cluster, otherwise predicted."""
    account = (installed or {}).get("account") or {}
    found = [node_found(node) for node in account.get("nodes") or () if node["allocatable"]]
    nodes = found or [node_predicted(node) for node in forecast.get("nodes") or ()]
    if not nodes:
        return None
    sums = {part: summed(node[part] for node in nodes) for part in ("memory_mib", "cpu_m")}
    requested: Record = forecast.get("requested") or {}
    # Unschedulable pods are on no node, but their requests count as needed.
    for part, key in (("memory_mib", "memory"), ("cpu_m", "cpu")):
        sums[part]["needed"] = max(sums[part]["needed"], int(requested.get(key, 0)))
    total = {"name": "all nodes", **sums}
    return {"source": "cluster" if found else "forecast", "nodes": nodes, "total": total}


def node_found(node: Record) -> dict[str, Any]:
    """Return one node from the cluster's data."""
    return {
        "name": node["name"],
        "memory_mib": {"needed": node["requested"]["memory_mib"], "had": node["allocatable"]["memory_mib"]},
        "cpu_m": {"needed": node["requested"]["cpu_m"], "had": node["allocatable"]["cpu_m"]},
    }


def node_predicted(node: Record) -> dict[str, Any]:
    """Return one node from the forecast."""
    return {
        "name": node["name"],
        "memory_mib": {"needed": node["requested"]["memory"], "had": node["allocatable"]["memory"]},
        "cpu_m": {"needed": node["requested"]["cpu"], "had": node["allocatable"]["cpu"]},
    }


def summed(pairs: Iterable[Record]) -> dict[str, int]:
    """Return the total of needed and available capacity."""
    kept = list(pairs)
    return {key: sum(int(pair[key]) for pair in kept) for key in ("needed", "had")}
