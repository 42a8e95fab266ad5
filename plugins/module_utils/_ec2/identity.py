# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags that identify a cluster, and those that name an owner. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

MANAGED_BY = "urmanac.talos"
# The checksum of the user-data that a node was launched with.
USER_DATA_TAG = "UserDataSha256"
# The parts of the nodes and of the bastion, also the ends of their security groups' names; the latter is its tag Node.
NODES, BASTION = "nodes", "bastion"
# The tags of a node and its parts, beside the ones of the owner.
NODE_TAG, ROLE_TAG, MACHINE_TYPE_TAG = "Node", "Role", "MachineType"
# A resource that is unique in the account names its region, and the bastion's host key its public half.
REGION_TAG = "Region"
HOST_KEY_TAG = "SshHostKey"
# The ends of descriptions, for readers of the AWS console.
MADE_BY = f"made by {MANAGED_BY}"
UNTAGGED = "it has no tags that name an owner"
_OWNER_TAGS = ("Project", "Cluster", REGION_TAG, "ManagedBy", "Owner", "Name")


class Identified(Protocol):
    """An object with the values of the tags that identify a cluster, such as its description."""

    @property
    def name(self) -> str:
        """Return the value of the tag Cluster."""

    @property
    def project(self) -> str:
        """Return the value of the tag Project."""


class Identity(NamedTuple):
    """The tags that identify the cluster's groups and rules."""

    name: str
    project: str


def unique_name(project: str, cluster: str) -> str:
    """Return the name for resources that are unique in account and region, and of the host key in known_hosts."""
    return f"{project}-{cluster}-{BASTION}"


def project_path(project: str) -> str:
    """Return the path of the SSM parameters of a project's clusters."""
    return f"/urmanac.talos/{project}"


def parameter_prefix(project: str, name: str) -> str:
    """Return the path of the parameters of a cluster, which is unique for project and cluster."""
    return f"{project_path(project)}/{name}/"


def claim_name(project: str, name: str) -> str:
    """Return the name of the parameter with which a controller claims a cluster."""
    return f"{parameter_prefix(project, name)}claim"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the format of AWS."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def owner_text(tags: Mapping[str, str]) -> str:
    """Return the owner according to tags."""
    said = [f"{key}={tags[key]}" for key in _OWNER_TAGS if key in tags]
    return ", ".join(said) or UNTAGGED


def group_name(cluster: Identified, purpose: str) -> str:
    """Return the name of the security group of nodes or bastion, which AWS cannot change."""
    return f"{cluster.name}-{purpose}"


def cluster_tags(cluster: Identified) -> dict[str, str]:
    """Return the tags that name the cluster, which other tools and people may set as well."""
    return {"Project": cluster.project, "Cluster": cluster.name}


def owner_tags(cluster: Identified) -> dict[str, str]:
    """Return the tags that identify what this collection has made of the cluster.

    The permissions in examples/ allow changes and deletions only of what has the last one, so a resource without it is
    not adopted: its first change would be denied.
    """
    return {**cluster_tags(cluster), "ManagedBy": MANAGED_BY}


def is_unmanaged(cluster: Identified, tags: Mapping[str, str]) -> bool:
    """Return whether tags name the cluster, but do not say that this collection made the resource."""
    return cluster_tags(cluster).items() <= tags.items() and not owner_tags(cluster).items() <= tags.items()


# How the tag is set by hand, by the kind; all others are resources of EC2.
_TAGGING = {
    "iam_role": "iam tag-role --role-name {id} --tags {tag}",
    "instance_profile": "iam tag-instance-profile --instance-profile-name {id} --tags {tag}",
    "autoscaling_group": "autoscaling create-or-update-tags --tags "
    "ResourceId={id},ResourceType=auto-scaling-group,{tag},PropagateAtLaunch=true",
    "schedule_group": "scheduler tag-resource --resource-arn $(aws scheduler get-schedule-group --name {id} "
    "--query Arn --output text) --tags {tag}",
    "ssm_parameter": "ssm add-tags-to-resource --resource-type Parameter --resource-id {id} --tags {tag}",
}


def tagging_command(kind: str, thing_id: str, key: str = "ManagedBy", value: str = MANAGED_BY) -> str:
    """Return the command that sets a tag of a resource."""
    command = _TAGGING.get(kind, "ec2 create-tags --resources {id} --tags {tag}")
    return "aws " + command.format(id=thing_id, tag=f"Key={key},Value={value}")


def owner_condition(cluster: Identified) -> dict[str, str]:
    """Return the condition of IAM that only resources of the cluster fulfil."""
    return {f"aws:ResourceTag/{key}": value for key, value in owner_tags(cluster).items()}


def cluster_filters(cluster: Identified) -> list[dict[str, Any]]:
    """Return the filters of EC2 and Auto Scaling that find everything that names this cluster."""
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in cluster_tags(cluster).items()]


def owner_filters(cluster: Identified) -> list[dict[str, Any]]:
    """Return the filters of EC2 and Auto Scaling that find only what this collection has made of the cluster."""
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in owner_tags(cluster).items()]
