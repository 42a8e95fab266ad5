# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of an account that determine a cluster's exposure. Private to urmanac.talos: may change at any time.

Unlike the reading of a cluster, this one selects by VPC and not by tags, which resources added by hand do not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from ..client import Api
from ..home.access import HomeRule
from ..identity import cluster_filters, owner_tags
from ..plan.current import Existing, existing_of, reading_of
from ..spec import ClusterSpec
from .reachability import AclEntry, Network, Route, Rule
from .secrets import SecretFound, find_secrets

Record = Mapping[str, Any]


class TextSecret(NamedTuple):
    """A secret in a tag or a description: its place and kind."""

    place: str
    kind: str


class Known(NamedTuple):
    """The identity of a resource: id, name, and whether it has the cluster's tags."""

    id: str
    name: str
    owned: bool
    text_secrets: tuple[TextSecret, ...] = ()
    # The tag Name of a group of the cluster that does not have the group's name; None if it has.
    other_name: str | None = None


class GroupRule(NamedTuple):
    """One rule of a security group; text has the format of the cluster's description."""

    id: str
    group_id: str
    egress: bool
    text: str
    rules: tuple[Rule, ...]
    home: HomeRule
    text_secrets: tuple[TextSecret, ...] = ()


class Acl(NamedTuple):
    """A network ACL; entries are pairs of number and text; the inbound ones are parsed as well."""

    known: Known
    default: bool
    entries: tuple[tuple[int, str], ...]
    incoming: tuple[AclEntry, ...]
    subnets: tuple[str, ...]


class RouteText(NamedTuple):
    """A route out of the VPC; cidrs are the entries of the prefix list that is its destination."""

    text: str
    destination: str
    target: str
    cidrs: tuple[str, ...] = ()


class RouteTable(NamedTuple):
    """A route table; main applies to subnets without an association, gateways are those associated with it."""

    known: Known
    routes: tuple[Route, ...]
    texts: tuple[RouteText, ...]
    subnets: tuple[str, ...]
    main: bool
    gateways: tuple[str, ...] = ()


class DhcpFact(NamedTuple):
    """The DNS servers, NTP servers and search domain of instances in the VPC."""

    known: Known
    name_servers: tuple[str, ...]
    time_servers: tuple[str, ...]
    domain: str


class SubnetFact(NamedTuple):
    """A subnet of the VPC."""

    known: Known
    networks: tuple[Network, ...]
    public_ipv4: bool
    ipv6_on_launch: bool


class InterfaceFact(NamedTuple):
    """A network interface in the VPC; node is the tag Node, or the name of the interface."""

    known: Known
    kind: str
    node: str
    subnet: str
    groups: tuple[str, ...]
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    prefixes: tuple[str, ...]
    public: tuple[str, ...]
    source_dest_check: bool
    instance: str | None
    managed: bool
    # The account of the instance.
    account: str | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return its private IPv4 and its IPv6 addresses."""
        return (*self.ipv4, *self.ipv6)


class Passage(NamedTuple):
    """A connection between the VPC and another network: an endpoint, a peering, or a gateway without addresses."""

    known: Known
    kind: str
    text: str
    interfaces: tuple[str, ...] = ()


class OutsideInterface(NamedTuple):
    """A network interface of one of the cluster's instances that is in another VPC."""

    id: str
    vpc: str
    public: str = ""


class Machine(NamedTuple):
    """An instance, or a version of a launch template."""

    known: Known
    kind: str
    imds_tokens: str
    imds_hops: int
    imds_enabled: bool
    profile: str | None
    secrets: tuple[SecretFound, ...]
    public_ipv4: bool = False
    unencrypted: tuple[str, ...] = ()
    version: str = ""
    used: bool = True
    outside_interfaces: tuple[OutsideInterface, ...] = ()
    # The volume that the instance was launched with.
    root_volume: str | None = None
    # Of a launch template version: its number and aliases, and whether an instance was launched from it.
    names: tuple[str, ...] = ()
    made: bool = False
    image: str | None = None
    key_name: str | None = None
    interfaces: tuple[str, ...] = ()
    user_data_sha256: str | None = None
    instance_type: str | None = None
    # Options of the metadata service that are enabled, but are off by default.
    imds_more: tuple[str, ...] = ()
    # The Auto Scaling group that launched the instance. AWS sets this tag, and rejects it from anybody else.
    scaling_group: str = ""
    # The user-data that our own module launched the instance with.
    launched_with: str = ""
    running: bool = False
    # The value of the tag by which the schedules of the cluster find a node.
    nodes_of: str = ""
    # Of a launch template version.
    disks: tuple[str, ...] = ()
    cpu_credits: str | None = None


