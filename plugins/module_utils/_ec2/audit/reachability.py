# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute which senders can reach which port of which node. Private to urmanac.talos: may change at any time.

Reached means that a first packet arrives. Restrictions of the response (egress rules, outbound network ACL entries) and
of the sender do not count as protection: the result errs on the side of open.

The address space is split at every boundary of a rule, an ACL entry, a route or a network. All packets from one piece
are treated the same, so each piece is computed once, with exact range arithmetic for IPv6 networks of any size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, summarize_address_range
from itertools import pairwise
from typing import NamedTuple

# ansible-test sanity does not know that this collection needs Python 3.10 for it.
# pylint: disable=unsupported-binary-operation
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
# pylint: enable=unsupported-binary-operation
Range = tuple[int, int]
# Sorted ranges that are neither adjacent nor overlapping.
Ranges = tuple[Range, ...]

LAST_PORT = 65535
EVERY_PORT: Range = (0, LAST_PORT)
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
# All protocols that no rule or entry names.
OTHER = -1
PROTOCOL_NAMES = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6", OTHER: "other"}
_PORTED = (TCP, UDP)
_EVERYTHING: Ranges = (EVERY_PORT,)
# These only pass responses to requests from inside.
_ONE_WAY = ("nat-", "eigw-")


class Rule(NamedTuple):
    """One source of an ingress rule, a network or a group; protocol None is every protocol."""

    protocol: int | None
    first: int = 0
    last: int = LAST_PORT
    network: Network | None = None
    group: str | None = None


class AclEntry(NamedTuple):
    """One incoming entry of a network ACL; the lowest number that matches decides."""

    number: int
    allow: bool
    protocol: int | None
    network: Network
    first: int = 0
    last: int = LAST_PORT


class Route(NamedTuple):
    """One route of the table that a subnet uses; the longest prefix decides."""

    network: Network
    target: str
    active: bool = True


class Subnet(NamedTuple):
    """The network of an interface, which determines how its packets are routed and filtered."""

    id: str
    networks: tuple[Network, ...]
    acl: tuple[AclEntry, ...]
    routes: tuple[Route, ...]


class Interface(NamedTuple):
    """A network interface; public is the public IPv4 addresses associated with it."""

    id: str
    node: str
    subnet: str
    groups: tuple[str, ...]
    addresses: tuple[str, ...]
    public: tuple[str, ...] = ()


class Facts(NamedTuple):
    """The data of the account that determines which packets can pass."""

    networks: tuple[Network, ...]
    gateways: frozenset[str]
    subnets: Mapping[str, Subnet]
    groups: Mapping[str, tuple[Rule, ...]]
    interfaces: tuple[Interface, ...]


class Source(NamedTuple):
    """A sender: kind is internet, vpc, routed (VPN, peering, router) or security_group; name is a CIDR or a group."""

    kind: str
    name: str


class Exposure(NamedTuple):
    """A sender that can reach ports of one address of a node; protocol is a name, a number, other or all."""

    node: str
    address: str
    protocol: str
    ports: Range
    source: Source


class _Opening(NamedTuple):
    """A part of an Exposure: the ports of one protocol that one source can reach."""

    protocol: int
    ports: Range
    source: Source


def reachable(facts: Facts, nodes: Iterable[str] | None = None) -> list[Exposure]:
    """Return every exposure of the nodes, or of all interfaces."""
    wanted = None if nodes is None else set(nodes)
    found = [
        Exposure(interface.node, address, protocol, ports, source)
        for interface in facts.interfaces
        if wanted is None or interface.node in wanted
        for address, public in _addresses(interface)
        for protocol, ports, source in _named(facts, interface, ip_address(address), public=public)
    ]
    return sorted(found)


def _addresses(interface: Interface) -> list[tuple[str, bool]]:
    return [*((address, False) for address in interface.addresses), *((address, True) for address in interface.public)]


