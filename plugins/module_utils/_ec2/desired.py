# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive the AWS resources from a cluster's description. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv6Network
from typing import Any, NamedTuple

from .._networks import TIME_SERVER
from .._ports import KUBERNETES, SSH, TALOS
from .bastion.spec import bastion_resources
from .hours.schedules import HOURS, Scheduled, hours_resources, nodes_tag
from .identity import (
    BASTION,
    MACHINE_TYPE_TAG,
    MADE_BY,
    NODE_TAG,
    NODES,
    REGION_TAG,
    ROLE_TAG,
    group_name,
    owner_condition,
    owner_tags,
)
from .instance_types import is_burstable
from .policies import allow, policy, trust
from .spec import ClusterSpec, NodeSpec
from .traffic import Route, Rule, tcp

EVERYWHERE = ("0.0.0.0/0", "::/0")
# The states of an instance that is running or starting.
RUNNING = ("pending", "running")
# A terminated instance stays visible for an hour and holds nothing any more.
ALIVE = (*RUNNING, "stopping", "stopped")
# The image from which instances are launched, cluster_ami_parameter's default, and the name of its root volume.
AMI_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
ROOT_DEVICE = "/dev/xvda"
# EC2's name for a node's data volume. A Nitro instance sees an NVMe disk whose serial number is the volume's id.
DATA_DEVICE = "/dev/sdf"
# The roles create and remove a cluster in these parts.
NETWORK, ACCESS = "network", "access"
PARTS = (NETWORK, NODES, BASTION, ACCESS, HOURS)
_IAM = ("iam_role", "instance_profile")
# Resources without the tags Node and Role, because no inventory reads them.
_UNPLACED = ("security_group", "iam_role", "instance_profile", "ssm_parameter")
# Instead of the account, which only the VPC shows.
_ACCOUNT = "the account of the VPC"


class Desired(NamedTuple):
    """One desired resource. References to other resources are names, because ids are not known yet."""

    kind: str
    name: str
    want: dict[str, Any]
    part: str = NETWORK


def is_of(spec: ClusterSpec, tags: Mapping[str, str]) -> bool:
    """Return whether a role or profile with these tags belongs to the cluster: IAM has no regions, so a tag has it.

    All that we create have it. One without it may serve a cluster of this name in another region, whose instances would
    lose their permissions. So it is rejected; its owner can add the tag with one command.
    """
    return role_tags(spec).items() <= tags.items()


def role_tags(spec: ClusterSpec) -> dict[str, str]:
    """Return the tags with which a role or profile belongs to the cluster."""
    return {**owner_tags(spec), REGION_TAG: spec.region}


def tags_of(spec: ClusterSpec, name: str, node: NodeSpec | None = None) -> dict[str, str]:
    """Return all tags of the resource with this name."""
    tags = {**spec.tags, "Name": name, **owner_tags(spec)}
    if node is None:
        return tags
    return {**tags, NODE_TAG: node.name, ROLE_TAG: node.role, MACHINE_TYPE_TAG: node.machine_type}


def desired(
    spec: ClusterSpec, *, vpc_ipv6_cidr: str | None = None, account: str | None = None, end: datetime | None = None
) -> dict[str, Desired]:
    """Return every resource of the cluster in the order in which they are created.

    Amazon assigns the VPC's IPv6 block, so the subnet's /64 and the account are only known once the VPC exists. end is
    the end of the time to live.
    """
    account = account or _ACCOUNT
    resources = {
        "vpc": _vpc(spec),
        "dhcp_options": _dhcp_options(spec),
        "subnet": _subnet(spec, vpc_ipv6_cidr),
        "internet_gateway": _internet_gateway(spec),
        "route_table": _route_table(spec),
        "security_group/nodes": _security_group(spec, NODES),
        "security_group/bastion": _security_group(spec, BASTION),
        "iam_role/node": _iam_role(spec),
        "instance_profile/node": _instance_profile(spec),
        **_hours(spec, account, end),
        **_bastion(spec),
        **{f"eni/{node.name}": _eni(spec, node) for node in spec.nodes},
        **{f"instance/{node.name}": _instance(spec, node) for node in spec.nodes},
        **({"iam_role/access": _closing_role(spec, account)} if spec.home_schedule_enabled else {}),
    }
    return {key: _tagged(spec, key, resource) for key, resource in resources.items()}


