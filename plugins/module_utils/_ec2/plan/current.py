# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the existing resources of a cluster in parallel. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Network
from typing import Any, NamedTuple

from ..._ssh.console import host_keys
from ..bastion.current import MORE, group_facts, is_host_key_of, parameter_type, template_facts
from ..client import Api, AwsError, existing
from ..desired import ALIVE, DATA_DEVICE, is_of
from ..hours.current import read_group
from ..identity import REGION_TAG, cluster_filters, cluster_tags, is_unmanaged, owner_filters, owner_tags
from ..instance_types import is_burstable
from ..spec import ClusterSpec
from ..traffic import Route, Rule
from ..values import ipv6_of

Record = Mapping[str, Any]
# As "User initiated (2026-12-24 23:00:00 GMT)".
_STOPPED = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")
_WORKERS = 16
_CONSOLE_LINES = 20
# Auto Scaling's status of a group that is being deleted.
DELETING = "Delete in progress"
_NAMED_BY_ID = ("iam_role", "instance_profile", "autoscaling_group", "schedule_group")
# The possible targets of a route; each route has one of them.
ROUTE_TARGETS = (
    *("GatewayId", "NetworkInterfaceId", "NatGatewayId", "EgressOnlyInternetGatewayId", "InstanceId"),
    *(
        "TransitGatewayId",
        "VpcPeeringConnectionId",
        "LocalGatewayId",
        "CarrierGatewayId",
        "CoreNetworkArn",
        "OdbNetworkArn",
    ),
)


@dataclass(frozen=True)
class Existing:
    """An existing AWS resource. References to other resources are ids."""

    kind: str
    id: str
    name: str
    tags: Mapping[str, str]
    have: Mapping[str, Any] = field(default_factory=dict)
    # False for resources without our tags: they have a name that we would use, or are in our VPC.
    owned: bool = True
    # Whether it has the tags that name the cluster, but not the one that says that this collection made it.
    unmanaged: bool = False
    # Whether it has all tags of the owner, but not the one without which its kind does not count as the cluster's.
    uncertain: bool = False

    @property
    def unique_name(self) -> str | None:
        """Return the name that is unique in the VPC, the region or the account."""
        name = self.have.get("group_name") or self.have.get("template_name")
        return name or (self.id if self.kind in _NAMED_BY_ID else None)

    def with_owner(self, spec: ClusterSpec, *, owned: bool) -> Existing:
        """Return the resource with what its tags say about its owner."""
        return replace(self, owned=owned, unmanaged=not owned and is_unmanaged(spec, self.tags))

    def with_facts(self, **facts: Any) -> Existing:
        """Return the resource with additional properties."""
        return replace(self, have={**self.have, **facts})


class Reading(NamedTuple):
    """How one kind of resource is read and parsed."""

    kind: str
    service: str
    operation: str
    answer: str
    id: str
    parse: Callable[[Record], dict[str, Any]]
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()


class ForeignKind(NamedTuple):
    """A kind of resource that may be in our VPC without our tags, and the filter that finds it there.

    Without a filter all are read, and those that are attached to the VPC are selected.
    """

    reading: Reading
    filter: str = ""


