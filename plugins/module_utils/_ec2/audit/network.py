# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check everything that determines which packets can pass. Private to urmanac.talos: may change at any time.

One cause is one deviation: a rule lists what it exposes to whom, an endpoint covers its interfaces and routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv6Interface, collapse_addresses, ip_network
from typing import Any

from ..._codes import HIGH
from ..._findings import Finding, finding
from ..home.access import rule_line
from ..home.input import LONGEST, network_problems, time_of
from ..identity import BASTION, NODES
from ..plan.owners import unmanaged_problems
from .allowed import Allowed, foreign_instances
from .facts import Account, Acl, GroupRule, InterfaceFact, Known, RouteTable, RouteText
from .reachability import (
    EVERY_PORT,
    Exposure,
    Facts,
    Interface,
    Network,
    Rule,
    Subnet,
    reachable,
)

# The default entries of every VPC. Security groups restrict access; a network ACL can only restrict it further.
_ACL_ENTRIES = frozenset(
    f"{way} {action} all {cidr}"
    for way in ("in", "out")
    for action in ("allow", "deny")
    for cidr in ("0.0.0.0/0", "::/0")
)
# The last entry of each network ACL denies everything; with a lower number it takes precedence over other entries.
_LAST_ENTRY = 32767
_EGRESS = ("out all to 0.0.0.0/0", "out all to ::/0")
# The domain of a VPC without DHCP options.
_AMAZONS = re.compile(r"ec2\.internal|[a-z0-9-]+\.compute\.internal")
# A network with at most this prefix length is not one site, but a part of the Internet.
_WIDE = {4: 8, 6: 16}


def network_deviations(account: Account, allowed: Allowed, now: datetime) -> Iterator[Finding]:
    """Yield every deviation of the network."""
    yield from _vpc_deviations(account, allowed)
    yield from _dhcp_deviations(account, allowed)
    yield from _rule_deviations(account, allowed, now)
    yield from _group_deviations(account, allowed)
    yield from _acl_deviations(account, allowed)
    yield from _route_deviations(account, allowed)
    yield from _subnet_deviations(account, allowed)
    yield from _interface_deviations(account, allowed)
    yield from _passage_deviations(account, allowed)
    yield from _address_deviations(account)


def facts_of(account: Account, rules: Iterable[GroupRule] | None = None) -> Facts:
    """Return the input for computing exposures, with all rules or only some."""
    counted = [rule for rule in (account.rules if rules is None else rules) if not rule.egress]
    groups: dict[str, list[Rule]] = {known.id: [] for known in account.groups}
    for rule in counted:
        groups.setdefault(rule.group_id, []).extend(rule.rules)
    return Facts(
        networks=account.networks,
        gateways=frozenset(known.id for known in account.gateways),
        subnets={subnet.known.id: _subnet(account, subnet.known.id) for subnet in account.subnets},
        groups={group: tuple(of) for group, of in groups.items()},
        interfaces=tuple(
            Interface(fact.known.id, fact.node, fact.subnet, fact.groups, fact.addresses, fact.public)
            for fact in account.interfaces
        ),
    )


def _subnet(account: Account, subnet_id: str) -> Subnet:
    table = _table_of(account, subnet_id)
    entries = [entry for acl in account.acls if subnet_id in acl.subnets for entry in acl.incoming]
    networks = next(subnet.networks for subnet in account.subnets if subnet.known.id == subnet_id)
    return Subnet(subnet_id, networks, tuple(entries), table.routes if table else ())


def _table_of(account: Account, subnet_id: str) -> RouteTable | None:
    own = [table for table in account.tables if subnet_id in table.subnets]
    return next(iter(own or [table for table in account.tables if table.main]), None)


def _firsts(every: Iterable[Known]) -> set[str]:
    """Return the ids of the cluster's own resources; of several with one name the first is the described one."""
    first: dict[str, str] = {}
    for known in sorted(known for known in every if known.owned):
        first.setdefault(known.name, known.id)
    return set(first.values())


