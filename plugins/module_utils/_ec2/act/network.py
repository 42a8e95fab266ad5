# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPC, DHCP options, subnet, gateway and routes. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from typing import Any

from ..._errors import Ec2Error
from ..desired import first_64_of
from ..plan.current import Existing
from .work import Work

_ASSOCIATED = ("Resource.AlreadyAssociated",)
# The names of DHCP options in EC2.
_DHCP = {"domain_name": "domain-name", "domain_name_servers": "domain-name-servers", "ntp_servers": "ntp-servers"}


def ensure_vpc(work: Work, key: str) -> None:
    """Ensure the VPC as described and wait for its IPv6 block."""
    if key not in work.things:
        work.make(key, CidrBlock=work.want(key)["ipv4_cidr"], AmazonProvidedIpv6CidrBlock=True)
    elif work.differs(key, "ipv6_enabled"):
        vpc = work.id(key)
        work.calls.create(
            "ec2",
            "associate_vpc_cidr_block",
            lambda: _with(work, vpc, "ipv6_enabled"),
            VpcId=vpc,
            AmazonProvidedIpv6CidrBlock=True,
        )
        work.changed(key, "an IPv6 block")
    if not work.things[key].have.get("ipv6_cidr"):
        _wait_for_block(work, key)
    for name, attribute in (("dns_support", "EnableDnsSupport"), ("dns_hostnames", "EnableDnsHostnames")):
        # AWS accepts one attribute per call.
        if work.differs(key, name):
            work.ec2("modify_vpc_attribute", VpcId=work.id(key), **{attribute: {"Value": work.want(key)[name]}})
            work.changed(key, name)
    work.tag(key)


def _with(work: Work, vpc: str, fact: str) -> Existing | None:
    return next((thing for thing in work.read("vpc", {"vpc-id": vpc}) if thing.have[fact]), None)


def _wait_for_block(work: Work, key: str) -> None:
    vpc = work.id(key)
    seen = work.calls.wait_for(lambda: _with(work, vpc, "ipv6_cidr"))
    if seen is None:
        raise Ec2Error(
            f"Failed to create VPC {vpc}: AWS has not assigned an IPv6 block yet. Run the playbook again in a minute."
        )
    made = work.things[key]
    work.things[key] = made.with_facts(ipv6_cidr=seen.have["ipv6_cidr"])


def delete_vpc(work: Work, thing_id: str) -> None:
    """Delete a VPC."""
    work.calls.delete("ec2", "delete_vpc", VpcId=thing_id)


def ensure_dhcp_options(work: Work, key: str) -> None:
    """Associate the described options with the VPC: EC2 cannot change a set, so a new one replaces it."""
    old = work.things.get(key)
    if old is None or work.differs(key, *_DHCP):
        values = {name: work.want(key)[name] for name in _DHCP}
        configuration = [{"Key": _DHCP[name], "Values": _list(value)} for name, value in values.items()]
        work.make(key, DhcpConfigurations=configuration)
    if work.things[key] is not old or work.things["vpc"].have.get("dhcp_options") != work.id(key):
        work.ec2("associate_dhcp_options", DhcpOptionsId=work.id(key), VpcId=work.id("vpc"))
        work.changed(key, "used by the VPC")
    work.tag(key)
    if old and work.things[key] is not old:
        delete_dhcp_options(work, old.id)


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def delete_dhcp_options(work: Work, thing_id: str) -> None:
    """Delete a DHCP options set."""
    work.calls.delete("ec2", "delete_dhcp_options", DhcpOptionsId=thing_id)


def ensure_subnet(work: Work, key: str) -> None:
    """Ensure the subnet as described."""
    want, vpc = work.want(key), work.things["vpc"]
    if key not in work.things:
        work.make(
            key,
            {"vpc-id": vpc.id},
            VpcId=vpc.id,
            AvailabilityZone=want["availability_zone"],
            CidrBlock=want["ipv4_cidr"],
            Ipv6CidrBlock=first_64_of(vpc.have["ipv6_cidr"]),
        )
        # An interface in it gets an IPv6 address.
        if not work.calls.wait_for(lambda: _is_associated(work, work.id(key))):
            raise Ec2Error(
                f"Failed to create subnet {work.id(key)}: AWS has not associated its IPv6 block yet. Run the playbook "
                "again in a minute."
            )
    attributes = {"public_ipv4_on_launch": "MapPublicIpOnLaunch", "ipv6_on_launch": "AssignIpv6AddressOnCreation"}
    for name, attribute in attributes.items():
        if work.differs(key, name):
            work.ec2("modify_subnet_attribute", SubnetId=work.id(key), **{attribute: {"Value": want[name]}})
            work.changed(key, name)
    work.tag(key)


