# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A described cluster, and the validation of its description. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._findings import Finding, finding
from .._machine_types import CONTROL_PLANE, MACHINE_TYPES
from .._networks import JOIN, LINK_LOCAL, LOOPBACK, PODS, SERVICES_OF_COZYSTACK, is_loopback_host
from .._urls import split_url
from .bastion.spec import BastionSpec, Names, bastion_options, bastion_problems, parse_bastion, volume_size_problems
from .cost.spec import CostSpec
from .described_nodes import inherited
from .hours.schedules import NODES_TAG, hours_name
from .hours.spec import HoursSpec, hours_problems
from .identity import (
    BASTION,
    HOST_KEY_TAG,
    MACHINE_TYPE_TAG,
    NODE_TAG,
    NODES,
    REGION_TAG,
    ROLE_TAG,
    USER_DATA_TAG,
    project_path,
)
from .openings import OPENINGS, Opening, openings_option, parse_openings
from .options import options_of, parsed
from .texts import fault, fits

NODE_ROLES = ("gateway", "compute")
CPU_CREDITS = ("unlimited", "standard")
OWN_TAGS = ("Name", "Project", "Cluster", "ManagedBy", NODE_TAG, ROLE_TAG, MACHINE_TYPE_TAG, USER_DATA_TAG, NODES_TAG)

# Also the tags of the IAM roles and of the bastion's host key. IAM compares keys without regard to case.
_RESERVED = {key.casefold(): key for key in (*OWN_TAGS, REGION_TAG, HOST_KEY_TAG)}
_TAGS_MAX = 50
_VOLUME_SIZE_MIN = 20
# The networks of Talos for pods and services, and of Kube-OVN for the link between its nodes.
_OF_KUBERNETES = {
    "the network of pods": IPv4Network(PODS),
    "the network of services": IPv4Network(SERVICES_OF_COZYSTACK),
    "the network that joins Kube-OVN's nodes": IPv4Network(JOIN),
}
_DATA_VOLUME_SIZE_MIN = 10
# What filters return instead of a default address that is computed from a wrong subnet.
_OF_NO_SUBNET = ("False", str(IPv4Address(0)))
_UNUSABLE = tuple(IPv4Network(cidr) for cidr in ("0.0.0.0/8", LINK_LOCAL, "224.0.0.0/3"))


@dataclass(frozen=True)
class NodeSpec:
    """One described Talos node."""

    name: str
    role: str
    machine_type: str
    ipv4: str
    instance_type: str
    volume_size: int
    # A second volume for the cluster's storage; 0 for none.
    data_volume_size: int = 0


@dataclass(frozen=True)
class ClusterSpec:
    """The described cluster, not validated yet."""

    name: str
    project: str
    tags: Mapping[str, str]
    region: str
    availability_zone: str
    vpc_ipv4_cidr: str
    subnet_ipv4_cidr: str
    domain: str
    bastion_ipv4: str
    instance_type: str
    volume_size: int
    cpu_credits: str
    nodes_max: int
    nodes: tuple[NodeSpec, ...]
    ssh_enabled: bool = False
    bastion: BastionSpec | None = None
    home_schedule_enabled: bool = False
    # The ports that home access opens.
    access_openings: tuple[Opening, ...] = OPENINGS
    cost: CostSpec = field(default_factory=CostSpec)
    hours: HoursSpec = field(default_factory=HoursSpec)

    @property
    def iam_name(self) -> str:
        """Return the name that the nodes' IAM role, its policy and its instance profile share."""
        return f"{self.project}-{self.name}-node"

    @property
    def bastion_iam_name(self) -> str:
        """Return the name that the bastion's IAM role, its policy and its instance profile share, or would."""
        return self.names.unique

    def machine_name(self, node: NodeSpec) -> str:
        """Return the tag Name of a node's interface and instance, which are identified by id."""
        return f"{self.name}-{node.name}"

    @property
    def names(self) -> Names:
        """Return the properties of the cluster that the bastion's resources need."""
        return Names(self.name, self.project, self.region, self.availability_zone, self.bastion_ipv4)

    @property
    def schedule_role_name(self) -> str:
        """Return the name of the IAM role with which schedules close home access, or would."""
        return f"{self.project}-{self.name}-home-access"

    @property
    def hours_name(self) -> str:
        """Return the name of the role and the schedule group that stop and start the cluster, or would."""
        return hours_name(self.project, self.name)

    @property
    def use(self) -> CostSpec:
        """Return the use for which a forecast is computed; the nodes run no longer than their schedules let them."""
        return replace(self.cost, hours_per_day=min(self.cost.hours_per_day, self.hours.hours_a_day_max))

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Return every instance type of the cluster once, those of the nodes first, in their order."""
        bastion = (self.bastion.instance_type,) if self.bastion else ()
        return tuple(dict.fromkeys((*self.node_instance_types, *bastion)))

    @property
    def node_instance_types(self) -> tuple[str, ...]:
        """Return every instance type of the nodes once, in their order."""
        return tuple(dict.fromkeys(node.instance_type for node in self.nodes))


class ValidatedSpec(NamedTuple):
    """A cluster's description as Ansible converts it, and the spec of it; None if Ansible refuses its options."""

    options: Mapping[str, Any]
    spec: ClusterSpec | None
    errors: tuple[str, ...] = ()


