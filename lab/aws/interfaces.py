# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around elastic network interfaces: their addresses, their attachment, who may delete them."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.responses import EC2Response

from lab.aws.network import ipv6_block, next_address, request_address, used_addresses
from lab.aws.patches import Function, drop_tags, put, refuse, wrap


def install() -> None:
    """Close the gaps."""
    wrap(NetworkInterfaceBackend, "create_network_interface", _checked_addresses)
    wrap(NetworkInterfaceBackend, "delete_network_interface", _only_detached)
    wrap(NetworkInterfaceBackend, "attach_network_interface", _only_available)
    put(NetworkInterfaceBackend, assign_ipv6_addresses=assign_ipv6, unassign_ipv6_addresses=_unassign_ipv6)
    wrap(EC2Response, "modify_network_interface_attribute", _more_attributes)
    wrap(EC2Response, "assign_ipv6_addresses", _only_new_addresses)
    put(NetworkInterface, group_set=property(_groups))
    put(NetworkInterface, ipv6_address=property(lambda self: next(iter(self.ipv6_addresses), None)))
    wrap(NetworkInterface, "get_filter_value", _filters)


def _known_groups(backend: Any, subnet: Any, group_ids: list[str]) -> None:
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise refuse("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != subnet.vpc_id:
            message = f"You have specified two resources that belong to different networks: {group_id}, {subnet.id}."
            raise refuse("InvalidParameterCombination", message)


# Gap: no address is checked, free ones are drawn by lot, unknown groups are made up, and a subnet's setting to
# assign an IPv6 address on creation is ignored.
def _checked_addresses(original: Function) -> Function:
    def create_network_interface(
        self: Any, subnet: Any, private_ip_address: Any, private_ip_addresses: Any = None, *args: Any, **options: Any
    ) -> Any:
        if isinstance(subnet, str):
            subnet = self.get_subnet(subnet)
        groups = options.get("group_ids") or (args[0] if args else None) or []
        _known_groups(self, subnet, groups)
        if isinstance(private_ip_address, list):
            private_ip_address = next(iter(private_ip_address), None)
        wanted = [private_ip_address] if private_ip_address else []
        wanted += [a if isinstance(a, str) else a["PrivateIpAddress"] for a in private_ip_addresses or []]
        for address in dict.fromkeys(wanted):
            request_address(subnet, address)
        explicit, count = options.pop("ipv6_addresses", None) or [], options.pop("ipv6_address_count", None) or 0
        if not explicit and not count and subnet.assign_ipv6_address_on_creation:
            count = 1
        chosen = choose_ipv6(subnet, explicit, count)
        if not wanted:
            private_ip_address = next_address(subnet)
        eni = original(self, subnet, private_ip_address, private_ip_addresses, *args, ipv6_addresses=chosen, **options)
        eni.requester_id = None
        return eni

    return create_network_interface


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
    while len(chosen) < count:  # drawn by lot like EC2 draws them: nobody may rely on an order
        host = mock_random.getrandbits(48) + 16
        address = str(block.network_address + host)
        if address not in used and address not in chosen:
            chosen.append(address)
    return chosen


# Gap: explicit addresses are not checked and the answer names the old addresses too.
def assign_ipv6(self: Any, eni_id: str, ipv6_addresses: Any = None, ipv6_count: int | None = None) -> Any:
    """Give an interface more IPv6 addresses."""
    eni = self.get_network_interface(eni_id)
    explicit = [a for a in ipv6_addresses or [] if str(ipaddress.IPv6Address(a)) not in eni.ipv6_addresses]
    eni.newly_assigned = choose_ipv6(eni.subnet, explicit, ipv6_count or 0)
    eni.ipv6_addresses = [*eni.ipv6_addresses, *eni.newly_assigned]
    return eni


def _only_new_addresses(original: Function) -> Function:
    def assign_ipv6_addresses(self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        return ActionResult(dict(answer.result) | {"AssignedIpv6Addresses": eni.newly_assigned})  # type: ignore[call-overload]

    return assign_ipv6_addresses


def _unassign_ipv6(self: Any, eni_id: str, ips: list[str] | None = None) -> list[str]:
    eni = self.get_network_interface(eni_id)
    gone = {str(ipaddress.IPv6Address(ip)) for ip in ips or []}
    unknown = gone - set(eni.ipv6_addresses)
    if unknown:
        raise refuse("InvalidParameterValue", f"Some of the specified addresses are not assigned: {sorted(unknown)}")
    eni.ipv6_addresses = [ip for ip in eni.ipv6_addresses if ip not in gone]
    return sorted(gone)


# Gap: an interface in use can be deleted, and its tags stay behind.
def _only_detached(original: Function) -> Function:
    def delete_network_interface(self: Any, eni_id: str) -> None:
        eni = self.get_network_interface(eni_id)
        if eni.attachment_id:
            raise refuse("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
        original(self, eni_id)
        drop_tags(self, eni_id)

    return delete_network_interface


def check_available(eni: Any) -> None:
    """Refuse an interface that an instance holds already."""
    if eni.attachment_id:
        raise refuse("InvalidNetworkInterface.InUse", f"Interface: [{eni.id}] in use.")


def _only_available(original: Function) -> Function:
    def attach_network_interface(self: Any, eni_id: str, instance_id: str, device_index: int) -> Any:
        check_available(self.get_network_interface(eni_id))
        return original(self, eni_id, instance_id, device_index)

    return attach_network_interface


# Gap: an interface answers with the groups of its instance mixed into its own.
def _groups(eni: Any) -> list[Any]:
    return list(eni._group_set)


# Gap: the attachment's DeleteOnTermination cannot be changed, an empty description is ignored, unknown groups crash.
def _more_attributes(original: Function) -> Function:
    def modify_network_interface_attribute(self: Any) -> Any:
        eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        _known_groups(self.ec2_backend, eni.subnet, self._get_param("Groups", []) or [])
        attachment = self._get_param("Attachment")
        if attachment:
            if attachment.get("AttachmentId") != eni.attachment_id:
                message = f"The attachment ID '{attachment.get('AttachmentId')}' does not exist"
                raise refuse("InvalidAttachmentID.NotFound", message)
            eni.delete_on_termination = attachment.get("DeleteOnTermination") is True
            return EmptyResult()
        if self._get_param("Description.Value") == "":
            eni.description = ""
        return original(self)

    return modify_network_interface_attribute


# Gap: several filters are missing.
def _filters(original: Function) -> Function:
    def get_filter_value(self: Any, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name == "status":
            return self.status
        if filter_name in ("addresses.private-ip-address", "private-ip-address"):
            return [address["PrivateIpAddress"] for address in self.private_ip_addresses]
        if filter_name == "ipv6-addresses.ipv6-address":
            return list(self.ipv6_addresses)
        if filter_name == "attachment.status":
            return "attached" if self.attachment_id else None
        if filter_name.startswith("attachment.") and not self.attachment_id:
            return None
        return original(self, filter_name, method_name)

    return get_filter_value
