# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the cluster's description and of everything that can be wrong with it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import is_loopback, is_loopback_endpoint, problems
from tests.ec2_cluster import node, spec


def codes(**changes: Any) -> list[str]:
    return [problem.code for problem in problems(spec(**changes))]


def three(*machine_types: str) -> list[dict[str, Any]]:
    return [
        node(f"node-{number}", machine_type=machine_type, ipv4=f"10.10.0.{number}")
        for number, machine_type in enumerate(machine_types, start=10)
    ]


def test_a_sound_description_has_no_problems() -> None:
    assert problems(spec()) == []


def test_the_default_topology_has_no_problems() -> None:
    assert codes(nodes=three("controlplane", "controlplane", "controlplane")) == []


def test_the_layout_of_the_older_example_has_no_problems() -> None:
    old = {"vpc_ipv4_cidr": "10.20.0.0/16", "subnet_ipv4_cidr": "10.20.13.0/24", "bastion_ipv4": "10.20.13.140"}

    assert codes(**old, nodes=[node(ipv4="10.20.13.141")]) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"name": "Moon"}, "INVALID_CLUSTER_NAME", id="upper case"),
        pytest.param({"name": "moon-"}, "INVALID_CLUSTER_NAME", id="hyphen at the end"),
        pytest.param({"name": ""}, "INVALID_CLUSTER_NAME", id="empty name"),
        pytest.param({"name": "sg-moon"}, "INVALID_CLUSTER_NAME", id="AWS refuses groups called sg-"),
        pytest.param({"project": ""}, "INVALID_PROJECT_NAME", id="empty project"),
        pytest.param({"project": "my project"}, "INVALID_PROJECT_NAME", id="space in the project"),
        pytest.param({"project": "team+home"}, "INVALID_PROJECT_NAME", id="a character that SSM refuses"),
        pytest.param({"region": "eu-west1"}, "INVALID_REGION", id="a hyphen missing in the region"),
        pytest.param({"region": "eu-west-1a"}, "INVALID_REGION", id="zone for a region"),
        pytest.param({"region": "us-gov-west-1"}, "INVALID_REGION", id="a region whose ARNs begin differently"),
        pytest.param({"region": "cn-north-1"}, "INVALID_REGION", id="a region of China"),
        pytest.param({"availability_zone": "eu-west-2a"}, "ZONE_NOT_IN_REGION", id="zone of another region"),
        pytest.param({"availability_zone": "eu-west-1"}, "ZONE_NOT_IN_REGION", id="region for a zone"),
        pytest.param({"hours": {"ttl": 2.5}}, "INVALID_TTL_HOURS", id="half of it is shorter than a build"),
        pytest.param({"domain": "talos..local"}, "INVALID_DOMAIN", id="empty label"),
        pytest.param({"vpc_ipv4_cidr": "10.244.0.0/16"}, "VPC_OVERLAPS_CLUSTER", id="vpc_overlaps_pods"),
        pytest.param({"vpc_ipv4_cidr": "10.96.0.0/16"}, "VPC_OVERLAPS_CLUSTER", id="subnet_overlaps_services"),
        pytest.param({"vpc_ipv4_cidr": "100.64.0.0/16"}, "VPC_OVERLAPS_CLUSTER", id="the network of Kube-OVN"),
        pytest.param({"vpc_ipv4_cidr": "127.99.0.0/16"}, "SUBNET_OUTSIDE_VPC", id="vpc_only_subnet_differs"),
        pytest.param({"volume_size": 100000}, "VOLUME_TOO_LARGE", id="vol_huge"),
        pytest.param({"vpc_ipv4_cidr": "ten"}, "INVALID_CIDR", id="a word"),
        pytest.param({"vpc_ipv4_cidr": "10.0.0.0/33"}, "INVALID_CIDR", id="prefix 33"),
        pytest.param({"vpc_ipv4_cidr": "10.10.0.0"}, "INVALID_CIDR", id="address for a network"),
        pytest.param({"vpc_ipv4_cidr": "10.10.0.0/255.255.0.0"}, "INVALID_CIDR", id="netmask"),
        pytest.param({"region": "eu-west-\u0661"}, "INVALID_REGION", id="digit of another script"),
        pytest.param({"vpc_ipv4_cidr": "2001:db8::/56"}, "INVALID_CIDR", id="IPv6 for IPv4"),
        pytest.param({"vpc_ipv4_cidr": "10.10.0.1/16"}, "CIDR_HOST_BITS", id="host bits"),
        pytest.param({"vpc_ipv4_cidr": "10.0.0.0/8"}, "CIDR_PREFIX_NOT_ALLOWED", id="prefix 8"),
        pytest.param({"subnet_ipv4_cidr": "10.10.0.96/29"}, "CIDR_PREFIX_NOT_ALLOWED", id="prefix 29"),
        pytest.param({"vpc_ipv4_cidr": "10.11.0.0/16"}, "SUBNET_OUTSIDE_VPC", id="subnet elsewhere"),
        pytest.param({"vpc_ipv4_cidr": "169.254.0.0/16"}, "CIDR_NOT_USABLE", id="link-local"),
        pytest.param({"bastion_ipv4": "10.10.0.300"}, "INVALID_ADDRESS", id="octet of 300"),
        pytest.param({"bastion_ipv4": "10.10.1.100"}, "ADDRESS_OUTSIDE_SUBNET", id="bastion elsewhere"),
        pytest.param({"nodes": [node(ipv4="10.10.1.7")]}, "ADDRESS_OUTSIDE_SUBNET", id="node elsewhere"),
        pytest.param({"bastion_ipv4": "10.10.0.101"}, "DUPLICATE_ADDRESS", id="node and bastion"),
        pytest.param(
            {"subnet_ipv4_cidr": "10.10.0.0", "bastion_ipv4": "10.10.0.101"},
            "DUPLICATE_ADDRESS",
            id="node and bastion, of a wrong subnet",
        ),
        pytest.param({"nodes": [node("a.b")]}, "INVALID_NODE_NAME", id="dot in a node's name"),
        pytest.param({"nodes": [node("bastion")]}, "NODE_NAME_RESERVED", id="node called bastion"),
        pytest.param({"nodes": [node(role="storage")]}, "UNKNOWN_NODE_ROLE", id="role storage"),
        pytest.param({"nodes": [node(machine_type="master")]}, "UNKNOWN_MACHINE_TYPE", id="machine type master"),
        pytest.param({"nodes": []}, "NO_CONTROL_PLANE", id="no nodes"),
        pytest.param({"nodes": three("worker")}, "NO_CONTROL_PLANE", id="only workers"),
        pytest.param({"nodes": three("controlplane", "controlplane")}, "EVEN_CONTROL_PLANES", id="two"),
        pytest.param({"nodes_max": 0}, "TOO_MANY_NODES", id="one node too many"),
        pytest.param({"volume_size": 19}, "VOLUME_TOO_SMALL", id="19 GiB"),
        pytest.param({"data_volume_size": 9}, "VOLUME_TOO_SMALL", id="9 GiB for data"),
        pytest.param({"nodes": [node(data_volume_size=-1)]}, "VOLUME_TOO_SMALL", id="less than nothing for data"),
        pytest.param({"nodes": [node(volume_size=8)]}, "VOLUME_TOO_SMALL", id="8 GiB on one node"),
        pytest.param({"cpu_credits": "plenty"}, "UNKNOWN_CPU_CREDITS", id="plenty"),
        pytest.param({"tags": {"": "x"}}, "INVALID_TAG_KEY", id="empty key"),
        pytest.param({"tags": {"k" * 128: "x"}}, "INVALID_TAG_KEY", id="key of 128"),
        pytest.param({"tags": {"a;b": "x"}}, "INVALID_TAG_KEY", id="semicolon in a key"),
        pytest.param({"tags": {"k": "two\nlines"}}, "INVALID_TAG_VALUE", id="line break in a value"),
        pytest.param({"tags": {"AWS:x": "x"}}, "INVALID_TAG_KEY", id="key of AWS"),
        pytest.param({"tags": {"Cluster": "sun"}}, "TAG_KEY_RESERVED", id="our key"),
        pytest.param({"tags": {"cluster": "sun"}}, "TAG_KEY_RESERVED", id="our key in lower case"),
        pytest.param({"tags": {"sshhostkey": "sun"}}, "TAG_KEY_RESERVED", id="the host key's tag in lower case"),
        pytest.param({"tags": {"REGION": "sun"}}, "TAG_KEY_RESERVED", id="the region's tag in upper case"),
        pytest.param({"tags": {"team": "a", "Team": "b"}}, "TAG_KEY_RESERVED", id="two keys that differ in case"),
        pytest.param({"tags": {"k": "v" * 257}}, "INVALID_TAG_VALUE", id="value of 257"),
        pytest.param({"tags": {"k": "a|b"}}, "INVALID_TAG_VALUE", id="bar in a value"),
        pytest.param({"tags": {"k": ""}}, "INVALID_TAG_VALUE", id="empty value"),
        pytest.param({"tags": {f"k{n}": "v" for n in range(44)}}, "TOO_MANY_TAGS", id="51 tags"),
    ],
)
def test_each_mistake_has_its_code(changes: dict[str, Any], expected: str) -> None:
    assert expected in codes(**changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"vpc_ipv4_cidr": "10.10.0.0"}, ["cluster_vpc_ipv4_cidr"], id="VPC"),
        pytest.param({"subnet_ipv4_cidr": "10.10.0.0"}, ["cluster_subnet_ipv4_cidr"], id="subnet"),
        # What Ansible's filters make of it.
        pytest.param(
            {"subnet_ipv4_cidr": "ten", "bastion_ipv4": "False", "nodes": [node(ipv4="False")]},
            ["cluster_subnet_ipv4_cidr"],
            id="addresses of a word",
        ),
    ],
)
def test_what_follows_from_a_wrong_network_is_not_reported(changes: dict[str, Any], expected: list[str]) -> None:
    assert [problem.subject for problem in problems(spec(**changes))] == expected


