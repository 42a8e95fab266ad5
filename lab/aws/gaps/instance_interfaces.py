# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: RunInstances ignores most of NetworkInterfaces, and an instance's addresses and groups are copies.

Interfaces made before get a random index, new ones two addresses, and IPv6 addresses are not recorded.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import Instance

from lab.aws.gaps.interface_attachments import check_available
from lab.aws.patches import put, refuse, replaces

put(Instance, setup_defaults=lambda self: None, __del__=lambda self: None)


@replaces(Instance, "prep_nics")
def _attach_interfaces(instance: Any, nic_spec: list[dict[str, Any]], **options: Any) -> None:
    instance.nics = {}
    specifications = nic_spec or [{"DeviceIndex": 0}]
    for specification in specifications:
        index = int(specification.get("DeviceIndex") or 0)
        if specification.get("NetworkInterfaceId"):
            eni = instance.ec2_backend.get_network_interface(specification["NetworkInterfaceId"])
            check_available(eni)
            eni.delete_on_termination = specification.get("DeleteOnTermination") is True
        else:
            eni = _new_interface(instance, specification, options)
            eni.delete_on_termination = specification.get("DeleteOnTermination") is not False
        instance.attach_eni(eni, index)


def _new_interface(instance: Any, specification: dict[str, Any], options: dict[str, Any]) -> Any:
    backend = instance.ec2_backend
    subnet = backend.get_subnet(specification.get("SubnetId") or instance._subnet_id or _default_subnet(instance))
    private_ip = specification.get("PrivateIpAddress") or options.get("private_ip")
    groups = [*(specification.get("Groups") or []), *(group.id for group in options.get("security_groups") or [])]
    explicit = [address["Ipv6Address"] for address in specification.get("Ipv6Addresses", [])]
    return backend.create_network_interface(
        subnet,
        private_ip,
        specification.get("PrivateIpAddresses"),
        group_ids=groups,
        description=specification.get("Description"),
        public_ip_auto_assign=specification.get("AssociatePublicIpAddress", options.get("associate_public_ip")),
        ipv6_addresses=explicit,
        ipv6_address_count=int(specification.get("Ipv6AddressCount") or options.get("ipv6_address_count") or 0),
    )


def _default_subnet(instance: Any) -> str:
    subnets = instance.ec2_backend.get_default_subnets()
    if not subnets:
        raise refuse("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
    return str(subnets.get(instance.placement.zone, next(iter(subnets.values()))).id)


def _primary(instance: Any) -> Any:
    return instance.__dict__.get("nics", {}).get(0)


def _groups(instance: Any) -> list[Any]:
    eni = _primary(instance)
    return list(eni._group_set) if eni else instance.__dict__.get("_lab_groups", [])


def _set_groups(instance: Any, groups: list[Any]) -> None:
    instance.__dict__["_lab_groups"] = groups
    if _primary(instance):
        _primary(instance)._group_set = list(groups)


put(Instance, security_groups=property(_groups, _set_groups))


def _of_primary(name: str) -> property:
    return property(lambda instance: getattr(_primary(instance), name, None))


put(Instance, **dict.fromkeys(("private_ip", "private_ip_address"), _of_primary("private_ip_address")))
put(Instance, **dict.fromkeys(("public_ip", "public_ip_address"), _of_primary("public_ip")))
put(Instance, ipv6_address=_of_primary("ipv6_address"))


@replaces(Instance, "private_dns_name", kind=property)
def _private_name(instance: Any) -> str:
    address = instance.private_ip_address
    return f"ip-{address.replace('.', '-')}.{instance.region_name}.compute.internal" if address else ""
