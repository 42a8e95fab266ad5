# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: AssociateSubnetCidrBlock takes any IPv6 block, and DescribeSubnets returns its state as a text.

EC2 takes one block a subnet, a /64 out of the VPC's block that no other subnet has; the state is a structure.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.subnets import Subnet, SubnetBackend

from lab.aws.patches import Function, refuse, replaces, wraps


@replaces(Subnet, "ipv6_cidr_block_association_set", kind=property)
def _associations(subnet: Any) -> list[dict[str, Any]]:
    state = {"State": "associated"}
    return [
        {"Ipv6CidrBlock": one["ipv6CidrBlock"], "AssociationId": one["associationId"], "Ipv6CidrBlockState": state}
        for one in subnet.ipv6_cidr_block_associations.values()
        if one["ipv6CidrBlockState"]["State"] == "associated"
    ]


def ipv6_block(subnet: Any) -> ipaddress.IPv6Network | None:
    blocks = _associations(subnet)
    return ipaddress.IPv6Network(blocks[0]["Ipv6CidrBlock"]) if blocks else None


@wraps(SubnetBackend, "associate_subnet_cidr_block")
def _one_ipv6_block_per_subnet(original: Function, self: Any, subnet_id: str, ipv6_cidr_block: str) -> Any:
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
