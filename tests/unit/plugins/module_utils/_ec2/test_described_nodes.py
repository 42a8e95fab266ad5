# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes inherit, for AWS, for the forecast and for storage alike."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.described_nodes import FilterModule
from ansible_collections.urmanac.talos.plugins.modules.cozystack_forecast import read_machine
from tests.ec2_cluster import cluster, node, spec

described_nodes = FilterModule().filters()["described_nodes"]


@pytest.mark.parametrize(
    ("shared", "own", "disk", "expected"),
    [
        pytest.param(0, [{}, {}], "", "none", id="no volumes"),
        pytest.param(100, [{}, {}], "", "all", id="the cluster's volume"),
        pytest.param("100", [{}, {"data_volume_size": None}], "", "all", id="a number as text"),
        pytest.param(0, [{"data_volume_size": 100}, {}], "", "some", id="one of the nodes"),
        pytest.param(100, [{"data_volume_size": 0}, {}], "", "some", id="all but one"),
        pytest.param(0, [{"data_volume_size": 100}, {"data_volume_size": 20}], "", "all", id="each its own"),
        pytest.param(0, [{}, {}], "/dev/nvme1n1", "all", id="a disk of each node"),
    ],
)
def test_a_data_disk_is_on_all_nodes_on_some_or_on_none(
    shared: Any, own: list[dict[str, Any]], disk: str, expected: str
) -> None:
    nodes = [node(f"compute-{number}", **changes) for number, changes in enumerate(own)]

    assert described_nodes(cluster(nodes=nodes, data_volume_size=shared), disk)["data_disks"] == expected


@pytest.mark.parametrize(
    ("changes", "instance_type", "volume_size"),
    [
        pytest.param({}, "t4g.medium", 50, id="inherited"),
        pytest.param({"instance_type": "", "volume_size": None}, "t4g.medium", 50, id="left empty"),
        pytest.param({"instance_type": "m7g.large", "volume_size": 80}, "m7g.large", 80, id="its own"),
    ],
)
def test_the_forecast_and_aws_get_the_same_nodes(changes: dict[str, Any], instance_type: str, volume_size: int) -> None:
    described = cluster(nodes=[node(**changes)])

    (built,) = spec(nodes=[node(**changes)]).nodes
    planned = read_machine(described["nodes"][0], {**described, "instance_types": {}})

    assert (built.instance_type, built.volume_size) == (instance_type, volume_size)
    assert (planned.instance_type, planned.volume_size) == (instance_type, volume_size)
    assert described_nodes(described)["instance_types"] == {"gateway": instance_type}