def read_cluster(api: Api, spec: ClusterSpec, *, console_output: bool = False) -> list[Existing]:
    """Return all resources with the cluster's tags, and resources without them that conflict.

    A conflict is a resource with a name that we would use, or in our VPC.
    Two waves: the second one needs ids from the first one.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        readings = [pool.submit(_read, api, reading, spec) for reading in READINGS]
        names = [pool.submit(read, api, spec) for read in (_read_template_name, _read_group_name) if spec.bastion]
        others = pool.submit(_read_other_kinds, api, spec)
        parameters = pool.submit(_read_parameters, api, spec)
        iam_names = (spec.iam_name, spec.bastion_iam_name, spec.schedule_role_name)
        iam = [pool.submit(read, api, spec, name) for read in (_read_role, _read_profile) for name in iam_names]
        hours = [pool.submit(read, api, spec, spec.hours_name) for read in (_read_role, _read_schedule_group)]
        read = [thing for future in (*readings, *iam, *hours, parameters) for thing in future.result()]
        ids = {thing.id for thing in read}
        # DescribeTags has other names for some kinds.
        more = [thing for thing in others.result() if thing.id not in ids]
        things = _without_main_tables_of_other_owners(_adopted([*read, *_unknown(names, read), *more]))
        return _second_wave(api, spec, things, pool, console_output=console_output)


def _unknown(futures: Iterable[Future[list[Existing]]], things: Sequence[Existing]) -> list[Existing]:
    known = {(thing.kind, thing.id) for thing in things}
    read = {(thing.kind, thing.id): thing for future in futures for thing in future.result()}
    return [thing for key, thing in read.items() if key not in known]


def _adopted(things: Sequence[Existing]) -> list[Existing]:
    """Return the resources; an untagged instance profile is ours if it contains our role of the same name.

    amazon.aws.iam_role created such a profile with each role, in the default path. An empty one is not ours: ours are
    created with tags.
    """
    roles = {thing.id for thing in things if thing.kind == "iam_role" and thing.owned}
    return [
        replace(thing, owned=True)
        if thing.kind == "instance_profile"
        and not thing.tags
        and thing.have["path"] == "/"
        and thing.id in roles
        and thing.have["roles"] == [thing.id]
        else thing
        for thing in things
    ]


def _without_main_tables_of_other_owners(things: Sequence[Existing]) -> list[Existing]:
    """Return the resources without the route tables of a VPC which is not ours."""
    vpcs = {thing.id for thing in things if thing.kind == "vpc"}
    return [thing for thing in things if not (thing.have.get("main") and thing.have["vpc"] not in vpcs)]


def _second_wave(
    api: Api, spec: ClusterSpec, things: list[Existing], pool: ThreadPoolExecutor, *, console_output: bool
) -> list[Existing]:
    foreign_resources = [pool.submit(_read_foreign, api, spec, kind, things) for kind in FOREIGN_KINDS]
    instances = [thing for thing in things if thing.kind == "instance"]
    volumes = pool.submit(_read_missing_volumes, api, things)
    cpu_credits = pool.submit(_read_cpu_credits, api, instances)
    # By kind as well, because a role, a profile and a group have one name, which is their id.
    more: dict[tuple[str, str], Future[dict[str, Any]]] = {
        **{(vpc.kind, vpc.id): pool.submit(_read_vpc_attributes, api, vpc) for vpc in things if vpc.kind == "vpc"},
        **{
            (thing.kind, thing.id): pool.submit(read, api, thing.id)
            for thing in things
            if (read := MORE.get(thing.kind))
        },
    }
    watched = instances if console_output else []
    consoles = {thing.id: pool.submit(_read_console, api, thing.id) for thing in watched}
    extra = {of: future.result() for of, future in more.items()}
    disks = {thing.id: thing for thing in (*things, *volumes.result()) if thing.kind == "volume"}
    for instance in instances:
        extra[instance.kind, instance.id] = {**_disks(instance, disks), **cpu_credits.result().get(instance.id, {})}
    for instance_id, console in consoles.items():
        extra["instance", instance_id] |= console.result()
    return [
        *(replace(thing, have={**thing.have, **extra.get((thing.kind, thing.id), {})}) for thing in things),
        *_unknown(foreign_resources, things),
    ]


def _read(api: Api, reading: Reading, spec: ClusterSpec) -> list[Existing]:
    filters = cluster_filters(spec) + [{"Name": name, "Values": list(values)} for name, values in reading.filters]
    answer = api.call(reading.service, reading.operation, Filters=filters)
    things = [existing_of(reading, record, spec) for record in records_of(reading, answer) if not is_of_aws(record)]
    # EC2 treats * and ? in the value of a filter as wildcards.
    return [thing for thing in things if thing.owned or thing.unmanaged]


def is_of_aws(record: Record) -> bool:
    """Return whether AWS itself created a resource: it is not ours even with our tags, and cannot be deleted."""
    is_default = record.get("GroupName") == "default" or record.get("IsDefault") or record.get("DefaultForAz")
    return bool(is_default) or _dhcp_keys(record) == _DHCP_KEYS_OF_AWS


# From the default set of each region. Ours also have a time server.
_DHCP_KEYS_OF_AWS = {("domain-name-servers", "AmazonProvidedDNS"), ("domain-name", "internal")}


def _dhcp_keys(record: Record) -> set[tuple[str, str]]:
    """Return the values of a DHCP options set; of a domain the last label."""
    values = {
        (item["Key"], value["Value"]) for item in record.get("DhcpConfigurations") or () for value in item["Values"]
    }
    return {(key, value.rpartition(".")[2] if key == "domain-name" else value) for key, value in values}


def records_of(reading: Reading, answer: Record) -> list[Record]:
    """Return the records of a response; those of instances are grouped by reservation.

    A deleted Auto Scaling group stays listed until its instances have terminated, but cannot be used any more.
    """
    records = answer[reading.answer]
    if reading.kind == "instance":
        return [instance for reservation in records for instance in reservation["Instances"]]
    return [record for record in records if record.get("Status") != DELETING]


def existing_of(reading: Reading, record: Record, spec: ClusterSpec | None = None) -> Existing:
    """Return the resource of a record; with a spec, its tags determine whether it belongs to the cluster."""
    tags = _tags(record.get("Tags") or record.get("TagSet") or ())
    have = {**reading.parse(record), "tags": tags}
    thing = Existing(reading.kind, record[reading.id], tags.get("Name") or record[reading.id], tags, have)
    return thing if spec is None else thing.with_owner(spec, owned=owner_tags(spec).items() <= tags.items())


def reading_of(kind: str) -> Reading:
    """Return how a kind is read."""
    return next(reading for reading in READINGS if reading.kind == kind)


def _read_foreign(api: Api, spec: ClusterSpec, kind: ForeignKind, things: Sequence[Existing]) -> list[Existing]:
    """Return what is in the cluster's VPCs without its tags, except what AWS creates and deletes with a VPC."""
    vpcs = [thing.id for thing in things if thing.kind == "vpc"]
    if not vpcs:
        return []
    reading = kind.reading
    filters = {"Filters": [{"Name": kind.filter, "Values": vpcs}]} if kind.filter else {}
    records = api.call(reading.service, reading.operation, **filters)[reading.answer]
    read = [existing_of(reading, record, spec) for record in records if not _comes_with_vpc(record, records)]
    found = [thing for thing in read if kind.filter or set(vpcs) & set(thing.have["attached_to"])]
    machines = {thing.id for thing in things if thing.kind == "instance"}
    return [
        thing
        for thing in found
        if not thing.owned and not (thing.have.get("made_with_instance") and thing.have["instance"] in machines)
    ]


