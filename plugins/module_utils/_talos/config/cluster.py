# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that all nodes of a cluster share. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._networks import PODS, SERVICES
from .contract import DEFAULT


class ClusterConfig(NamedTuple):
    """Settings that all nodes of a cluster share."""

    name: str
    endpoint: str
    kubernetes_version: str
    contract: str = DEFAULT
    dns_domain: str = "cluster.local"
    pod_subnets: tuple[str, ...] = (PODS,)
    service_subnets: tuple[str, ...] = (SERVICES,)
    cert_sans: tuple[str, ...] = ()
    cni: Mapping[str, Any] | None = None
    install_disk: str = ""
    install_image: str = ""
    extra_kernel_args: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = {}
    registry_mirrors: Mapping[str, tuple[str, ...]] = {}
    schedules_on_control_planes: bool = False
    discovery_enabled: bool = True
    local_api_server_port: int = 0
    # Version that the nodes run, whose rules merge patches and check the result; empty for that of the contract.
    talos_version: str = ""
