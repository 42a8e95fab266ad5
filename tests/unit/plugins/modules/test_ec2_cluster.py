# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the module ec2_cluster refuses before it calls AWS; what it does is tested with the engine."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.modules import ec2_cluster
from tests.ec2_cluster import Builder, MotoApi, cluster, empty_aws, run_module, spec


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        pytest.param({"cluster": cluster(tags={"Owner": "Ada & Bob"})}, "tag Owner", id="tag"),
        pytest.param({"cluster": cluster(name="x" * 60)}, "iam role", id="name of a role"),
        pytest.param({"node_ssh_key_name": "key\nof\nAda"}, "node_ssh_key_name", id="key pair"),
    ],
)
def test_a_text_that_aws_refuses_is_refused_before_anything_is_called(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any], subject: str
) -> None:
    with empty_aws():
        result = run_module(ec2_cluster.main, capsys, **{"cluster": cluster(), "parts": ["network"], **options})
        vpcs = MotoApi().call("ec2", "describe_vpcs")["Vpcs"]

    assert result["msg"].startswith("Failed to create the cluster: ")
    assert subject in result["msg"]
    assert [vpc for vpc in vpcs if not vpc["IsDefault"]] == []


def test_what_was_made_with_such_a_text_can_be_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    described = cluster(tags={"Owner": "Ada & Bob"})

    with empty_aws():
        result = run_module(ec2_cluster.main, capsys, cluster=described, parts=["network"], state="absent")

    assert result["changed"] is False


def test_the_diff_of_a_stop_shows_the_stopped_machines_and_nothing_that_a_build_would_make(
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = {"ipv4": "10.10.0.102", "name": "two", "role": "worker", "machine_type": "worker"}
    described = cluster(nodes=[*cluster()["nodes"], missing])
    with empty_aws():
        ids = Builder(MotoApi(), spec()).build()
        stopped, again = (
            run_module(ec2_cluster.main, capsys, cluster=described, parts=["nodes"], state="stopped") for _ in range(2)
        )

    machine = f"instance {ids['instance/gateway']}"
    assert stopped["diff"] == {"before": {machine: "running"}, "after": {machine: "stopped"}}
    assert (again["changed"], again["diff"]) == (False, {"before": {}, "after": {}})