class Schedule(NamedTuple):
    """A scheduled action; more are its settings that no described action has."""

    name: str
    capacity: int | None
    recurrence: str | None
    time_zone: str | None
    starts: datetime | None = None
    more: tuple[str, ...] = ()


class ScalingGroup(NamedTuple):
    """An Auto Scaling group of the cluster, and the launch templates that it may use, each with its version.

    lost are the templates that do not have the version. Ended are former instances of the group. The others are
    settings that no described group has.
    """

    known: Known
    templates: tuple[tuple[str, str], ...]
    lost: tuple[tuple[str, str], ...] = ()
    min_size: int = 0
    max_size: int = 0
    suspended: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    ended: tuple[str, ...] = ()
    # New instances, or the ids of running ones.
    protected: tuple[str, ...] = ()
    # Load balancers, target groups and other sources of traffic.
    targets: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    terminating: tuple[str, ...] = ()
    warm_pool: bool = False
    policies: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


class VolumeFact(NamedTuple):
    """A volume of the cluster or of an instance in its VPC; account is that of its key, if it is another one."""

    known: Known
    encrypted: bool
    instances: tuple[str, ...]
    snapshot: str | None = None
    account: str | None = None


class OutsideInstance(NamedTuple):
    """An instance outside of the cluster's VPC that has an interface, a profile or a volume of it; vpc is its VPC."""

    id: str
    vpc: str
    profile: str | None = None


class CopyFact(NamedTuple):
    """A snapshot or an image of the cluster's disks; shared lists the accounts that may read it, or all.

    An image has snapshots.
    """

    known: Known
    kind: str
    encrypted: bool
    shared: tuple[str, ...]
    snapshots: tuple[str, ...] = ()


class DocumentFact(NamedTuple):
    """An SSM document with the cluster's tags; shared lists the accounts that may read it, or all."""

    name: str
    shared: tuple[str, ...]
    text_secrets: tuple[TextSecret, ...] = ()


class ParameterFact(NamedTuple):
    """An SSM parameter with a name of the cluster; kind is SecureString, String or StringList."""

    name: str
    kind: str
    text_secrets: tuple[TextSecret, ...] = ()


class ImageFact(NamedTuple):
    """An image that instances were launched from, and who provides it."""

    id: str
    account: str
    is_amazons: bool


class RoleFact(NamedTuple):
    """An IAM role of instances; statements come with the name of their inline policy."""

    name: str
    trust: Any
    statements: tuple[tuple[str, Any], ...]
    attached: tuple[str, ...]
    # The instance profiles that the role is in.
    profiles: tuple[str, ...] = ()
    text_secrets: tuple[TextSecret, ...] = ()
    # The tags of the cluster that a role of schedules lacks.
    missing: tuple[tuple[str, str], ...] = ()


class ProfileFact(NamedTuple):
    """An instance profile of the cluster or of its machines, and the roles in it."""

    name: str
    roles: tuple[str, ...]
    text_secrets: tuple[TextSecret, ...] = ()


class HoursFact(NamedTuple):
    """The cluster's schedule group: its schedules by name, and the names of those that another owner has added."""

    name: str
    schedules: Mapping[str, Mapping[str, Any]]
    others: tuple[str, ...] = ()


class AddressFact(NamedTuple):
    """An Elastic IP with the cluster's tags."""

    known: Known
    public_ipv4: str
    attached: bool
    interface: str = "an unknown network interface"