def argument_spec() -> dict[str, Any]:
    """Return the argument spec of the option C(cluster).

    No choices, so that a wrong role or machine type is reported together with all other problems.
    """
    text = {"type": "str", "required": True}
    node = {
        **dict.fromkeys(("name", "role", "machine_type", "ipv4"), text),
        "instance_type": {"type": "str"},
        "volume_size": {"type": "int"},
        "data_volume_size": {"type": "int"},
    }
    texts = ("name", "project", "region", "availability_zone", "vpc_ipv4_cidr", "subnet_ipv4_cidr", "domain")
    options = {
        **dict.fromkeys((*texts, "bastion_ipv4", "instance_type", "cpu_credits"), text),
        "tags": {"type": "dict", "default": {}},
        "volume_size": {"type": "int", "required": True},
        "data_volume_size": {"type": "int", "default": 0},
        "nodes_max": {"type": "int", "required": True},
        "nodes": {"type": "list", "elements": "dict", "required": True, "options": node},
        "ssh_enabled": {"type": "bool", "default": False},
        "bastion": {"type": "dict", "options": bastion_options()},
        "cost": {"type": "dict", "default": {}, "options": options_of(CostSpec)},
        "hours": {"type": "dict", "default": {}, "options": options_of(HoursSpec)},
        "home_schedule_enabled": {"type": "bool", "default": False},
        "access_openings": openings_option(),
    }
    return {"type": "dict", "required": True, "options": options}


def parse_spec(cluster: Mapping[str, Any]) -> ClusterSpec:
    """Return the spec of the option C(cluster); a node inherits values that it omits from the cluster."""
    plain = {key: cluster[key] for key in ClusterSpec.__dataclass_fields__ if key in cluster}
    nodes = tuple(_parse_node(node, cluster) for node in cluster["nodes"] or ())
    tags = {str(key): str(value) for key, value in (cluster.get("tags") or {}).items()}
    parts = {
        "bastion": parse_bastion(cluster.get("bastion")),
        "cost": parsed(CostSpec, cluster.get("cost")),
        "hours": parsed(HoursSpec, cluster.get("hours")),
        "access_openings": parse_openings(cluster.get("access_openings")),
    }
    return ClusterSpec(**{**plain, "nodes": nodes, "tags": tags, **parts})


def validate_spec(cluster: Any) -> ValidatedSpec:
    """Validate a description outside of a module, for which Ansible has not done it, and parse it."""
    checked = ArgumentSpecValidator({"cluster": argument_spec()}).validate({"cluster": cluster})
    options = checked.validated_parameters["cluster"]
    if checked.error_messages:
        return ValidatedSpec(options, None, tuple(checked.error_messages))
    return ValidatedSpec(options, parse_spec(options))


