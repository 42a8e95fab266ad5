# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Query Cost Explorer for what a cluster has cost. Private to urmanac.talos: may change at any time.

Each request costs a cent, so one is sent only if the user requests it. The end of a period is exclusive, the endpoint
for all regions is in us-east-1, and a day is complete about a day after it ends.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from ..._text import counted
from ..client import Api
from ..identity import cluster_tags
from ..spec import ClusterSpec

SERVICES = ("ce",)
DOLLARS_A_REQUEST = 0.01
_METRIC = "UnblendedCost"


class Actual(NamedTuple):
    """The data of Cost Explorer for the days from first to last: dollars by day and by service."""

    first: date
    last: date
    days: Mapping[str, float]
    services: Mapping[str, float]
    is_estimated: bool
    requests: int

    @property
    def total(self) -> float:
        """Return the costs of all days."""
        return sum(self.days.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the values for a module's result."""
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "total": round(self.total, 6),
            "days": {day: round(amount, 6) for day, amount in self.days.items()},
            "services": {name: round(amount, 6) for name, amount in self.services.items()},
            "is_estimated": self.is_estimated,
            "requests": self.requests,
        }


def actual_costs(api: Api, spec: ClusterSpec, today: date, days: int) -> Actual:
    """Return the cluster's costs in the last days until yesterday, by the tags of its resources."""
    first = today - timedelta(days=days)
    answers = list(_answers(api, _question(spec, first, today)))
    by_day: dict[str, float] = defaultdict(float)
    by_service: dict[str, float] = defaultdict(float)
    estimated = False
    for result in (result for answer in answers for result in answer["ResultsByTime"]):
        estimated = estimated or bool(result.get("Estimated"))
        by_day[result["TimePeriod"]["Start"]] += 0.0
        for group in result.get("Groups", ()):
            amount = float(group["Metrics"][_METRIC]["Amount"])
            by_day[result["TimePeriod"]["Start"]] += amount
            by_service[group["Keys"][0]] += amount
    return Actual(first, today - timedelta(days=1), by_day, by_service, estimated, len(answers))


def _question(spec: ClusterSpec, first: date, end: date) -> dict[str, Any]:
    tags = [{"Tags": {"Key": key, "Values": [value]}} for key, value in cluster_tags(spec).items()]
    return {
        # The end is exclusive: today, which is not complete.
        "TimePeriod": {"Start": first.isoformat(), "End": end.isoformat()},
        "Granularity": "DAILY",
        "Metrics": [_METRIC],
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        "Filter": {"And": tags},
    }


def _answers(api: Api, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each page of the response; each is a request that costs a cent."""
    answer = api.call("ce", "get_cost_and_usage", **question)
    yield answer
    while answer.get("NextPageToken"):
        answer = api.call("ce", "get_cost_and_usage", **question, NextPageToken=answer["NextPageToken"])
        yield answer


def actual_lines(found: Actual) -> list[str]:
    """Return lines with the costs by day and by service, and notes about them."""
    price = f"{counted(found.requests, 'Cost Explorer request')}, ${DOLLARS_A_REQUEST * found.requests:.2f}"
    state = "; AWS marks some of it as an estimate" if found.is_estimated else ""
    lines = [f"Paid from {found.first} to {found.last}: ${found.total:.2f}, queried with {price}{state}"]
    lines += [f"  {day}: ${amount:.2f}" for day, amount in found.days.items() if amount]
    lines += [f"  {name}: ${amount:.2f}" for name, amount in found.services.items() if amount]
    if not found.total:
        lines.append(
            "  Nothing in the bill has the tags of the cluster. Project and Cluster count from the day on which they "
            "are activated (console: Billing and Cost Management, Cost allocation tags)."
        )
    lines.append("  Costs appear about a day late, so yesterday may be incomplete, and today is not included.")
    return lines
