#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecast what a cluster costs, compare it with its limits, and read what it has cost."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_cost_info
short_description: Forecast what a cluster costs in EC2, and read what it has cost
version_added: 0.1.0
description:
  - Computes what the described cluster costs an hour, a day, a month and a session, in US dollars, from list prices.
  - Compares ways to use it with the limits of O(cluster.cost), or with the goal of this project, $0.50 a day and
    $20 a month.
  - Calls no API and needs no credentials, unless O(price_list) or O(actual_days) is set.
  - Changes nothing.
options:
  price_list:
    description:
      - Whether to query AWS for today's prices of the instances and of gp3 volumes, which is free of charge.
      - Otherwise, and if a query fails, the prices are those that the collection ships.
    type: bool
    default: false
  actual_days:
    description:
      - For how many days until yesterday to query the actual costs from Cost Explorer, at most 365; V(0) for none.
      - AWS charges $0.01 for each Cost Explorer request. One is enough for a month.
      - The costs are those of resources with the tags C(Project) and C(Cluster), from the day on which these tags are
        activated as cost allocation tags in the account.
    type: int
    default: 0
author:
  - The urmanac.talos authors (@urmanac)
notes:
  - O(price_list) needs C(pricing:GetProducts), O(actual_days) needs C(ce:GetCostAndUsage).
  - Not counted are tax, CPU credits beyond those that a T4g earns, snapshots, and free allowances of an account besides
    the 100 GB a month that every account may send to the internet.
seealso:
  - module: urmanac.talos.ec2_preflight_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes.reads_only
"""

EXAMPLES = r"""
- name: Forecast the costs
  urmanac.talos.ec2_cost_info:
    cluster: "{{ cluster_spec }}"
  register: cost

- name: Show them
  ansible.builtin.debug:
    var: cost.lines

- name: Read the costs of the last seven days from AWS, for one cent
  urmanac.talos.ec2_cost_info:
    cluster: "{{ cluster_spec }}"
    price_list: true
    actual_days: 7
"""

RETURN = r"""
per_hour:
  description: The costs of an hour in which everything runs, V(null) if a price is not known.
  returned: success
  type: float
  sample: 0.155456
per_day:
  description: The costs of a day with the use that O(cluster.cost) describes, V(null) if a price is not known.
  returned: success
  type: float
  sample: 3.313638
per_month:
  description: The costs of a month of 730 hours with that use, V(null) if a price is not known.
  returned: success
  type: float
  sample: 100.789833
per_session:
  description: The costs of a session, V(null) if a price is not known.
  returned: success
  type: float
  sample: 0.466368
credits_at_worst:
  description: What CPU credits add to each of these, if every burstable instance uses all of its vCPUs all the time.
  returned: success
  type: dict
  sample: {"per_hour": 0.256, "per_day": 4.928, "per_month": 149.893333, "per_session": 0.768}
items:
  description: The parts of the forecast, each with its price while it exists and its hours a day.
  returned: success
  type: list
  elements: dict
  sample: [{"what": "3 x t4g.medium", "hours_a_day": 24.0, "per_hour": 0.1104, "per_month": 80.592}]
unknown:
  description: The parts whose price is not known. Then there are no totals.
  returned: success
  type: list
  elements: str
  sample: []
region:
  description: The region whose prices these are.
  returned: success
  type: str
  sample: eu-west-1
sources:
  description: The source of each kind of price, and the day of the price or of its reading.
  returned: success
  type: list
  elements: dict
  sample: [{"what": "public IPv4", "where": "https://aws.amazon.com/vpc/pricing/", "date": "2024-02-01"}]
message:
  description: The totals in one sentence, which plan, preflight and report show as well.
  returned: success
  type: str
  sample: >-
    $0.155 an hour while everything runs, $3.31 a day, $100.79 a month (nodes never stopped); a session of 3 h $0.47
choices:
  description: Ways to use the cluster, each with its forecast.
  returned: success
  type: list
  elements: dict
  sample: [{"what": "never stopped", "per_hour": 0.155456, "per_day": 3.313638, "per_month": 100.789833}]
problems:
  description: Limits of O(cluster.cost) that are exceeded with policy V(enforce), in the form of preflight.
  returned: success
  type: list
  elements: dict
  sample: []
notes:
  description: Limits that are exceeded with policy V(warn), and queries of AWS that failed.
  returned: success
  type: list
  elements: dict
  sample:
    - code: COST_ABOVE_LIMIT
      severity: error
      subject: cluster_cost_per_day_max
      message: The cluster would cost $3.31 a day (nodes never stopped), which exceeds the limit of $0.50.
      remedy: Set cluster_cost_hours_per_day to 3.2 or less.
      evidence: {}
