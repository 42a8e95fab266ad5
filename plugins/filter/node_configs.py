# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the settings for the configuration of each node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]

# Of a node without an interface. Any local address is as good for a validation as the one that EC2 will give it.
NO_INTERFACE: Record = {"ipv6": "", "mac": "02:00:00:00:00:00"}


def node_configs(
    nodes: Iterable[Record],
    there: Record,
    *,
    images: Mapping[str, str],
    patches: Mapping[str, list[Any]],
    gateway_extensions: Iterable[Record] = (),
) -> list[dict[str, Any]]:
    """Return the nodes as M(urmanac.talos.talos_config) takes them, with the addresses that EC2 gave them."""
    extensions = {"gateway": list(gateway_extensions)}
    return [
        {
            **node_config(node, there.get(node["name"], NO_INTERFACE), images=images, patches=patches),
            "extensions": extensions.get(node["role"], []),
        }
        for node in nodes
    ]


def node_config(
    node: Record, there: Record, *, images: Mapping[str, str], patches: Mapping[str, list[Any]]
) -> dict[str, Any]:
    """Return one of them."""
    return {
        **{key: node[key] for key in ("name", "machine_type", "ipv4")},
        **{key: there[key] for key in ("ipv6", "mac")},
        "install_image": images[node["role"]],
        "patches": patches.get(node["name"], []),
    }


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"node_configs": node_configs}