def _named(
    facts: Facts, interface: Interface, address: Address, *, public: bool
) -> Iterator[tuple[str, Range, Source]]:
    """Yield the openings of one address, with those that all protocols share merged."""
    protocols = _protocols(facts)
    openings = {protocol: set(_openings(facts, interface, address, protocol, public=public)) for protocol in protocols}
    shared = set.intersection(
        *({source for _name, ports, source in of if ports == EVERY_PORT} for of in openings.values())
    )
    yield from (("all", EVERY_PORT, source) for source in shared)
    for protocol, of in openings.items():
        name = PROTOCOL_NAMES.get(protocol, str(protocol))
        yield from ((name, ports, source) for _name, ports, source in of if ports != EVERY_PORT or source not in shared)


def _protocols(facts: Facts) -> list[int]:
    """Return all protocols that have a name or appear in a rule, so that "other" is the same everywhere."""
    rules = {rule.protocol for rules in facts.groups.values() for rule in rules}
    entries = {entry.protocol for subnet in facts.subnets.values() for entry in subnet.acl}
    return sorted({*PROTOCOL_NAMES, *(protocol for protocol in rules | entries if protocol is not None)})


def _rules(facts: Facts, interface: Interface) -> list[Rule]:
    return [rule for group in interface.groups for rule in facts.groups.get(group, ())]


def _openings(
    facts: Facts, interface: Interface, address: Address, protocol: int, *, public: bool
) -> Iterator[_Opening]:
    subnet = facts.subnets[interface.subnet]
    rules = _rules(facts, interface)
    pieces: dict[str, list[tuple[Range, Ranges]]] = {}
    for piece in _pieces(facts, subnet, rules, address.version):
        sender = _address(piece[0], address.version)
        kind = _way(facts, subnet, sender)
        if kind is not None and _leads_to(kind, address, public=public):
            ports = _ports_of_networks(rules, subnet, sender, protocol)
            pieces.setdefault(kind, []).append((piece, ports))
    for kind, of in pieces.items():
        yield from _regrouped(kind, of, address.version, protocol)
    if not public:
        yield from _openings_of_groups(facts, interface, address.version, protocol)


def _pieces(facts: Facts, subnet: Subnet, rules: Iterable[Rule], version: int) -> list[Range]:
    """Return the address space split at every boundary."""
    networks = [
        *facts.networks,
        *subnet.networks,
        *(rule.network for rule in rules if rule.network),
        *(entry.network for entry in subnet.acl),
        *(route.network for route in subnet.routes),
    ]
    edges = {0, 2 ** (32 if version == 4 else 128)}
    for network in networks:
        if network.version == version:
            edges |= {int(network.network_address), int(network.broadcast_address) + 1}
    ordered = sorted(edges)
    return [(first, after - 1) for first, after in pairwise(ordered)]


def _leads_to(kind: str, address: Address, *, public: bool) -> bool:
    """Return whether packets on this path can be sent to the address: the internet does not route private IPv4."""
    if public:
        return kind == "internet"
    return address.version == 6 or kind != "internet"


def _address(number: int, version: int) -> Address:
    return IPv4Address(number) if version == 4 else IPv6Address(number)


def _way(facts: Facts, subnet: Subnet, sender: Address) -> str | None:
    """Return the path by which a sender and the subnet reach each other, or None."""
    if any(sender in network for network in facts.networks):
        return "vpc"
    matching = [route for route in subnet.routes if sender in route.network]
    best = max(matching, key=lambda route: route.network.prefixlen, default=None)
    if best is None or not best.active or best.target == "local" or best.target.startswith(_ONE_WAY):
        return None
    if best.target.startswith("igw-"):
        return "internet" if best.target in facts.gateways else None
    return "routed"


def _ports_of_networks(rules: Iterable[Rule], subnet: Subnet, sender: Address, protocol: int) -> Ranges:
    matching = [rule for rule in rules if rule.network is not None and sender in rule.network]
    ports = _union(span for rule in matching for span in _ports(rule, protocol))
    return _intersection(ports, _ports_of_acl(subnet, sender, protocol))