def _vpc_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    yield from (replace(problem, severity=HIGH) for problem in unmanaged_problems(account.unmanaged))
    if len(account.vpcs) > 1:
        names = ", ".join(sorted(known.id for known in account.vpcs))
        yield finding("DUPLICATE_VPC", f"VPC {names}")
    # The VPC has the described IPv4 block, and one IPv6 block from Amazon, which comes first.
    ipv4 = [network for network in account.networks if network.version == 4 and allowed.vpc_ipv4]
    foreign = [network for network in ipv4 if network != ip_network(allowed.vpc_ipv4)]
    ipv6 = [network for network in account.networks if network.version == 6]
    for network in (*foreign, *ipv6[max(len(account.vpcs), 1) :]):
        message = f"the network {network} is associated with the VPC but not described"
        yield finding("VPC_NETWORK_NOT_DESCRIBED", f"VPC {account.vpcs[0].id}", message)


def _dhcp_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    for options in account.dhcp:
        names = [server for server in options.name_servers if server not in allowed.dhcp["domain_name_servers"]]
        times = [server for server in options.time_servers if server not in allowed.dhcp["ntp_servers"]]
        is_foreign = options.domain not in ("", allowed.dhcp["domain_name"]) and not _AMAZONS.fullmatch(options.domain)
        settings = {
            "use the DNS servers": ", ".join(names),
            "use the NTP servers": ", ".join(times),
            "use the search domain": options.domain if is_foreign else "",
        }
        texts = [f"{what}: {value}" for what, value in settings.items() if value]
        if texts:
            message = f"instances of the VPC {'; they '.join(texts)}, which is not described"
            severity = "high" if names else "medium"
            yield finding("DHCP_NOT_DESCRIBED", f"DHCP options {options.known.id}", message, severity=severity)


def _group_names(account: Account) -> dict[str, str]:
    """Return the names of the groups. A name of the description belongs to one group of the cluster only."""
    firsts = _firsts(account.groups)
    return {known.id: known.name if known.id in firsts or _is_default(known) else known.id for known in account.groups}


def _is_default(known: Known) -> bool:
    return known.name == "default" and not known.owned


def is_active_home_rule(rule: GroupRule, allowed: Allowed, now: datetime) -> bool:
    """Return whether a rule is exactly one that home access creates and has not expired."""
    return (
        rule.home.ours
        and not rule.egress
        and _is_exact(rule, allowed)
        and not (rule.home.is_expired(now) or _is_too_long(rule, now))
    )


def _is_too_long(rule: GroupRule, now: datetime) -> bool:
    """Return whether home access ends later than any opening may, so another tool or person set the tag."""
    end = time_of(rule.home.expires or "")
    return end is not None and end - now > LONGEST


def _is_exact(rule: GroupRule, allowed: Allowed) -> bool:
    opened = {(opening.group, f"tcp/{opening.port}") for opening in allowed.openings}
    if (rule.home.group, rule.home.port) not in opened:
        return False
    try:
        return not list(network_problems(IPv6Interface(rule.home.network)))
    except ValueError:
        return False


def _is_allowed(name: str, rule: GroupRule, allowed: Allowed, now: datetime) -> bool:
    if name in allowed.rules:
        return rule.text in allowed.rules[name] or is_active_home_rule(rule, allowed, now)
    # The default rules of every group; an undescribed group is reported separately.
    return rule.text in _EGRESS or (name == "default" and rule.text == f"in all from {rule.group_id}")


def _rule_deviations(account: Account, allowed: Allowed, now: datetime) -> Iterator[Finding]:
    names = _group_names(account)
    foreign = [
        rule for rule in account.rules if not _is_allowed(names.get(rule.group_id, rule.group_id), rule, allowed, now)
    ]
    for rules in _by_cause(foreign):
        rule, name = rules[0], names.get(rules[0].group_id, rules[0].group_id)
        ids = ", ".join(item.id for item in rules)
        resource = f"security group {name}, rule {ids}" if len(rules) == 1 else f"security group {name}, rules {ids}"
        reached = [item for item in reachable(facts_of(account, rules)) if item.source.kind != "security_group"]
        if rule.home.ours and rule.home.is_expired(now) and _is_exact(rule, allowed):
            yield finding("HOME_ACCESS_EXPIRED", resource, fact=f"{rule_line(rule.home)}{_reach_text(reached)}")
        elif rule.home.ours and not rule.egress and _is_too_long(rule, now) and _is_exact(rule, allowed):
            message = f"home access ends more than {LONGEST.days} days from now: {rule_line(rule.home)}"
            yield finding("HOME_ACCESS_TOO_LONG", resource, message + _reach_text(reached))
        elif rule.home.ours:
            severity = "critical" if _is_open_to_everybody(rules) else "high"
            message = "it has the tags of home access, but is not a rule that home access creates: "
            message += _text_of(rules) + _reach_text(reached)
            yield finding("HOME_ACCESS_NOT_EXACT", resource, message, severity=severity)
        else:
            yield _foreign_rule(rules, resource, reached)


