# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances as hosts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.plugin_utils._ec2_nodes import (
    Query,
    cache_suffix,
    checked_names,
    filters_of,
    groups_of,
    host_of,
    hosts_of,
)

BARE: dict[str, Any] = {"InstanceId": "i-0aaaaaaaaaaaaaaa1"}


def tagged(**tags: str) -> dict[str, Any]:
    return {**BARE, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@pytest.mark.parametrize("connect_with", ["private_ipv4", "public_ipv4", "ipv6", "tailscale"])
def test_an_instance_that_has_nothing_but_an_id_is_still_a_host(connect_with: str) -> None:
    host = host_of(BARE, connect_with=connect_with)

    assert (host.name, host.address) == ("i-0aaaaaaaaaaaaaaa1", None)
    assert host.variables["ec2_tags"] == {}
    assert list(groups_of(host, group_by=["role", "machine_type"], group_by_tags=["Environment"])) == []


@pytest.mark.parametrize(
    ("tags", "address"),
    [
        pytest.param({"Role": "gateway", "Node": "gateway", "Tailscale": "100.64.0.7"}, "100.64.0.7", id="its tag"),
        pytest.param({"Role": "gateway", "Node": "gateway"}, "gateway", id="the gateway by name"),
        pytest.param({"Role": "compute", "Node": "compute-2"}, "10.10.0.102", id="others through the gateway"),
    ],
)
def test_the_tailnet_address_comes_from(tags: dict[str, str], address: str) -> None:
    host = host_of({**tagged(**tags), "PrivateIpAddress": "10.10.0.102"}, connect_with="tailscale")

    assert host.address == address


@pytest.mark.parametrize("name", ["{{ 7 * 7 }}", "-oProxyCommand=reboot", "two words", "../etc", ""])
def test_a_tag_that_would_harm_as_a_name_is_not_used(name: str) -> None:
    assert host_of(tagged(Node=name), connect_with="ipv6").name == "i-0aaaaaaaaaaaaaaa1"


def test_the_first_source_that_has_a_name_gives_it() -> None:
    instance = {**tagged(Name="talos-gateway"), "PrivateDnsName": "ip-10-10-0-101.eu-west-1.compute.internal"}

    names = [
        host_of(instance, connect_with="ipv6", hostnames=hostnames).name
        for hostnames in (["tag:Node", "private-dns-name"], ["tag:Name"], ["public-ipv4"], [])
    ]

    assert names == [
        "ip-10-10-0-101.eu-west-1.compute.internal",
        "talos-gateway",
        "i-0aaaaaaaaaaaaaaa1",
        "i-0aaaaaaaaaaaaaaa1",
    ]


def test_an_unknown_source_of_names_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"by 'dns-name': it is not known\. Use one of: tag:<key>, instance-id"):
        checked_names(["tag:Node", "dns-name"])


def test_hosts_are_sorted_whatever_the_order_of_the_answer() -> None:
    instances = [{**tagged(Node=name), "InstanceId": f"i-{name}"} for name in ("c", "a", "b")]

    forward, _shared = hosts_of({"eu-west-1": instances}, connect_with="ipv6", hostnames=["tag:Node"])
    backward, _shared = hosts_of({"eu-west-1": instances[::-1]}, connect_with="ipv6", hostnames=["tag:Node"])

    assert [host.name for host in forward] == ["a", "b", "c"]
    assert forward == backward


def test_a_filter_of_the_user_replaces_ours_of_the_same_name() -> None:
    filters = dict(filters_of("talos", project=None, states=["running"], extra={"tag:ManagedBy": "*", "x": [True, 1]}))

    assert filters == {
        "instance-state-name": ("running",),
        "tag:Cluster": ("talos",),
        "tag:ManagedBy": ("*",),
        "x": ("true", "1"),
    }


def test_the_cache_suffix_is_stable_and_differs_with_each_part_of_the_query() -> None:
    query = Query(("eu-west-1",), (("tag:Cluster", ("talos",)),))
    others = [
        query._replace(regions=("eu-west-2",)),
        query._replace(filters=()),
        query._replace(profile="home"),
        query._replace(endpoint="http://127.0.0.1:5510"),
    ]

    suffixes = {cache_suffix(other) for other in [query, *others]}

    assert len(suffixes) == 5
    assert cache_suffix(query) == cache_suffix(Query(*query))