def _comes_with_vpc(record: Record, records: Iterable[Record]) -> bool:
    """Return whether AWS itself created or removed a record."""
    is_main = _is_main(record) and not _has_replaced_main(record, records)
    status = record.get("Status")
    state = status.get("Code") if isinstance(status, Mapping) else record.get("State")
    return is_main or is_of_aws(record) or state in ("deleting", "deleted", "rejected", "expired", "failed")


def _is_main(table: Record) -> bool:
    return any(association.get("Main") for association in table.get("Associations") or ())


def _has_replaced_main(table: Record, tables: Iterable[Record]) -> bool:
    """Return whether the main route table is another owner's and has replaced the one of AWS.

    It would be deleted with the VPC. AWS makes its own without tags, and that stays as a table which is not the main.
    """
    others = (other for other in tables if other["VpcId"] == table["VpcId"] and not _is_main(other))
    return bool(table.get("Tags")) and any(not other.get("Tags") for other in others)


def _read_template_name(api: Api, spec: ClusterSpec) -> list[Existing]:
    filters = [{"Name": "launch-template-name", "Values": [spec.names.unique]}]
    return _read_named(api, spec, "launch_template", Filters=filters)


def _read_group_name(api: Api, spec: ClusterSpec) -> list[Existing]:
    return _read_named(api, spec, "autoscaling_group", AutoScalingGroupNames=[spec.names.unique])


