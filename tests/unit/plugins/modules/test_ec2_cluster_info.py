# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module ec2_cluster_info as Ansible runs it, with moto as AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.modules import ec2_cluster_info
from tests.ec2_cluster import Builder, MotoApi, cluster, empty_aws, run_module, spec
from tests.fake_credentials import ACCESS_KEY_ID

LAB = "http://127.0.0.1:1"
# Moto cannot remember that an instance's credits are unlimited.
STANDARD = {"cpu_credits": "standard"}


@pytest.fixture
def api() -> Iterator[MotoApi]:
    with empty_aws():
        yield MotoApi()


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_empty_account_gives_the_whole_plan(
    api: MotoApi, capsys: pytest.CaptureFixture[str], check_mode: bool
) -> None:
    result = run_module(ec2_cluster_info.main, capsys, cluster=cluster(), _ansible_check_mode=check_mode)

    assert result["changed"] is False
    assert result["summary"] == {"present": 0, "missing": 11, "differs": 0, "foreign": 0, "strays": 0}
    assert result["found"] == []
    assert result["plan"][1].startswith("+ VPC moon-vpc: 10.10.0.0/16")
    assert f"$ Total: {result['cost']['message']}" in result["plan"]


def test_a_converged_cluster_has_nothing_missing_and_nothing_different(
    api: MotoApi, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = Builder(api, spec(**STANDARD)).build()

    result = run_module(ec2_cluster_info.main, capsys, cluster=cluster(**STANDARD))

    assert result["summary"] == {"present": 11, "missing": 0, "differs": 0, "foreign": 0, "strays": 0}
    assert {key: result["resources"][key]["id"] for key in ids} == ids
    assert result["resources"]["eni/gateway"]["have"]["ipv6_count"] == 1
    assert "console" not in result["resources"]["instance/gateway"]["have"]


def test_a_resource_has_exactly_the_documented_keys(api: MotoApi, capsys: pytest.CaptureFixture[str]) -> None:
    Builder(api, spec()).build()
    documented = yaml.safe_load(ec2_cluster_info.RETURN)

    result = run_module(ec2_cluster_info.main, capsys, cluster=cluster(), console_output=True, other_clusters=True)

    instance = result["resources"]["instance/gateway"]
    assert set(instance) == set(documented["resources"]["contains"])
    assert instance["differences"] == [
        {"property": "cpu_credits", "have": "standard", "want": "unlimited", "replace": False}
    ]
    assert instance["have"]["console"]
    assert set(result) - {"changed", "invocation"} == set(documented)
    assert set(result["found"][0]) == set(documented["found"]["sample"][0])


def test_the_region_of_the_cluster_goes_before_that_of_the_environment(
    api: MotoApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Builder(api, spec(**STANDARD)).build()
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    result = run_module(ec2_cluster_info.main, capsys, cluster=cluster(**STANDARD))

    assert result["summary"]["present"] == 11


def test_real_credentials_are_not_sent_to_a_lab(capsys: pytest.CaptureFixture[str]) -> None:
    keys = {"access_key": ACCESS_KEY_ID, "secret_key": "not-a-real-secret"}

    result = run_module(ec2_cluster_info.main, capsys, cluster=cluster(), endpoint_url=LAB, **keys)

    assert result["failed"] is True
    assert result["msg"].startswith(f"Failed to use the lab endpoint {LAB}: ")


def test_a_loopback_vpc_is_not_asked_of_aws(api: MotoApi, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(ec2_cluster_info.main, capsys, cluster=cluster(vpc_ipv4_cidr="127.10.0.0/16"))

    assert result["failed"] is True
    assert "127.0.0.0/8 is the controller's loopback network" in result["msg"]
