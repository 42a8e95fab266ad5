# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything in a VPC that determines which packets can pass. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from ipaddress import ip_network

from ..home.access import home_rule
from ..identity import NODE_TAG, Identity
from ..plan.current import ROUTE_TARGETS
from ..spec import ClusterSpec
from ..traffic import Route as DescribedRoute
from ..values import ipv6_of, port_text
from .facts import (
    Account,
    Acl,
    AddressFact,
    DhcpFact,
    GroupRule,
    InterfaceFact,
    Passage,
    Reader,
    Record,
    RouteTable,
    RouteText,
    SubnetFact,
    tags_of,
    text_secrets,
)
from .reachability import (
    ICMP,
    ICMPV6,
    LAST_PORT,
    TCP,
    UDP,
    AclEntry,
    Network,
    Route,
    Rule,
)

_NUMBERS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
_PEERING_ENDS = ("requester-vpc-info", "accepter-vpc-info")
_PEERING_OVER = ("deleted", "deleting", "rejected", "expired", "failed")
_OUTWARD = "the Internet for IPv6 connections from inside"
# Answers with their operation and its filter.
_OF_A_VPC = (
    ("InternetGateways", "describe_internet_gateways", "attachment.vpc-id"),
    ("SecurityGroups", "describe_security_groups", "vpc-id"),
    ("NetworkAcls", "describe_network_acls", "vpc-id"),
    ("RouteTables", "describe_route_tables", "vpc-id"),
    ("Subnets", "describe_subnets", "vpc-id"),
    ("NetworkInterfaces", "describe_network_interfaces", "vpc-id"),
)
PrefixLists = Mapping[str, tuple[str, ...]]


def read_network(reader: Reader, vpc: Record, pool: Executor) -> Account:
    """Return the facts of one VPC, with all calls in parallel; those of its prefix lists follow."""
    waits = {
        answer: pool.submit(reader.ec2, operation, answer, {name: [vpc["VpcId"]]})
        for answer, operation, name in _OF_A_VPC
    }
    passages = pool.submit(_read_passages, reader, vpc["VpcId"])
    dhcp = pool.submit(_read_dhcp, reader, vpc["DhcpOptionsId"])
    found = {answer: waiting.result() for answer, waiting in waits.items()}
    groups, gateways = found["SecurityGroups"], found["InternetGateways"]
    names = _names(reader, [(groups, "GroupId"), (gateways, "InternetGatewayId")])
    rules = reader.ec2("describe_security_group_rules", "SecurityGroupRules", {"group-id": list(_ids(groups))})
    lists = _read_prefix_lists(reader, rules, found["RouteTables"])
    return Account(
        vpcs=(reader.known(vpc, "VpcId"),),
        owners=(vpc["OwnerId"],),
        networks=_networks([vpc]),
        dhcp=dhcp.result(),
        gateways=reader.every_known(gateways, "InternetGatewayId"),
        groups=reader.every_known(groups, "GroupId"),
        rules=tuple(_group_rule(reader.spec, record, names, lists) for record in rules),
        acls=tuple(_acl(reader, record) for record in found["NetworkAcls"]),
        tables=tuple(_table(reader, record, names, lists) for record in found["RouteTables"]),
        subnets=tuple(_subnet(reader, record) for record in found["Subnets"]),
        interfaces=tuple(_interface(reader, record) for record in found["NetworkInterfaces"]),
        passages=passages.result(),
    )


def _ids(groups: Iterable[Record]) -> Iterable[str]:
    return (group["GroupId"] for group in groups)


def _names(reader: Reader, kinds: Iterable[tuple[list[Record], str]]) -> dict[str, str]:
    """Return the names of the cluster's own resources. A second one with a name keeps its id, so that it is visible."""
    found: dict[str, str] = {}
    for records, key in kinds:
        for known in sorted(reader.known(record, key) for record in records):
            if known.owned and known.name not in found.values():
                found[known.id] = known.name
    return found


