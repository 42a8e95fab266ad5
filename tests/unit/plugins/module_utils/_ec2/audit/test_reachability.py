# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections import defaultdict
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.reachability import (
    AclEntry,
    Exposure,
    Facts,
    Interface,
    Network,
    Route,
    Rule,
    Source,
    Subnet,
    reachable,
)

NAMES = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6"}
OPEN_ACL = (
    AclEntry(100, True, None, ip_network("0.0.0.0/0")),
    AclEntry(101, True, None, ip_network("::/0")),
)
ROUTES = (Route(ip_network("0.0.0.0/0"), "igw-1"), Route(ip_network("::/0"), "igw-1"))
SUBNET = Subnet("subnet-1", (ip_network("10.10.0.0/24"), ip_network("2001:db8:f::/64")), OPEN_ACL, ROUTES)
NODE = Interface("eni-1", "gateway", "subnet-1", ("sg-nodes",), ("10.10.0.101", "2001:db8:f::101"))
FACTS = Facts(
    networks=(ip_network("10.10.0.0/16"), ip_network("2001:db8:f::/56")),
    gateways=frozenset({"igw-1"}),
    subnets={"subnet-1": SUBNET},
    groups={"sg-nodes": ()},
    interfaces=(NODE,),
)


def with_rules(*rules: Rule, facts: Facts = FACTS) -> Facts:
    return facts._replace(groups={**facts.groups, "sg-nodes": rules})


def with_subnet(facts: Facts, **changes: object) -> Facts:
    return facts._replace(subnets={"subnet-1": SUBNET._replace(**changes)})  # type: ignore[arg-type]


def tcp(port: int, network: str) -> Rule:
    return Rule(6, port, port, ip_network(network))


HOME = tcp(6443, "2001:db8:1:2::/64")
HOME_EXPOSURE = Exposure("gateway", "2001:db8:f::101", "tcp", (6443, 6443), Source("internet", "2001:db8:1:2::/64"))


def test_a_group_without_rules_exposes_nothing() -> None:
    assert reachable(FACTS) == []


def test_a_home_network_reaches_exactly_the_port_that_is_open_to_it() -> None:
    assert reachable(with_rules(HOME)) == [HOME_EXPOSURE]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(with_rules(HOME)._replace(gateways=frozenset()), id="no internet gateway is attached"),
        pytest.param(with_subnet(with_rules(HOME), routes=()), id="no route"),
        pytest.param(with_subnet(with_rules(HOME), routes=(Route(ip_network("::/0"), "eigw-1"),)), id="egress only"),
        pytest.param(with_subnet(with_rules(HOME), acl=()), id="the network ACL denies what it does not name"),
        pytest.param(
            with_subnet(with_rules(HOME), acl=(AclEntry(1, False, 6, ip_network("2001:db8::/32"), 1, 9999), *OPEN_ACL)),
            id="the network ACL denies it first",
        ),
        pytest.param(
            with_subnet(with_rules(HOME), routes=(*ROUTES, Route(ip_network("2001:db8:1::/48"), "igw-1", False))),
            id="a longer route is a black hole",
        ),
    ],
)
def test_a_rule_alone_does_not_expose(facts: Facts) -> None:
    assert reachable(facts) == []


def test_an_internet_rule_reaches_a_private_address_only_by_a_public_one() -> None:
    rules = (tcp(22, "203.0.113.0/24"),)
    public = FACTS._replace(interfaces=(NODE._replace(public=("198.51.100.7",)),))

    assert reachable(with_rules(*rules)) == []
    assert reachable(with_rules(*rules, facts=public)) == [
        Exposure("gateway", "198.51.100.7", "tcp", (22, 22), Source("internet", "203.0.113.0/24"))
    ]


def test_everything_open_to_the_internet_is_one_line_for_each_address_and_way() -> None:
    facts = with_rules(Rule(None, network=ip_network("::/0")))

    found = [exposure for exposure in reachable(facts) if exposure.source.kind == "internet"]

    assert {(exposure.protocol, exposure.ports) for exposure in found} == {("all", (0, 65535))}
    outside = [ip_network(exposure.source.name) for exposure in found]
    assert sum(network.num_addresses for network in outside) == 2**128 - 2**72


