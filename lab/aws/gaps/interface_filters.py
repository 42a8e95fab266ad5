# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: DescribeNetworkInterfaces lacks filters on status, addresses and attachments."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from lab.aws.patches import Function, wraps


@wraps(NetworkInterface, "get_filter_value")
def _filters(original: Function, self: Any, filter_name: str, method_name: str | None = None) -> Any:
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
