# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: private IPv4 addresses are compared with those of instances, not with those of network interfaces.

EC2 refuses an address that is outside of the subnet, reserved or in use, and assigns the first free one.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.subnets import Subnet

from lab.aws.patches import refuse, replaces


def used_addresses(subnet: Any) -> set[str]:
    interfaces = [eni for eni in subnet.ec2_backend.enis.values() if eni.subnet.id == subnet.id]
    ipv4 = {address["PrivateIpAddress"] for eni in interfaces for address in eni.private_ip_addresses}
    return ipv4 | {address for eni in interfaces for address in eni.ipv6_addresses}


@replaces(Subnet, "request_ip")
def request_address(subnet: Any, ip: str, instance: Any = None) -> None:
    hosts = subnet.cidr
    address = ipaddress.IPv4Address(ip)
    reserved = {hosts.network_address + offset for offset in range(4)} | {hosts.broadcast_address}
    if address not in hosts:
        raise refuse("InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range")
    if address in reserved:
        raise refuse("InvalidParameterValue", f"Address {ip} is in subnet's reserved address range")
    if ip in used_addresses(subnet):
        raise refuse("InvalidIPAddress.InUse", f"Address {ip} is in use.")


@replaces(Subnet, "get_available_subnet_ip")
def next_address(subnet: Any, instance: Any = None) -> str:
    used = used_addresses(subnet)
    for offset in range(4, subnet.cidr.num_addresses - 1):
        if str(subnet.cidr.network_address + offset) not in used:
            return str(subnet.cidr.network_address + offset)
    raise refuse("InsufficientFreeAddressesInSubnet", f"The subnet '{subnet.id}' has no free addresses.")


@replaces(Subnet, "del_subnet_ip")
def _forget_address(subnet: Any, ip: str) -> None:
    """Do nothing: what is in use follows from the interfaces."""