def _read_named(api: Api, spec: ClusterSpec, kind: str, **parameters: Any) -> list[Existing]:
    reading = reading_of(kind)
    answer = api.call(reading.service, reading.operation, **parameters)
    return [existing_of(reading, record, spec) for record in records_of(reading, answer)]


def _tags(records: Iterable[Record]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in sorted(records, key=lambda tag: tag["Key"])}


# The states of an IPv6 block that a network does not have.
_GONE = ("disassociating", "disassociated", "failing", "failed")


def _vpc(record: Record) -> dict[str, Any]:
    return {
        "ipv4_cidr": record["CidrBlock"],
        # AWS may not have chosen the block yet: another one must not be requested then.
        "ipv6_enabled": bool(_ipv6_associations(record)),
        # A block that is still being associated cannot be used.
        "ipv6_cidr": next(iter(_ipv6_blocks(record, without=(*_GONE, "associating"))), None),
        "dhcp_options": record.get("DhcpOptionsId"),
        "account": record["OwnerId"],
    }


def _ipv6_associations(record: Record, without: Sequence[str] = _GONE) -> list[Record]:
    blocks = record.get("Ipv6CidrBlockAssociationSet") or ()
    return [block for block in blocks if block["Ipv6CidrBlockState"]["State"] not in without]


def _ipv6_blocks(record: Record, without: Sequence[str] = _GONE) -> list[str]:
    cidrs = [block.get("Ipv6CidrBlock") for block in _ipv6_associations(record, without)]
    return [str(IPv6Network(cidr)) for cidr in cidrs if cidr]


def _dhcp_options(record: Record) -> dict[str, Any]:
    values = {item["Key"]: [value["Value"] for value in item["Values"]] for item in record["DhcpConfigurations"]}
    return {
        "domain_name": " ".join(values.get("domain-name", ())),
        "domain_name_servers": values.get("domain-name-servers", []),
        "ntp_servers": values.get("ntp-servers", []),
    }


def _subnet(record: Record) -> dict[str, Any]:
    return {
        "vpc": record["VpcId"],
        "availability_zone": record["AvailabilityZone"],
        "ipv4_cidr": record["CidrBlock"],
        "ipv6_cidr": next(iter(_ipv6_blocks(record)), None),
        "public_ipv4_on_launch": record["MapPublicIpOnLaunch"],
        "ipv6_on_launch": record["AssignIpv6AddressOnCreation"],
    }


def _internet_gateway(record: Record) -> dict[str, Any]:
    return {"attached_to": sorted(item["VpcId"] for item in record.get("Attachments") or ())}


def _route_table(record: Record) -> dict[str, Any]:
    associations = record.get("Associations") or ()
    return {
        "vpc": record["VpcId"],
        "routes": [_route(route) for route in record["Routes"] if route.get("GatewayId") != "local"],
        "subnets": sorted(item["SubnetId"] for item in associations if item.get("SubnetId")),
        "main": any(item.get("Main") for item in associations),
    }


def _route(route: Record) -> Route:
    destinations = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    destination = next((route[key] for key in destinations if route.get(key)), "?")
    target = next((route[key] for key in ROUTE_TARGETS if route.get(key)), "?")
    return Route(destination, target, "blackhole" if route.get("State") == "blackhole" else "active")


