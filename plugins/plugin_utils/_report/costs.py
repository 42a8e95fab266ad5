# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The costs of the cluster's existing resources. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ...module_utils._ec2.cost import existing
from ...module_utils._ec2.cost.prices import ADDRESSES, HOURS_A_MONTH, MACHINES, PUBLIC_IPV4, VOLUMES, Prices, shipped

Record = Mapping[str, Any]

_COUNTED = (MACHINES.what, VOLUMES.what, ADDRESSES.what)


class Cost(NamedTuple):
    """One part of the bill, in dollars an hour."""

    what: str
    per_hour: float


class Machine(NamedTuple):
    """An existing instance, and its running hours; None while it is stopped or stopping."""

    type: str
    volume_gib: int
    hours: float | None

    def price(self, prices: Prices) -> float | None:
        """Return the hourly cost without its volume: zero while it is stopped; None if unknown."""
        return 0.0 if self.hours is None else prices.instances.get(self.type)

    def so_far(self, prices: Prices) -> float:
        """Return the cost of it and its volume since its last start."""
        return (self.hours or 0.0) * ((self.price(prices) or 0.0) + (prices.volume_hour(self.volume_gib) or 0.0))


def costs(region: str, resources: Mapping[str, Record], *, now: float, forecast: str = "") -> dict[str, Any] | None:
    """Return the hourly cost of existing resources, and the cost of running ones since their start.

    Includes the forecast that the plan showed.
    """
    prices = shipped(region)
    machines = list(billed(resources, now))
    if prices.gp3_gib_month is None or any(machine.price(prices) is None for machine in machines):
        return None
    items = [*machine_costs(machines, prices), *volume_costs(machines, prices), *address_costs(resources)]
    per_hour = sum(item.per_hour for item in items)
    bill = {
        "per_hour": round(per_hour, 4),
        "per_month": round(per_hour * HOURS_A_MONTH, 2),
        "hours": round(max((machine.hours or 0.0 for machine in machines), default=0.0), 2),
        "total": round(sum(machine.so_far(prices) for machine in machines), 2),
        "items": [{"what": item.what, "per_hour": round(item.per_hour, 6)} for item in items],
        "source": f"{source_text(prices)}; without traffic, CPU credits and tax",
    }
    said = message(bill, runs=any(machine.hours is not None for machine in machines))
    return {**bill, "message": said, "forecast": forecast}


def source_text(prices: Prices) -> str:
    """Return the sources and dates of the used prices."""
    counted = [source for source in prices.sources if source.what in _COUNTED]
    return f"{prices.region}: " + ", ".join(f"{one.what} {one.where} ({one.date})" for one in counted)


def message(bill: Record, *, runs: bool) -> str:
    """Return the bill as a sentence.

    AWS does not report since when an address is allocated or the volume of a stopped instance exists, so the figures do
    not include their past costs.
    """
    rate = f"${bill['per_hour']:.3f} an hour now, ${bill['per_month']:.2f} a month if it stays so"
    if not runs:
        return f"no machine runs; {rate}"
    since = "what runs, each machine with its volume since its last start"
    return f"${bill['total']:.2f} for {bill['hours']:.2f} hours ({since}); {rate}"


def billed(resources: Mapping[str, Record], now: float) -> Iterator[Machine]:
    """Yield the existing instances with their running hours."""
    for one in existing.instances(resources):
        yield Machine(one.type, one.volume_gib, age(one.launched, now) if one.is_running else None)


def machine_costs(machines: Sequence[Machine], prices: Prices) -> Iterator[Cost]:
    """Yield the costs of the running instances by type."""
    running = [machine for machine in machines if machine.hours is not None]
    for name in dict.fromkeys(machine.type for machine in running):
        each = [machine.price(prices) or 0.0 for machine in running if machine.type == name]
        yield Cost(f"{len(each)} x {name}", sum(each))


def volume_costs(machines: Sequence[Machine], prices: Prices) -> Iterator[Cost]:
    """Yield the costs of the volumes, including those of stopped instances."""
    gib = sum(machine.volume_gib for machine in machines)
    if gib:
        yield Cost(f"{gib} GiB gp3", prices.volume_hour(gib) or 0.0)


def address_costs(resources: Mapping[str, Record]) -> Iterator[Cost]:
    """Yield the costs of public IPv4 addresses, used or not."""
    count = len(existing.addresses(resources))
    if count:
        yield Cost(f"{count} x public IPv4", count * PUBLIC_IPV4)


def age(launched: str, now: float) -> float:
    """Return the hours since a time in ISO 8601."""
    return max(0.0, (now - datetime.fromisoformat(launched).timestamp()) / 3600)