def test_a_rule_within_the_vpc_is_distinguished_from_the_internet() -> None:
    found = reachable(with_rules(tcp(22, "10.10.0.0/16")))

    assert found == [Exposure("gateway", "10.10.0.101", "tcp", (22, 22), Source("vpc", "10.10.0.0/16"))]


def test_the_network_acl_does_not_see_what_stays_in_the_subnet() -> None:
    found = reachable(with_subnet(with_rules(tcp(22, "10.10.0.0/16")), acl=()))

    assert [exposure.source for exposure in found] == [Source("vpc", "10.10.0.0/24")]


def test_a_peering_is_a_way_of_its_own() -> None:
    routes = (*ROUTES, Route(ip_network("10.99.0.0/16"), "pcx-1"))

    found = reachable(with_subnet(with_rules(tcp(22, "10.0.0.0/8")), routes=routes))

    assert Source("routed", "10.99.0.0/16") in [exposure.source for exposure in found]


def test_a_group_without_members_counts_as_open_to_it() -> None:
    found = reachable(with_rules(Rule(6, 6443, 6443, group="sg-bastion")))

    assert {exposure.source for exposure in found} == {Source("security_group", "sg-bastion")}
    assert {exposure.address for exposure in found} == set(NODE.addresses)


def test_a_member_in_another_subnet_has_to_pass_the_network_acl() -> None:
    bastion = Interface("eni-2", "bastion", "subnet-2", ("sg-bastion",), ("10.10.1.100",))
    deny = AclEntry(1, False, None, ip_network("10.10.1.0/24"))
    facts = with_subnet(with_rules(Rule(6, 1, 99, group="sg-bastion")), acl=(deny, *OPEN_ACL))
    facts = facts._replace(interfaces=(NODE, bastion), subnets={**facts.subnets, "subnet-2": SUBNET})

    found = [exposure.address for exposure in reachable(facts, ["gateway"])]

    assert found == ["2001:db8:f::101"]


def test_only_the_wanted_nodes_are_reported() -> None:
    assert reachable(with_rules(HOME), ["compute-2"]) == []


# From here on: brute force, one packet at a time, written from AWS's rules and not from the code.


class Packet(NamedTuple):
    sender: str
    protocol: int
    port: int


V4 = ["0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/8", "10.10.0.0/24", "10.10.1.0/24", "203.0.113.0/24", "203.0.113.128/25"]
V6 = ["::/0", "::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:f::/60"]
# Few, so that they meet: rules that never touch each other prove nothing. The odd one is any prefix of home's.
networks = st.sampled_from([ip_network(text) for text in (*V4, *V6)]) | st.integers(32, 128).map(
    lambda prefix: IPv6Network((0x20010DB8000100020000000000000005 >> (128 - prefix) << (128 - prefix), prefix))
)
protocols = st.sampled_from([None, None, 6, 6, 17, 58, 47])
spans = st.tuples(*[st.sampled_from([0, 22, 80, 6443, 50000, 65535])] * 2).map(sorted)


@st.composite
def network_rules(draw: st.DrawFn) -> Rule:
    first, last = draw(spans)
    return Rule(draw(protocols), first, last, draw(networks))


@st.composite
def group_rules(draw: st.DrawFn) -> Rule:
    first, last = draw(spans)
    return Rule(draw(protocols), first, last, group=draw(st.sampled_from(["sg-nodes", "sg-bastion", "sg-empty"])))


@st.composite
def acl_entries(draw: st.DrawFn) -> AclEntry:
    first, last = draw(spans)
    return AclEntry(draw(st.integers(1, 99)), draw(st.booleans()), draw(protocols), draw(networks), first, last)