def _networks(records: Iterable[Record]) -> tuple[Network, ...]:
    cidrs: list[str] = []
    for record in records:
        ipv4 = [item["CidrBlock"] for item in record.get("CidrBlockAssociationSet") or () if _is_associated(item)]
        ipv6 = [
            item["Ipv6CidrBlock"] for item in record.get("Ipv6CidrBlockAssociationSet") or () if _is_associated(item)
        ]
        cidrs += [*dict.fromkeys([record["CidrBlock"], *ipv4]), *ipv6]
    return tuple(ip_network(cidr) for cidr in cidrs)


def _is_associated(block: Record) -> bool:
    state = block.get("CidrBlockState") or block.get("Ipv6CidrBlockState") or {}
    return bool(state.get("State", "associated") == "associated")


def _read_dhcp(reader: Reader, options: str) -> tuple[DhcpFact, ...]:
    """Return the DHCP options of a VPC; one without options uses Amazon's servers."""
    if options == "default":
        return ()
    records = reader.ec2("describe_dhcp_options", "DhcpOptions", {"dhcp-options-id": [options]})
    return tuple(_dhcp(reader, record) for record in records)


def _dhcp(reader: Reader, record: Record) -> DhcpFact:
    values = {item["Key"]: tuple(value["Value"] for value in item["Values"]) for item in record["DhcpConfigurations"]}
    domain = " ".join(values.get("domain-name", ()))
    names, times = values.get("domain-name-servers", ()), values.get("ntp-servers", ())
    return DhcpFact(reader.known(record, "DhcpOptionsId"), names, times, domain)


def _read_passages(reader: Reader, vpc_id: str) -> tuple[Passage, ...]:
    """Return every connection of the VPC that has no route or rule of its own."""
    here = {"vpc-id": [vpc_id]}
    endpoints = reader.ec2("describe_vpc_endpoints", "VpcEndpoints", here)
    # EC2 cannot filter these by VPC.
    outward = reader.api.call("ec2", "describe_egress_only_internet_gateways")["EgressOnlyInternetGateways"]
    gateways = reader.ec2("describe_vpn_gateways", "VpnGateways", {"attachment.vpc-id": [vpc_id]})
    found = [
        reader.ec2("describe_vpc_peering_connections", "VpcPeeringConnections", {f"{end}.vpc-id": [vpc_id]})
        for end in _PEERING_ENDS
    ]
    peerings = {peering["VpcPeeringConnectionId"]: peering for of in found for peering in of}
    return (
        *(_endpoint(reader, record) for record in endpoints if str(record.get("State")).lower() != "deleted"),
        *(_peering(reader, record, vpc_id) for record in peerings.values() if _is_peering_of(record, vpc_id)),
        *(
            Passage(reader.known(record, "VpnGatewayId"), "VPN gateway", "a private network over a VPN")
            for record in gateways
            if any(_is_attached(item, vpc_id) for item in record.get("VpcAttachments") or ())
        ),
        *(
            Passage(reader.known(record, "EgressOnlyInternetGatewayId"), "egress-only gateway", _OUTWARD)
            for record in outward
            if any(_is_attached(item, vpc_id) for item in record.get("Attachments") or ())
        ),
    )


def _is_attached(attachment: Record, vpc_id: str) -> bool:
    return attachment.get("VpcId") == vpc_id and attachment.get("State") in ("attaching", "attached")


def _endpoint(reader: Reader, record: Record) -> Passage:
    # Only some types have a service; the others lead to a service network or a resource of VPC Lattice.
    names = ("ServiceName", "ServiceNetworkArn", "ResourceConfigurationArn")
    text = f"the service {next((record[name] for name in names if record.get(name)), 'of an unknown name')}"
    interfaces = tuple(record.get("NetworkInterfaceIds") or ())
    return Passage(reader.known(record, "VpcEndpointId"), "VPC endpoint", text, interfaces)


def _is_peering_of(record: Record, vpc_id: str) -> bool:
    ends = [record["RequesterVpcInfo"].get("VpcId"), record["AccepterVpcInfo"].get("VpcId")]
    return (vpc_id in ends or None in ends) and (record.get("Status") or {}).get("Code") not in _PEERING_OVER


