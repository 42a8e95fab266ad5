# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask Cost Explorer what a cluster has cost. Private to urmanac.talos: may change at any time.

Each request costs a cent, so one is made only where it is asked for. The end of a period is exclusive, all regions are
answered for in us-east-1, and a day is complete about a day after it ends.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from .client import Api
from .desired import owner_tags
from .spec import ClusterSpec

SERVICES = ("ce",)
DOLLARS_A_REQUEST = 0.01
_METRIC = "UnblendedCost"


class Actual(NamedTuple):
    """What Cost Explorer says of the days from first to last: dollars by day and by service."""

    first: date
    last: date
    days: Mapping[str, float]
    services: Mapping[str, float]
    is_estimated: bool
    requests: int

    @property
    def total(self) -> float:
        """Return what all days have cost."""
        return sum(self.days.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it as modules return it."""
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
    """Return what the cluster has cost on so many days until yesterday, by the tags of its resources."""
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
    tags = [{"Tags": {"Key": key, "Values": [value]}} for key, value in owner_tags(spec).items()]
    return {
        # The end is the first day that is not part of it: today, which is not over.
        "TimePeriod": {"Start": first.isoformat(), "End": end.isoformat()},
        "Granularity": "DAILY",
        "Metrics": [_METRIC],
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        "Filter": {"And": tags},
    }


def _answers(api: Api, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each page of the answer, every one of which is a request that costs a cent."""
    answer = api.call("ce", "get_cost_and_usage", **question)
    yield answer
    while answer.get("NextPageToken"):
        answer = api.call("ce", "get_cost_and_usage", **question, NextPageToken=answer["NextPageToken"])
        yield answer


def actual_lines(found: Actual) -> list[str]:
    """Return what was paid, day by day, and what the figures are."""
    price = f"{found.requests} of Cost Explorer's requests, ${DOLLARS_A_REQUEST * found.requests:.2f}"
    state = "; AWS calls some of it an estimate" if found.is_estimated else ""
    lines = [f"Paid from {found.first} to {found.last}: ${found.total:.2f}, asked with {price}{state}"]
    lines += [f"  {day}: ${amount:.2f}" for day, amount in found.days.items() if amount]
    lines += [f"  {name}: ${amount:.2f}" for name, amount in found.services.items() if amount]
    if not found.total:
        lines.append(
            "  Nothing in the bill has the tags of the cluster. Project and Cluster count from the day on which they "
            "are activated (console: Billing and Cost Management, Cost allocation tags)."
        )
    lines.append("  Costs appear about a day late, so yesterday may lack some, and today is not asked for.")
    return lines