def _parse_node(node: Mapping[str, Any], cluster: Mapping[str, Any]) -> NodeSpec:
    own = inherited(node, cluster)
    return NodeSpec(
        name=node["name"],
        role=node["role"],
        machine_type=node["machine_type"],
        ipv4=node["ipv4"],
        instance_type=own["instance_type"],
        volume_size=own["volume_size"],
        data_volume_size=own["data_volume_size"] or 0,
    )


def problems(spec: ClusterSpec) -> list[Finding]:
    """Return all problems of the spec, without calling AWS."""
    checks = (_name_problems, _place_problems, _network_problems, _address_problems, _node_problems)
    more = (_size_problems, _tag_problems, _bastion_problems)
    return [problem for check in (*checks, *more) for problem in check(spec)]


def network_of(cidr: str) -> IPv4Network | None:
    """Return the network of a CIDR, also one with host bits set, or None if it is not valid."""
    try:
        return IPv4Network(cidr, strict=False)
    except ValueError:
        return None


def _described_network(cidr: str) -> IPv4Network | None:
    """Return a network to compare others with: not an address alone, which is refused by itself."""
    return network_of(cidr) if "/" in cidr else None


def address_of(text: str) -> IPv4Address | None:
    """Return the address, or None if the text is not one."""
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def is_loopback(cidr_or_address: str) -> bool:
    """Return whether a CIDR or an address overlaps 127.0.0.0/8, which only a lab can use."""
    network = network_of(cidr_or_address)
    return network is not None and network.overlaps(IPv4Network(LOOPBACK))


def is_loopback_endpoint(endpoint: str) -> bool:
    """Return whether an endpoint is on loopback."""
    return is_loopback_host(split_url(endpoint).hostname or "")


def _name_problems(spec: ClusterSpec) -> Iterator[Finding]:
    if not fits("host_label", spec.name) or spec.name.startswith("sg-"):
        yield finding("INVALID_CLUSTER_NAME", "cluster_name", fact=repr(spec.name))
    # Replacing characters could give two projects the same name, so both services must accept it unchanged.
    if not (fits("iam_role_name", spec.project) and fits("parameter_name", project_path(spec.project))):
        yield finding("INVALID_PROJECT_NAME", "cluster_project", fact=repr(spec.project))


def _place_problems(spec: ClusterSpec) -> Iterator[Finding]:
    if not fits("region", spec.region):
        message = f"{spec.region!r} is not a supported region."
        yield finding("INVALID_REGION", "cluster_region", message)
    if not spec.availability_zone.startswith(spec.region) or spec.availability_zone == spec.region:
        yield finding(
            "ZONE_NOT_IN_REGION",
            "cluster_availability_zone",
            f"{spec.availability_zone!r} is not an availability zone of {spec.region}.",
            f"Use a zone of the region, such as {spec.region}a.",
        )
    if not fits("domain_name", spec.domain):
        yield finding("INVALID_DOMAIN", "cluster_domain", fact=repr(spec.domain))


def _network_problems(spec: ClusterSpec) -> Iterator[Finding]:
    yield from _cidr_problems("cluster_vpc_ipv4_cidr", spec.vpc_ipv4_cidr)
    yield from _cidr_problems("cluster_subnet_ipv4_cidr", spec.subnet_ipv4_cidr)
    vpc, subnet = _described_network(spec.vpc_ipv4_cidr), _described_network(spec.subnet_ipv4_cidr)
    if vpc and subnet and not subnet.subnet_of(vpc):
        yield finding(
            "SUBNET_OUTSIDE_VPC",
            "cluster_subnet_ipv4_cidr",
            f"The subnet {subnet} is not in the VPC {vpc}.",
            f"Choose a subnet of {vpc}, or a VPC that contains {subnet}.",
        )
    for what, network in _OF_KUBERNETES.items():
        if vpc and vpc.overlaps(network):
            message = f"The VPC {vpc} overlaps {network}, {what}."
            yield finding("VPC_OVERLAPS_CLUSTER", "cluster_vpc_ipv4_cidr", message)
    if vpc and any(vpc.overlaps(unusable) for unusable in _UNUSABLE):
        yield finding("CIDR_NOT_USABLE", "cluster_vpc_ipv4_cidr", fact=str(vpc))


