# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: an IPv6 block is a VPC's at once, and the default network ACL lacks the IPv6 entries that EC2 adds with it."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.vpcs import VPC, VPCBackend

from lab.aws.patches import Function, wraps
from lab.machines import MachinePark


def install(park: MachinePark) -> None:
    @wraps(VPC, "associate_vpc_cidr_block")
    def _later(original: Function, self: Any, *arguments: Any, **options: Any) -> Any:
        state = (block := original(self, *arguments, **options))["cidr_block_state"]
        if "ipv6_pool" in block:
            state["state"] = "associating"
            park.later(lambda: state.update(state="associated"))
        return block


@wraps(VPCBackend, "create_vpc", "associate_vpc_cidr_block")
def _open_acl_to_ipv6(original: Function, self: Any, *arguments: Any, **options: Any) -> Any:
    answer = original(self, *arguments, **options)
    dual = {vpc.id for vpc in self.vpcs.values() if vpc.get_cidr_block_association_set(ipv6=True)}
    for acl in self.network_acls.values():
        if acl.default and acl.vpc_id in dual and not any(entry.ipv6_cidr_block for entry in acl.entries):
            _add_ipv6_entries(self, acl.id)
    return answer


def _add_ipv6_entries(backend: Any, acl_id: str) -> None:
    unused = ("cidr_block", "icmp_code", "icmp_type", "port_range_from", "port_range_to")
    everything = {"protocol": "-1", "ipv6_cidr_block": "::/0", **dict.fromkeys(unused)}
    for egress in (False, True):
        for number, action in ((101, "allow"), (32768, "deny")):
            backend.create_network_acl_entry(
                network_acl_id=acl_id, rule_number=number, rule_action=action, egress=egress, **everything
            )