def _security_group(record: Record) -> dict[str, Any]:
    ingress = [rule for item in record["IpPermissions"] for rule in _rules(item, "in")]
    egress = [rule for item in record["IpPermissionsEgress"] for rule in _rules(item, "out")]
    return {"vpc": record.get("VpcId"), "group_name": record["GroupName"], "rules": [*ingress, *egress]}


def _rules(permission: Record, direction: str) -> list[Rule]:
    peers = [
        *(item["CidrIp"] for item in permission.get("IpRanges") or ()),
        *(item["CidrIpv6"] for item in permission.get("Ipv6Ranges") or ()),
        *(item["GroupId"] for item in permission.get("UserIdGroupPairs") or ()),
        *(item["PrefixListId"] for item in permission.get("PrefixListIds") or ()),
    ]
    ports = permission.get("FromPort", -1), permission.get("ToPort", -1)
    return [Rule(direction, peer, permission["IpProtocol"], *ports) for peer in peers]


def _eni(record: Record) -> dict[str, Any]:
    attachment = record.get("Attachment") or {}
    ipv6 = ipv6_of(record)
    private = record.get("PrivateIpAddresses") or ()
    public = [(item.get("Association") or {}).get("AllocationId") for item in (record, *private)]
    return {
        "subnet": record["SubnetId"],
        "ipv4": record["PrivateIpAddress"],
        # All addresses of the interface in the subnet.
        "ipv4_taken": [
            *(item["PrivateIpAddress"] for item in private),
            *(item["Ipv4Prefix"] for item in record.get("Ipv4Prefixes") or ()),
        ],
        "addresses": sorted({address for address in public if address}),
        "ipv6": ipv6,
        "ipv6_count": len(ipv6),
        "security_groups": sorted(group["GroupId"] for group in record["Groups"]),
        "source_dest_check": record["SourceDestCheck"],
        "description": record.get("Description", ""),
        "mac": record["MacAddress"],
        "instance": attachment.get("InstanceId"),
        "attachment_id": attachment.get("AttachmentId"),
        "made_with_instance": attachment.get("DeviceIndex") == 0 and bool(attachment.get("DeleteOnTermination")),
    }


def _instance(record: Record) -> dict[str, Any]:
    metadata = record.get("MetadataOptions") or {}
    interfaces = {item["Attachment"]["DeviceIndex"]: item for item in record.get("NetworkInterfaces") or ()}
    first = interfaces.get(0) or {}
    return {
        "type": record["InstanceType"],
        "state": record["State"]["Name"],
        "network_interface": first.get("NetworkInterfaceId"),
        "imds_tokens": metadata.get("HttpTokens"),
        "imds_hop_limit": metadata.get("HttpPutResponseHopLimit"),
        "instance_profile": (record.get("IamInstanceProfile") or {}).get("Arn", "").rpartition("/")[2] or None,
        "root_volume": root_volume_of(record),
        "data_volume": _volumes_of(record).get(DATA_DEVICE),
        "image": record["ImageId"],
        "ipv4": record.get("PrivateIpAddress"),
        "ipv6": ipv6_of(first),
        "launched": str(record["LaunchTime"]),
        "stopped": _stopped(str(record.get("StateTransitionReason") or "")),
        "autoscaling_group": _tags(record.get("Tags") or ()).get("aws:autoscaling:groupName"),
    }


def _stopped(reason: str) -> str:
    """Return the time at which an instance was stopped, parsed from EC2's text; empty while it runs."""
    found = _STOPPED.search(reason)
    return f"{found[1]}+00:00" if found else ""


def root_volume_of(record: Record) -> str | None:
    """Return the volume that an instance started from."""
    volumes = _volumes_of(record)
    return volumes.get(record.get("RootDeviceName", "")) or next(iter(volumes.values()), None)


