# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes inherit from the description of their cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

INHERITED = ("instance_type", "volume_size", "data_volume_size")


class Described(NamedTuple):
    """Instance types and data volumes by name of the node; whether all, some or none of the nodes have a data disk."""

    instance_types: Mapping[str, str]
    data_sizes: Mapping[str, int]
    data_disks: str


def inherited(node: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a node that it may inherit from its cluster."""
    return {key: cluster.get(key) if node.get(key) in (None, "") else node[key] for key in INHERITED}


def described_nodes(cluster: Mapping[str, Any], data_disk: str = "") -> Described:
    """Return the described properties of all nodes; data_disk is the path of a disk that each has besides volumes."""
    nodes = {node["name"]: inherited(node, cluster) for node in cluster["nodes"]}
    sizes = {name: int(node["data_volume_size"] or 0) for name, node in nodes.items()}
    with_disk = [name for name, size in sizes.items() if data_disk or size]
    return Described(
        instance_types={name: str(node["instance_type"]) for name, node in nodes.items()},
        data_sizes=sizes,
        # LINSTOR replicates volumes only if every node has a disk.
        data_disks="none" if not with_disk else "all" if len(with_disk) == len(nodes) else "some",
    )