def _by_cause(rules: Iterable[GroupRule]) -> list[list[GroupRule]]:
    """Return the rules, with those that together open the same ports of a group to everyone as one cause."""
    same: dict[tuple[str, bool, str, bool], list[GroupRule]] = {}
    for rule in rules:
        same.setdefault((rule.group_id, rule.egress, rule.home.port, rule.home.ours), []).append(rule)
    return [cause for of in same.values() for cause in _causes_in(of)]


def _causes_in(rules: list[GroupRule]) -> Iterator[list[GroupRule]]:
    wide = [] if rules[0].egress else _wide_networks(rules)
    opening = [
        rule
        for rule in rules
        if any(piece.version == whole.version and piece.subnet_of(whole) for piece in _nets(rule) for whole in wide)
    ]
    if opening:
        yield opening
    yield from ([rule] for rule in rules if rule not in opening)


def _nets(rule: GroupRule) -> list[Any]:
    return [item.network for item in rule.rules if item.network is not None]


def _wide_networks(rules: Iterable[GroupRule]) -> list[Any]:
    """Return the networks that are a part of the Internet; adjacent ones count as one."""
    nets = [network for rule in rules for network in _nets(rule)]
    families = ([network for network in nets if network.version == version] for version in _WIDE)
    return [network for of in families for network in collapse_addresses(of) if _is_wide(network)]


def _foreign_rule(rules: list[GroupRule], resource: str, reached: list[Exposure]) -> Finding:
    rule, ids = rules[0], " ".join(item.id for item in rules)
    way = "egress" if rule.egress else "ingress"
    remedy = (
        f"Run `aws ec2 revoke-security-group-{way} --group-id {rule.group_id} --security-group-rule-ids {ids}`"
        " unless you need it; then describe it in the variables."
    )
    if _is_open_to_everybody(rules):
        message = f"open to everyone: {_text_of(rules)}{_reach_text(reached)}"
        return finding("RULE_OPEN_TO_INTERNET", resource, message, remedy)
    severity = "medium" if rule.egress else "high"
    message = f"a rule that is not described: {_text_of(rules)}{_reach_text(reached)}"
    return finding("RULE_NOT_ALLOWED", resource, message, remedy, severity=severity)


def _text_of(rules: Iterable[GroupRule]) -> str:
    """Return the text of rules that differ in their networks only."""
    first, *others = rules
    return ", ".join((first.text, *(rule.text.rpartition(" ")[2] for rule in others)))


def _is_open_to_everybody(rules: list[GroupRule]) -> bool:
    return not rules[0].egress and bool(_wide_networks(rules))


def _is_wide(network: Network) -> bool:
    # Python takes the reserved end of IPv4 (240.0.0.0/4) for private, but no private network has its addresses.
    is_internet = not network.is_private or (network.version == 4 and network.is_reserved)
    return network.prefixlen <= _WIDE[network.version] and is_internet


def _reach_text(reached: Iterable[Exposure]) -> str:
    """Return what a rule exposes to senders outside of the VPC, each port of an address once."""
    where = {"internet": "the Internet", "routed": "a connected network", "vpc": "the VPC"}
    places: dict[tuple[str, str], list[str]] = {}
    for item in reached:
        of = places.setdefault((where[item.source.kind], ports_text(item)), [])
        of.append(f"{item.node} ({item.address})")
    # Access from the VPC is reported only if there is none from outside of it.
    outside = {key: of for key, of in places.items() if key[0] != where["vpc"]} or places
    texts = (f"{source} reaches {ports} of {', '.join(dict.fromkeys(of))}" for (source, ports), of in outside.items())
    return "".join(f"; {text}" for text in texts)


def ports_text(exposure: Exposure) -> str:
    """Return the protocol and ports of an exposure as text."""
    first, last = exposure.ports
    if exposure.ports == EVERY_PORT:
        return "everything" if exposure.protocol == "all" else f"all of {exposure.protocol}"
    return f"{exposure.protocol}/{first}" + ("" if first == last else f"-{last}")


