# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: the interfaces of a VPC endpoint get addresses of any network, and their type is not vpc_endpoint."""

from __future__ import annotations

from typing import Any

import moto.ec2.models.vpcs
from moto.ec2.models.vpcs import VPCBackend

from lab.aws.patches import Function, put, wraps

put(moto.ec2.models.vpcs, random_private_ip=lambda: None)


@wraps(VPCBackend, "create_vpc_endpoint")
def _with_interfaces_of_its_own(original: Function, self: Any, *args: Any, **options: Any) -> Any:
    endpoint = original(self, *args, **options)
    for name in endpoint.network_interface_ids or ():
        interface = self.get_network_interface(name)
        interface.interface_type, interface.requester_managed = "vpc_endpoint", True
    return endpoint