def _cidr_problems(variable: str, cidr: str) -> Iterator[Finding]:
    network = _described_network(cidr)
    if network is None:
        yield finding("INVALID_CIDR", variable, fact=repr(cidr))
        return
    if address_of(cidr.partition("/")[0]) == network.network_address and str(network) != cidr:
        yield finding("INVALID_CIDR", variable, f"{cidr!r} is not written as address/prefix.", f"Write {network}.")
    elif str(network) != cidr:
        message = f"{cidr} has host bits set, so AWS would silently use {network}."
        yield finding("CIDR_HOST_BITS", variable, message, f"Write {network}.")
    if not 16 <= network.prefixlen <= 28:
        message = f"{cidr} has the prefix /{network.prefixlen}, but AWS allows /16 to /28."
        yield finding("CIDR_PREFIX_NOT_ALLOWED", variable, message)


def _address_problems(spec: ClusterSpec) -> Iterator[Finding]:
    wanted = [(BASTION, spec.bastion_ipv4), *((f"node {node.name}", node.ipv4) for node in spec.nodes)]
    subnet = _described_network(spec.subnet_ipv4_cidr)
    for subject, text in wanted:
        address = address_of(text)
        if subnet is None and text in _OF_NO_SUBNET:
            continue
        if address is None:
            yield finding("INVALID_ADDRESS", subject, fact=repr(text))
        elif subnet:
            yield from _membership_problems(subject, address, subnet)
    for address, count in Counter(address_of(text) for _subject, text in wanted).items():
        if address and count > 1 and (subnet or str(address) not in _OF_NO_SUBNET):
            owners = sorted(subject for subject, text in wanted if address_of(text) == address)
            yield finding("DUPLICATE_ADDRESS", owners[1], fact=f"{address} of {' and '.join(owners)}")


def _membership_problems(subject: str, address: IPv4Address, subnet: IPv4Network) -> Iterator[Finding]:
    if address not in subnet:
        remedy = f"Choose an address of {subnet}, or another cluster_subnet_ipv4_cidr."
        yield finding("ADDRESS_OUTSIDE_SUBNET", subject, f"{address} is not in the subnet {subnet}.", remedy)
        return
    # https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html: network, router, DNS, future use, broadcast
    first, last = int(subnet.network_address), int(subnet.broadcast_address)
    if int(address) - first < 4 or int(address) == last:
        message = f"{address} is one of the five addresses that AWS reserves in {subnet}."
        remedy = f"Choose an address from {IPv4Address(first + 4)} to {IPv4Address(last - 1)}."
        yield finding("ADDRESS_RESERVED", subject, message, remedy)


def _node_problems(spec: ClusterSpec) -> Iterator[Finding]:
    for name, count in Counter(node.name for node in spec.nodes).items():
        if count > 1:
            yield finding("DUPLICATE_NODE_NAME", f"node {name}", fact=f"{count} are called {name}")
    for node in spec.nodes:
        yield from _single_node_problems(node)
    if len(spec.nodes) > spec.nodes_max:
        yield finding(
            "TOO_MANY_NODES",
            "cluster_nodes",
            f"{len(spec.nodes)} nodes are described, but cluster_nodes_max allows {spec.nodes_max}.",
        )
    yield from _control_plane_problems([node for node in spec.nodes if node.machine_type == CONTROL_PLANE])


def _single_node_problems(node: NodeSpec) -> Iterator[Finding]:
    subject = f"node {node.name}"
    if not fits("host_label", node.name):
        yield finding("INVALID_NODE_NAME", subject, fact=repr(node.name))
    if node.name in (BASTION, NODES, "vpc", "subnet", "igw", "routes", "dhcp"):
        yield finding("NODE_NAME_RESERVED", subject, fact=node.name)
    if node.role not in NODE_ROLES:
        yield finding("UNKNOWN_NODE_ROLE", subject, fact=repr(node.role))
    if node.machine_type not in MACHINE_TYPES:
        yield finding("UNKNOWN_MACHINE_TYPE", subject, fact=repr(node.machine_type))