def _group_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    names = _group_names(account)
    for known in account.groups:
        if names[known.id] not in (*allowed.rules, "default"):
            remedy = f"Run `aws ec2 delete-security-group --group-id {known.id}` if it is not needed."
            message = f"the security group {known.name} is in the cluster's VPC and is not described"
            yield finding("GROUP_NOT_DESCRIBED", f"security group {known.id}", message, remedy)
        else:
            yield from name_deviations(known, f"security group {known.id}")


def name_deviations(known: Known, resource: str) -> Iterator[Finding]:
    """Yield that the tag of a described group is not its name."""
    if known.other_name is not None:
        message = f"its tag Name is {known.other_name!r}, and its name is {known.name}"
        yield finding("NAME_TAG_CHANGED", resource, message)


def _acl_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    described = {subnet.known.id for subnet in account.subnets if subnet.known.name in allowed.subnets}
    for acl in account.acls:
        resource = f"network ACL {acl.known.id}"
        ours = sorted(described & set(acl.subnets))
        if ours and not acl.default:
            message = f"{', '.join(ours)} uses it instead of the default network ACL of the VPC"
            yield finding("NETWORK_ACL_NOT_DEFAULT", resource, message)
        for number, text in acl.entries if acl.subnets else ():
            if not _is_usual_entry(number, text):
                message = f"the network ACL of {', '.join(acl.subnets)} has the entry {text}, which is not described"
                remedy = (
                    f"Run `aws ec2 delete-network-acl-entry --network-acl-id {acl.known.id} --rule-number {number}`"
                )
                yield finding("NETWORK_ACL_CHANGED", resource, message, f"{remedy} with its direction.")


def _is_usual_entry(number: int, text: str) -> bool:
    return text in _ACL_ENTRIES and (" allow " in text or number >= _LAST_ENTRY)


def acl_line(account: Account) -> list[str]:
    """Return lines about the network ACLs that are in use, which are not part of a description."""
    used = [acl for acl in account.acls if acl.subnets]
    return [f"  network ACL {acl.known.id} ({_acl_text(acl)}) of {', '.join(acl.subnets)}" for acl in used]


def _acl_text(acl: Acl) -> str:
    usual = all(_is_usual_entry(number, text) for number, text in acl.entries)
    return ("default, " if acl.default else "") + ("allows everything" if usual else "changed")


def _route_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    ours = _firsts(table.known for table in account.tables)
    subnets = {subnet.known.id: subnet.known for subnet in account.subnets}
    passages = {passage.known.id for passage in account.passages}
    for table in account.tables:
        resource = f"route table {table.known.name} ({table.known.id})"
        foreign = [route for route in table.texts if route.text not in allowed.routes and route.target not in passages]
        if table.known.id in ours and table.known.name in allowed.tables and not table.gateways:
            yield from (_foreign_route(route, table, resource) for route in foreign)
            continue
        implicit = [
            subnet
            for subnet, known in subnets.items()
            if known.owned and known.name in allowed.subnets and _table_of(account, subnet) == table
        ]
        used_by = sorted({*table.subnets, *implicit, *table.gateways})
        if used_by:
            routes = "; its routes: " + ", ".join(route.text for route in foreign) if foreign else ""
            message = f"{', '.join(used_by)} uses an undescribed route table{routes}"
            yield finding("ROUTE_TABLE_NOT_DESCRIBED", resource, message)
        elif table.main:
            yield from (_foreign_route(route, table, resource) for route in foreign)


def _foreign_route(route: RouteText, table: RouteTable, resource: str) -> Finding:
    option = "--destination-ipv6-cidr-block" if ":" in route.destination else "--destination-cidr-block"
    if route.destination.startswith("pl-"):
        option = "--destination-prefix-list-id"
    remedy = f"Run `aws ec2 delete-route --route-table-id {table.known.id} {option} {route.destination}`."
    entries = f", that is {', '.join(route.cidrs)}" if route.cidrs else ""
    message = f"a route that is not described: {route.text}{entries}"
    return finding("ROUTE_NOT_ALLOWED", resource, message, remedy)