def _volumes_of(record: Record) -> dict[str, str]:
    return {item["DeviceName"]: item["Ebs"]["VolumeId"] for item in record.get("BlockDeviceMappings") or ()}


def _volume(record: Record) -> dict[str, Any]:
    attachment: Record = next(iter(record.get("Attachments") or ()), {})
    return {
        "volume_type": record["VolumeType"],
        "volume_size": record["Size"],
        "volume_encrypted": record["Encrypted"],
        "instance": attachment.get("InstanceId"),
        "state": record.get("State"),
    }


def _address(record: Record) -> dict[str, Any]:
    return {"public_ipv4": record.get("PublicIp"), "network_interface": record.get("NetworkInterfaceId")}


READINGS = (
    Reading("vpc", "ec2", "describe_vpcs", "Vpcs", "VpcId", _vpc),
    Reading("dhcp_options", "ec2", "describe_dhcp_options", "DhcpOptions", "DhcpOptionsId", _dhcp_options),
    Reading("subnet", "ec2", "describe_subnets", "Subnets", "SubnetId", _subnet),
    Reading(
        "internet_gateway",
        "ec2",
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        _internet_gateway,
    ),
    Reading("route_table", "ec2", "describe_route_tables", "RouteTables", "RouteTableId", _route_table),
    Reading("security_group", "ec2", "describe_security_groups", "SecurityGroups", "GroupId", _security_group),
    Reading("eni", "ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", _eni),
    Reading(
        "instance",
        "ec2",
        "describe_instances",
        "Reservations",
        "InstanceId",
        _instance,
        (("instance-state-name", ALIVE),),
    ),
    Reading("volume", "ec2", "describe_volumes", "Volumes", "VolumeId", _volume),
    Reading("address", "ec2", "describe_addresses", "Addresses", "AllocationId", _address),
    Reading(
        "launch_template",
        "ec2",
        "describe_launch_templates",
        "LaunchTemplates",
        "LaunchTemplateId",
        template_facts,
    ),
    Reading(
        "autoscaling_group",
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
        "AutoScalingGroupName",
        group_facts,
    ),
)


def _nothing_more(record: Record) -> dict[str, Any]:
    return {}


_PEERING = Reading(
    "vpc_peering_connection",
    "ec2",
    "describe_vpc_peering_connections",
    "VpcPeeringConnections",
    "VpcPeeringConnectionId",
    _nothing_more,
)
FOREIGN_KINDS = (
    *(ForeignKind(reading_of(kind), "vpc-id") for kind in ("subnet", "security_group", "route_table", "eni")),
    ForeignKind(reading_of("internet_gateway"), "attachment.vpc-id"),
    # Each of these prevents the deletion of a VPC, or is deleted with it.
    ForeignKind(
        Reading("network_acl", "ec2", "describe_network_acls", "NetworkAcls", "NetworkAclId", _nothing_more), "vpc-id"
    ),
    ForeignKind(
        Reading("vpc_endpoint", "ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", _nothing_more),
        "vpc-id",
    ),
    ForeignKind(
        Reading("vpn_gateway", "ec2", "describe_vpn_gateways", "VpnGateways", "VpnGatewayId", _nothing_more),
        "attachment.vpc-id",
    ),
    ForeignKind(
        Reading("natgateway", "ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", _nothing_more), "vpc-id"
    ),
    ForeignKind(
        Reading(
            "egress_only_internet_gateway",
            "ec2",
            "describe_egress_only_internet_gateways",
            "EgressOnlyInternetGateways",
            "EgressOnlyInternetGatewayId",
            _internet_gateway,
        )
    ),
    ForeignKind(_PEERING, "requester-vpc-info.vpc-id"),
    ForeignKind(_PEERING, "accepter-vpc-info.vpc-id"),
)
SERVICES = ("ec2", "iam", "autoscaling", "scheduler", "ssm")
# The names of the kinds above in DescribeTags. The rules of a security group can have tags too, but are deleted with
# their group.
_READ_TYPES = frozenset(
    (
        *("vpc", "dhcp-options", "subnet", "internet-gateway", "route-table", "security-group", "security-group-rule"),
        *("network-interface", "instance", "volume", "elastic-ip", "launch-template", "auto-scaling-group"),
    )
)


