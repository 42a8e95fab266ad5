# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: the parts of a network can be deleted while others use them, and a gateway can be used without a VPC.

EC2 answers with DependencyViolation, or with its own error for an interface or address in use, or a default group.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.security_groups import SecurityGroups

from lab.aws.patches import Function, refuse, wraps


def _dependency(kind: str, name: str) -> Exception:
    return refuse("DependencyViolation", f"The {kind} '{name}' has dependencies and cannot be deleted.")


@wraps(SubnetBackend, "delete_subnet")
def _only_empty_subnets(original: Function, self: Any, subnet_id: str) -> Any:
    if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
        raise _dependency("subnet", subnet_id)
    subnet = original(self, subnet_id)
    for table in self.route_tables.values():  # EC2 ends the association with the subnet
        table._associations = {k: v for k, v in table._associations.items() if v != subnet_id}
    return subnet


@wraps(SecurityGroupBackend, "delete_security_group")
def _only_unused_groups(original: Function, self: Any, name: str | None = None, group_id: str | None = None) -> Any:
    for eni in self.enis.values():
        if group_id in {group.id for group in eni.group_set}:
            raise refuse("DependencyViolation", f"resource {group_id} has a dependent object")
    for group in [group for groups in self.groups.values() for group in groups.values() if group.id != group_id]:
        rules = [*group.ingress_rules, *group.egress_rules]
        if any(rule.source_group.get("GroupId") == group_id for rule in rules):
            raise refuse("DependencyViolation", f"resource {group_id} has a dependent object")
    return original(self, name, group_id)


@wraps(SecurityGroups, "delete_security_group")
def _no_default_groups(original: Function, self: Any) -> Any:
    found = self.ec2_backend.get_security_group_from_id(self._get_param("GroupId"))
    if found and found.name == "default":
        raise refuse("CannotDelete", f'the specified group: "{found.id}" name: "default" cannot be deleted by a user')
    return original(self)


@wraps(InternetGatewayBackend, "detach_internet_gateway")
def _without_public_addresses(original: Function, self: Any, internet_gateway_id: str, vpc_id: str) -> Any:
    if any(eni.subnet.vpc_id == vpc_id and eni.public_ip for eni in self.enis.values()):
        message = f"Network {vpc_id} has some mapped public address(es). Please unmap those before detaching."
        raise refuse("DependencyViolation", message)
    return original(self, internet_gateway_id, vpc_id)


@wraps(ElasticAddressBackend, "associate_address")
def _only_beside_a_gateway(original: Function, self: Any, instance: Any = None, eni: Any = None, **options: Any) -> Any:
    vpc = (eni or instance.nics[0]).subnet.vpc_id
    if all(not gateway.vpc or gateway.vpc.id != vpc for gateway in self.internet_gateways.values()):
        raise refuse("Gateway.NotAttached", f"Network {vpc} is not attached to any internet gateway")
    return original(self, instance, eni, **options)


@wraps(RouteBackend, "create_route", "replace_route")
def _only_to_gateways_of_the_vpc(original: Function, self: Any, route_table_id: str, *args: Any, **options: Any) -> Any:
    gateway, table = self.internet_gateways.get(options.get("gateway_id")), self.get_route_table(route_table_id)
    if gateway and (not gateway.vpc or gateway.vpc.id != table.vpc_id):
        message = f"route table {table.id} and network gateway {gateway.id} belong to different networks"
        raise refuse("InvalidParameterValue", message)
    return original(self, route_table_id, *args, **options)


@wraps(VPCBackend, "delete_vpc")
def _only_empty_vpcs(original: Function, self: Any, vpc_id: str) -> Any:
    gateways = [g for g in self.internet_gateways.values() if g.vpc and g.vpc.id == vpc_id]
    groups = [g for g in self.groups.get(vpc_id, {}).values() if g.name != "default"]
    endpoints = [e for e in self.vpc_end_points.values() if e.vpc_id == vpc_id and e.state != "deleted"]
    acls = [a for a in self.network_acls.values() if a.vpc_id == vpc_id and str(a.default).lower() != "true"]
    vpns = [g for g in self.vpn_gateways.values() if vpc_id in g.attachments]
    egress_only = [g for g in self.egress_only_internet_gateways.values() if g.vpc_id == vpc_id]
    if gateways or groups or endpoints or acls or vpns or egress_only:
        raise _dependency("vpc", vpc_id)
    # Gap: a VPC's DHCP options go with it; in EC2 they stay.
    vpc = self.vpcs.get(vpc_id)
    if vpc and vpc.dhcp_options:
        vpc.dhcp_options = None
    return original(self, vpc_id)


@wraps(NetworkInterfaceBackend, "delete_network_interface")
def _only_detached(original: Function, self: Any, eni_id: str) -> None:
    eni = self.get_network_interface(eni_id)
    if eni.attachment_id:
        raise refuse("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
    original(self, eni_id)


@wraps(ElasticAddressBackend, "release_address")
def _only_idle_addresses(
    original: Function, self: Any, address: str | None = None, allocation_id: str | None = None
) -> None:
    found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
    if found[0].association_id:
        raise refuse("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
    original(self, address, allocation_id)