targets = st.sampled_from(["igw-1", "igw-1", "igw-gone", "nat-1", "eigw-1", "pcx-1", "eni-9", "local"])
routes = st.builds(Route, networks, targets, st.sampled_from([True, True, False]))
mostly = st.sampled_from([True, True, True, False])


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    def subnet(name: str, *cidrs: str) -> Subnet:
        entries = draw(st.lists(acl_entries(), max_size=4, unique_by=lambda entry: entry.number))
        acl = (*entries, *(OPEN_ACL if draw(mostly) else ()))
        some = draw(st.lists(routes, max_size=3))
        table = {route.network: route for route in (*(ROUTES if draw(mostly) else ()), *some)}
        return Subnet(name, tuple(map(ip_network, cidrs)), acl, tuple(table.values()))

    rules = st.lists(network_rules() | group_rules(), min_size=1, max_size=5).map(tuple)
    members = draw(st.sampled_from([("sg-nodes",), ("sg-nodes", "sg-bastion"), ("sg-bastion",), ()]))
    return FACTS._replace(
        gateways=frozenset({"igw-1"}) if draw(mostly) else frozenset(),
        subnets={
            "subnet-1": subnet("subnet-1", "10.10.0.0/24", "2001:db8:f::/64"),
            "subnet-2": subnet("subnet-2", "10.10.1.0/24"),
        },
        groups={"sg-nodes": draw(rules), "sg-bastion": draw(rules)},
        interfaces=(
            NODE._replace(
                public=("198.51.100.7",) if draw(mostly) else (),
                groups=draw(st.sampled_from([("sg-nodes",), ("sg-nodes", "sg-bastion")])),
            ),
            Interface("eni-2", "bastion", "subnet-2", members, ("10.10.1.100",)),
        ),
    )


def arrives(world: Facts, node: Interface, address: str, public: bool, packet: Packet) -> str | None:
    """Return the way by which a packet of a network arrives, None if it does not."""
    sender = ip_address(packet.sender)
    subnet = world.subnets[node.subnet]
    rules = [rule for group in node.groups for rule in world.groups[group] if rule.network]
    if sender.version != ip_address(address).version:
        return None
    if not any(sender in rule.network and matches(rule, packet) for rule in rules if rule.network):
        return None
    if not passes_acl(subnet, packet):
        return None
    way = way_of(world, subnet, packet)
    if public and way != "internet":
        return None
    if way == "internet" and sender.version == 4 and not public:
        return None
    return way


def matches(rule: Rule | AclEntry, packet: Packet) -> bool:
    if rule.protocol is None:
        return True
    if rule.protocol != packet.protocol:
        return False
    return packet.protocol not in (6, 17) or packet.port in range(rule.first, rule.last + 1)


def passes_acl(subnet: Subnet, packet: Packet) -> bool:
    sender = ip_address(packet.sender)
    for network in subnet.networks:
        if sender in network:
            return True
    for number in sorted(entry.number for entry in subnet.acl):
        for entry in subnet.acl:
            if entry.number == number and sender in entry.network and matches(entry, packet):
                return entry.allow
    return False


def way_of(world: Facts, subnet: Subnet, packet: Packet) -> str | None:
    sender = ip_address(packet.sender)
    for network in world.networks:
        if sender in network:
            return "vpc"
    for prefix in range(128, -1, -1):
        for route in subnet.routes:
            if route.network.prefixlen == prefix and sender in route.network:
                kind = route.target.partition("-")[0]
                if not route.active or kind in ("local", "nat", "eigw"):
                    return None
                if kind == "igw":
                    return "internet" if route.target in world.gateways else None
                return "routed"
    return None


def group_reaches(world: Facts, node: Interface, address: str, group: str, packet: Packet) -> bool:
    rules = [rule for name in node.groups for rule in world.groups[name] if rule.group == group]
    if not any(matches(rule, packet) for rule in rules):
        return False
    version = ip_address(address).version
    members = [one for one in world.interfaces if group in one.groups and one is not node]
    senders = [text for one in members for text in one.addresses if ip_address(text).version == version]
    subnet = world.subnets[node.subnet]
    return not senders or any(passes_acl(subnet, packet._replace(sender=sender)) for sender in senders)