def _read_other_kinds(api: Api, spec: ClusterSpec) -> list[Existing]:
    """Return EC2 resources of every other kind with our tags, so that a teardown cannot overlook one.

    No playbook makes them, so one without ManagedBy belongs to another owner.
    """
    owner = owner_tags(spec)
    keys = [{"Name": "key", "Values": [*owner, "Name"]}]
    found: dict[tuple[str, str], dict[str, str]] = {}
    for tag in api.call("ec2", "describe_tags", Filters=keys)["Tags"]:
        if tag["ResourceType"] not in _READ_TYPES:
            found.setdefault((tag["ResourceType"], tag["ResourceId"]), {})[tag["Key"]] = tag["Value"]
    ours = [
        Existing(resource_type.replace("-", "_"), resource_id, tags.get("Name", resource_id), tags, {"tags": tags})
        for (resource_type, resource_id), tags in found.items()
        if owner.items() <= tags.items()
    ]
    acls = _acls_of_people(api, spec) if any(thing.kind == "network_acl" for thing in ours) else set()
    return [thing for thing in ours if thing.kind != "network_acl" or thing.id in acls]


def _acls_of_people(api: Api, spec: ClusterSpec) -> set[str]:
    """Return the network ACLs with the cluster's tags that AWS has not created with their VPC."""
    answer = api.call("ec2", "describe_network_acls", Filters=owner_filters(spec))
    return {record["NetworkAclId"] for record in answer["NetworkAcls"] if not is_of_aws(record)}