actual:
  description: What the cluster has cost by day and by service; V(null) if not requested, or AWS returned an error.
  returned: success
  type: dict
  sample:
    first: "2026-11-22"
    last: "2026-11-28"
    total: 1.87
    days: {"2026-11-22": 1.87}
    services: {"Amazon Elastic Compute Cloud - Compute": 1.87}
    is_estimated: false
    requests: 1
lines:
  description: The forecast as lines of text.
  returned: success
  type: list
  elements: str
  sample: ["$ 3 x t4g.medium: $0.1104 an hour around the clock, $80.59 a month"]
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import Api, AwsError, connect
from ..module_utils._ec2.cost import actual as cost_actual
from ..module_utils._ec2.cost import price_list
from ..module_utils._ec2.cost.actual import Actual, actual_costs, actual_lines
from ..module_utils._ec2.cost.choices import Choice, choice_lines, choices
from ..module_utils._ec2.cost.forecast import Forecast, cost_lines, forecast
from ..module_utils._ec2.cost.limits import enforced
from ..module_utils._ec2.cost.price_list import refreshed
from ..module_utils._ec2.cost.prices import Prices, shipped
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._findings import Finding, finding, notes
from ..module_utils._options import check_numbers
from ..module_utils._text import short

# Cost Explorer has the costs by day of the last 14 months.
DAYS_MAX = 365


class Asked(NamedTuple):
    """The queries of AWS, and today's date."""

    price_list: bool
    actual_days: int
    today: date


def cost_info(spec: ClusterSpec, connect_to: Callable[[tuple[str, ...]], Api], asked: Asked) -> dict[str, Any]:
    """Return what the module returns; AWS is called only if an option requests it."""
    prices, unanswered = _prices(spec, connect_to, asked)
    actual, more = _actual(spec, connect_to, asked)
    found = forecast(spec, prices)
    problems, worth_knowing = enforced(found)
    known = [*worth_knowing, *unanswered, *more]
    ways = choices(spec, prices)
    return {
        **found.as_dict(),
        "choices": [choice.as_dict() for choice in ways],
        "problems": [problem.as_dict() for problem in problems],
        "notes": [note.as_dict() for note in known],
        "actual": actual.as_dict() if actual else None,
        "lines": [*_forecast_lines(spec, found, ways), *notes([*problems, *known], "subject"), *_paid_lines(actual)],
    }


def _forecast_lines(spec: ClusterSpec, found: Forecast, ways: Sequence[Choice]) -> Iterator[str]:
    yield f"Cluster {spec.name} of project {spec.project} in {found.prices.region}"
    yield from cost_lines(found)
    yield from choice_lines(spec, found.prices, ways)
    yield from (f"  Price of {one.what}: {one.where}, {one.date}" for one in found.prices.sources)


def _paid_lines(actual: Actual | None) -> list[str]:
    return actual_lines(actual) if actual else []


def _prices(
    spec: ClusterSpec, connect_to: Callable[[tuple[str, ...]], Api], asked: Asked
) -> tuple[Prices, list[Finding]]:
    prices = shipped(spec.region)
    if not asked.price_list:
        return prices, []
    try:
        return refreshed(connect_to(price_list.SERVICES), spec, prices, asked.today)
    except AwsError as error:
        return prices, [_unasked("prices of AWS", error)]


def _actual(
    spec: ClusterSpec, connect_to: Callable[[tuple[str, ...]], Api], asked: Asked
) -> tuple[Actual | None, list[Finding]]:
    if not 0 <= asked.actual_days <= DAYS_MAX:
        raise InputError(
            f"Failed to query the actual costs: actual_days ({asked.actual_days}) is not from 0 to {DAYS_MAX}."
        )
    if not asked.actual_days:
        return None, []
    try:
        return actual_costs(connect_to(cost_actual.SERVICES), spec, asked.today, asked.actual_days), []
    except AwsError as error:
        return None, [_unasked("actual costs", error)]


def _unasked(what: str, error: AwsError) -> Finding:
    return finding("NOT_CHECKED", what, f"AWS returned an error: {short(error.problem.message)}", error.problem.remedy)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster": argument_spec(),
            "price_list": {"type": "bool", "default": False},
            "actual_days": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    asked = Asked(module.params["price_list"], module.params["actual_days"], datetime.now(UTC).date())
    try:
        check_numbers(module.params)
        spec = parse_spec(module.params["cluster"])
        result = cost_info(
            spec,
            lambda services: connect(module, services, region=spec.region, cidr=spec.vpc_ipv4_cidr),
            asked,
        )
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