class Account(NamedTuple):
    """Everything that determines the cluster's exposure; mostly empty without a VPC."""

    vpcs: tuple[Known, ...] = ()
    # Resources with the tags that name the cluster, and without the one of this collection: they are not read.
    unmanaged: tuple[Existing, ...] = ()
    # The ids of the accounts that own the VPCs; without a VPC, the account of the credentials.
    owners: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    dhcp: tuple[DhcpFact, ...] = ()
    gateways: tuple[Known, ...] = ()
    groups: tuple[Known, ...] = ()
    rules: tuple[GroupRule, ...] = ()
    acls: tuple[Acl, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    subnets: tuple[SubnetFact, ...] = ()
    interfaces: tuple[InterfaceFact, ...] = ()
    passages: tuple[Passage, ...] = ()
    machines: tuple[Machine, ...] = ()
    outside_instances: tuple[OutsideInstance, ...] = ()
    scaling_groups: tuple[ScalingGroup, ...] = ()
    volumes: tuple[VolumeFact, ...] = ()
    copies: tuple[CopyFact, ...] = ()
    documents: tuple[DocumentFact, ...] = ()
    parameters: tuple[ParameterFact, ...] = ()
    images: tuple[ImageFact, ...] = ()
    addresses: tuple[AddressFact, ...] = ()
    profiles: tuple[ProfileFact, ...] = ()
    roles: tuple[RoleFact, ...] = ()
    hours: tuple[HoursFact, ...] = ()


class Named(NamedTuple):
    """The resources that this collection has made of the cluster, and those whose tags only name it."""

    ours: list[Record]
    unmanaged: list[Existing]


class Reader(NamedTuple):
    """The parameters of every reading."""

    api: Api
    spec: ClusterSpec

    def ec2(self, operation: str, answer: str, filters: Mapping[str, list[str]]) -> list[Record]:
        """Return the records that match the filters."""
        wanted = [{"Name": name, "Values": values} for name, values in filters.items()]
        return self.api.call("ec2", operation, Filters=wanted)[answer]

    def named(self, kind: str) -> Named:
        """Return the resources of a kind whose tags name the cluster, those without ManagedBy apart."""
        reading = reading_of(kind)
        records = self.api.call(reading.service, reading.operation, Filters=cluster_filters(self.spec))[reading.answer]
        things = [(record, existing_of(reading, record, self.spec)) for record in records]
        return Named(
            # The filters found a record: one that lacks its tags is judged.
            [record for record, thing in things if not thing.unmanaged],
            [thing for _record, thing in things if thing.unmanaged],
        )

    def known(self, record: Record, key: str) -> Known:
        """Return the identity of a record."""
        tags = tags_of(record)
        owned = owner_tags(self.spec).items() <= tags.items()
        known, tag = str(record[key]), tags.get("Name", "")
        # The name of a group cannot be changed, unlike its tag.
        group = record.get("GroupName")
        other_name = tag if owned and group and tag != group else None
        return Known(known, str(group or tag or known), owned, text_secrets(record), other_name)

    def every_known(self, records: Iterable[Record], key: str) -> tuple[Known, ...]:
        """Return the identity of each record."""
        return tuple(self.known(record, key) for record in records)


def tags_of(record: Record) -> dict[str, str]:
    """Return the tags of any record of EC2."""
    return {tag["Key"]: tag["Value"] for tag in record.get("Tags") or record.get("TagSet") or ()}


def text_secrets(record: Record) -> tuple[TextSecret, ...]:
    """Return the secrets in the tags and the description of any record."""
    texts = {f"tag {key}": f"{key}: {value}" for key, value in tags_of(record).items()}
    for key in ("Description", "VersionDescription"):
        texts["description"] = str(record.get(key) or texts.get("description", ""))
    return tuple(TextSecret(place, kind) for place, text in texts.items() for kind in kinds_in(text))


@lru_cache(maxsize=4096)
def kinds_in(text: str) -> tuple[str, ...]:
    """Return which kinds of secrets a text contains. Most tags are the same on all resources of a cluster."""
    return tuple(sorted({secret.kind for secret in find_secrets(text.encode("utf-8", errors="replace"))}))
