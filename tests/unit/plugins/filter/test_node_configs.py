# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.node_configs import FilterModule

node_configs = FilterModule().filters()["node_configs"]
NODES: list[dict[str, Any]] = [
    {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "192.0.2.101", "volume_size": 50},
    {"name": "compute-2", "role": "compute", "machine_type": "worker", "ipv4": "192.0.2.102"},
]
IMAGES = {"gateway": "registry.example.com/gateway:v1.13.6", "compute": "registry.example.com/compute:v1.13.6"}
HAVE = {"mac": "0a:00:00:00:00:01", "ipv6": ["2001:db8::101", "2001:db8::102"]}


def configs(have: dict[str, Any] | None = None, patches: dict[str, list[Any]] | None = None) -> list[dict[str, Any]]:
    resources = {f"eni/{node['name']}": {"have": have} for node in NODES}
    made: list[dict[str, Any]] = node_configs(NODES, resources, images=IMAGES, patches=patches or {})
    return made


def test_a_node_gets_the_addresses_of_its_interface() -> None:
    gateway = configs(HAVE)[0]

    assert (gateway["mac"], gateway["ipv6"]) == ("0a:00:00:00:00:01", "2001:db8::101")
    assert (gateway["name"], gateway["machine_type"], gateway["ipv4"]) == ("gateway", "controlplane", "192.0.2.101")


def test_a_node_has_nothing_that_talos_config_does_not_take() -> None:
    assert set(configs(HAVE)[0]) == {"name", "machine_type", "ipv4", "ipv6", "mac", "patches", "extensions"}


@pytest.mark.parametrize(
    "have",
    [pytest.param(None, id="no interface yet"), pytest.param({"ipv6": []}, id="an interface without IPv6")],
)
def test_what_ec2_has_not_reported_yet_is_empty(have: dict[str, Any] | None) -> None:
    assert (configs(have)[0]["mac"], configs(have)[0]["ipv6"]) == ("", "")


def test_every_node_names_the_image_of_its_role() -> None:
    images = [node["patches"][0]["machine"]["install"]["image"] for node in configs(HAVE)]

    assert images == ["registry.example.com/gateway:v1.13.6", "registry.example.com/compute:v1.13.6"]


def test_a_nodes_own_patches_come_after_the_image() -> None:
    patch = {"machine": {"install": {"image": "registry.example.com/own:v1.13.7"}}}

    own, other = configs(HAVE, {"gateway": [patch]})

    assert own["patches"][1:] == [patch]
    assert len(other["patches"]) == 1


def test_extensions_are_the_gateways_alone() -> None:
    resources = {f"eni/{node['name']}": {"have": HAVE} for node in NODES}
    extension = {"name": "tailscale", "environment": ["TS_USERSPACE=true"]}

    made = node_configs(NODES, resources, images=IMAGES, patches={}, gateway_extensions=[extension])

    assert [node["extensions"] for node in made] == [[extension], []]
