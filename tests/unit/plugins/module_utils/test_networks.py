# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that roles and documentation name are those of the Python code."""

from __future__ import annotations

import re

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES
from ansible_collections.urmanac.talos.plugins.module_utils._networks import (
    JOIN,
    PODS,
    SERVICES,
    SERVICES_OF_COZYSTACK,
)
from ansible_collections.urmanac.talos.plugins.modules import talos_config
from tests.checks.process import ROOT


def test_tailscale_announces_the_networks_of_the_cluster_by_default() -> None:
    defaults = yaml.safe_load((ROOT / "roles/cluster/defaults/main.yml").read_text(encoding="utf-8"))

    assert defaults["cluster_tailscale_routes"][1:] == [PODS, SERVICES_OF_COZYSTACK]


def test_the_remedy_of_an_overlap_names_every_network_of_a_cluster() -> None:
    named = re.findall(r"[\d.]+/\d+", CODES["VPC_OVERLAPS_CLUSTER"].remedy)

    assert named[:3] == [PODS, SERVICES_OF_COZYSTACK, JOIN]


def test_the_module_documents_the_networks_that_it_takes_by_default() -> None:
    options = yaml.safe_load(talos_config.DOCUMENTATION)["options"]["cluster"]["suboptions"]

    assert options["pod_subnets"]["default"] == [PODS]
    assert re.findall(r"V\(([\d./]+)\)", options["service_subnets"]["description"]) == [SERVICES_OF_COZYSTACK, SERVICES]