def test_every_region_that_boto3_knows_is_allowed() -> None:
    regions = boto3.session.Session().get_available_regions("ec2", "aws")

    found = {region: codes(region=region, availability_zone=f"{region}a") for region in regions}

    assert len(found) > 25
    assert {region: problems for region, problems in found.items() if problems} == {}


@pytest.mark.parametrize("last_octet", [0, 1, 2, 3, 255])
def test_the_five_addresses_of_aws_are_refused(last_octet: int) -> None:
    assert codes(bastion_ipv4=f"10.10.0.{last_octet}") == ["ADDRESS_RESERVED"]


@pytest.mark.parametrize("last_octet", [4, 254])
def test_the_addresses_next_to_those_of_aws_are_allowed(last_octet: int) -> None:
    assert codes(bastion_ipv4=f"10.10.0.{last_octet}") == []


def test_an_allowed_limit_is_no_problem() -> None:
    tags = {"k" * 127: "v" * 256, "Cost center": "a+b=c.d_e:f/g@h-i", "Straße": "ünï", "one": "1"}

    assert codes(tags=tags, volume_size=20) == []


def test_a_node_name_that_is_used_twice_is_reported_once() -> None:
    nodes = [node(ipv4="10.10.0.7"), node(ipv4="10.10.0.8"), node(ipv4="10.10.0.9")]

    assert codes(nodes=nodes) == ["DUPLICATE_NODE_NAME"]