def _is_associated(work: Work, subnet: str) -> bool:
    """Return whether the IPv6 block of a subnet can be used."""
    records = work.ec2("describe_subnets", SubnetIds=[subnet])["Subnets"]
    blocks = [block for record in records for block in record.get("Ipv6CidrBlockAssociationSet") or ()]
    return all(block["Ipv6CidrBlockState"]["State"] != "associating" for block in blocks)


def delete_subnet(work: Work, thing_id: str) -> None:
    """Delete a subnet."""
    work.calls.delete("ec2", "delete_subnet", SubnetId=thing_id)


def ensure_internet_gateway(work: Work, key: str) -> None:
    """Attach the internet gateway to the VPC."""
    if key not in work.things:
        work.make(key)
    vpc = work.id("vpc")
    attached = work.things[key].have["attached_to"]
    if vpc not in attached:
        # The gateway is ours and has one VPC; the VPC of another owner was rejected before.
        for other in set(attached) & work.own_ids:
            work.calls.delete("ec2", "detach_internet_gateway", InternetGatewayId=work.id(key), VpcId=other)
        work.calls.put("ec2", "attach_internet_gateway", _ASSOCIATED, InternetGatewayId=work.id(key), VpcId=vpc)
        work.changed(key, "attached to the VPC")
    work.tag(key)


def delete_internet_gateway(work: Work, thing_id: str) -> None:
    """Detach an internet gateway from VPCs of ours, and delete it."""
    for gateway in work.read("internet_gateway", {"internet-gateway-id": thing_id}):
        for vpc in set(gateway.have["attached_to"]) & work.own_ids:
            work.calls.delete("ec2", "detach_internet_gateway", InternetGatewayId=thing_id, VpcId=vpc)
    work.calls.delete("ec2", "delete_internet_gateway", InternetGatewayId=thing_id)


def ensure_route_table(work: Work, key: str) -> None:
    """Ensure the described routes in the table, and associate it with the subnet; other routes stay."""
    if key not in work.things:
        work.make(key, {"vpc-id": work.id("vpc")}, VpcId=work.id("vpc"))
    have = {route.destination: route for route in work.things[key].have["routes"]}
    gateway = work.id("internet_gateway")
    for route in work.want(key)["routes"]:
        if have.get(route.destination) != route._replace(target=gateway):
            _set_route(work, key, route.destination, exists=route.destination in have)
    if work.id("subnet") not in work.things[key].have["subnets"]:
        _associate(work, key)
        work.changed(key, "used by the subnet")
    work.tag(key)


def _set_route(work: Work, key: str, destination: str, *, exists: bool) -> None:
    name = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    route = {"RouteTableId": work.id(key), name: destination, "GatewayId": work.id("internet_gateway")}
    if exists:
        work.ec2("replace_route", **route)
    else:
        work.calls.put("ec2", "create_route", ("RouteAlreadyExists",), **route)
    work.changed(key, f"route to {destination}")


def _associate(work: Work, key: str) -> None:
    table, subnet = work.id(key), work.id("subnet")
    answer = work.ec2("describe_route_tables", Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
    associations = [item for other in answer["RouteTables"] for item in other.get("Associations") or ()]
    present = next((item for item in associations if item.get("SubnetId") == subnet), None)
    if present is None:
        work.calls.put("ec2", "associate_route_table", _ASSOCIATED, RouteTableId=table, SubnetId=subnet)
    elif present["RouteTableId"] != table:
        association = present["RouteTableAssociationId"]
        work.ec2("replace_route_table_association", AssociationId=association, RouteTableId=table)


def delete_route_table(work: Work, thing_id: str) -> None:
    """Disassociate a route table and delete it; a VPC's main one is deleted with the VPC."""
    answer = work.ec2("describe_route_tables", Filters=[{"Name": "route-table-id", "Values": [thing_id]}])
    associations = [item for table in answer["RouteTables"] for item in table.get("Associations") or ()]
    for association in associations:
        if not association.get("Main"):
            used = association["RouteTableAssociationId"]
            work.calls.delete("ec2", "disassociate_route_table", AssociationId=used)
    if not any(association.get("Main") for association in associations):
        work.calls.delete("ec2", "delete_route_table", RouteTableId=thing_id)
