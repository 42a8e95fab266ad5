# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster whose costs the tests know: three nodes and a bastion that runs five hours a day."""

from __future__ import annotations

from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.forecast import Forecast, forecast
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.prices import shipped
from tests.ec2_cluster import node, spec

BASTION = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-1", "start": "18:00", "stop": "23:00"}
THREE = {
    "nodes": [node(), node("two", ipv4="10.10.0.102"), node("three", ipv4="10.10.0.103")],
    "bastion": BASTION,
}


def forecast_of(cost: dict[str, Any] | None = None, **changes: Any) -> Forecast:
    """Return the forecast for it in this use and with these limits, by the shipped prices."""
    described = spec(**{**THREE, "cost": cost or {}, **changes})
    return forecast(described, shipped(described.region))
