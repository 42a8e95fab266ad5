# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's node reads the same from the documents of v1.14 as from the fields before."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._machine_types import CONTROL_PLANE, WORKER
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import cozystack
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.node import NodeConfig, Plan, node_config
from lab.talos.config import Config, parse
from tests.talos_config import CLUSTER, test_bundle

PRESETS = [pytest.param(None, id="plain"), pytest.param(cozystack.Preset(("192.0.2.0/24",)), id="CozyStack")]


def config(contract: str, machine_type: str, preset: cozystack.Preset | None) -> Config:
    plan = Plan(CLUSTER._replace(contract=contract, cert_sans=("a.example.com",)), preset=preset)
    text = node_config(NodeConfig("cp-0", machine_type), plan, test_bundle())
    return parse(text.encode(), (1, int(contract.removeprefix("v1."))))


def read(found: Config) -> dict[str, Any]:
    kubelet = found.machine["kubelet"]
    authority = [found.pem("cluster", "ca", part) for part in ("crt", "key")]
    network, programs = found.cluster["network"], ("apiServer", "controllerManager", "scheduler")
    return {
        "general": (found.identity, found.endpoint, found.is_control_plane, found.cluster["clusterName"]),
        "authority": authority,
        "etcd": found.pem("cluster", "etcd", "ca", "crt"),
        "kubelet": (kubelet["image"], kubelet.get("extraConfig") or {}, kubelet.get("nodeIP") or {}),
        "labels": {key for key in found.machine.get("nodeLabels") or {} if "control-plane" not in key},
        "networks": (network["dnsDomain"], network["podSubnets"], network["serviceSubnets"]),
        "cni": (network.get("cni") or {}).get("name", "flannel") if found.is_control_plane else "",
        "images": [(found.cluster.get(name) or {}).get("image") for name in programs],
        "names": (found.cluster.get("apiServer") or {}).get("certSANs") or [],
        "schedules": bool(found.cluster.get("allowSchedulingOnControlPlanes")) or not found.is_control_plane,
    }


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("machine_type", [CONTROL_PLANE, WORKER])
def test_a_node_reads_from_documents_what_it_read_from_fields(
    machine_type: str, preset: cozystack.Preset | None
) -> None:
    assert read(config("v1.14", machine_type, preset)) == read(config("v1.13", machine_type, preset))
