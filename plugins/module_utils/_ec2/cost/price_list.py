# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Query AWS for today's prices of instances and volumes. Private to urmanac.talos: may change at any time.

The Price List API is free, and its endpoint for all regions is in us-east-1. If a call fails or does not return exactly
one price, the shipped price is used, with a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from ..._findings import Finding, finding
from ..._text import short
from ..client import Api, AwsError
from ..spec import ClusterSpec
from .prices import MACHINES, VOLUMES, Prices, Source

SERVICES = ("pricing",)
_WHERE = "AWS Price List API, on demand"
_SHIPPED = "The shipped price is used, if there is one."
_MACHINE = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}
_VOLUME = {"productFamily": "Storage", "volumeApiName": "gp3"}


def refreshed(api: Api, spec: ClusterSpec, prices: Prices, today: date) -> tuple[Prices, list[Finding]]:
    """Return the prices with today's prices of the cluster's instances and volumes, and notes for the others."""
    types = {name: {**_MACHINE, "instanceType": name} for name in spec.instance_types}
    answers = {name: _ask(api, spec, filters) for name, filters in {**types, "gp3": _VOLUME}.items()}
    named = {name: answer for name, answer in answers.items() if isinstance(answer, float)}
    machines = {name: price for name, price in named.items() if name in types}
    known = prices._replace(
        instances={**prices.instances, **machines}, gp3_gib_month=named.get("gp3", prices.gp3_gib_month)
    )
    fresh = [
        *([_source(MACHINES, today)] if types.keys() <= machines.keys() else []),
        *([_source(VOLUMES, today)] if "gp3" in named else []),
    ]
    refused = {name: answer for name, answer in answers.items() if isinstance(answer, Finding)}
    return known._replace(sources=tuple(_with(prices.sources, fresh))), list(_joined(refused))


def _joined(refused: Mapping[str, Finding]) -> Iterator[Finding]:
    """Yield one note for all prices that are missing for the same reason."""
    for note in dict.fromkeys(refused.values()):
        yield note.about(f"price of {', '.join(name for name, one in refused.items() if one == note)}")


def _source(known: Source, today: date) -> Source:
    return Source(known.what, _WHERE, today.isoformat())


def _with(sources: Iterable[Source], fresh: Iterable[Source]) -> Iterator[Source]:
    """Yield the sources, replaced by the fresh ones of the same kind, followed by new ones."""
    yield from {**{source.what: source for source in sources}, **{source.what: source for source in fresh}}.values()


def _ask(api: Api, spec: ClusterSpec, filters: Mapping[str, str]) -> float | Finding:
    """Return the price of one product, or a note if there is none."""
    wanted = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in {"regionCode": spec.region, **filters}.items()
    ]
    try:
        price = price_of(api.call("pricing", "get_products", ServiceCode="AmazonEC2", Filters=wanted)["PriceList"])
    except AwsError as error:
        message = f"AWS returned an error: {short(error.problem.message)} {_SHIPPED}"
        return finding("NOT_CHECKED", "", message, error.problem.remedy)
    message = f"AWS does not return exactly one price for {spec.region}. {_SHIPPED}"
    return finding("NOT_CHECKED", "", message, "See the AWS pricing page.") if price is None else price


def price_of(entries: Iterable[Any]) -> float | None:
    """Return the one price of the products, or None if there are none or several, or the data is not valid."""
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
