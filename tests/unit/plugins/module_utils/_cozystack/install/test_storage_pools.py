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


SYSTEM = {"dev_path": "/dev/nvme0n1", "system_disk": True}
DATA = {"dev_path": "/dev/nvme1n1", "system_disk": False}
# The same disks as the kernel may have numbered them at another boot.
SWAPPED = [{**SYSTEM, "dev_path": "/dev/nvme1n1"}, {**DATA, "dev_path": "/dev/nvme0n1"}]


def given(disk: str, *answers: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return the configurations of nodes that have these disks."""
    machines = [{"node": f"192.0.2.{101 + index}", "disks": disks} for index, disks in enumerate(answers)]
    made: list[dict[str, Any]] = storage_pools({}, nodes={}, pool="data", disk=disk, machines=machines)
    return made


@pytest.mark.parametrize(
    ("disk", "answers"),
    [
        pytest.param("/dev/nvme1n1", [[SYSTEM, DATA], [SYSTEM, DATA]], id="a second disk"),
        pytest.param("/dev/nvme1n1", [None], id="a node that does not report it"),
        pytest.param("/dev/disk/by-id/wwn-0x5000c500a0b1c2d3", [[SYSTEM, DATA]], id="a name that Talos does not list"),
    ],
)
def test_a_disk_besides_that_of_talos_is_given(disk: str, answers: Any) -> None:
    assert len(given(disk, *answers)) == 1


def test_the_disk_of_talos_on_any_node_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"on 192\.0\.2\.102 it is the Talos disk"):
        given("/dev/nvme1n1", [SYSTEM, DATA], SWAPPED)


def test_a_disk_that_a_node_has_not_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match=r"192\.0\.2\.102 does not have this disk, only /dev/nvme0n1"):
        given("/dev/nvme1n1", [SYSTEM, DATA], [SYSTEM])


@pytest.mark.parametrize(
    "serials", [pytest.param(["vol9", "vol0a1b"], id="seen"), pytest.param([], id="a node that does not report it")]
)
def test_a_data_volume_that_talos_sees_is_given(serials: list[str]) -> None:
    (found,) = volumes_of(serials)

    assert found["metadata"]["name"] == "data-gateway"


def test_a_data_volume_that_talos_does_not_see_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="Failed to find vol-0a1b on gateway: Talos sees only vol7, vol9"):
        volumes_of(["vol9", "vol7"])


def volumes_of(serials: list[str]) -> list[dict[str, Any]]:
    """Return the configurations where Talos sees disks of these serial numbers."""
    disks = [{**DATA, "serial": serial} for serial in serials]
    machines = [{"node": "192.0.2.101", "hostname": "gateway", "disks": disks}]
    made: list[dict[str, Any]] = storage_pools(
        RESOURCES, nodes={"gateway": 20}, pool="data", disk="", machines=machines
    )
    return made
