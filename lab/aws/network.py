# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around subnets, addresses, DHCP option sets and the order in which a network may be taken apart."""

from __future__ import annotations

import ipaddress
from typing import Any

import moto.ec2.models.vpcs
from moto.core.responses import ActionResult
from moto.ec2.models.dhcp_options import DHCPOptionsSet, DHCPOptionsSetBackend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, drop_tags, put, refuse, tags_for, wrap


def install() -> None:
    """Close the gaps."""
    put(Subnet, ipv6_cidr_block_association_set=property(_associations))
    put(Subnet, request_ip=request_address, get_available_subnet_ip=next_address, del_subnet_ip=_forget_address)
    wrap(Subnet, "get_filter_value", _subnet_filters)
    wrap(SubnetBackend, "associate_subnet_cidr_block", _one_ipv6_block_per_subnet)
    wrap(SubnetBackend, "delete_subnet", _only_empty_subnets)
    wrap(EC2Response, "create_dhcp_options", _tagged_dhcp_options)
    put(DHCPOptionsSetBackend, delete_dhcp_options_set=_delete_dhcp_options)
    put(DHCPOptionsSet, owner_id=property(lambda self: self.ec2_backend.account_id))
    put(DHCPOptionsSet, dhcp_configurations=property(_dhcp_configurations))
    wrap(DHCPOptionsSet, "get_filter_value", _dhcp_filters)
    wrap(SecurityGroupBackend, "delete_security_group", _only_unused_groups)
    for name in ("revoke_security_group_ingress", "revoke_security_group_egress"):
        wrap(SecurityGroupBackend, name, _without_tags_of_gone_rules)
    for name in ("create_vpc", "associate_vpc_cidr_block"):
        wrap(VPCBackend, name, _open_acl_to_ipv6)
    wrap(InternetGatewayBackend, "detach_internet_gateway", _without_public_addresses)
    wrap(VPCBackend, "delete_vpc", _only_empty_vpcs)
    # Gap: the interfaces of an endpoint get addresses of any network, and are like anybody's.
    put(moto.ec2.models.vpcs, random_private_ip=lambda: None)
    wrap(VPCBackend, "create_vpc_endpoint", _with_interfaces_of_its_own)


def _with_interfaces_of_its_own(original: Function) -> Function:
    def create_vpc_endpoint(self: Any, *args: Any, **options: Any) -> Any:
        endpoint = original(self, *args, **options)
        for name in endpoint.network_interface_ids or ():
            interface = self.get_network_interface(name)
            interface.interface_type, interface.requester_managed = "vpc_endpoint", True
        return endpoint

    return create_vpc_endpoint


# Gap: the association's state is answered as the text "{'State': 'associated'}".
def _associations(subnet: Any) -> list[dict[str, Any]]:
    return [
        {
            "Ipv6CidrBlock": association["ipv6CidrBlock"],
            "AssociationId": association["associationId"],
            "Ipv6CidrBlockState": {"State": association["ipv6CidrBlockState"]["State"]},
        }
        for association in subnet.ipv6_cidr_block_associations.values()
        if association["ipv6CidrBlockState"]["State"] == "associated"
    ]


def ipv6_block(subnet: Any) -> ipaddress.IPv6Network | None:
    """Return the IPv6 block of a subnet, if it has one."""
    blocks = _associations(subnet)
    return ipaddress.IPv6Network(blocks[0]["Ipv6CidrBlock"]) if blocks else None


