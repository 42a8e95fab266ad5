# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask AWS for today's prices of machines and volumes. Private to urmanac.talos: may change at any time.

The Price List API is free, and answers in us-east-1 for all regions. A question that it refuses, or whose answer has
not exactly one price, leaves the shipped price in place and is a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from .._findings import Finding, finding
from .client import Api, AwsError
from .prices import MACHINES, VOLUMES, Prices, Source
from .spec import ClusterSpec

SERVICES = ("pricing",)
_WHERE = "AWS Price List API, on demand"
_MACHINE = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}
_VOLUME = {"productFamily": "Storage", "volumeApiName": "gp3"}


def refreshed(api: Api, spec: ClusterSpec, prices: Prices, today: date) -> tuple[Prices, list[Finding]]:
    """Return the prices with what AWS names today for the cluster's machines and volumes, and notes of the others."""
    notes: list[Finding] = []
    machines = {name: _ask(api, spec, {**_MACHINE, "instanceType": name}, name, notes) for name in spec.instance_types}
    volume = _ask(api, spec, _VOLUME, "gp3", notes)
    asked = {name: price for name, price in machines.items() if price is not None}
    known = prices._replace(instances={**prices.instances, **asked})
    if volume is not None:
        known = known._replace(gp3_gib_month=volume)
    fresh = {
        **({MACHINES.what: _source(MACHINES, today)} if asked and len(asked) == len(machines) else {}),
        **({VOLUMES.what: _source(VOLUMES, today)} if volume is not None else {}),
    }
    return known._replace(sources=tuple(_with(prices.sources, fresh))), notes


def _source(known: Source, today: date) -> Source:
    return Source(known.what, _WHERE, today.isoformat())


def _with(sources: Iterable[Source], fresh: Mapping[str, Source]) -> Iterator[Source]:
    """Yield the sources with the fresh ones in the place of those that they replace, and the others behind them."""
    old = {source.what: source for source in sources}
    yield from {**old, **fresh}.values()


def _ask(api: Api, spec: ClusterSpec, filters: Mapping[str, str], name: str, notes: list[Finding]) -> float | None:
    wanted = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in {"regionCode": spec.region, **filters}.items()
    ]
    try:
        price = price_of(api.call("pricing", "get_products", ServiceCode="AmazonEC2", Filters=wanted)["PriceList"])
    except AwsError as error:
        message = f"not asked of AWS: {error.problem.message} The shipped price is used, if there is one."
        notes.append(finding("NOT_CHECKED", f"price of {name}", message, error.problem.remedy))
        return None
    if price is None:
        message = f"AWS names no single price in {spec.region}. The shipped price is used, if there is one."
        notes.append(finding("NOT_CHECKED", f"price of {name}", message, "Compare it with AWS's page of prices."))
    return price


def price_of(entries: Iterable[Any]) -> float | None:
    """Return the one price that the products have, None where they have none or several, or are none of AWS."""
    try:
        found = {price for entry in entries for price in _prices_of(entry)} - {0.0}
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return found.pop() if len(found) == 1 else None


def _prices_of(entry: Any) -> Iterator[float]:
    product = json.loads(entry) if isinstance(entry, str) else entry
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            yield float(dimension["pricePerUnit"]["USD"])
