# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is needed against what is there, and what to do about it. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._ec2.instance_types import SIZES

Record = Mapping[str, Any]

OWN_IMAGES = "use images built for arm64 (cluster_cozystack_operator_image, cluster_cozystack_platform_source_url)"


def capacity(installed: Record | None, forecast: Record) -> dict[str, Any] | None:
    """Return memory and processor time per node and in all: found on the cluster, otherwise predicted."""
    account = (installed or {}).get("account") or {}
    found = [node_found(node) for node in account.get("nodes") or () if node["allocatable"]]
    nodes = found or [node_predicted(node) for node in forecast.get("nodes") or ()]
    if not nodes:
        return None
    sums = {part: summed(node[part] for node in nodes) for part in ("memory_mib", "cpu_m")}
    requested: Record = forecast.get("requested") or {}
    # What no node has room for is on none of them, and is needed all the same.
    for part, key in (("memory_mib", "memory"), ("cpu_m", "cpu")):
        sums[part]["needed"] = max(sums[part]["needed"], int(requested.get(key, 0)))
    total = {"name": "all nodes", **sums}
    return {"source": "cluster" if found else "forecast", "nodes": nodes, "total": total}


def node_found(node: Record) -> dict[str, Any]:
    """Return one node as the cluster has it."""
    return {
        "name": node["name"],
        "memory_mib": {"needed": node["requested"]["memory_mib"], "had": node["allocatable"]["memory_mib"]},
        "cpu_m": {"needed": node["requested"]["cpu_m"], "had": node["allocatable"]["cpu_m"]},
    }


def node_predicted(node: Record) -> dict[str, Any]:
    """Return one node as the forecast has it."""
    return {
        "name": node["name"],
        "memory_mib": {"needed": node["requested"]["memory"], "had": node["allocatable"]["memory"]},
        "cpu_m": {"needed": node["requested"]["cpu"], "had": node["allocatable"]["cpu"]},
    }


def summed(pairs: Iterable[Record]) -> dict[str, int]:
    """Return the sum of what is needed and had."""
    kept = list(pairs)
    return {key: sum(int(pair[key]) for pair in kept) for key in ("needed", "had")}


def advice(installed: Record | None, forecast: Record) -> dict[str, str | None]:
    """Return what to do next and what could be done instead; nothing where CozyStack is ready or was not tried."""
    if not installed or installed["outcome"] == "ready":
        return {"recommended": None, "alternative": None}
    ways = list(ways_out(installed, forecast))
    return dict(zip(("recommended", "alternative"), [*ways, None, None][:2], strict=True))


def ways_out(installed: Record, forecast: Record) -> Iterator[str]:
    """Yield what would help, the surest first."""
    codes = {one["code"] for one in installed["verdicts"] if one["blocks"]}
    needs_images = "ARCH_UNSUPPORTED_IMAGES" in codes
    as_well = f", and {OWN_IMAGES}" if needs_images else ""
    yield from (f"{scaled(change)}{as_well}" for change in forecast.get("changes") or ())
    profiles = list(forecast.get("fitting_profiles") or ())
    if profiles and installed["profile"] not in profiles:
        yield f"Install profile {profiles[0]}, which fits the nodes as they are{as_well}"
    if nearest := forecast.get("nearest"):
        limits = "Raise the limits (cluster_nodes_max, cluster_cost_per_hour_max), within which nothing fits"
        yield f"{limits}; the nearest that does: {scaled(nearest)}{as_well}"
    if needs_images:
        yield OWN_IMAGES[:1].upper() + OWN_IMAGES[1:]
    yield from (str(one["remedy"]) for one in installed["verdicts"] if one["blocks"] and one["remedy"])


def scaled(change: Record) -> str:
    """Return a change of the nodes as a sentence."""
    size = SIZES.get(change["instance_type"])
    memory = f" with {size.memory_mib / 1024:g} GiB RAM each" if size else ""
    prices = [f"${change['per_hour']:.3f} an hour"] if change["per_hour"] is not None else []
    # The nodes as they are may be of a type whose price is not known.
    prices += [f"${change['more_per_hour']:.3f} more"] if change["more_per_hour"] is not None else []
    price = f" ({', '.join(prices)})" if prices else ""
    count = "1 node" if change["nodes"] == 1 else f"{change['nodes']} nodes"
    return f"Scale to {count}{memory}, {change['instance_type']}{price}"