def _subnet_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    ours = _firsts(subnet.known for subnet in account.subnets)
    for subnet in account.subnets:
        resource = f"subnet {subnet.known.name} ({subnet.known.id})"
        change = f"Run `aws ec2 modify-subnet-attribute --subnet-id {subnet.known.id}"
        if not (subnet.known.id in ours and subnet.known.name in allowed.subnets):
            message = f"the subnet {subnet.known.name} is in the cluster's VPC and is not described"
            remedy = f"Run `aws ec2 delete-subnet --subnet-id {subnet.known.id}` if it is not needed."
            yield finding("SUBNET_NOT_DESCRIBED", resource, message, remedy)
        if subnet.public_ipv4:
            yield finding("SUBNET_GIVES_PUBLIC_IPV4", resource, remedy=f"{change} --no-map-public-ip-on-launch`.")
        if subnet.ipv6_on_launch:
            yield finding("SUBNET_GIVES_IPV6", resource, remedy=f"{change} --no-assign-ipv6-address-on-creation`.")


def _interface_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    names = _group_names(account)
    # Anyone can set our tags on an interface, but not give it the address of a described one.
    placed = [face for face in account.interfaces if allowed.interfaces.get(face.known.name) in face.ipv4]
    ours = _firsts(face.known for face in placed)
    explained = _explained_interfaces(account, allowed)
    machines = {machine.known.id: machine.known.name for machine in account.machines if machine.known.owned}
    for interface in account.interfaces:
        resource = f"network interface {interface.known.name} ({interface.known.id})"
        is_public = interface.public and interface.known.name not in allowed.public_ipv4
        is_described = interface.known.id in ours and interface.known.name in allowed.interfaces
        if is_public:
            also = "" if is_described or interface.known.id in explained else ", and is not described"
            message = f"it has the public IPv4 address {', '.join(interface.public)}{also}"
            yield finding("PUBLIC_IPV4", resource, message)
        if interface.known.id in explained or (is_public and not is_described):
            continue
        if not is_described:
            yield _foreign_interface(interface, resource)
            continue
        yield from _user_deviations(interface, machines, account, resource)
        yield from _foreign_groups(interface, names, allowed, resource)
        yield from _address_count_deviations(interface, allowed, resource)
        yield from _router_deviations(interface, allowed, resource)


def _explained_interfaces(account: Account, allowed: Allowed) -> set[str]:
    """Return the interfaces whose owner is reported separately: an endpoint, or an instance."""
    foreign = foreign_instances(account, allowed)
    names = {machine.known.name for machine in account.machines if machine.known.id in foreign}
    # Of two with the same name, the described one cannot be determined.
    ids = {machine.known.id for machine in account.machines if machine.known.name in names}
    machines = {face.known.id for face in account.interfaces if face.instance in ids and not face.known.owned}
    return {*machines, *(interface for passage in account.passages for interface in passage.interfaces)}


def _foreign_interface(interface: InterfaceFact, resource: str) -> Finding:
    kind = "" if interface.kind == "interface" else f" of kind {interface.kind}"
    user = f", used by {interface.instance}" if interface.instance else ""
    message = f"a network interface{kind} that is not described, with {', '.join(interface.addresses)}{user}"
    remedy = f"Run `aws ec2 delete-network-interface --network-interface-id {interface.known.id}` if it is not needed."
    if interface.managed:
        remedy = f"Delete the resource that it belongs to; an AWS service created it ({interface.kind})."
    return finding("INTERFACE_NOT_DESCRIBED", resource, message, remedy)


def _user_deviations(
    interface: InterfaceFact, machines: Mapping[str, str], account: Account, resource: str
) -> Iterator[Finding]:
    """Yield each user of an interface that is not described; machines are the names of our instances by their ids."""
    for instance in account.outside_instances:
        if instance.id == interface.instance:
            message = f"the instance {instance.id} in {instance.vpc} has it, so it connects both VPCs"
            yield finding("INTERFACE_ACROSS_VPCS", resource, message)
    if interface.instance and account.owners and interface.account not in (None, *account.owners):
        message = f"the instance {interface.instance} of account {interface.account} has it"
        yield finding("INTERFACE_ON_OTHER_MACHINE", resource, message, severity="critical")
    user = interface.instance or ""
    if machines.get(user, interface.known.name) != interface.known.name:
        message = f"the instance {machines[user]} ({user}) has it"
        yield finding("INTERFACE_ON_OTHER_MACHINE", resource, message)