def _read_parameters(api: Api, spec: ClusterSpec) -> list[Existing]:
    """Return the bastion's host keys in SSM, and a parameter with the described name, without values."""
    wanted = {**cluster_tags(spec), "Name": spec.names.bastion}
    filters = [{"Key": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
    found = api.call("ssm", "describe_parameters", ParameterFilters=filters)["Parameters"]
    types = {item["Name"]: item["Type"] for item in found}
    described = spec.bastion.host_key_parameter if spec.bastion else ""
    every = dict.fromkeys([*types, *([described] if described else [])])
    return [thing for name in every if (thing := _read_parameter(api, spec, name, types.get(name)))]


def _read_parameter(api: Api, spec: ClusterSpec, name: str, listed: str | None) -> Existing | None:
    answer = existing(api, "ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId=name)
    if answer is None:
        return None
    tags = _tags(answer["TagList"])
    have = {"resource": f"parameter{name}", "type": listed or parameter_type(api, name), "tags": tags}
    thing = Existing("ssm_parameter", name, tags.get("Name", name), tags, have)
    thing = thing.with_owner(spec, owned=is_host_key_of(spec, tags))
    return replace(thing, uncertain=not thing.owned and owner_tags(spec).items() <= tags.items())


def _read_role(api: Api, spec: ClusterSpec, name: str) -> list[Existing]:
    role = existing(api, "iam", "get_role", RoleName=name)
    if role is None:
        return []
    policy = existing(api, "iam", "get_role_policy", RoleName=name, PolicyName=name) or {}
    have = {"trust_policy": role["Role"]["AssumeRolePolicyDocument"], "policy": policy.get("PolicyDocument")}
    have["arn"] = role["Role"]["Arn"]
    return [_iam_thing("iam_role", spec, role["Role"]["RoleName"], role["Role"], have)]


def _read_schedule_group(api: Api, spec: ClusterSpec, name: str) -> list[Existing]:
    group = read_group(api, name)
    if group is None:
        return []
    owned = owner_tags(spec).items() <= group["tags"].items()
    return [Existing("schedule_group", name, name, group["tags"], group).with_owner(spec, owned=owned)]


def _read_profile(api: Api, spec: ClusterSpec, name: str) -> list[Existing]:
    profile = existing(api, "iam", "get_instance_profile", InstanceProfileName=name)
    if profile is None:
        return []
    record = profile["InstanceProfile"]
    have = {"roles": sorted(role["RoleName"] for role in record["Roles"]), "arn": record["Arn"]}
    have["path"] = record["Path"]
    return [_iam_thing("instance_profile", spec, record["InstanceProfileName"], record, have)]


def _iam_thing(kind: str, spec: ClusterSpec, name: str, record: Record, have: Mapping[str, Any]) -> Existing:
    tags = _tags(record.get("Tags") or ())
    thing = Existing(kind, name, name, tags, {**have, "tags": tags}).with_owner(spec, owned=is_of(spec, tags))
    # One of another region has the same name and tags.
    uncertain = owner_tags(spec).items() <= tags.items() and REGION_TAG not in tags
    return replace(thing, unmanaged=thing.unmanaged and tags.get(REGION_TAG) == spec.region, uncertain=uncertain)


def _read_vpc_attributes(api: Api, vpc: Existing) -> dict[str, Any]:
    attributes = {"dns_support": "enableDnsSupport", "dns_hostnames": "enableDnsHostnames"}
    return {key: _read_vpc_attribute(api, vpc.id, name) for key, name in attributes.items()}


def _read_vpc_attribute(api: Api, vpc_id: str, name: str) -> bool:
    answer = api.call("ec2", "describe_vpc_attribute", VpcId=vpc_id, Attribute=name)
    return answer[name[0].upper() + name[1:]]["Value"]


def _read_cpu_credits(api: Api, instances: list[Existing]) -> dict[str, dict[str, Any]]:
    burstable = [thing.id for thing in instances if is_burstable(thing.have["type"])]
    if not burstable:
        return {}
    answer = api.call("ec2", "describe_instance_credit_specifications", InstanceIds=burstable)
    return {item["InstanceId"]: {"cpu_credits": item["CpuCredits"]} for item in answer["InstanceCreditSpecifications"]}


def _read_missing_volumes(api: Api, things: list[Existing]) -> list[Existing]:
    """Return the nodes' volumes without our tags; if all have them, no call is made."""
    known = {thing.id for thing in things}
    kinds = ("root_volume", "data_volume")
    attached = [thing.have[kind] for thing in things if thing.kind == "instance" for kind in kinds]
    missing = [volume for volume in attached if volume and volume not in known]
    if not missing:
        return []
    filters = [{"Name": "volume-id", "Values": missing}]
    reading = reading_of("volume")
    return [existing_of(reading, record) for record in api.call("ec2", "describe_volumes", Filters=filters)["Volumes"]]


def _disks(instance: Existing, volumes: Mapping[str, Existing]) -> dict[str, Any]:
    """Return the relevant properties of a node's volumes; the size of a missing data volume is 0."""
    root, data = (volumes.get(instance.have[kind] or "") for kind in ("root_volume", "data_volume"))
    have = root.have if root else {}
    return {
        **{key: have.get(key) for key in ("volume_type", "volume_size", "volume_encrypted")},
        "data_volume_size": data.have["volume_size"] if data else 0,
        "data_volume_encrypted": data.have["volume_encrypted"] if data else None,
    }


def _read_console(api: Api, instance_id: str) -> dict[str, list[str]]:
    """Return the last lines of an instance's console and the SSH host keys in all of it.

    The console may not exist yet, which must not affect the other results.
    """
    try:
        answer = api.call("ec2", "get_console_output", InstanceId=instance_id, Latest=True)
    except AwsError as error:
        return {"console": [str(error)], "host_keys": []}
    text = answer.get("Output", "")
    return {"console": text.splitlines()[-_CONSOLE_LINES:], "host_keys": host_keys(text)}