# Gap: DescribeSubnets knows no filter on IPv6 associations, which ec2_vpc_subnet needs (ipv6_cidr).
def _subnet_filters(original: Function) -> Function:
    keys = {
        "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlock",
        "ipv6-cidr-block-association.association-id": "AssociationId",
    }

    def get_filter_value(self: Any, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name in keys:
            return [association[keys[filter_name]] for association in _associations(self)]
        if filter_name == "ipv6-cidr-block-association.state":
            return [association["Ipv6CidrBlockState"]["State"] for association in _associations(self)]
        return original(self, filter_name, method_name)

    return get_filter_value


# Gap: any number of IPv6 blocks, from anywhere, are taken; EC2 takes one, a /64 out of the VPC's block, used once.
def _one_ipv6_block_per_subnet(original: Function) -> Function:
    def associate_subnet_cidr_block(self: Any, subnet_id: str, ipv6_cidr_block: str) -> Any:
        subnet = self.get_subnet(subnet_id)
        block = ipaddress.IPv6Network(ipv6_cidr_block)
        vpc = self.get_vpc(subnet.vpc_id)
        blocks = [a["cidr_block"] for a in vpc.get_cidr_block_association_set(ipv6=True)]
        if not any(block.subnet_of(ipaddress.IPv6Network(text)) for text in blocks):
            raise refuse("InvalidSubnet.Range", f"The CIDR '{ipv6_cidr_block}' is invalid.")
        if _associations(subnet):
            raise refuse("SubnetLimitExceeded", f"The subnet '{subnet_id}' has an IPv6 CIDR block already.")
        taken = {a["Ipv6CidrBlock"] for other in self.describe_subnets() for a in _associations(other)}
        if ipv6_cidr_block in taken:
            raise refuse("InvalidSubnet.Conflict", f"The CIDR '{ipv6_cidr_block}' conflicts with another subnet")
        return original(self, subnet_id, ipv6_cidr_block)

    return associate_subnet_cidr_block


def used_addresses(subnet: Any) -> set[str]:
    """Return every private IPv4 and IPv6 address that an interface of this subnet holds."""
    interfaces = [eni for eni in subnet.ec2_backend.enis.values() if eni.subnet.id == subnet.id]
    ipv4 = {address["PrivateIpAddress"] for eni in interfaces for address in eni.private_ip_addresses}
    return ipv4 | {address for eni in interfaces for address in eni.ipv6_addresses}


# Gap: a private address is checked against instances only, not interfaces, and a duplicate is an untyped exception.
def request_address(subnet: Any, ip: str, instance: Any = None) -> None:
    """Refuse an IPv4 address that is not in the subnet, reserved by AWS or in use."""
    hosts = subnet.cidr
    address = ipaddress.IPv4Address(ip)
    reserved = {hosts.network_address + offset for offset in range(4)} | {hosts.broadcast_address}
    if address not in hosts:
        raise refuse("InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range")
    if address in reserved:
        raise refuse("InvalidParameterValue", f"Address {ip} is in subnet's reserved address range")
    if ip in used_addresses(subnet):
        raise refuse("InvalidIPAddress.InUse", f"Address {ip} is in use.")


def next_address(subnet: Any, instance: Any = None) -> str:
    """Return the first free IPv4 address of the subnet."""
    used = used_addresses(subnet)
    for offset in range(4, subnet.cidr.num_addresses - 1):
        if str(subnet.cidr.network_address + offset) not in used:
            return str(subnet.cidr.network_address + offset)
    raise refuse("InsufficientFreeAddressesInSubnet", f"The subnet '{subnet.id}' has no free addresses.")


def _forget_address(subnet: Any, ip: str) -> None:
    """Do nothing: what is in use follows from the interfaces."""


# Gap: TagSpecifications are dropped, so ec2_vpc_dhcp_option never finds its set again and makes one more per run.
def _tagged_dhcp_options(original: Function) -> Function:
    def create_dhcp_options(self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        options = answer.result["DhcpOptions"]  # type: ignore[index]
        options.add_tags(tags_for(self, "dhcp-options"))
        return answer

    return create_dhcp_options


# Gap: the options come in moto's order; EC2 sorts them, and ec2_vpc_dhcp_option compares them as a list.
def _dhcp_configurations(options: Any) -> list[dict[str, Any]]:
    known = sorted((key, values) for key, values in options._options.items() if values)
    return [{"Key": key, "Values": [{"Value": value} for value in values]} for key, values in known]


# Gap: a set remembers only the last VPC it was given to, also after that VPC is gone or has another set.
def _delete_dhcp_options(self: Any, options_id: str) -> None:
    if options_id not in self.dhcp_options_sets:
        raise refuse("InvalidDhcpOptionID.NotFound", f"DhcpOption ID {options_id} does not exist.")
    if any(vpc.dhcp_options and vpc.dhcp_options.id == options_id for vpc in self.vpcs.values()):
        raise refuse("DependencyViolation", f"The dhcpOptions '{options_id}' has dependencies and cannot be deleted.")
    del self.dhcp_options_sets[options_id]
    drop_tags(self, options_id)


# Gap: the filters `key` and `value` match every set, because unset options count too.
def _dhcp_filters(original: Function) -> Function:
    def get_filter_value(self: Any, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name == "key":
            return [key for key, values in self._options.items() if values]
        if filter_name == "value":
            return [value for values in self._options.values() if values for value in values]
        return original(self, filter_name, method_name)

    return get_filter_value


def _dependency(kind: str, name: str) -> Exception:
    return refuse("DependencyViolation", f"The {kind} '{name}' has dependencies and cannot be deleted.")


# Gaps below: moto lets a network be taken apart in any order; EC2 refuses what is still in use.
def _only_empty_subnets(original: Function) -> Function:
    def delete_subnet(self: Any, subnet_id: str) -> Any:
        if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
            raise _dependency("subnet", subnet_id)
        subnet = original(self, subnet_id)
        for table in self.route_tables.values():  # EC2 ends the association with the subnet
            table._associations = {k: v for k, v in table._associations.items() if v != subnet_id}
        drop_tags(self, subnet_id)
        return subnet

    return delete_subnet


def _only_unused_groups(original: Function) -> Function:
    def delete_security_group(self: Any, name: str | None = None, group_id: str | None = None) -> Any:
        for eni in self.enis.values():
            if group_id in {group.id for group in eni.group_set}:
                raise refuse("DependencyViolation", f"resource {group_id} has a dependent object")
        for group in [group for groups in self.groups.values() for group in groups.values() if group.id != group_id]:
            rules = [*group.ingress_rules, *group.egress_rules]
            if any(rule.source_group.get("GroupId") == group_id for rule in rules):
                raise refuse("DependencyViolation", f"resource {group_id} has a dependent object")
        answer = original(self, name, group_id)
        drop_tags(self, group_id or "")
        _drop_tags_of_gone_rules(self)
        return answer

    return delete_security_group


# Gap: a rule's tags outlive it, so that DescribeTags tells of rules that nobody has any more.
def _without_tags_of_gone_rules(original: Function) -> Function:
    def revoke(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = original(self, *arguments, **options)
        _drop_tags_of_gone_rules(self)
        return answer

    return revoke


def _drop_tags_of_gone_rules(backend: Any) -> None:
    groups = [group for groups in backend.groups.values() for group in groups.values()]
    known = {rule.id for group in groups for rule in (*group.ingress_rules, *group.egress_rules)}
    for resource_id in [name for name in backend.tags if name.startswith("sgr-") and name not in known]:
        drop_tags(backend, resource_id)


# Gap: the default network ACL lacks the entries that EC2 adds to it with a VPC's IPv6 block.
def _open_acl_to_ipv6(original: Function) -> Function:
    def change_vpc(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = original(self, *arguments, **options)
        dual = {vpc.id for vpc in self.vpcs.values() if vpc.get_cidr_block_association_set(ipv6=True)}
        for acl in self.network_acls.values():
            if acl.default and acl.vpc_id in dual and not any(entry.ipv6_cidr_block for entry in acl.entries):
                _add_ipv6_entries(self, acl.id)
        return answer

    return change_vpc


def _add_ipv6_entries(backend: Any, acl_id: str) -> None:
    unused = ("cidr_block", "icmp_code", "icmp_type", "port_range_from", "port_range_to")
    everything = {"protocol": "-1", "ipv6_cidr_block": "::/0", **dict.fromkeys(unused)}
    for egress in (False, True):
        for number, action in ((101, "allow"), (32768, "deny")):
            backend.create_network_acl_entry(
                network_acl_id=acl_id, rule_number=number, rule_action=action, egress=egress, **everything
            )


def _without_public_addresses(original: Function) -> Function:
    def detach_internet_gateway(self: Any, internet_gateway_id: str, vpc_id: str) -> Any:
        if any(eni.subnet.vpc_id == vpc_id and eni.public_ip for eni in self.enis.values()):
            message = f"Network {vpc_id} has some mapped public address(es). Please unmap those before detaching."
            raise refuse("DependencyViolation", message)
        return original(self, internet_gateway_id, vpc_id)

    return detach_internet_gateway


def _only_empty_vpcs(original: Function) -> Function:
    def delete_vpc(self: Any, vpc_id: str) -> Any:
        gateways = [g for g in self.internet_gateways.values() if g.vpc and g.vpc.id == vpc_id]
        groups = [g for g in self.groups.get(vpc_id, {}).values() if g.name != "default"]
        if gateways or groups:
            raise _dependency("vpc", vpc_id)
        # Gap: a VPC's DHCP options go with it; in EC2 they stay.
        vpc = self.vpcs.get(vpc_id)
        if vpc and vpc.dhcp_options:
            vpc.dhcp_options = None
        answer = original(self, vpc_id)
        drop_tags(self, vpc_id)
        return answer

    return delete_vpc