def _peering(reader: Reader, record: Record, vpc_id: str) -> Passage:
    ends = (record["RequesterVpcInfo"], record["AccepterVpcInfo"])
    peer = next((end for end in ends if end.get("VpcId") != vpc_id), ends[0])
    text = f"{peer.get('VpcId')} of account {peer.get('OwnerId')} in state {(record.get('Status') or {}).get('Code')}"
    return Passage(reader.known(record, "VpcPeeringConnectionId"), "VPC peering", text)


def _read_prefix_lists(reader: Reader, rules: Iterable[Record], tables: Iterable[Record]) -> PrefixLists:
    """Return the entries of every prefix list that a rule or a route names."""
    routes = (route for table in tables for route in table["Routes"])
    named = {record.get("PrefixListId") for record in rules} | {
        route.get("DestinationPrefixListId") for route in routes
    }
    return {name: _read_prefix_list(reader, name) for name in sorted(filter(None, named))}


def _read_prefix_list(reader: Reader, prefix_list: str) -> tuple[str, ...]:
    answer = reader.api.call("ec2", "get_managed_prefix_list_entries", PrefixListId=prefix_list)
    return tuple(entry["Cidr"] for entry in answer["Entries"])


def _group_rule(spec: ClusterSpec, record: Record, names: Mapping[str, str], lists: PrefixLists) -> GroupRule:
    group_id = record["GroupId"]
    group = names.get(group_id, group_id).removeprefix(f"{spec.name}-")
    rule = home_rule(Identity(spec.name, spec.project), group, record)
    way, preposition = ("out", "to") if record["IsEgress"] else ("in", "from")
    peer = names.get(rule.network, rule.network)
    text = f"{way} {rule.port} {preposition} {peer}"
    rules = _rules(record, rule.network, lists)
    return GroupRule(rule.id or "", group_id, record["IsEgress"], text, rules, rule, text_secrets(record))


def _rules(record: Record, peer: str, lists: PrefixLists) -> tuple[Rule, ...]:
    protocol = protocol_number(record["IpProtocol"])
    first, last = _span(record.get("FromPort"), record.get("ToPort"))
    if record.get("ReferencedGroupInfo"):
        return (Rule(protocol, first, last, group=peer),)
    return tuple(Rule(protocol, first, last, ip_network(cidr)) for cidr in lists.get(peer, (peer,)))


def protocol_number(text: str) -> int | None:
    """Return the number of a protocol as AWS writes it, None for every protocol."""
    number = _NUMBERS.get(text)
    if number is not None:
        return number
    return None if text == "-1" else int(text)


def _span(first: int | None, last: int | None) -> tuple[int, int]:
    return (first, last) if first is not None and last is not None and 0 <= first <= last else (0, LAST_PORT)


def _acl(reader: Reader, record: Record) -> Acl:
    entries = sorted(record["Entries"], key=lambda entry: (entry["Egress"], entry["RuleNumber"]))
    return Acl(
        known=reader.known(record, "NetworkAclId"),
        default=bool(record.get("IsDefault")),
        entries=tuple((int(entry["RuleNumber"]), _entry_text(entry)) for entry in entries),
        incoming=tuple(_entry(entry) for entry in entries if not entry["Egress"] and not _is_partial_denial(entry)),
        subnets=tuple(item["SubnetId"] for item in record.get("Associations") or ()),
    )


def _is_partial_denial(entry: Record) -> bool:
    """Return whether an entry denies only some types of ICMP, which must not count as denying all of it."""
    icmp = (entry.get("IcmpTypeCode") or {}).get("Type", -1)
    return bool(entry["RuleAction"] == "deny" and icmp != -1)


def _entry(entry: Record) -> AclEntry:
    ports = entry.get("PortRange") or {}
    first, last = _span(ports.get("From"), ports.get("To"))
    network = ip_network(entry.get("CidrBlock") or entry["Ipv6CidrBlock"])
    number, allow = int(entry["RuleNumber"]), entry["RuleAction"] == "allow"
    return AclEntry(number, allow, protocol_number(entry["Protocol"]), network, first, last)


def _entry_text(entry: Record) -> str:
    ports = entry.get("PortRange") or {}
    names = {str(number): name for name, number in _NUMBERS.items()}
    record = {
        "IpProtocol": names.get(entry["Protocol"], entry["Protocol"]),
        "FromPort": ports.get("From", -1),
        "ToPort": ports.get("To", -1),
    }
    way = "out" if entry["Egress"] else "in"
    return f"{way} {entry['RuleAction']} {port_text(record)} {entry.get('CidrBlock') or entry.get('Ipv6CidrBlock')}"


