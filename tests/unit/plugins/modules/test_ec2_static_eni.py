# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module ec2_static_eni as Ansible runs it, with moto as AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.modules import ec2_static_eni
from tests.ec2_cluster import Builder, MotoApi, empty_aws, run_module, spec

TAGS = {"Project": "talos-arm64", "Cluster": "moon"}


@pytest.fixture
def api() -> Iterator[MotoApi]:
    with empty_aws():
        yield MotoApi()


@pytest.fixture
def options(api: MotoApi) -> dict[str, Any]:
    """Return the options for a new interface beside a converged cluster."""
    ids = Builder(api, spec()).build()
    return {
        "region": "eu-west-1",
        "name": "moon-router",
        "subnet_id": ids["subnet"],
        "ipv4": "10.10.0.77",
        "security_group_ids": [ids["security_group/nodes"]],
        "source_dest_check": False,
        "description": "routes for others",
        "tags": TAGS,
    }


def interfaces(api: MotoApi) -> dict[str, dict[str, Any]]:
    found = api.clients["ec2"].describe_network_interfaces()["NetworkInterfaces"]
    return {item["PrivateIpAddress"]: item for item in found}


def test_a_new_interface_is_as_described_and_a_second_run_changes_nothing(
    api: MotoApi, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_module(ec2_static_eni.main, capsys, **options)
    second = run_module(ec2_static_eni.main, capsys, **options)

    assert (first["changed"], second["changed"]) == (True, False)
    assert first["eni"] == second["eni"]
    made = interfaces(api)["10.10.0.77"]
    assert first["eni"]["ipv6"] == made["Ipv6Addresses"][0]["Ipv6Address"]
    assert (made["SourceDestCheck"], made["Description"]) == (False, "routes for others")
    assert {"Key": "Name", "Value": "moon-router"} in made["TagSet"]


def test_the_result_has_exactly_the_documented_keys(
    options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_module(ec2_static_eni.main, capsys, **options)

    assert set(result["eni"]) == set(yaml.safe_load(ec2_static_eni.RETURN)["eni"]["contains"])


def test_check_mode_makes_nothing_and_shows_the_difference(
    api: MotoApi, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_module(ec2_static_eni.main, capsys, **options, _ansible_check_mode=True, _ansible_diff=True)

    assert result["changed"] is True
    assert result["eni"]["id"] is None
    assert (result["diff"]["before"], result["diff"]["after"]["ipv4"]) == ({}, "10.10.0.77")
    assert "10.10.0.77" not in interfaces(api)


def test_drift_is_mended(api: MotoApi, options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    made = run_module(ec2_static_eni.main, capsys, **options)["eni"]
    ec2 = api.clients["ec2"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=made["id"], SourceDestCheck={"Value": True})
    ec2.unassign_ipv6_addresses(NetworkInterfaceId=made["id"], Ipv6Addresses=[made["ipv6"]])

    result = run_module(ec2_static_eni.main, capsys, **options)

    mended = interfaces(api)["10.10.0.77"]
    assert result["changed"] is True
    assert mended["SourceDestCheck"] is False
    assert [item["Ipv6Address"] for item in mended["Ipv6Addresses"]] == [result["eni"]["ipv6"]]


def test_absent_deletes_it_once(api: MotoApi, options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run_module(ec2_static_eni.main, capsys, **options)
    absent = {"name": "moon-router", "state": "absent", "tags": TAGS, "region": "eu-west-1"}

    first = run_module(ec2_static_eni.main, capsys, **absent)
    second = run_module(ec2_static_eni.main, capsys, **absent)

    assert (first["changed"], second["changed"]) == (True, False)
    assert first["eni"] is None
    assert "10.10.0.77" not in interfaces(api)


def test_absent_refuses_what_an_instance_uses(
    api: MotoApi, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    absent = {"name": "moon-gateway", "state": "absent", "tags": TAGS, "region": "eu-west-1"}

    result = run_module(ec2_static_eni.main, capsys, **absent)

    assert result["failed"] is True
    assert "it is attached to i-" in result["msg"]
    assert "10.10.0.101" in interfaces(api)


def test_an_address_in_use_is_refused(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(ec2_static_eni.main, capsys, **{**options, "ipv4": "10.10.0.101"})

    assert result["failed"] is True
    assert "10.10.0.101 belongs to eni-" in result["msg"]


@pytest.mark.parametrize(("option", "value"), [("ipv4", "10.10.0.300"), ("ipv6", "2001:db8::g")])
def test_an_address_that_is_none_is_refused(
    options: dict[str, Any], capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    result = run_module(ec2_static_eni.main, capsys, **{**options, option: value})

    assert result["failed"] is True
    assert result["msg"].startswith(f"Failed to use {option} of network interface moon-router: ")


def test_a_loopback_address_is_not_asked_of_aws(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(ec2_static_eni.main, capsys, **{**options, "ipv4": "127.10.0.101"})

    assert result["failed"] is True
    assert "only a lab on a loopback endpoint can use it" in result["msg"]