def _ports_of_acl(subnet: Subnet, sender: Address, protocol: int) -> Ranges:
    """Return the ports that the network ACL allows for a sender; it does not apply within the subnet."""
    if any(sender in network for network in subnet.networks):
        return _EVERYTHING
    allowed: Ranges = ()
    undecided = _EVERYTHING
    for entry in sorted(subnet.acl, key=lambda entry: entry.number):
        if sender in entry.network:
            decided = _intersection(undecided, _ports(entry, protocol))
            undecided = _difference(undecided, decided)
            allowed = _union((*allowed, *decided)) if entry.allow else allowed
    return allowed


def _ports(rule: Rule | AclEntry, protocol: int) -> Ranges:
    if rule.protocol is not None and rule.protocol != protocol:
        return ()
    return ((rule.first, rule.last),) if rule.protocol in _PORTED else _EVERYTHING


def _openings_of_groups(facts: Facts, interface: Interface, version: int, protocol: int) -> Iterator[_Opening]:
    rules = [rule for rule in _rules(facts, interface) if rule.group is not None]
    for group in sorted({rule.group for rule in rules if rule.group is not None}):
        ports = _union(span for rule in rules if rule.group == group for span in _ports(rule, protocol))
        passed = _intersection(ports, _ports_of_members(facts, interface, group, version, protocol))
        yield from (_Opening(protocol, span, Source("security_group", group)) for span in passed)


def _ports_of_members(facts: Facts, target: Interface, group: str, version: int, protocol: int) -> Ranges:
    """Return what the network ACL allows for the members of a group.

    A group without members counts as inside the subnet: its future members are not known.
    """
    subnet = facts.subnets[target.subnet]
    members = [interface for interface in facts.interfaces if group in interface.groups and interface.id != target.id]
    senders = [ip_address(text) for member in members for text in member.addresses]
    passed = [_ports_of_acl(subnet, sender, protocol) for sender in senders if sender.version == version]
    return _union(span for ports in passed for span in ports) if passed else _EVERYTHING


def _regrouped(kind: str, pieces: Sequence[tuple[Range, Ranges]], version: int, protocol: int) -> Iterator[_Opening]:
    """Convert the ports of each piece of the address space to the networks of each port range."""
    edges = sorted({edge for _piece, ports in pieces for first, last in ports for edge in (first, last + 1)})
    spans = [
        ((first, after - 1), _union(piece for piece, ports in pieces if _contains(ports, first)))
        for first, after in pairwise(edges)
    ]
    by_network: dict[str, list[Range]] = {}
    for span, senders in spans:
        for network in _networks(senders, version):
            by_network.setdefault(network, []).append(span)
    for network, of in by_network.items():
        yield from (_Opening(protocol, span, Source(kind, network)) for span in _union(of))


def _networks(ranges: Ranges, version: int) -> list[str]:
    found: list[str] = []
    for first, last in ranges:
        # For two integers the function would create IPv4 addresses, so the version is explicit.
        if version == 4:
            found += map(str, summarize_address_range(IPv4Address(first), IPv4Address(last)))
        else:
            found += map(str, summarize_address_range(IPv6Address(first), IPv6Address(last)))
    return found


def _union(ranges: Iterable[Range]) -> Ranges:
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _intersection(left: Ranges, right: Ranges) -> Ranges:
    both = ((max(one[0], two[0]), min(one[1], two[1])) for one in left for two in right)
    return tuple(sorted(span for span in both if span[0] <= span[1]))


def _difference(left: Ranges, right: Ranges) -> Ranges:
    for first, last in right:
        below = ((start, min(end, first - 1)) for start, end in left)
        above = ((max(start, last + 1), end) for start, end in left)
        left = tuple(sorted(span for span in (*below, *above) if span[0] <= span[1]))
    return left


def _contains(ranges: Ranges, number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)