def reported(exposures: list[Exposure], address: str, packet: Packet, world: Facts) -> set[str]:
    """Return the ways, and groups, by which the exposures say that a packet arrives."""
    named = {1, 6, 17, 58} | {item.protocol for item in items_of(world)}
    names = {"all", NAMES.get(packet.protocol, str(packet.protocol)), *(() if packet.protocol in named else ("other",))}
    return {
        exposure.source.name if exposure.source.kind == "security_group" else exposure.source.kind
        for exposure in exposures
        if exposure.address == address
        and exposure.protocol in names
        and exposure.ports[0] <= packet.port <= exposure.ports[1]
        and (exposure.source.kind == "security_group" or _within(packet.sender, exposure.source.name))
    }


@cache
def _within(sender: str, cidr: str) -> bool:
    network: Network = ip_network(cidr)
    return ip_address(sender) in network


def items_of(world: Facts) -> list[Rule | AclEntry]:
    rules: list[Rule | AclEntry] = [rule for rules in world.groups.values() for rule in rules]
    return [*rules, *(entry for subnet in world.subnets.values() for entry in subnet.acl)]


def edges_of(world: Facts) -> tuple[list[str], list[int]]:
    """Return the senders and ports at which anything can change."""
    items = items_of(world)
    cut = [*(item.network for item in items if item.network), *world.networks]
    cut += [network for subnet in world.subnets.values() for network in subnet.networks]
    cut += [route.network for subnet in world.subnets.values() for route in subnet.routes]
    senders: set[IPv4Address | IPv6Address] = set()
    for network in cut:
        first, last = int(network.network_address), int(network.broadcast_address)
        top = 2**32 - 1 if isinstance(network, IPv4Network) else 2**128 - 1
        kind = IPv4Address if isinstance(network, IPv4Network) else IPv6Address
        senders |= {kind(number) for number in (first - 1, first, last, last + 1) if 0 <= number <= top}
    edges = {edge for item in items for edge in (item.first - 1, item.first, item.last, item.last + 1)}
    return sorted(map(str, senders)), sorted(edge for edge in edges | {0, 65535} if 0 <= edge <= 65535)


def all_ways(world: Facts, node: Interface, address: str, public: bool, packet: Packet) -> set[str]:
    """Return the ways, and the groups, by which a packet arrives."""
    way = arrives(world, node, address, public, packet)
    names = ("sg-nodes", "sg-bastion", "sg-empty")
    groups = {name for name in names if not public and group_reaches(world, node, address, name, packet)}
    return groups | ({way} if way else set())


@settings(max_examples=100)
@given(world=worlds(), random=st.randoms(use_true_random=False))
def test_the_exposures_are_what_judging_each_packet_finds(world: Facts, random: Random) -> None:
    node = world.interfaces[0]
    senders, ports = edges_of(world)
    packets = [
        Packet(sender, protocol, port)
        for sender in random.sample(senders, min(14, len(senders)))
        for protocol in (6, 17, 58, 47, 99)
        for port in (random.sample(ports, min(5, len(ports))) if protocol in (6, 17) else ports[:1])
    ]

    exposures = reachable(world, ["gateway"])

    for address in (*node.addresses, *node.public):
        for packet in packets:
            expected = all_ways(world, node, address, address in node.public, packet)
            assert reported(exposures, address, packet, world) == expected, (address, packet)


@settings(max_examples=30)
@given(world=worlds())
def test_no_exposure_is_reported_twice_or_within_another(world: Facts) -> None:
    exposures = reachable(world)

    spans_of = defaultdict(list)
    for node, address, protocol, ports, source in exposures:
        spans_of[node, address, protocol, source].append(ports)
    for (node, address, _, source), spans in spans_of.items():
        assert all(one[1] + 1 < other[0] for one, other in pairwise(sorted(spans)))
        assert not spans or spans_of.get((node, address, "all", source), spans) is spans
