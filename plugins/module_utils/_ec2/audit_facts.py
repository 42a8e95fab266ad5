# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read all of an account that decides how closed a cluster is. Private to urmanac.talos: may change at any time.

Unlike the reading of a cluster this one goes by the VPC and not by tags: what somebody added by hand carries none.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import Api, AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.current import ROUTE_TARGETS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home_access import (
    HomeRule,
    Identity,
    home_rule,
    port_text,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.reachability import (
    ICMP,
    ICMPV6,
    LAST_PORT,
    TCP,
    UDP,
    AclEntry,
    Network,
    Route,
    Rule,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.user_data import SecretFound, find_secrets

Record = Mapping[str, Any]
SERVICES = ("ec2", "iam")
_WORKERS = 16
_NUMBERS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
_ALIVE = ["pending", "running", "stopping", "stopped"]


class Known(NamedTuple):
    """What names a thing: its id, its name, and whether it carries the cluster's tags."""

    id: str
    name: str
    owned: bool


class GroupRule(NamedTuple):
    """One rule of a security group; text is written as the cluster's description writes it."""

    id: str
    group_id: str
    egress: bool
    text: str
    rules: tuple[Rule, ...]
    home: HomeRule


class Acl(NamedTuple):
    """A network ACL that subnets use; entries are told as text, the incoming ones also exactly."""

    known: Known
    entries: tuple[str, ...]
    incoming: tuple[AclEntry, ...]
    subnets: tuple[str, ...]


class RouteTable(NamedTuple):
    """A route table; main is the one of all subnets that name none."""

    known: Known
    routes: tuple[Route, ...]
    texts: tuple[str, ...]
    subnets: tuple[str, ...]
    main: bool


class SubnetFact(NamedTuple):
    """A subnet of the VPC."""

    known: Known
    networks: tuple[Network, ...]
    public_ipv4: bool


class InterfaceFact(NamedTuple):
    """A network interface in the VPC; node is the tag Node, or the name of what it is."""

    known: Known
    node: str
    subnet: str
    groups: tuple[str, ...]
    addresses: tuple[str, ...]
    public: tuple[str, ...]
    source_dest_check: bool


class Machine(NamedTuple):
    """An instance, or a launch template of which instances are made."""

    known: Known
    kind: str
    imds_tokens: str
    imds_hops: int
    imds_enabled: bool
    profile: str | None
    public_ipv4: bool
    secrets: tuple[SecretFound, ...]


class VolumeFact(NamedTuple):
    """A volume of the cluster or of an instance in its VPC."""

    known: Known
    encrypted: bool
    instance: str | None


class RoleFact(NamedTuple):
    """An IAM role that instances have; statements come with the name of their inline policy."""

    name: str
    trust: Any
    statements: tuple[tuple[str, Any], ...]
    attached: tuple[str, ...]


class AddressFact(NamedTuple):
    """An Elastic IP with the cluster's tags."""

    known: Known
    public_ipv4: str
    attached: bool


class Account(NamedTuple):
    """Everything that decides how closed the cluster is; without a VPC there is little of it."""

    vpc: str | None = None
    networks: tuple[Network, ...] = ()
    gateways: tuple[Known, ...] = ()
    groups: tuple[Known, ...] = ()
    rules: tuple[GroupRule, ...] = ()
    acls: tuple[Acl, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    subnets: tuple[SubnetFact, ...] = ()
    interfaces: tuple[InterfaceFact, ...] = ()
    machines: tuple[Machine, ...] = ()
    volumes: tuple[VolumeFact, ...] = ()
    addresses: tuple[AddressFact, ...] = ()
    roles: tuple[RoleFact, ...] = ()


class _Reader(NamedTuple):
    """What every reading needs."""

    api: Api
    spec: ClusterSpec

    def ec2(self, operation: str, answer: str, filters: Mapping[str, list[str]]) -> list[Record]:
        """Return the records that the filters let through."""
        wanted = [{"Name": name, "Values": values} for name, values in filters.items()]
        return self.api.call("ec2", operation, Filters=wanted)[answer]

    def owned(self, operation: str, answer: str) -> list[Record]:
        """Return the records that carry the cluster's tags."""
        wanted = [{"Name": f"tag:{key}", "Values": [value]} for key, value in owner_tags(self.spec).items()]
        return self.api.call("ec2", operation, Filters=wanted)[answer]

    def known(self, record: Record, key: str) -> Known:
        """Return what names a record."""
        tags = tags_of(record)
        owned = owner_tags(self.spec).items() <= tags.items()
        # Of a stranger's security group only the name counts that nobody can change.
        name = tags.get("Name") if owned or "GroupName" not in record else record["GroupName"]
        return Known(str(record[key]), str(name or record.get("GroupName") or record[key]), owned)

    def every_known(self, records: Iterable[Record], key: str) -> tuple[Known, ...]:
        """Return what names each record."""
        return tuple(self.known(record, key) for record in records)


def tags_of(record: Record) -> dict[str, str]:
    """Return the tags of any record of EC2."""
    return {tag["Key"]: tag["Value"] for tag in record.get("Tags") or record.get("TagSet") or ()}


def read_account(api: Api, spec: ClusterSpec) -> Account:
    """Return the facts, read in three waves of calls side by side."""
    reader = _Reader(api, spec)
    vpcs = reader.owned("describe_vpcs", "Vpcs")
    with ThreadPoolExecutor(_WORKERS) as pool:
        templates = pool.submit(_read_templates, reader)
        addresses = pool.submit(_read_addresses, reader)
        network = [_read_network(reader, vpc, pool) for vpc in vpcs]
        account = _merged(network)
        profiles = {machine.profile for machine in (*account.machines, *templates.result()) if machine.profile}
        roles = pool.submit(_read_roles, reader, profiles)
        volumes = pool.submit(_read_volumes, reader, [m.known.id for m in account.machines if m.kind == "instance"])
        return account._replace(
            machines=(*account.machines, *templates.result()),
            addresses=addresses.result(),
            roles=roles.result(),
            volumes=volumes.result(),
        )


def _merged(parts: list[Account]) -> Account:
    """Return one account: two VPCs with the same tags are one cluster, and a mistake that the audit shows."""
    if not parts:
        return Account()
    fields = {name: tuple(item for part in parts for item in getattr(part, name)) for name in Account._fields[1:]}
    return Account(parts[0].vpc, **fields)


def _read_network(reader: _Reader, vpc: Record, pool: ThreadPoolExecutor) -> Account:
    def every(operation: str, answer: str, **filters: list[str]) -> Callable[[], list[Record]]:
        return pool.submit(reader.ec2, operation, answer, filters or {"vpc-id": [vpc["VpcId"]]}).result

    gateways = every("describe_internet_gateways", "InternetGateways", **{"attachment.vpc-id": [vpc["VpcId"]]})
    groups = every("describe_security_groups", "SecurityGroups")
    acls = every("describe_network_acls", "NetworkAcls")
    tables = every("describe_route_tables", "RouteTables")
    subnets = every("describe_subnets", "Subnets")
    interfaces = every("describe_network_interfaces", "NetworkInterfaces")
    reservations = every(
        "describe_instances", "Reservations", **{"instance-state-name": _ALIVE, "vpc-id": [vpc["VpcId"]]}
    )
    instances = (record for reservation in reservations() for record in reservation["Instances"])
    machines = [pool.submit(_instance, reader, record) for record in instances]
    names = _names(reader, [(groups(), "GroupId"), (gateways(), "InternetGatewayId")])
    return Account(
        vpc=vpc["VpcId"],
        networks=_networks([vpc]),
        gateways=reader.every_known(gateways(), "InternetGatewayId"),
        groups=reader.every_known(groups(), "GroupId"),
        rules=_read_rules(reader, groups(), names),
        acls=tuple(_acl(reader, record) for record in acls()),
        tables=tuple(_table(reader, record, names) for record in tables()),
        subnets=tuple(_subnet(reader, record) for record in subnets()),
        interfaces=tuple(_interface(reader, record) for record in interfaces()),
        machines=tuple(machine.result() for machine in machines),
    )


def _names(reader: _Reader, kinds: Iterable[tuple[list[Record], str]]) -> dict[str, str]:
    """Return the names of the cluster's own things. Of two with one name the second stays an id, so it shows."""
    found: dict[str, str] = {}
    for records, key in kinds:
        for known in sorted(reader.known(record, key) for record in records):
            if known.owned and known.name not in found.values():
                found[known.id] = known.name
    return found


def _networks(records: Iterable[Record]) -> tuple[Network, ...]:
    cidrs: list[str] = []
    for record in records:
        ipv4 = [item["CidrBlock"] for item in record.get("CidrBlockAssociationSet") or ()]
        ipv6 = [item["Ipv6CidrBlock"] for item in record.get("Ipv6CidrBlockAssociationSet") or ()]
        cidrs += [*dict.fromkeys([record["CidrBlock"], *ipv4]), *ipv6]
    return tuple(ip_network(cidr) for cidr in cidrs)


def _read_rules(reader: _Reader, groups: list[Record], names: Mapping[str, str]) -> tuple[GroupRule, ...]:
    group_ids = [group["GroupId"] for group in groups]
    records = reader.ec2("describe_security_group_rules", "SecurityGroupRules", {"group-id": group_ids})
    lists = {record["PrefixListId"] for record in records if record.get("PrefixListId")}
    cidrs = {prefix_list: _read_prefix_list(reader, prefix_list) for prefix_list in lists}
    return tuple(_group_rule(reader.spec, record, names, cidrs) for record in records)


def _read_prefix_list(reader: _Reader, prefix_list: str) -> list[str]:
    answer = reader.api.call("ec2", "get_managed_prefix_list_entries", PrefixListId=prefix_list)
    return [entry["Cidr"] for entry in answer["Entries"]]


def _group_rule(
    spec: ClusterSpec, record: Record, names: Mapping[str, str], lists: Mapping[str, list[str]]
) -> GroupRule:
    group_id = record["GroupId"]
    group = names.get(group_id, group_id).removeprefix(f"{spec.name}-")
    rule = home_rule(Identity(spec.name, spec.project), group, record)
    way, preposition = ("out", "to") if record["IsEgress"] else ("in", "from")
    peer = names.get(rule.network, rule.network)
    text = f"{way} {rule.port} {preposition} {peer}"
    return GroupRule(rule.id or "", group_id, record["IsEgress"], text, _rules(record, rule.network, lists), rule)


def _rules(record: Record, peer: str, lists: Mapping[str, list[str]]) -> tuple[Rule, ...]:
    protocol = protocol_number(record["IpProtocol"])
    first, last = _span(record.get("FromPort"), record.get("ToPort"))
    if record.get("ReferencedGroupInfo"):
        return (Rule(protocol, first, last, group=peer),)
    return tuple(Rule(protocol, first, last, ip_network(cidr)) for cidr in lists.get(peer, [peer]))


def protocol_number(text: str) -> int | None:
    """Return the number of a protocol as AWS writes it, None for every protocol."""
    number = _NUMBERS.get(text)
    if number is not None:
        return number
    return None if text == "-1" else int(text)


def _span(first: int | None, last: int | None) -> tuple[int, int]:
    return (first, last) if first is not None and last is not None and 0 <= first <= last else (0, LAST_PORT)


def _acl(reader: _Reader, record: Record) -> Acl:
    entries = sorted(record["Entries"], key=lambda entry: (entry["Egress"], entry["RuleNumber"]))
    return Acl(
        known=reader.known(record, "NetworkAclId"),
        entries=tuple(_entry_text(entry) for entry in entries),
        incoming=tuple(_entry(entry) for entry in entries if not entry["Egress"] and not _is_partial_denial(entry)),
        subnets=tuple(item["SubnetId"] for item in record.get("Associations") or ()),
    )


def _is_partial_denial(entry: Record) -> bool:
    """Return whether an entry denies only some types of ICMP, which must not count as denying all of it."""
    icmp = (entry.get("IcmpTypeCode") or {}).get("Type", -1)
    return bool(entry["RuleAction"] == "deny" and icmp != -1)


def _entry(entry: Record) -> AclEntry:
    ports = entry.get("PortRange") or {}
    first, last = _span(ports.get("From"), ports.get("To"))
    network = ip_network(entry.get("CidrBlock") or entry["Ipv6CidrBlock"])
    number, allow = int(entry["RuleNumber"]), entry["RuleAction"] == "allow"
    return AclEntry(number, allow, protocol_number(entry["Protocol"]), network, first, last)


def _entry_text(entry: Record) -> str:
    ports = entry.get("PortRange") or {}
    names = {str(number): name for name, number in _NUMBERS.items()}
    record = {
        "IpProtocol": names.get(entry["Protocol"], entry["Protocol"]),
        "FromPort": ports.get("From", -1),
        "ToPort": ports.get("To", -1),
    }
    way = "out" if entry["Egress"] else "in"
    return f"{way} {entry['RuleAction']} {port_text(record)} {entry.get('CidrBlock') or entry.get('Ipv6CidrBlock')}"


def _table(reader: _Reader, record: Record, names: Mapping[str, str]) -> RouteTable:
    routes = [_route(route) for route in record["Routes"] if _destination(route)]
    far = [route for route in routes if route.target != "local"]
    associations = record.get("Associations") or ()
    return RouteTable(
        known=reader.known(record, "RouteTableId"),
        routes=tuple(routes),
        texts=tuple(f"{route.network} via {names.get(route.target, route.target)}" for route in far),
        subnets=tuple(item["SubnetId"] for item in associations if item.get("SubnetId")),
        main=any(item.get("Main") for item in associations),
    )


def _destination(route: Record) -> str | None:
    """Return the destination; a prefix list, which AWS's own endpoints have, leads to nobody who could send."""
    return route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")


def _route(route: Record) -> Route:
    target = next((route[key] for key in ROUTE_TARGETS if route.get(key)), "unknown")
    return Route(ip_network(_destination(route) or ""), target, route.get("State") != "blackhole")


def _subnet(reader: _Reader, record: Record) -> SubnetFact:
    return SubnetFact(reader.known(record, "SubnetId"), _networks([record]), bool(record["MapPublicIpOnLaunch"]))


def _interface(reader: _Reader, record: Record) -> InterfaceFact:
    known, tags = reader.known(record, "NetworkInterfaceId"), tags_of(record)
    private = record.get("PrivateIpAddresses") or ()
    public = [(item.get("Association") or {}).get("PublicIp") for item in (record, *private)]
    return InterfaceFact(
        known=known,
        node=tags.get("Node", known.name),
        subnet=record["SubnetId"],
        groups=tuple(sorted(group["GroupId"] for group in record["Groups"])),
        addresses=(
            *(item["PrivateIpAddress"] for item in private),
            *(item["Ipv6Address"] for item in record.get("Ipv6Addresses") or ()),
        ),
        public=tuple(dict.fromkeys(filter(None, public))),
        source_dest_check=record["SourceDestCheck"],
    )


def _instance(reader: _Reader, record: Record) -> Machine:
    known = reader.known(record, "InstanceId")
    answer = reader.api.call("ec2", "describe_instance_attribute", InstanceId=known.id, Attribute="userData")
    profile = (record.get("IamInstanceProfile") or {}).get("Arn")
    # The public address of an instance is told with its interface.
    return _machine("instance", known, record, (answer.get("UserData") or {}).get("Value"), profile, public_ipv4=False)


def _machine(
    kind: str, known: Known, record: Record, user_data: str | None, profile: str | None, *, public_ipv4: bool
) -> Machine:
    metadata = record.get("MetadataOptions") or {}
    return Machine(
        known=known,
        kind=kind,
        imds_tokens=metadata.get("HttpTokens", "optional"),
        imds_hops=metadata.get("HttpPutResponseHopLimit", 1),
        imds_enabled=metadata.get("HttpEndpoint") != "disabled",
        profile=profile.rpartition("/")[2] if profile else None,
        public_ipv4=public_ipv4,
        secrets=tuple(find_secrets(base64.b64decode(user_data))) if user_data else (),
    )


def _read_templates(reader: _Reader) -> tuple[Machine, ...]:
    templates = reader.owned("describe_launch_templates", "LaunchTemplates")
    return tuple(_template(reader, record) for record in templates)


def _template(reader: _Reader, record: Record) -> Machine:
    """Return what the newest version makes; an Auto Scaling group may use it at any time."""
    template_id = record["LaunchTemplateId"]
    wanted = {"LaunchTemplateId": template_id, "Versions": ["$Latest"]}
    versions = reader.api.call("ec2", "describe_launch_template_versions", **wanted)["LaunchTemplateVersions"]
    data: Record = versions[0]["LaunchTemplateData"]
    profile = data.get("IamInstanceProfile") or {}
    interfaces = data.get("NetworkInterfaces") or ()
    return _machine(
        "launch template",
        reader.known({**record, "GroupName": record["LaunchTemplateName"]}, "LaunchTemplateId"),
        data,
        data.get("UserData"),
        profile.get("Arn") or profile.get("Name"),
        public_ipv4=any(item.get("AssociatePublicIpAddress") for item in interfaces),
    )


def _read_volumes(reader: _Reader, instances: list[str]) -> tuple[VolumeFact, ...]:
    attached = reader.ec2("describe_volumes", "Volumes", {"attachment.instance-id": instances}) if instances else []
    records = {record["VolumeId"]: record for record in (*reader.owned("describe_volumes", "Volumes"), *attached)}
    return tuple(_volume(reader, records[volume]) for volume in sorted(records))


def _volume(reader: _Reader, record: Record) -> VolumeFact:
    attachment: Record = next(iter(record.get("Attachments") or ()), {})
    return VolumeFact(reader.known(record, "VolumeId"), record["Encrypted"], attachment.get("InstanceId"))


def _read_addresses(reader: _Reader) -> tuple[AddressFact, ...]:
    records = reader.owned("describe_addresses", "Addresses")
    return tuple(
        AddressFact(reader.known(record, "AllocationId"), record["PublicIp"], bool(record.get("AssociationId")))
        for record in records
    )


def _read_roles(reader: _Reader, profiles: Iterable[str]) -> tuple[RoleFact, ...]:
    found = [_iam(reader, "get_instance_profile", InstanceProfileName=profile) for profile in sorted(profiles)]
    names = {role["RoleName"] for answer in found for role in answer.get("InstanceProfile", {}).get("Roles", ())}
    roles = [_read_role(reader, name) for name in sorted({*names, reader.spec.iam_name})]
    return tuple(role for role in roles if role)


def _read_role(reader: _Reader, name: str) -> RoleFact | None:
    role = _iam(reader, "get_role", RoleName=name)
    if not role:
        return None
    policies = _iam(reader, "list_role_policies", RoleName=name).get("PolicyNames", ())
    documents = {policy: _iam(reader, "get_role_policy", RoleName=name, PolicyName=policy) for policy in policies}
    attached = _iam(reader, "list_attached_role_policies", RoleName=name).get("AttachedPolicies", ())
    return RoleFact(
        name=name,
        trust=role["Role"]["AssumeRolePolicyDocument"],
        statements=tuple(
            (policy, statement)
            for policy, answer in documents.items()
            for statement in _listed(answer.get("PolicyDocument", {}).get("Statement", []))
        ),
        attached=tuple(policy["PolicyArn"] for policy in attached),
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _iam(reader: _Reader, operation: str, **parameters: str) -> dict[str, Any]:
    """Return an answer of IAM, or nothing for what has gone since it was listed."""
    try:
        return reader.api.call("iam", operation, **parameters)
    except AwsError as error:
        if error.reason == "NoSuchEntity":
            return {}
        raise
