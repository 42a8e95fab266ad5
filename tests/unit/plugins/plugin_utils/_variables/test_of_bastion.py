# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of the bastion that do not agree with each other are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.variables import judged


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        pytest.param({}, [], id="a range"),
        pytest.param({"bastion_host_dhcp_last": "10.10.0.199"}, ["bastion_host_dhcp_last"], id="backwards"),
        pytest.param({"bastion_host_dhcp_first": "10.10.0.99"}, ["bastion_host_dhcp_first"], id="the bastion in it"),
        pytest.param({"bastion_host_dhcp_last": "moon"}, ["bastion_host_dhcp_last"], id="no address, said once"),
        pytest.param(
            {"bastion_host_dhcp_last": "10.10.0.199", "bastion_host_netboot_enabled": False}, [], id="not used"
        ),
    ],
)
def test_the_range_of_dhcp_is_one_that_dnsmasq_takes(changes: dict[str, Any], subjects: list[str]) -> None:
    variables = {
        "bastion_host_ipv4": "10.10.0.100",
        "bastion_host_subnet_ipv4_cidr": "10.10.0.0/24",
        "bastion_host_dhcp_first": "10.10.0.200",
        "bastion_host_dhcp_last": "10.10.0.250",
        "bastion_host_netboot_enabled": True,
    }

    assert [one.subject for one in judged({**variables, **changes}).problems] == subjects


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        pytest.param({}, [], id="of a cache"),
        pytest.param(
            {"cluster_registry_login_parameters": {"a.io": "/talos/login"}},
            ["cluster_registry_login_parameters[a.io]"],
            id="of no cache",
        ),
        pytest.param(
            {"bastion_host_registry_passwords": {"ghcr.io": "ada:hush"}},
            ["bastion_host_registry_passwords[ghcr.io]"],
            id="that no new instance has",
        ),
        pytest.param(
            {"bastion_host_registry_passwords": {"ghcr.io": "ada:hush"}, "cluster_bastion_enabled": False},
            [],
            id="no bastion",
        ),
    ],
)
def test_a_login_is_that_of_a_cache_and_every_new_instance_has_it(changes: dict[str, Any], subjects: list[str]) -> None:
    variables = {
        "cluster_registry_caches": {"docker.io": 5050, "ghcr.io": 5054},
        "cluster_registry_login_parameters": {"docker.io": "/talos/docker.io"},
    }

    found = judged({**variables, **changes}).problems

    assert [one.subject for one in found] == subjects
    assert "hush" not in str(found)


def test_containers_that_run_need_an_image() -> None:
    images = {"registry": "a.io/b:c", "nginx": "a.io/d:e"}

    (found,) = judged({"bastion_host_images": images, "bastion_host_netboot_enabled": True}).problems

    assert (found.subject, found.message.partition(":")[0]) == ("bastion_host_images", "It has no dnsmasq, matchbox")


TUNNEL = {
    "cluster_bastion_egress": "wireguard",
    "cluster_bastion_wireguard_parameter": "/talos/wireguard",
    "bastion_host_wireguard_address": "172.16.0.2/32",
    "bastion_host_wireguard_public_key": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    "bastion_host_wireguard_endpoint": "[2001:db8::1]:51820",
    "bastion_host_wireguard_private_key": "",
}


def of_the_tunnel(**given: Any) -> list[str]:
    """Return the subjects of the problems with a tunnel of which some variables are given otherwise."""
    written = {**TUNNEL, **given}
    egress = written.get("bastion_host_egress", written["cluster_bastion_egress"])
    follow = {
        "bastion_host_egress": egress,
        "bastion_host_wireguard_key_parameter": written["cluster_bastion_wireguard_parameter"],
    }
    found = judged({name: value for name, value in written.items() if value != ""}, defaults=_blank(written) | follow)
    return [problem.subject for problem in found.problems]


