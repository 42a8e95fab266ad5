# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute what a described cluster costs: the only place that does this. Private: may change at any time.

Plan, preflight, report and ec2_cost_info all show what forecast() returns, so that all have the same total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..instance_types import is_burstable, surplus_per_hour
from ..spec import ClusterSpec
from .prices import (
    HOURS_A_MONTH,
    PUBLIC_IPV4,
    TRANSFER_FREE_GB,
    Prices,
    transfer_month,
)
from .spec import PERIODS, CostSpec

DAYS_A_MONTH = HOURS_A_MONTH / 24


class Item(NamedTuple):
    """One item of the bill: dollars an hour while it exists, and hours a day; None is not known."""

    what: str
    per_hour: float | None
    hours_a_day: float
    # The maximum that CPU credits add per hour.
    credits: float | None = 0.0


class Totals(NamedTuple):
    """Dollars for an hour in which everything runs, a day, a month and a session."""

    hour: float
    day: float
    month: float
    session: float

    def as_dict(self) -> dict[str, float]:
        """Return the values for a module's result."""
        return {f"per_{period}": round(amount, 6) for period, amount in self._asdict().items()}


class Forecast(NamedTuple):
    """What a cluster will cost, in dollars."""

    items: tuple[Item, ...]
    use: CostSpec
    prices: Prices

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the parts whose price is not known."""
        return tuple(item.what for item in self.items if item.per_hour is None)

    @property
    def totals(self) -> Totals | None:
        """Return the total costs, None if a price is not known."""
        if self.unknown:
            return None
        return _sum([(item.per_hour or 0.0, item.hours_a_day) for item in self.items], self.use)

    @property
    def credits(self) -> Totals:
        """Return what CPU credits add if every instance uses all of its vCPUs all the time."""
        return _sum([(item.credits or 0.0, item.hours_a_day) for item in self.items], self.use)

    def as_dict(self) -> dict[str, Any]:
        """Return the values for a module's result."""
        totals = self.totals
        return {
            **(totals.as_dict() if totals else {f"per_{period}": None for period in PERIODS}),
            "credits_at_worst": self.credits.as_dict(),
            "items": [_record(item) for item in self.items],
            "unknown": list(self.unknown),
            "region": self.prices.region,
            "sources": [source._asdict() for source in self.prices.sources],
            "message": total_line(self),
        }


def _sum(parts: Iterable[tuple[float, float]], use: CostSpec) -> Totals:
    amounts = list(parts)
    hour = sum(per_hour for per_hour, _hours in amounts)
    day = sum(per_hour * hours for per_hour, hours in amounts)
    return Totals(hour, day, day * DAYS_A_MONTH, hour * use.session_hours)


def forecast(spec: ClusterSpec, prices: Prices) -> Forecast:
    """Return what the described cluster costs with the described use."""
    return Forecast(tuple(_items(spec, prices)), spec.use, prices)


def _items(spec: ClusterSpec, prices: Prices) -> Iterator[Item]:
    use = spec.use
    kept = use.hours_per_day if use.is_removed else 24.0
    for name, count in Counter(node.instance_type for node in spec.nodes).items():
        yield _machine(f"{count} x {name}", name, count, use.hours_per_day, spec, prices)
    yield from _volume(sum(node.volume_size + node.data_volume_size for node in spec.nodes), "nodes", kept, prices)
    if spec.bastion:
        hours = use.hours_per_day if use.is_removed else spec.bastion.hours_a_day
        name = spec.bastion.instance_type
        yield _machine(f"bastion, {name}{_schedule(spec)}", name, 1, hours, spec, prices)
        # Each start launches a new bastion with a new volume.
        yield from _volume(spec.bastion.volume_size, "bastion", hours, prices)
        if spec.bastion.egress == "public_ipv4":
            yield Item("Elastic IP of the bastion", PUBLIC_IPV4, kept)
    sent = transfer_month(prices, use.transfer_gb)
    what = f"{use.transfer_gb:g} GB a month to the internet, {TRANSFER_FREE_GB} of which are free"
    yield Item(what, None if sent is None else sent / HOURS_A_MONTH, 24.0)


def _machine(what: str, name: str, count: int, hours: float, spec: ClusterSpec, prices: Prices) -> Item:
    price, surplus = prices.instances.get(name), _surplus(name, spec)
    return Item(
        what,
        None if price is None else price * count,
        hours,
        None if surplus is None else surplus * count,
    )


def _schedule(spec: ClusterSpec) -> str:
    bastion = spec.bastion
    if bastion is None or not bastion.is_scheduled or spec.use.is_removed:
        return ""
    return f", {bastion.start} to {bastion.stop} {bastion.time_zone}"


def _surplus(name: str, spec: ClusterSpec) -> float | None:
    return surplus_per_hour(name) if spec.cpu_credits == "unlimited" and is_burstable(name) else 0.0


def _volume(gib: int, whose: str, hours: float, prices: Prices) -> Iterator[Item]:
    if gib:
        yield Item(f"{gib} GiB gp3, {whose}", prices.volume_hour(gib), hours)


def total_line(found: Forecast) -> str:
    """Return the sentence with the totals that plan, preflight, report and forecast share."""
    totals = found.totals
    if totals is None:
        return f"not known, because the price of {'; '.join(found.unknown)} in {found.prices.region} is not known"
    return (
        f"${totals.hour:.3f} an hour while everything runs, ${totals.day:.2f} a day, ${totals.month:.2f} a month "
        f"({use_text(found.use)}); a session of {found.use.session_hours:g} h ${totals.session:.2f}"
    )


def use_text(use: CostSpec) -> str:
    """Return the use for which a forecast is computed."""
    if use.hours_per_day >= 24:
        return "nodes never stopped"
    after = "then removed" if use.is_removed else "then stopped, with volumes and address kept"
    return f"nodes {use.hours_per_day:g} h a day, {after}"


def cost_lines(found: Forecast) -> list[str]:
    """Return the lines of the forecast, with the total last."""
    return [*(f"$ {_item_line(item)}" for item in found.items), *_credit_lines(found), f"$ Total: {total_line(found)}"]


def _item_line(item: Item) -> str:
    if item.per_hour == 0:
        return f"{item.what}: $0.00"
    hours = "around the clock" if item.hours_a_day >= 24 else f"for {item.hours_a_day:g} h a day"
    month = _per_month(item)
    if item.per_hour is None or month is None:
        return f"{item.what}: price not known, {hours}"
    return f"{item.what}: {_dollars(item.per_hour)} an hour {hours}, ${month:.2f} a month"


def _dollars(amount: float) -> str:
    """Return an amount with three decimals, or four if needed."""
    text = f"{amount:.4f}"
    return f"${text.removesuffix('0')}"


def _per_month(item: Item) -> float | None:
    return None if item.per_hour is None else item.per_hour * item.hours_a_day * DAYS_A_MONTH


def _credit_lines(found: Forecast) -> Iterator[str]:
    worst = found.credits
    if worst.hour:
        yield (
            f"$ CPU credits unlimited: at most ${worst.hour:.3f} an hour and ${worst.month:.2f} a month above the "
            "total, if every instance uses all of its vCPUs"
        )
    for item in found.items:
        if item.credits is None:
            yield f"$ CPU credits unlimited: the surplus charge of {item.what} is not known"


def _record(item: Item) -> dict[str, Any]:
    amounts = {"per_hour": item.per_hour, "per_month": _per_month(item)}
    rounded = {name: None if amount is None else round(amount, 6) for name, amount in amounts.items()}
    return {"what": item.what, "hours_a_day": item.hours_a_day, **rounded}
