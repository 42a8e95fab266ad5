# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the disks that LINSTOR gets."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.urmanac.talos.plugins.filter.storage_pools import FilterModule

storage_pools = FilterModule().filters()["storage_pools"]
RESOURCES = {
    "instance/gateway": {"have": {"data_volume": "vol-0a1b"}},
    "instance/compute-2": {"have": {"data_volume": None}},
    "instance/compute-3": {"have": None},
}


def pools(*nodes: str, disk: str = "") -> list[dict[str, Any]]:
    """Return the configurations."""
    made: list[dict[str, Any]] = storage_pools(
        RESOURCES, nodes={**dict.fromkeys(nodes, 20), "small": 0}, pool="data", disk=disk
    )
    return made


def test_a_data_volume_is_found_by_its_serial_on_its_own_node() -> None:
    (found,) = pools("gateway")

    assert found["metadata"]["name"] == "data-gateway"
    assert found["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "gateway"}
    (pool,) = found["spec"]["storagePools"]
    assert pool["name"] == "data"
    assert pool["source"]["hostDevices"] == ["/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b"]


def test_a_path_is_the_same_on_all_nodes() -> None:
    (found,) = pools("gateway", "compute-2", disk="/dev/sdb")

    assert (found["metadata"]["name"], "nodeSelector" in found["spec"]) == ("data", False)
    assert found["spec"]["storagePools"][0]["source"]["hostDevices"] == ["/dev/sdb"]


@pytest.mark.parametrize("node", ["compute-2", "compute-3", "another"])
def test_a_node_without_a_data_volume_is_named(node: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"Failed to find the data volume of {node}"):
        pools("gateway", node)
