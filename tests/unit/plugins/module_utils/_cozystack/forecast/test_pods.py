# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the pods that are expected on nodes."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.releases import DATA
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.fit import Machine, Request, fit
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES


@pytest.mark.parametrize(("nodes", "expected"), [(1, 1), (2, 2), (3, 2), (31, 3)])
@pytest.mark.parametrize("version", [data.version for data in DATA.values()])
def test_virt_api_has_as_many_replicas_as_virt_operator_gives_it(version: str, nodes: int, expected: int) -> None:
    machines = tuple(Machine(f"node-{index}", "controlplane", "t4g.2xlarge") for index in range(nodes))

    pods = fit(Request(machines, version=version), SIZES).pods

    assert sum(pod.workload.endswith("/virt-api") for pod in pods) == expected