def test_all_mistakes_are_reported_at_once_each_with_a_remedy() -> None:
    nodes = [node("x" * 64, role="pet", ipv4="10.10.0.1"), node("b", machine_type="?", ipv4="nowhere")]

    found = problems(spec(name="Moon", cpu_credits="x", volume_size=1, tags={"aws:a": "|"}, nodes=nodes))

    assert {problem.code for problem in found} >= {
        "INVALID_CLUSTER_NAME",
        "UNKNOWN_CPU_CREDITS",
        "VOLUME_TOO_SMALL",
        "INVALID_TAG_KEY",
        "INVALID_TAG_VALUE",
        "INVALID_NODE_NAME",
        "UNKNOWN_NODE_ROLE",
        "ADDRESS_RESERVED",
        "UNKNOWN_MACHINE_TYPE",
        "INVALID_ADDRESS",
    }
    assert all(problem.subject and problem.message and problem.remedy for problem in found)


def test_a_node_takes_what_it_leaves_out_from_the_cluster() -> None:
    own = node("b", instance_type="t4g.large", volume_size=80, ipv4="10.10.0.102")

    first, second = spec(nodes=[node(instance_type=None, volume_size=None), own]).nodes

    assert (first.instance_type, first.volume_size, first.data_volume_size) == ("t4g.medium", 50, 0)
    shared = spec(data_volume_size=256, nodes=[node(), node("b", data_volume_size=0)]).nodes
    assert [one.data_volume_size for one in shared] == [256, 0]
    assert (second.instance_type, second.volume_size) == ("t4g.large", 80)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.10.0.0/16", True), ("127.0.0.1", True), ("10.10.0.0/16", False), ("0.0.0.0/0", True), ("nonsense", False)],
)
def test_what_touches_127_is_loopback(text: str, expected: bool) -> None:
    assert is_loopback(text) is expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("http://127.0.0.1:5510", True, id="IPv4"),
        pytest.param("http://127.10.0.7", True, id="any of 127/8"),
        pytest.param("http://[::1]:5510", True, id="IPv6"),
        pytest.param("http://localhost:5510", True, id="name"),
        pytest.param("https://ec2.eu-west-1.amazonaws.com", False, id="AWS"),
        pytest.param("http://127.0.0.1.example.com", False, id="name that begins like loopback"),
        pytest.param("http://localhost.example.com", False, id="name that begins with localhost"),
        pytest.param("http://127.0.0.1@example.com", False, id="loopback as a user name"),
    ],
)
def test_only_this_machine_is_a_loopback_endpoint(endpoint: str, expected: bool) -> None:
    assert is_loopback_endpoint(endpoint) is expected
