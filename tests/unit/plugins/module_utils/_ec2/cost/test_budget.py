# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposed nodes compared with the limits of the whole cluster."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.budget import Budget
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.prices import shipped
from tests.ec2_cluster import spec
from tests.ec2_costs import THREE, forecast_of

HOUR, MONTH = "cluster_cost_per_hour_max", "cluster_cost_per_month_max"


class Planned(NamedTuple):
    """A proposed node."""

    name: str
    instance_type: str = "t4g.medium"
    volume_size: int = 50


def budget(limits: dict[str, float], **changes: Any) -> Budget:
    """Return the budget of three nodes and a bastion."""
    described = spec(**{**THREE, "cost": limits, **changes})
    return Budget(described, shipped(described.region))


def same(**changes: Any) -> list[Planned]:
    """Return the described nodes with these changes."""
    described = spec(**THREE).nodes
    return [Planned(**{"name": one.name, "volume_size": one.volume_size, **changes}) for one in described]


def test_the_described_nodes_cost_what_the_plan_says() -> None:
    totals = forecast_of().totals
    assert totals

    within, above = (budget({"per_hour_max": totals.hour + more}).exceeded(same()) for more in (0.0001, -0.0001))

    assert (within, above) == ((), (HOUR,))


def test_larger_volumes_and_more_nodes_count() -> None:
    totals = forecast_of().totals
    assert totals
    tight = budget({"per_hour_max": totals.hour, "per_month_max": totals.month + 0.01})

    assert tight.exceeded(same(volume_size=500)) == (HOUR, MONTH)
    assert tight.exceeded([*same(), Planned("worker-1")]) == (HOUR, MONTH)


def test_another_node_has_a_data_volume_as_the_described_ones_have() -> None:
    nodes = [{**node, "data_volume_size": 1000} for node in THREE["nodes"]]  # type: ignore[dict-item]
    limits = {"per_hour_max": 10.0}
    added = Planned("worker-1")

    plain, with_data = (budget(limits, **changes) for changes in ({}, {"nodes": nodes}))

    assert with_data._node(added).data_volume_size == 1000
    assert plain._node(added).data_volume_size == 0


def test_whether_a_limit_is_exceeded_is_unknown_without_a_price() -> None:
    limits = {"per_hour_max": 99.0, "per_month_max": 9999.0}

    assert budget(limits).exceeded(same(instance_type="m9g.large")) is None


def test_without_limits_nothing_is_exceeded() -> None:
    assert budget({}).exceeded(same(instance_type="m9g.large")) == ()
