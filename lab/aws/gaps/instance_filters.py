# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: most filters of DescribeInstances raise an exception, and none takes a wildcard."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any

import moto.ec2.utils

from lab.aws.patches import refuse, replaces


@replaces(moto.ec2.utils, "passes_filter_dict")
def _passes(instance: Any, filters: dict[str, list[str]]) -> bool:
    return all(_passes_one(instance, name, values) for name, values in filters.items())


def _passes_one(instance: Any, name: str, values: list[str]) -> bool:
    if name.startswith("tag"):
        return bool(moto.ec2.utils.tag_filter_matches(instance, name, values))
    reader = _FILTERS.get(name)
    if reader is None:
        raise refuse("InvalidParameterValue", f"The filter '{name}' is not known to the lab's EC2")
    found = reader(instance)
    texts = [str(value or "") for value in (found if isinstance(found, list) else [found])]
    return any(fnmatch.fnmatchcase(text, str(pattern)) for text in texts for pattern in values)


_FILTERS: dict[str, Callable[[Any], Any]] = {
    "instance-id": lambda i: i.id,
    "instance-state-name": lambda i: i.state,
    "instance-type": lambda i: i.instance_type,
    "image-id": lambda i: i.image_id,
    "vpc-id": lambda i: i.vpc_id,
    "subnet-id": lambda i: i.subnet_id,
    "availability-zone": lambda i: i.availability_zone,
    "private-ip-address": lambda i: i.private_ip_address,
    "ipv6-address": lambda i: i.ipv6_address,
    "group-id": lambda i: [group.id for group in i.security_groups],
    "network-interface.network-interface-id": lambda i: [eni.id for eni in i.nics.values()],
    "network-interface.addresses.private-ip-address": lambda i: [
        address["PrivateIpAddress"] for eni in i.nics.values() for address in eni.private_ip_addresses
    ],
    "network-interface.ipv6-addresses.ipv6-address": lambda i: [
        a for eni in i.nics.values() for a in eni.ipv6_addresses
    ],
}
