# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a cluster is checked before each phase that builds it, without a request."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.described import (
    Described,
    described_problems,
    read_described,
)
from tools.wrong_inputs import CLUSTER

TAILSCALE = {"enabled": False, "auth_key": "", "hostname": "moon", "routes": []}
SOUND = Described(CLUSTER, {"gateway": "ghcr.io/a/b:v1"}, [], TAILSCALE, [], {})
IPV6_ONLY = {"egress": "none", "instance_type": "t4g.small", "volume_size": 30, "image": "resolve:ssm:/a/b"}


def test_a_sound_description_is_no_problem() -> None:
    assert list(described_problems(SOUND)) == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({"cluster": {**CLUSTER, "nodes": []}}, ["NO_CONTROL_PLANE"], id="no nodes"),
        pytest.param({"cluster": {**CLUSTER, "volume_size": 5}}, ["VOLUME_TOO_SMALL"], id="a small volume"),
        pytest.param(
            {"cluster": {**CLUSTER, "cost": {"policy": "enforce", "per_hour_max": 0.001}}},
            ["COST_ABOVE_LIMIT"],
            id="too dear",
        ),
        pytest.param(
            {"cluster": {**CLUSTER, "cost": {"policy": "warn", "per_hour_max": 0.001}}}, [], id="only a warning"
        ),
        pytest.param(
            {"cluster": {**CLUSTER, "project": "p" * 60, "name": "m" * 60}}, ["IAM_NAME_TOO_LONG"], id="names"
        ),
        pytest.param({"images": {}}, ["IMAGE_NOT_NAMED"], id="no image"),
        pytest.param({"kernel_arguments": ["a" * 3000]}, ["COMMAND_LINE_TOO_LONG"], id="a long command line"),
        pytest.param({"tailscale": {**TAILSCALE, "enabled": True}}, ["TAILSCALE_NO_KEY"], id="no key"),
        pytest.param(
            {"cluster": {**CLUSTER, "bastion": IPV6_ONLY}, "sources": ["ghcr.io/a/b:v1"]},
            ["SOURCES_UNREACHABLE"],
            id="no way to the sources",
        ),
        pytest.param({"cluster": {"name": "moon"}}, ["VARIABLE_VALUE_WRONG"], id="no description"),
    ],
)
def test_what_preflight_would_refuse_without_a_request_is_refused(changes: dict[str, Any], codes: list[str]) -> None:
    found = {problem.code for problem in described_problems(SOUND._replace(**changes))}

    assert sorted(found) == codes


def test_the_description_is_read_by_the_variables_of_the_roles() -> None:
    read: list[Any] = list(read_described(lambda name: name))

    assert read[:3] == ["cluster_spec", "cluster_images", "cluster_nodes_extra_kernel_args"]
    assert read[3:] == ["talos_tailscale", "preflight_sources", "preflight_registry_upstreams"]
