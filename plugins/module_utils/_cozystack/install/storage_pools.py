# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of LINSTOR on each node. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._errors import InputError

# udev names an EBS volume by its serial number, the volume's id. Its NVMe device number can change at each boot.
_BY_SERIAL = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial}"


def storage_pools(
    resources: Mapping[str, Mapping[str, Any]],
    *,
    nodes: Mapping[str, int],
    pool: str,
    disk: str,
    machines: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Return the configurations of LINSTOR's satellites: one for all nodes with a disk path, otherwise one per volume.

    resources are those of M(urmanac.talos.ec2_cluster_info), nodes the sizes of data volumes by the nodes' names, and
    machines the answers of M(urmanac.talos.talos_info), whose disks a path and the volumes are compared with.
    """
    if disk:
        wrong = [problem for machine in machines for problem in _problems(disk, machine)]
        if wrong:
            remedy = "Set cluster_data_volume_size, whose volumes are found by serial number, or set another disk"
            raise InputError(f"Failed to configure {disk} for LINSTOR: {'; '.join(wrong)}. {remedy}.")
        return [_configuration(pool, pool, disk)]
    disks = {str(machine.get("hostname")): machine.get("disks") or () for machine in machines}
    serials = {
        name: _serial(name, resources.get(f"instance/{name}") or {}, disks.get(name, ()))
        for name, size in nodes.items()
        if size
    }
    return [
        _configuration(f"{pool}-{name}", pool, _BY_SERIAL.format(serial=serial), {"kubernetes.io/hostname": name})
        for name, serial in serials.items()
    ]


def _serial(node: str, instance: Mapping[str, Any], disks: Sequence[Mapping[str, Any]]) -> str:
    """Return the serial number of a node's data volume, which is among the disks that Talos sees, if it answers."""
    volume = (instance.get("have") or {}).get("data_volume")
    if not volume:
        remedy = "Build the node with it (playbooks/nodes.yml), or set cluster_data_volume_size to 0"
        raise InputError(
            f"Failed to find the data volume of {node}: its instance has none. {remedy}.", code="DATA_DISK_MISSING"
        )
    serial = str(volume).replace("-", "")
    seen = sorted(str(one.get("serial")) for one in disks)
    if seen and serial not in seen:
        remedy = f"Compare with talosctl -n {node} get disks, and reboot the node"
        raise InputError(
            f"Failed to find {volume} on {node}: Talos sees only {', '.join(seen)}. {remedy}.", code="DATA_DISK_MISSING"
        )
    return serial


def _configuration(name: str, pool: str, path: str, nodes: Mapping[str, str] | None = None) -> dict[str, Any]:
    storage = {"name": pool, "zfsThinPool": {"zPool": pool}, "source": {"hostDevices": [path]}}
    return {
        "apiVersion": "piraeus.io/v1",
        "kind": "LinstorSatelliteConfiguration",
        "metadata": {"name": name},
        "spec": {**({"nodeSelector": dict(nodes)} if nodes else {}), "storagePools": [storage]},
    }


def _problems(disk: str, machine: Mapping[str, Any]) -> Iterator[str]:
    """Yield why LINSTOR cannot use a node's disk of this name; only kernel names are checked."""
    known = {str(one["dev_path"]): one for one in machine.get("disks") or ()}
    if not known or disk.startswith("/dev/disk/"):
        return
    node = machine.get("hostname") or machine["node"]
    if disk not in known:
        yield f"{node} does not have this disk, only {', '.join(sorted(known))}"
    elif known[disk]["system_disk"]:
        yield f"on {node} it is the Talos disk, because NVMe device numbers can change at each boot"