def _table(reader: Reader, record: Record, names: Mapping[str, str], lists: PrefixLists) -> RouteTable:
    associations = record.get("Associations") or ()
    texts = [_route_text(route, names, lists) for route in record["Routes"] if _target(route) != "local"]
    return RouteTable(
        known=reader.known(record, "RouteTableId"),
        routes=tuple(route for item in record["Routes"] for route in _routes(item, lists)),
        texts=tuple(texts),
        subnets=tuple(item["SubnetId"] for item in associations if item.get("SubnetId")),
        main=any(item.get("Main") for item in associations),
        gateways=tuple(item["GatewayId"] for item in associations if item.get("GatewayId")),
    )


def _destination(route: Record) -> str:
    cidr = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
    return str(cidr or route.get("DestinationPrefixListId") or "unknown")


def _target(route: Record) -> str:
    return str(next((route[key] for key in ROUTE_TARGETS if route.get(key)), "unknown"))


def _route_text(route: Record, names: Mapping[str, str], lists: PrefixLists) -> RouteText:
    destination, target = _destination(route), _target(route)
    text = str(DescribedRoute(destination, names.get(target, target)))
    return RouteText(text, destination, target, lists.get(destination, ()))


def _routes(route: Record, lists: PrefixLists) -> list[Route]:
    """Return the routes of an entry of a table: one to each network of a prefix list."""
    destination = _destination(route)
    cidrs = () if destination == "unknown" else lists.get(destination, (destination,))
    active = route.get("State") != "blackhole"
    return [Route(ip_network(cidr), _target(route), active) for cidr in cidrs]


def _subnet(reader: Reader, record: Record) -> SubnetFact:
    known = reader.known(record, "SubnetId")
    public, ipv6 = record["MapPublicIpOnLaunch"], record.get("AssignIpv6AddressOnCreation")
    return SubnetFact(known, _networks([record]), bool(public), bool(ipv6))


def _interface(reader: Reader, record: Record) -> InterfaceFact:
    known, tags = reader.known(record, "NetworkInterfaceId"), tags_of(record)
    private = record.get("PrivateIpAddresses") or ()
    joined = [item["Association"] for item in (record, *private) if item.get("Association")]
    attachment = record.get("Attachment") or {}
    return InterfaceFact(
        known=known,
        kind=record.get("InterfaceType") or "interface",
        node=tags.get(NODE_TAG, known.name),
        subnet=record["SubnetId"],
        groups=tuple(sorted(group["GroupId"] for group in record["Groups"])),
        ipv4=tuple(item["PrivateIpAddress"] for item in private),
        ipv6=tuple(ipv6_of(record)),
        prefixes=_prefixes(record),
        public=tuple(dict.fromkeys(map(_public_of, joined))),
        source_dest_check=record["SourceDestCheck"],
        instance=attachment.get("InstanceId"),
        managed=bool(record.get("RequesterManaged")),
        account=attachment.get("InstanceOwnerId"),
    )


def _public_of(association: Record) -> str:
    """Return the public address. An association without one cannot be judged: it must not count as none."""
    names = ("PublicIp", "CarrierIp", "CustomerOwnedIp")
    return next((str(association[name]) for name in names if association.get(name)), "") or association["PublicIp"]


def _prefixes(record: Record) -> tuple[str, ...]:
    ipv4 = (item["Ipv4Prefix"] for item in record.get("Ipv4Prefixes") or ())
    return (*ipv4, *(item["Ipv6Prefix"] for item in record.get("Ipv6Prefixes") or ()))


def addresses_of(reader: Reader, records: Iterable[Record]) -> tuple[AddressFact, ...]:
    """Return the Elastic IPs of the cluster."""
    return tuple(
        AddressFact(
            reader.known(record, "AllocationId"),
            record["PublicIp"],
            bool(record.get("AssociationId")),
            record.get("NetworkInterfaceId") or "an unknown network interface",
        )
        for record in records
    )