def _blank(written: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" for name, value in written.items() if value == ""}


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        pytest.param({}, [], id="complete"),
        pytest.param({"bastion_host_wireguard_address": ""}, ["cluster_bastion_egress"], id="without an address"),
        pytest.param({"bastion_host_wireguard_public_key": ""}, ["cluster_bastion_egress"], id="without a key"),
        pytest.param({"bastion_host_wireguard_endpoint": ""}, ["cluster_bastion_egress"], id="without an endpoint"),
        pytest.param(
            {"bastion_host_wireguard_address": "999.9/99"}, ["bastion_host_wireguard_address"], id="no address"
        ),
        pytest.param({"bastion_host_wireguard_public_key": "abc"}, ["bastion_host_wireguard_public_key"], id="no key"),
        pytest.param(
            {"bastion_host_wireguard_endpoint": "vpn.example.com:51820"},
            ["bastion_host_wireguard_endpoint"],
            id="name of an endpoint",
        ),
        pytest.param(
            {"bastion_host_wireguard_endpoint": "192.0.2.1:51820"},
            ["bastion_host_wireguard_endpoint"],
            id="endpoint out of reach",
        ),
        pytest.param(
            {"bastion_host_wireguard_endpoint": "[2001:db8::1]:99999"}, ["bastion_host_wireguard_endpoint"], id="port"
        ),
        pytest.param(
            {"bastion_host_wireguard_private_key": "hush"}, ["bastion_host_wireguard_private_key"], id="two keys"
        ),
        # ec2_preflight_info refuses it.
        pytest.param({"cluster_bastion_wireguard_parameter": ""}, [], id="no parameter"),
        pytest.param({"cluster_bastion_egress": "none", "bastion_host_wireguard_address": ""}, [], id="no tunnel"),
        pytest.param(
            {"cluster_bastion_enabled": False, "bastion_host_wireguard_address": ""}, [], id="a user's own machine"
        ),
        pytest.param(
            {
                "cluster_bastion_egress": "public_ipv4",
                "bastion_host_egress": "wireguard",
                "bastion_host_wireguard_endpoint": "192.0.2.1:51820",
            },
            [],
            id="endpoint over the Elastic IP",
        ),
    ],
)
def test_a_tunnel_that_the_bastion_could_not_use_is_refused(given: dict[str, Any], subjects: list[str]) -> None:
    assert of_the_tunnel(**given) == subjects


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        pytest.param({"bastion_host_ipv4": "10.10.0.9"}, [], id="inside"),
        pytest.param({"bastion_host_ipv4": "10.20.0.9"}, ["bastion_host_ipv4"], id="outside"),
        pytest.param({"bastion_host_ipv4": "gateway"}, ["bastion_host_ipv4"], id="a name"),
        pytest.param({"bastion_host_dhcp_first": "10.20.0.9"}, [], id="without netboot"),
        pytest.param(
            {"bastion_host_netboot_enabled": True, "bastion_host_dhcp_first": "10.20.0.9"},
            ["bastion_host_dhcp_first"],
            id="leases outside",
        ),
    ],
)
def test_an_address_outside_of_the_bastions_subnet_is_refused(given: dict[str, Any], subjects: list[str]) -> None:
    defaults = {"bastion_host_subnet_ipv4_cidr": "10.10.0.0/24", "bastion_host_ipv4": "10.10.0.100"}

    found = judged(given, defaults=defaults)

    assert [problem.subject for problem in found.problems] == subjects


def test_a_cache_with_a_number_for_a_name_is_listed_as_text() -> None:
    caches = {"cluster_registry_caches": {5: 5054}, "cluster_registry_upstreams": {"quay.io": "https://quay.io"}}

    found = judged(caches).problems

    assert "The bastion has no cache of quay.io, only of 5." in [one.message for one in found]


@pytest.mark.parametrize(
    ("upstreams", "caches", "subjects"),
    [
        pytest.param({"ghcr.io": "https://a.io"}, {"ghcr.io": 5054}, [], id="a cache"),
        pytest.param({"docker.io": "https://registry-1.docker.io"}, {"ghcr.io": 5054}, [], id="the default"),
        pytest.param(
            {"ghcr.oi": "https://a.io"}, {"ghcr.io": 5054}, ["cluster_registry_upstreams[ghcr.oi]"], id="misspelt"
        ),
    ],
)
def test_an_upstream_is_that_of_a_cache(upstreams: dict[str, str], caches: dict[str, int], subjects: list[str]) -> None:
    found = judged({"cluster_registry_upstreams": upstreams, "cluster_registry_caches": caches}).problems

    assert [one.subject for one in found] == subjects
