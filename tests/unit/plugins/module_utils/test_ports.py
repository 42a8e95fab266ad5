# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of ports in roles are those of the Python code."""

from __future__ import annotations

import inspect
from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.doc_fragments.talos import ModuleDocFragment
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.openings import OPENINGS
from ansible_collections.urmanac.talos.plugins.module_utils._ports import (
    ASSET_SERVER,
    DHCP,
    DHCP_CLIENT,
    DNS,
    KUBE_PRISM,
    KUBERNETES,
    SSH,
    TALOS,
    TFTP,
)
from ansible_collections.urmanac.talos.plugins.modules import ec2_home_access
from lab import settings
from lab.kubernetes import manifests, server
from lab.talos.node import TalosNode
from tests.checks.process import ROOT


def written(path: str) -> Any:
    """Return what a YAML file of a role holds."""
    return yaml.safe_load((ROOT / "roles" / path).read_text(encoding="utf-8"))


def test_the_role_opens_what_the_module_opens_by_default() -> None:
    options = yaml.safe_load(ec2_home_access.DOCUMENTATION)["options"]
    wanted = [opening._asdict() for opening in OPENINGS]

    assert written("cluster/defaults/main.yml")["cluster_access_openings"] == wanted
    assert options["openings"]["default"] == wanted


def test_the_endpoint_of_the_cluster_ends_with_the_port_of_kubernetes() -> None:
    assert written("cluster/defaults/main.yml")["cluster_endpoint"].endswith(f"}}}}:{KUBERNETES}")


def test_roles_ask_the_apis_at_their_ports() -> None:
    ports = [
        task["urmanac.talos.talos_info"].get("port", TALOS) for task in written("access/tasks/connections.yml")[1:3]
    ]

    assert ports == [TALOS, KUBERNETES]
    assert written("nodes/vars/main.yml")["__nodes_port"] == TALOS
    assert yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["port"]["default"] == TALOS


def test_nodes_and_the_lab_use_the_port_of_the_bastions_server_of_boot_to_talos() -> None:
    assert f"}}}}:{ASSET_SERVER}/" in written("nodes/defaults/main.yml")["nodes_boot_to_talos_url"]
    assert settings.ASSET_PORT == ASSET_SERVER
    assert settings.TALOS_PORT == TALOS


def test_the_lab_serves_its_registry_at_the_port_of_the_bastions_cache() -> None:
    port = written("cluster/defaults/main.yml")["cluster_registry_caches"]["ghcr.io"]
    mirrors = yaml.safe_load((ROOT / "lab/variables.yml").read_text(encoding="utf-8"))["cluster_images_mirrors"]

    assert port == settings.REGISTRY_PORT
    assert f":{port}" in mirrors["ghcr.io"]


def test_the_simulated_nodes_listen_where_real_ones_do() -> None:
    assert server.PORT == KUBERNETES
    assert f'"KUBERNETES_SERVICE_PORT": "{KUBE_PRISM}"' in inspect.getsource(manifests)
    assert inspect.signature(TalosNode).parameters["port"].default == TALOS


def test_the_firewall_of_a_bastion_accepts_its_services_at_their_ports() -> None:
    template = (ROOT / "roles" / "bastion_host" / "templates" / "firewall.nft.j2").read_text(encoding="utf-8")

    assert f"tcp dport {SSH} accept" in template
    dhcp = [f"udp sport {DHCP} udp dport {DHCP_CLIENT}", f"udp sport {DHCP_CLIENT} udp dport {DHCP}"]
    services = [f"daddr {{{{ address }}}} udp dport {port}" for port in (DNS, TFTP)]
    assert [rule for rule in (*dhcp, *services) if f"{rule} accept" not in template] == []


def test_dnsmasq_answers_at_the_port_of_dns() -> None:
    template = (ROOT / "roles" / "bastion_host" / "templates" / "dnsmasq.conf.j2").read_text(encoding="utf-8")

    assert f"\nport={DNS}\n" in template
