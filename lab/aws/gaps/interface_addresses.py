# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: CreateNetworkInterface and AssignIpv6Addresses check no address and assign IPv6 in ways of their own.

EC2 refuses unknown groups and addresses that are outside of the subnet, reserved or in use. It assigns the first free
IPv4 address and random IPv6 addresses, one of those on creation if the subnet says so, and returns only the new ones.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.responses import EC2Response

from lab.aws.gaps.subnet_ipv6 import ipv6_block
from lab.aws.patches import Function, put, refuse, replaces, wraps

put(NetworkInterface, ipv6_address=property(lambda self: next(iter(self.ipv6_addresses), None)))


def used_addresses(subnet: Any) -> set[str]:
    interfaces = [eni for eni in subnet.ec2_backend.enis.values() if eni.subnet.id == subnet.id]
    ipv4 = {address["PrivateIpAddress"] for eni in interfaces for address in eni.private_ip_addresses}
    return ipv4 | {address for eni in interfaces for address in eni.ipv6_addresses}


def check_ipv4(subnet: Any, ip: str) -> None:
    hosts = subnet.cidr
    address = ipaddress.IPv4Address(ip)
    reserved = {hosts.network_address + offset for offset in range(4)} | {hosts.broadcast_address}
    if address not in hosts:
        raise refuse("InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range")
    if address in reserved:
        raise refuse("InvalidParameterValue", f"Address {ip} is in subnet's reserved address range")
    if ip in used_addresses(subnet):
        raise refuse("InvalidIPAddress.InUse", f"Address {ip} is in use.")


def free_ipv4(subnet: Any) -> str:
    used = used_addresses(subnet)
    for offset in range(4, subnet.cidr.num_addresses - 1):
        if str(subnet.cidr.network_address + offset) not in used:
            return str(subnet.cidr.network_address + offset)
    raise refuse("InsufficientFreeAddressesInSubnet", f"The subnet '{subnet.id}' has no free addresses.")


def known_groups(backend: Any, subnet: Any, group_ids: list[str]) -> None:
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise refuse("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != subnet.vpc_id:
            message = f"You have specified two resources that belong to different networks: {group_id}, {subnet.id}."
            raise refuse("InvalidParameterCombination", message)


@wraps(NetworkInterfaceBackend, "create_network_interface")
def _checked_addresses(
    original: Function,
    self: Any,
    subnet: Any,
    private_ip_address: Any,
    private_ip_addresses: Any = None,
    *args: Any,
    **options: Any,
) -> Any:
    if isinstance(subnet, str):
        subnet = self.get_subnet(subnet)
    groups = options.get("group_ids") or (args[0] if args else None) or []
    known_groups(self, subnet, groups)
    if isinstance(private_ip_address, list):
        private_ip_address = next(iter(private_ip_address), None)
    wanted = [private_ip_address] if private_ip_address else []
    wanted += [a if isinstance(a, str) else a["PrivateIpAddress"] for a in private_ip_addresses or []]
    for address in dict.fromkeys(wanted):
        check_ipv4(subnet, address)
    explicit, count = options.pop("ipv6_addresses", None) or [], options.pop("ipv6_address_count", None) or 0
    if not explicit and not count and subnet.assign_ipv6_address_on_creation:
        count = 1
    chosen = choose_ipv6(subnet, explicit, count)
    if not wanted:
        private_ip_address = free_ipv4(subnet)
    eni = original(self, subnet, private_ip_address, private_ip_addresses, *args, ipv6_addresses=chosen, **options)
    eni.requester_id = None
    return eni


def choose_ipv6(subnet: Any, explicit: list[str], count: int) -> list[str]:
    """Return the explicit IPv6 addresses, checked, and as many free ones as are asked for."""
    if not explicit and not count:
        return []
    block = ipv6_block(subnet)
    if block is None:
        raise refuse("InvalidParameterValue", f"The subnet '{subnet.id}' has no IPv6 CIDR block associated with it.")
    used = used_addresses(subnet)
    chosen = []
    for text in explicit:
        address = str(ipaddress.IPv6Address(text))
        if ipaddress.IPv6Address(address) not in block:
            raise refuse("InvalidParameterValue", f"Address {address} does not fall within the subnet's address range")
        if address in used:
            raise refuse("InvalidIPAddress.InUse", f"Address {address} is in use.")
        chosen.append(address)
    return chosen + _free_ipv6(block, used | set(chosen), count)


def _free_ipv6(block: ipaddress.IPv6Network, used: set[str], count: int) -> list[str]:
    from moto.moto_api._internal import mock_random

    chosen: list[str] = []
    while len(chosen) < count:  # random as in EC2, so that no one relies on an order
        host = mock_random.getrandbits(48) + 16
        address = str(block.network_address + host)
        if address not in used and address not in chosen:
            chosen.append(address)
    return chosen


@replaces(NetworkInterfaceBackend, "assign_ipv6_addresses")
def assign_ipv6(self: Any, eni_id: str, ipv6_addresses: Any = None, ipv6_count: int | None = None) -> Any:
    eni = self.get_network_interface(eni_id)
    explicit = [a for a in ipv6_addresses or [] if str(ipaddress.IPv6Address(a)) not in eni.ipv6_addresses]
    eni.newly_assigned = choose_ipv6(eni.subnet, explicit, ipv6_count or 0)
    eni.ipv6_addresses = [*eni.ipv6_addresses, *eni.newly_assigned]
    return eni


@wraps(EC2Response, "assign_ipv6_addresses")
def _only_new_addresses(original: Function, self: Any) -> ActionResult:
    answer: ActionResult = original(self)
    eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    return ActionResult(dict(answer.result) | {"AssignedIpv6Addresses": eni.newly_assigned})  # type: ignore[call-overload]


@replaces(NetworkInterfaceBackend, "unassign_ipv6_addresses")
def _unassign_ipv6(self: Any, eni_id: str, ips: list[str] | None = None) -> list[str]:
    eni = self.get_network_interface(eni_id)
    gone = {str(ipaddress.IPv6Address(ip)) for ip in ips or []}
    unknown = gone - set(eni.ipv6_addresses)
    if unknown:
        raise refuse("InvalidParameterValue", f"Some of the specified addresses are not assigned: {sorted(unknown)}")
    eni.ipv6_addresses = [ip for ip in eni.ipv6_addresses if ip not in gone]
    return sorted(gone)
