# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the rules of security groups count: by group, by direction, and apart for IPv4 and IPv6."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.account import Account, account_problems
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.rules import (
    Groups,
    PrefixList,
    Share,
    read_group_rules,
    rule_shares,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.traffic import Rule, tcp
from tests.ec2_cluster import Builder, MotoApi, empty_aws, node, spec

HOME = "2001:db8:1:2::/64"
NODES, BASTION = ("moon-nodes", "sg-1"), ("moon-bastion", "sg-2")
LISTS = {
    "pl-1": PrefixList("IPv4", 20),
    "pl-2": PrefixList("IPv6", 20),
}
# The rules of the description: groups in both families, and the way out in one each.
OUT = frozenset({Rule("out", "0.0.0.0/0"), Rule("out", "::/0")})
OF_NODES = OUT | {Rule("in", "moon-nodes"), tcp("moon-bastion", 6443, ""), tcp("moon-bastion", 50000, "")}
OF_BASTION = OUT | {Rule("in", "moon-nodes")}


def described(**changes: Any) -> ClusterSpec:
    bastion = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0ef3038e9b73a0746"}
    return spec(**{"nodes": [node()], "bastion": bastion, **changes})


def groups(*, nodes: frozenset[Rule] | None = None, bastion: frozenset[Rule] | None = None) -> Groups:
    """Return existing groups with these rules; None for a group that does not exist."""
    rules = {key: of for key, of in ((NODES, nodes), (BASTION, bastion)) if of is not None}
    return Groups(rules, LISTS)


def shares(existing: Groups, *, home_ipv6: str = "", **changes: Any) -> dict[str, tuple[int, int]]:
    """Return need and use by a short name, without what needs and uses nothing."""
    found = rule_shares(described(**changes), existing, home_ipv6)
    return {_short(share): (share.needed, share.used) for share in found if share.needed or share.used}


def _short(share: Share) -> str:
    direction, family, *_of, group = share.what.split()
    return f"{group} {direction} {family}"


NEW = {
    "moon-nodes inbound IPv4": (3, 0),
    "moon-nodes inbound IPv6": (3, 0),
    "moon-nodes outbound IPv4": (1, 0),
    "moon-nodes outbound IPv6": (1, 0),
    "moon-bastion inbound IPv4": (1, 0),
    "moon-bastion inbound IPv6": (1, 0),
    "moon-bastion outbound IPv4": (1, 0),
    "moon-bastion outbound IPv6": (1, 0),
}
BUILT = {name: (0, needed) for name, (needed, _used) in NEW.items()}


def other(number: int) -> frozenset[Rule]:
    """Return the rules of home access for so many other networks on the nodes."""
    return frozenset(
        tcp(f"2001:db8:2:{network:x}::/64", port, "") for network in range(number) for port in (6443, 50000)
    )


@pytest.mark.parametrize(
    ("existing", "home_ipv6", "expected"),
    [
        pytest.param(groups(), "", NEW, id="nothing exists and nothing is opened"),
        pytest.param(
            groups(),
            HOME,
            NEW | {"moon-nodes inbound IPv6": (5, 0), "moon-bastion inbound IPv6": (2, 0)},
            id="the home network that this run opens is IPv6",
        ),
        pytest.param(groups(), "fe80::1", NEW, id="a network that is refused opens nothing"),
        pytest.param(groups(nodes=OF_NODES, bastion=OF_BASTION), "", BUILT, id="what exists is not needed again"),
        pytest.param(
            groups(nodes=OF_NODES | other(3), bastion=OF_BASTION),
            HOME,
            BUILT | {"moon-nodes inbound IPv6": (2, 9), "moon-bastion inbound IPv6": (1, 1)},
            id="networks that are open stay open",
        ),
        pytest.param(
            groups(nodes=OF_NODES | {tcp(HOME, 6443, ""), tcp(HOME, 50000, "")}, bastion=OF_BASTION),
            "2001:0db8:1:2::/64",
            BUILT | {"moon-nodes inbound IPv6": (0, 5), "moon-bastion inbound IPv6": (1, 1)},
            id="the same network in another spelling is open already",
        ),
        pytest.param(
            groups(nodes=OF_NODES | {tcp("192.0.2.0/24", 443, "")}, bastion=OF_BASTION),
            "",
            BUILT | {"moon-nodes inbound IPv4": (0, 4)},
            id="an IPv4 network counts in its family alone",
        ),
        pytest.param(
            groups(nodes=OF_NODES | {tcp("sg-0f", 443, "")}, bastion=OF_BASTION),
            "",
            BUILT | {"moon-nodes inbound IPv4": (0, 4), "moon-nodes inbound IPv6": (0, 4)},
            id="a group counts as one rule in both families",
        ),
        pytest.param(
            groups(nodes=OF_NODES | {tcp("pl-1", 443, ""), Rule("out", "pl-2")}, bastion=OF_BASTION),
            "",
            BUILT | {"moon-nodes inbound IPv4": (0, 23), "moon-nodes outbound IPv6": (0, 21)},
            id="a prefix list counts with all its entries in its family and direction",
        ),
        pytest.param(
            groups(nodes=OF_NODES | {tcp("pl-3", 443, "")}, bastion=OF_BASTION),
            "",
            BUILT | {"moon-nodes inbound IPv4": (0, 4), "moon-nodes inbound IPv6": (0, 4)},
            id="a prefix list that is gone counts as one rule",
        ),
    ],
)
def test_rules_count_by_group_direction_and_family(
    existing: Groups, home_ipv6: str, expected: dict[str, tuple[int, int]]
) -> None:
    assert shares(existing, home_ipv6=home_ipv6) == expected


def test_described_ports_of_home_access_count_for_the_network_alone() -> None:
    openings = [{"group": "nodes", "port": port, "description": "From home"} for port in (443, 6443, 50000, 30000)]

    assert shares(groups(), access_openings=openings) == NEW
    assert shares(groups(), home_ipv6=HOME, access_openings=openings)["moon-nodes inbound IPv6"] == (7, 0)


def test_two_groups_of_one_name_count_each_for_itself() -> None:
    existing = Groups({("moon-nodes", "sg-1"): OF_NODES, ("moon-nodes", "sg-9"): OUT}, LISTS)

    found = [share for share in rule_shares(described(), existing, "") if "inbound IPv4" in share.what]

    assert [(share.needed, share.used) for share in found if "nodes" in share.what] == [(0, 3), (3, 0)]


@pytest.mark.parametrize(
    ("quota", "home_ipv6", "message"),
    [
        pytest.param(61, HOME, "", id="just enough"),
        pytest.param(60, "", "", id="nothing is added"),
        pytest.param(
            60,
            HOME,
            "inbound IPv6 rules of the security group moon-nodes: 2 more are needed, 59 are in use, "
            "and the quota is 60.",
            id="too small",
        ),
    ],
)
def test_the_quota_is_compared_with_the_fullest_part(quota: float, home_ipv6: str, message: str) -> None:
    account = Account(quotas={"rules": quota}, groups=groups(nodes=OF_NODES | other(28), bastion=OF_BASTION))

    found = list(account_problems(described(), account, {}, home_ipv6=home_ipv6))

    assert [(problem.code, problem.message) for problem in found] == (
        [("RULE_QUOTA_TOO_SMALL", message)] if message else []
    )


def test_a_group_whose_rules_could_not_be_read_is_not_compared() -> None:
    assert list(account_problems(described(), Account(quotas={"rules": 0.0}), {}, home_ipv6=HOME)) == []


def test_the_rules_of_a_built_cluster_are_read_with_the_names_of_its_groups_and_the_sizes_of_lists() -> None:
    with empty_aws():
        api = MotoApi()
        ids = Builder(api, described()).build()
        ec2 = api.clients["ec2"]
        made = ec2.create_managed_prefix_list(PrefixListName="x", MaxEntries=20, AddressFamily="IPv4")
        own = made["PrefixList"]["PrefixListId"]
        named = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-west-1.s3"]}]
        (amazon,) = ec2.describe_managed_prefix_lists(Filters=named)["PrefixLists"]
        lists = [{"PrefixListId": own}, {"PrefixListId": amazon["PrefixListId"]}]
        web = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": lists}
        ec2.authorize_security_group_ingress(GroupId=ids["security_group/nodes"], IpPermissions=[web])
        found = read_group_rules(api, described())

    assert {own: PrefixList("IPv4", 20), amazon["PrefixListId"]: PrefixList("IPv4", 1)} == found.prefix_lists
    assert {name for name, _id in found.rules} == {"moon-nodes", "moon-bastion"}
    by_name = {_short(share): share for share in rule_shares(described(), found, "")}
    assert by_name["moon-nodes inbound IPv4"][1:] == (0, 24)
    assert by_name["moon-nodes inbound IPv6"][1:] == (0, 3)


def test_without_prefix_lists_no_call_asks_for_them() -> None:
    with empty_aws():
        api = MotoApi()
        Builder(api, described()).build()
        api.calls.clear()
        read_group_rules(api, described())

    assert "describe_managed_prefix_lists" not in api.calls
