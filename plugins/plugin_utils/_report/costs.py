# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster costs, by what exists of it. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.sizes import (
    PRICES_DATE,
    PRICES_REGION,
    PRICES_SOURCE,
    SIZES,
)

Record = Mapping[str, Any]

HOURS_PER_MONTH = 730
# Dollars. https://aws.amazon.com/ebs/pricing/ and https://aws.amazon.com/vpc/pricing/ for eu-west-1.
GP3_GIB_MONTH = 0.088
PUBLIC_IPV4_HOUR = 0.005


class Cost(NamedTuple):
    """One part of the bill, in dollars an hour."""

    what: str
    per_hour: float


def costs(cluster: Record, resources: Mapping[str, Record], *, now: float) -> dict[str, Any] | None:
    """Return what exists costs an hour and has cost since it was launched; nothing where prices are not known."""
    machines = [item["have"] for item in resources.values() if item["kind"] == "instance" and item["have"]]
    machines += bastions(resources)
    if cluster["region"] != PRICES_REGION or any(
        SIZES.get(one["type"], SIZES["a1.metal"]).price is None for one in machines
    ):
        return None
    items = [*machine_costs(machines), *volume_costs(cluster, resources), *address_costs(resources)]
    per_hour = sum(item.per_hour for item in items)
    hours = max((age(one["launched"], now) for one in machines if one.get("launched")), default=0.0)
    return {
        "per_hour": round(per_hour, 4),
        "per_month": round(per_hour * HOURS_PER_MONTH, 2),
        "hours": round(hours, 2),
        "total": round(per_hour * hours, 2),
        "items": [{"what": item.what, "per_hour": round(item.per_hour, 6)} for item in items],
        "source": f"{PRICES_SOURCE}; {PRICES_REGION}, {PRICES_DATE}; without traffic, CPU credits and tax",
    }


def bastions(resources: Mapping[str, Record]) -> list[Record]:
    """Return the bastion if it runs, by the template that its group starts it from."""
    group, template = (
        (resources.get(f"{kind}/bastion") or {}).get("have") or {} for kind in ("autoscaling_group", "launch_template")
    )
    return [template for _instance in group.get("instances") or () if template.get("type")]


def machine_costs(machines: list[Record]) -> Iterator[Cost]:
    """Yield what the machines cost, type by type."""
    types = [str(machine["type"]) for machine in machines]
    for name in dict.fromkeys(types):
        if name in SIZES:
            yield Cost(f"{types.count(name)} x {name}", types.count(name) * (SIZES[name].price or 0))


def volume_costs(cluster: Record, resources: Mapping[str, Record]) -> Iterator[Cost]:
    """Yield what the volumes cost."""
    there = [node for node in cluster["nodes"] if (resources.get(f"instance/{node['name']}") or {}).get("have")]
    gib = sum(int(node.get("volume_size") or cluster.get("volume_size") or 0) for node in there)
    gib += sum(int(bastion.get("volume_size") or 0) for bastion in bastions(resources))
    if gib:
        yield Cost(f"{gib} GiB gp3", gib * GP3_GIB_MONTH / HOURS_PER_MONTH)


def address_costs(resources: Mapping[str, Record]) -> Iterator[Cost]:
    """Yield what public IPv4 addresses cost, used or not."""
    count = sum(item["kind"] == "address" and bool(item["have"]) for item in resources.values())
    if count:
        yield Cost(f"{count} x public IPv4", count * PUBLIC_IPV4_HOUR)


def age(launched: str, now: float) -> float:
    """Return the hours since a time in ISO 8601."""
    return max(0.0, (now - datetime.fromisoformat(launched).timestamp()) / 3600)
