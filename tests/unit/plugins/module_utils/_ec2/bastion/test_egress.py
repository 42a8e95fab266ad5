# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a bastion without IPv4 is said to miss."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.egress import egress_problems
from tests.ec2_cluster import spec

BASTION = {"egress": "none", "instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123456789abcdef0"}
IMAGE = "ghcr.io/urmanac/talos:latest"
ARCHIVE = "https://github.com/cozystack/boot-to-talos/releases/download/v0.7.1"


def test_what_is_out_of_reach_is_reported_once_and_by_name() -> None:
    found = list(egress_problems(spec(bastion=BASTION), [IMAGE, "registry.example.com/talos:v1", IMAGE, ARCHIVE], {}))

    assert [problem.code for problem in found] == ["SOURCES_UNREACHABLE"]
    assert found[0].message.endswith(f"on IPv4-only hosts: {IMAGE}, {ARCHIVE}.")
    assert all(word in found[0].remedy for word in ("public_ipv4", "$3.65 a month", "wireguard", "own registry"))


@pytest.mark.parametrize(
    ("bastion", "sources", "upstreams"),
    [
        pytest.param({"egress": "public_ipv4"}, [IMAGE, ARCHIVE], {}, id="Elastic IP"),
        pytest.param({"egress": "wireguard"}, [IMAGE, ARCHIVE], {}, id="tunnel"),
        pytest.param({"enabled": False}, [IMAGE, ARCHIVE], {}, id="a user's own machine"),
        pytest.param({}, [], {}, id="nothing to fetch"),
        pytest.param({}, ["10.10.0.5:5000/talos:v1", "https://example.com/talos.raw"], {}, id="own servers"),
        pytest.param({}, [IMAGE], {"ghcr.io": "https://registry.example.com"}, id="own registry behind the cache"),
    ],
)
def test_what_can_be_reached_is_no_problem(
    bastion: dict[str, Any], sources: list[str], upstreams: dict[str, str]
) -> None:
    assert list(egress_problems(spec(bastion={**BASTION, **bastion}), sources, upstreams)) == []