def _control_plane_problems(control_planes: list[NodeSpec]) -> Iterator[Finding]:
    if not control_planes:
        yield finding("NO_CONTROL_PLANE", "cluster_nodes")
    elif len(control_planes) % 2 == 0:
        count = len(control_planes)
        yield finding(
            "EVEN_CONTROL_PLANES",
            "cluster_nodes",
            f"{count} control planes tolerate no more failures than {count - 1}, but more of them can fail.",
            f"Use {count - 1} or {count + 1} control planes.",
        )


def _size_problems(spec: ClusterSpec) -> Iterator[Finding]:
    for node in spec.nodes:
        if node.volume_size < _VOLUME_SIZE_MIN:
            message = f"A volume of {node.volume_size} GiB is too small for Talos and the images."
            remedy = f"Set volume_size to at least {_VOLUME_SIZE_MIN}."
            yield finding("VOLUME_TOO_SMALL", f"node {node.name}", message, remedy)
        yield from volume_size_problems(f"node {node.name}", node.volume_size)
        yield from volume_size_problems(f"node {node.name}", node.data_volume_size)
        if node.data_volume_size and node.data_volume_size < _DATA_VOLUME_SIZE_MIN:
            message = f"A data volume of {node.data_volume_size} GiB is too small for a LINSTOR pool."
            remedy = f"Set data_volume_size to at least {_DATA_VOLUME_SIZE_MIN}, or to 0 for none."
            yield finding("VOLUME_TOO_SMALL", f"node {node.name}", message, remedy)
    if spec.cpu_credits not in CPU_CREDITS:
        yield finding("UNKNOWN_CPU_CREDITS", "cluster_cpu_credits", fact=repr(spec.cpu_credits))


def _bastion_problems(spec: ClusterSpec) -> Iterator[Finding]:
    if spec.bastion:
        yield from bastion_problems(spec.bastion)
    yield from hours_problems(spec.hours)


def _tag_problems(spec: ClusterSpec) -> Iterator[Finding]:
    for key, value in spec.tags.items():
        yield from _single_tag_problems(key, value)
    # IAM refuses keys that differ only in case.
    for keys in _alike(spec.tags):
        message = f"The tag keys {' and '.join(keys)} differ only in case, which IAM refuses."
        yield finding("TAG_KEY_RESERVED", f"cluster_tags[{keys[-1][:40]}]", message, "Keep one of them.")
    if len(spec.tags) + len(OWN_TAGS) > _TAGS_MAX:
        message = f"{len(spec.tags)} tags and the collection's {len(OWN_TAGS)} exceed the {_TAGS_MAX} that AWS allows."
        yield finding("TOO_MANY_TAGS", "cluster_tags", message, f"Use at most {_TAGS_MAX - len(OWN_TAGS)}.")


def _alike(keys: Iterable[str]) -> list[list[str]]:
    """Return the groups of keys that are equal if case is ignored."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(key.casefold(), []).append(key)
    return [group for group in groups.values() if len(group) > 1]


def _single_tag_problems(key: str, value: str) -> Iterator[Finding]:
    subject = f"cluster_tags[{key[:40]}]"
    wrong_key, wrong_value = fault("tag_key", key), fault("tag_value", value)
    if wrong_key:
        yield finding("INVALID_TAG_KEY", subject, f"The tag key {key[:40]!r} {wrong_key}.")
    own = _RESERVED.get(key.casefold())
    if own:
        message = f"The collection identifies its resources by {own}, so it cannot be set here."
        message += "" if own == key else " IAM ignores the case of keys."
        yield finding("TAG_KEY_RESERVED", subject, message)
    if wrong_value:
        message = f"The value of the tag {key} {wrong_value}."
        yield finding("INVALID_TAG_VALUE", subject, message)
