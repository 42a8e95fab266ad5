# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find resources of another owner that conflict with one of the cluster. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network

from ..._findings import Finding, finding
from ..desired import Desired
from ..identity import MANAGED_BY, REGION_TAG, owner_text, tagging_command
from .choosing import ONE_OF
from .comparison import Resource
from .current import Existing


def conflicting_resource(
    item: Desired, chosen: Mapping[str, Existing], wanted: Mapping[str, Desired], things: Sequence[Existing]
) -> Existing | None:
    """Return the resource that conflicts with one that must be created, of another owner or of the cluster itself."""
    key = next(key for key, other in wanted.items() if other is item)
    if key in chosen:
        return None
    vpc = chosen["vpc"].id if "vpc" in chosen else None
    in_the_way = (thing for thing in things if thing.kind == item.kind and _is_in_the_way(item, thing, vpc))
    return next(in_the_way, None)


def _is_in_the_way(item: Desired, thing: Existing, vpc: str | None) -> bool:
    if thing.unmanaged and (thing.name == item.name or item.kind in ONE_OF):
        return True
    if thing.have.get("vpc", vpc) != vpc:
        return False
    if item.kind == "subnet":
        return ip_network(thing.have["ipv4_cidr"]).overlaps(ip_network(item.want["ipv4_cidr"], strict=False))
    if item.kind == "internet_gateway":
        return vpc in thing.have["attached_to"]
    if item.kind == "eni":
        return any(ip_address(item.want["ipv4"]) in ip_network(taken) for taken in thing.have["ipv4_taken"])
    if item.kind == "ssm_parameter":
        return bool(thing.have["resource"] == item.want["resource"])
    if item.kind in _CASELESS:
        return (thing.unique_name or "").lower() == item.name.lower()
    return thing.unique_name == item.name


# AWS compares the names of these case-insensitively, and rejects a second one.
_CASELESS = ("security_group", "iam_role", "instance_profile")


def owner_of(thing: Existing) -> str:
    """Return the owner of a resource according to its tags."""
    return owner_text(thing.tags)


def conflict_problems(resources: Sequence[Resource]) -> list[Finding]:
    """Return the resources that conflict with those that must be created."""
    takers = [(resource, resource.taken_by) for resource in resources if resource.taken_by]
    return [_taken(resource, taker) for resource, taker in takers if not taker.unmanaged]


def unmanaged_problems(things: Sequence[Existing]) -> list[Finding]:
    """Return the resources with the tags that name the cluster and without the one of this collection."""
    return [
        finding(
            "MANAGED_BY_MISSING",
            f"{thing.kind} {thing.name}",
            f"{thing.id} has the tags Project and Cluster of this cluster, but not ManagedBy={MANAGED_BY} "
            f"({owner_of(thing)})",
            f"If it belongs to the cluster, give it the tag: {tagging_command(thing.kind, thing.id)} (examples/"
            "operator_policy_ec2.json does not allow this). Otherwise change its tag Cluster.",
        )
        for thing in things
    ]


def uncertain_lines(things: Sequence[Existing], region: str) -> list[str]:
    """Return what may be the cluster's, and what makes it certain."""
    return [
        f"? {thing.kind} {thing.id} is not certain to be this cluster's: {_uncertainty(thing, region)}"
        for thing in things
    ]


def _uncertainty(thing: Existing, region: str) -> str:
    if thing.kind == "ssm_parameter":
        return (
            "its tag SshHostKey is not the public part of an SSH key. If no bastion uses it, delete it: aws ssm "
            f"delete-parameter --name {thing.id}"
        )
    tag = tagging_command(thing.kind, thing.id, REGION_TAG, region)
    return f"it has no tag {REGION_TAG}. If it does not serve a cluster of this name in another region, tag it: {tag}"


def duplicate_problems(seconds: Sequence[tuple[Existing, Existing]]) -> list[Finding]:
    """Return the pairs of duplicate resources of kinds of which a cluster has one."""
    return [
        finding(
            "DUPLICATE_RESOURCE",
            f"{one.kind} {one.name}",
            f"{one.id} ({one.name}) and {other.id} ({other.name}) both have the tags of this cluster, which has one",
            f"Delete the one that the cluster does not use. If {other.id} has another owner, remove its tag: "
            f"aws ec2 delete-tags --resources {other.id} --tags Key=Cluster",
        )
        for one, other in seconds
    ]


def host_key_problems(resources: Sequence[Resource]) -> list[Finding]:
    """Return the bastion's host key if SSM does not encrypt it."""
    readable = [item for item in resources if item.kind == "ssm_parameter" and _has_wrong_type(item)]
    group = next((item.name for item in resources if item.kind == "autoscaling_group"), "")
    return [
        finding(
            "HOST_KEY_NOT_ENCRYPTED",
            f"ssm_parameter {item.name}",
            f"{item.id} is a {(item.have or {})['type']}, so SSM does not encrypt the bastion's private SSH host key",
            f"Treat the key as known to others, and have a new one made: stop the bastion (aws autoscaling "
            f"set-desired-capacity --auto-scaling-group-name {group} --desired-capacity 0), delete the parameter "
            f"(aws ssm delete-parameter --name {item.id}), and run playbooks/bastion.yml.",
        )
        for item in readable
    ]


def _has_wrong_type(item: Resource) -> bool:
    return any(difference.property == "type" for difference in item.differences)


def _taken(resource: Resource, taker: Existing) -> Finding:
    subject, others = f"{resource.kind} {resource.name}", _TAKEN_REMEDIES.get(resource.kind)
    if taker.owned:
        return finding("ADDRESS_OR_NAME_IN_USE", subject, f"{taker.id} ({taker.name}) of this cluster has its place")
    message = f"{taker.id} exists without the tags of this cluster ({owner_of(taker)})"
    return finding("NAME_TAKEN", subject, message, _region_remedy(resource, taker) or others)


_IAM = ("iam_role", "instance_profile")


def _region_remedy(wanted: Resource, taker: Existing) -> str | None:
    """Return the remedy for a role or profile with this project and cluster, but another region or none."""
    tags = wanted.want["tags"] if wanted.kind in _IAM else {}
    missing = {key for key in ("Project", "Cluster", REGION_TAG) if tags.get(key) != taker.tags.get(key)}
    if missing != {REGION_TAG}:
        return None
    if REGION_TAG in taker.tags:
        return (
            f"It belongs to the cluster of the same name in {taker.tags[REGION_TAG]}, which needs it. Choose another "
            "cluster_name: IAM names apply to all regions of an account."
        )
    region = tags[REGION_TAG]
    tag = tagging_command(wanted.kind, taker.id, REGION_TAG, region)
    return (
        f"It may serve a cluster of this name in another region. If it belongs to the one in {region}, tag it: "
        f"{tag}. Otherwise choose another cluster_name or cluster_project."
    )


_TAKEN_REMEDIES = {
    "subnet": "Choose another cluster_subnet_ipv4_cidr, or delete that subnet if unused.",
    "internet_gateway": "Detach that gateway, or ask its owner to remove it; a VPC can have only one.",
    "eni": "Choose another address, or delete that interface if unused.",
    "ssm_parameter": "Set cluster_bastion_host_key_parameter to another name, or delete that parameter if unused.",
}