def _tagged(spec: ClusterSpec, key: str, resource: Desired) -> Desired:
    nodes = {f"{kind}/{node.name}": node for node in spec.nodes for kind in ("eni", "instance")}
    tags = tags_of(spec, resource.name, nodes.get(key))
    if key in nodes and resource.kind == "instance":
        tags = {**tags, **nodes_tag(spec.project, spec.name)}
    if key.endswith(f"/{BASTION}") and resource.kind not in _UNPLACED:
        # The inventory derives host name and groups from these.
        tags = {**tags, NODE_TAG: BASTION, ROLE_TAG: BASTION}
    if resource.kind in _IAM:
        # Otherwise a cluster of the same name in another region would use them, and delete them with itself.
        tags = {**tags, REGION_TAG: spec.region}
    return resource._replace(want={**resource.want, "tags": tags}, part=_part(key, resource.kind))


def _part(key: str, kind: str) -> str:
    for part in (ACCESS, HOURS):
        if key.endswith(f"/{part}"):
            return part
    if key.endswith(f"/{BASTION}") and kind != "security_group":
        return BASTION
    return NODES if kind in ("eni", "instance") else NETWORK


def _bastion(spec: ClusterSpec) -> dict[str, Desired]:
    if spec.bastion is None:
        return {}
    cpu_credits = spec.cpu_credits if is_burstable(spec.bastion.instance_type) else None
    names = spec.names._replace(cpu_credits=cpu_credits)
    return {key: Desired(*resource) for key, resource in bastion_resources(spec.bastion, names).items()}


def _hours(spec: ClusterSpec, account: str, end: datetime | None) -> dict[str, Desired]:
    group = spec.names.unique if spec.bastion else ""
    of = Scheduled(spec.name, spec.project, spec.region, account, group)
    return {key: Desired(*resource) for key, resource in hours_resources(spec.hours, of, end).items()}


def _vpc(spec: ClusterSpec) -> Desired:
    want = {"ipv4_cidr": spec.vpc_ipv4_cidr, "ipv6_enabled": True, "dns_support": True, "dns_hostnames": True}
    return Desired("vpc", f"{spec.name}-vpc", want)


def _dhcp_options(spec: ClusterSpec) -> Desired:
    want = {
        "domain_name": spec.domain,
        "domain_name_servers": ["AmazonProvidedDNS"],
        "ntp_servers": [TIME_SERVER],
        "associated_with": [f"{spec.name}-vpc"],
    }
    return Desired("dhcp_options", f"{spec.name}-dhcp", want)


def _subnet(spec: ClusterSpec, vpc_ipv6_cidr: str | None) -> Desired:
    want = {
        "vpc": f"{spec.name}-vpc",
        "availability_zone": spec.availability_zone,
        "ipv4_cidr": spec.subnet_ipv4_cidr,
        "ipv6_cidr": first_64_of(vpc_ipv6_cidr) if vpc_ipv6_cidr else "the first /64 of the VPC",
        "public_ipv4_on_launch": False,
        # Every network interface requests its IPv6 address itself; the subnet would add a second one.
        "ipv6_on_launch": False,
    }
    return Desired("subnet", f"{spec.name}-subnet", want)


def first_64_of(cidr: str) -> str:
    """Return the first /64 of an IPv6 block."""
    return str(next(IPv6Network(cidr).subnets(new_prefix=64)))


def _internet_gateway(spec: ClusterSpec) -> Desired:
    return Desired("internet_gateway", f"{spec.name}-igw", {"attached_to": [f"{spec.name}-vpc"]})


def _route_table(spec: ClusterSpec) -> Desired:
    want = {
        "vpc": f"{spec.name}-vpc",
        "routes": [Route(destination, f"{spec.name}-igw") for destination in EVERYWHERE],
        "subnets": [f"{spec.name}-subnet"],
    }
    return Desired("route_table", f"{spec.name}-routes", want)


