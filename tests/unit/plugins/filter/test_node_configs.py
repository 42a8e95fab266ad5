# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.urmanac.talos.plugins.filter.node_configs import FilterModule

node_configs = FilterModule().filters()["node_configs"]
NODES: list[dict[str, Any]] = [
    {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "192.0.2.101", "volume_size": 50},
    {"name": "compute-2", "role": "compute", "machine_type": "worker", "ipv4": "192.0.2.102"},
]
IMAGES = {"gateway": "registry.example.com/gateway:v1.13.6", "compute": "registry.example.com/compute:v1.13.6"}
THERE = {node["name"]: {"mac": "0a:00:00:00:00:01", "ipv6": "2001:db8::101", "interface": "eni-1"} for node in NODES}


def configs(patches: dict[str, list[Any]] | None = None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = node_configs(NODES, THERE, images=IMAGES, patches=patches or {})
    return made


def test_a_node_gets_the_addresses_of_its_interface() -> None:
    gateway = configs()[0]

    assert (gateway["mac"], gateway["ipv6"]) == ("0a:00:00:00:00:01", "2001:db8::101")
    assert (gateway["name"], gateway["machine_type"], gateway["ipv4"]) == ("gateway", "controlplane", "192.0.2.101")


def test_nodes_without_an_interface_can_be_validated() -> None:
    made = node_configs(NODES, {}, images=IMAGES, patches={})

    assert [(node["name"], node["ipv6"], len(node["mac"])) for node in made] == [
        ("gateway", "", 17),
        ("compute-2", "", 17),
    ]


def test_a_node_has_nothing_that_talos_config_does_not_take() -> None:
    assert set(configs()[0]) == {
        *("name", "machine_type", "ipv4", "ipv6", "mac"),
        *("install_image", "patches", "extensions"),
    }


def test_every_node_names_the_image_of_its_role() -> None:
    images = [node["install_image"] for node in configs()]

    assert images == ["registry.example.com/gateway:v1.13.6", "registry.example.com/compute:v1.13.6"]


def test_a_node_has_its_own_patches_alone() -> None:
    patch = {"machine": {"install": {"image": "registry.example.com/own:v1.13.7"}}}

    own, other = configs({"gateway": [patch]})

    assert own["patches"] == [patch]
    assert other["patches"] == []


def test_extensions_are_the_gateways_alone() -> None:
    extension = {"name": "tailscale", "environment": ["TS_USERSPACE=true"]}

    made = node_configs(NODES, THERE, images=IMAGES, patches={}, gateway_extensions=[extension])

    assert [node["extensions"] for node in made] == [[extension], []]