def _foreign_groups(
    interface: InterfaceFact, names: dict[str, str], allowed: Allowed, resource: str
) -> Iterator[Finding]:
    groups = [names.get(group, group) for group in interface.groups]
    foreign = [group for group in groups if group not in _groups_for(interface, allowed)]
    if foreign:
        message = f"it is in the security group {', '.join(foreign)}, which is not described for it"
        remedy = (
            f"Run `aws ec2 modify-network-interface-attribute --network-interface-id {interface.known.id} --groups`"
        )
        yield finding("INTERFACE_IN_FOREIGN_GROUP", resource, message, f"{remedy} with the described ones.")


def _groups_for(interface: InterfaceFact, allowed: Allowed) -> list[str]:
    """Return the groups that an interface may be in: that of the nodes, or that of the bastion."""
    what = BASTION if interface.known.name in allowed.machines else NODES
    return [name for name in allowed.rules if name.endswith(f"-{what}")]


def _address_count_deviations(interface: InterfaceFact, allowed: Allowed, resource: str) -> Iterator[Finding]:
    wanted = allowed.interfaces[interface.known.name]
    extra = [address for address in interface.ipv4 if address != wanted]
    extra += [*interface.ipv6[1:], *interface.prefixes]
    if extra:
        message = f"it has undescribed addresses: {', '.join(extra)}"
        remedy = (
            f"Run `aws ec2 unassign-private-ip-addresses` or `unassign-ipv6-addresses` for {interface.known.id} unless "
            f"you know why they are there."
        )
        yield finding("INTERFACE_HAS_MORE_ADDRESSES", resource, message, remedy)


def _router_deviations(interface: InterfaceFact, allowed: Allowed, resource: str) -> Iterator[Finding]:
    if not interface.source_dest_check and interface.known.name not in allowed.machines:
        message = "its source/destination check is off, so it can send and receive packets for other addresses"
        command = f"aws ec2 modify-network-interface-attribute --network-interface-id {interface.known.id}"
        remedy = f"Run playbooks/site.yml, or `{command} --source-dest-check`."
        yield finding("SOURCE_DEST_CHECK_OFF", resource, message, remedy)


_PASSAGES = {
    "egress-only gateway": (
        "EGRESS_GATEWAY_NOT_DESCRIBED",
        "delete-egress-only-internet-gateway --egress-only-internet-gateway-id",
    ),
    "VPC endpoint": ("VPC_ENDPOINT_NOT_DESCRIBED", "delete-vpc-endpoints --vpc-endpoint-ids"),
    "VPC peering": ("VPC_PEERING_NOT_DESCRIBED", "delete-vpc-peering-connection --vpc-peering-connection-id"),
    "VPN gateway": ("VPN_GATEWAY_NOT_DESCRIBED", "detach-vpn-gateway --vpn-gateway-id"),
}


def _passage_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    for passage in account.passages:
        routes = [route.text for table in account.tables for route in table.texts if route.target == passage.known.id]
        if routes and set(routes) <= allowed.routes:
            continue
        code, command = _PASSAGES[passage.kind]
        through = f", with the routes {', '.join(routes)}" if routes else ""
        message = f"it connects the VPC with {passage.text}{through}, and is not described"
        remedy = f"Run `aws ec2 {command} {passage.known.id}` if it is not needed, and delete its routes."
        yield finding(code, f"{passage.kind} {passage.known.id}", message, remedy)


def _address_deviations(account: Account) -> Iterator[Finding]:
    here = {face.known.id for face in account.interfaces}
    for address in account.addresses:
        if address.attached and address.interface not in here:
            message = (
                f"the Elastic IP {address.public_ipv4} of the cluster belongs to {address.interface} in another VPC"
            )
            yield finding("ADDRESS_USED_OUTSIDE_CLUSTER", f"address {address.known.id}", message)
        if not address.attached:
            remedy = (
                f"Run `aws ec2 release-address --allocation-id {address.known.id}`; an unassociated address is charged "
                f"by the hour."
            )
            fact = str(address.public_ipv4)
            yield finding("ADDRESS_UNUSED", f"address {address.known.id}", fact=fact, remedy=remedy)