def description_of(spec: ClusterSpec, kind: str, part: str) -> str:
    """Return the description of a new group or role; EC2 cannot change it, so it contains nothing that may change."""
    if kind == "security_group":
        return f"Talos cluster {spec.name}, {MADE_BY}"
    whose = {BASTION: "Bastion", ACCESS: "Closing of home access", HOURS: "Hours"}.get(part, "Talos nodes")
    return f"{whose} of the cluster {spec.name}, {MADE_BY}"


def _rules(spec: ClusterSpec, what: str) -> tuple[Rule, ...]:
    """Return the rules of the security group of nodes or bastion: the only place that defines them."""
    nodes, bastion = group_name(spec, NODES), group_name(spec, BASTION)
    # The bastion is the nodes' next hop, so it must accept everything that they send.
    ingress = {
        NODES: (
            Rule("in", nodes, description="Nodes to each other"),
            *(tcp(bastion, port, "APIs from the bastion") for port in _ports(spec)),
        ),
        BASTION: (Rule("in", nodes, description="Way out of the nodes"),),
    }
    return (*ingress[what], *(Rule("out", cidr) for cidr in EVERYWHERE))


def _ports(spec: ClusterSpec) -> tuple[int, ...]:
    return (*((SSH,) if spec.ssh_enabled else ()), KUBERNETES, TALOS)


def _security_group(spec: ClusterSpec, what: str) -> Desired:
    want = {"vpc": f"{spec.name}-vpc", "rules": [*_rules(spec, what)]}
    return Desired("security_group", group_name(spec, what), want)


def _iam_role(spec: ClusterSpec) -> Desired:
    look = allow("ec2:DescribeInstances", "*", {"aws:RequestedRegion": spec.region})
    return Desired("iam_role", spec.iam_name, {"trust_policy": trust("ec2.amazonaws.com"), "policy": policy(look)})


def _closing_role(spec: ClusterSpec, account: str) -> Desired:
    """Return the role with which EventBridge Scheduler may revoke rules of the cluster, and nothing else."""
    kinds = ("security-group", "security-group-rule")
    rules = [f"arn:aws:ec2:{spec.region}:{account}:{kind}/*" for kind in kinds]
    close = allow("ec2:RevokeSecurityGroupIngress", rules, owner_condition(spec))
    trusted = trust("scheduler.amazonaws.com", account)
    return Desired("iam_role", spec.schedule_role_name, {"trust_policy": trusted, "policy": policy(close)})


def _instance_profile(spec: ClusterSpec) -> Desired:
    return Desired("instance_profile", spec.iam_name, {"roles": [spec.iam_name]})


def _eni(spec: ClusterSpec, node: NodeSpec) -> Desired:
    want = {
        "subnet": f"{spec.name}-subnet",
        "ipv4": node.ipv4,
        "ipv6_count": 1,
        "security_groups": [group_name(spec, NODES)],
        # A node does not route; only the bastion's interface has this off.
        "source_dest_check": True,
        "description": f"Talos node {node.name} of cluster {spec.name}",
    }
    return Desired("eni", spec.machine_name(node), want)


def _instance(spec: ClusterSpec, node: NodeSpec) -> Desired:
    # Image and user-data are not included: they belong to the Linux before the first boot into Talos, and a newer image
    # must not make a running node differ.
    want = {
        "type": node.instance_type,
        "state": "running",
        "network_interface": spec.machine_name(node),
        "imds_tokens": "required",
        # One hop: the node itself reaches the metadata service, pods do not.
        "imds_hop_limit": 1,
        "volume_type": "gp3",
        "volume_size": node.volume_size,
        "volume_encrypted": True,
        "data_volume_size": node.data_volume_size,
        "data_volume_encrypted": True if node.data_volume_size else None,
        "instance_profile": spec.iam_name,
    }
    if is_burstable(node.instance_type):
        want["cpu_credits"] = spec.cpu_credits
    return Desired("instance", spec.machine_name(node), want)
