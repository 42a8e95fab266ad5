# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 instances as hosts: names, addresses, variables, groups. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._ec2.identity import (
    BASTION,
    MACHINE_TYPE_TAG,
    MANAGED_BY,
    NODE_TAG,
    ROLE_TAG,
    Identity,
    owner_tags,
    unique_name,
)
from ..module_utils._ec2.values import ipv6_of
from ..module_utils._errors import InputError
from ..module_utils._spelling import did_you_mean
from ..module_utils._ssh.arguments import FIRST_ARGUMENTS, Login, Route, path_problem, ssh_arguments

# What Jinja, ssh and a file name all take as it is; a tag that holds anything else does not become a host's name.
HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NAME_FIELDS = {
    "instance-id": "InstanceId",
    "private-dns-name": "PrivateDnsName",
    "private-ipv4": "PrivateIpAddress",
    "public-dns-name": "PublicDnsName",
    "public-ipv4": "PublicIpAddress",
}

Instance = Mapping[str, Any]


class Host(NamedTuple):
    """The properties of an instance that the inventory returns."""

    name: str
    address: str | None
    variables: dict[str, Any]


class Query(NamedTuple):
    """All inputs on which AWS' response depends, without secrets."""

    regions: tuple[str, ...]
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    profile: str = ""
    endpoint: str = ""


def filters_of(
    cluster: str, *, project: str | None, states: Sequence[str], extra: Mapping[str, Any]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the filters of DescribeInstances in a stable order; those in extra replace ours of the same name."""
    tags = owner_tags(Identity(cluster, project or ""))
    if not project:
        del tags["Project"]
    owned = {f"tag:{key}": value for key, value in tags.items()}
    filters: dict[str, Any] = {"instance-state-name": states, **owned, **extra}
    return tuple((name, _values(value)) for name, value in sorted(filters.items()))


def _values(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    # DescribeInstances knows the booleans in lower case only.
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in items)


def query_of_all(query: Query) -> Query:
    """Return the query for the instances of all clusters of this collection, whatever their state."""
    states = ("pending", "running", "shutting-down", "stopping", "stopped")
    return query._replace(filters=(("instance-state-name", states), ("tag:ManagedBy", (MANAGED_BY,))))


def empty_warning(cluster: str, known: Mapping[str, Sequence[Instance]]) -> str:
    """Return why an inventory may be empty: known has the instances of all clusters by region."""
    states: dict[str, set[str]] = {}
    for instance in (instance for instances in known.values() for instance in instances):
        name = tags_of(instance).get("Cluster", "")
        states.setdefault(name, set()).add(str(instance.get("State", {}).get("Name")))
    if own := states.get(cluster):
        return f"Its instances, which are {' or '.join(sorted(own))}, do not match states, project and filters."
    if not states:
        return "No cluster of this collection has an instance there."
    return f"These clusters have instances there: {', '.join(sorted(states))}. {did_you_mean(cluster, states)}".strip()


def cache_suffix(query: Query) -> str:
    """Return a short text that differs when another answer is to be expected from AWS."""
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:16]


def checked_names(hostnames: Sequence[Any]) -> Sequence[str]:
    """Return hostnames; fail with those that are not known sources of a name."""
    unknown = [source for source in hostnames if not _is_source(source)]
    if unknown:
        known = ", ".join(["tag:<key>", *NAME_FIELDS])
        raise InputError(f"Failed to name the hosts by {unknown[0]!r}: it is not known. Use one of: {known}.")
    return hostnames


def _is_source(source: Any) -> bool:
    # aws_ec2 takes mappings, tag:key=value and several keys after one tag: as well; no key of a tag has a comma in it.
    return isinstance(source, str) and (source in NAME_FIELDS or bool(re.fullmatch(r"tag:[^=,]+", source)))


def tags_of(instance: Instance) -> dict[str, str]:
    """Return an instance's tags by key."""
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}


def ipv6_addresses_of(instance: Instance) -> list[str]:
    """Return an instance's IPv6 addresses, the primary interface's first."""
    interfaces = sorted(instance.get("NetworkInterfaces", ()), key=_device_index)
    return [address for interface in interfaces for address in ipv6_of(interface)]


def _device_index(interface: Mapping[str, Any]) -> int:
    return int(interface.get("Attachment", {}).get("DeviceIndex", 0))


def variables_of(instance: Instance, *, region: str) -> dict[str, Any]:
    """Return the host variables; each starts with ec2_, because names such as tags and state are reserved."""
    return {
        **_variables_of_tags(tags_of(instance)),
        **_variables_of_network(instance),
        "ec2_architecture": instance.get("Architecture"),
        "ec2_availability_zone": instance.get("Placement", {}).get("AvailabilityZone"),
        "ec2_image_id": instance.get("ImageId"),
        "ec2_instance_id": instance["InstanceId"],
        "ec2_instance_type": instance.get("InstanceType"),
        "ec2_launch_time": instance.get("LaunchTime"),
        "ec2_region": region,
        "ec2_state": instance.get("State", {}).get("Name"),
    }


def _variables_of_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "ec2_cluster": tags.get("Cluster"),
        "ec2_machine_type": tags.get(MACHINE_TYPE_TAG),
        "ec2_node": tags.get(NODE_TAG),
        "ec2_project": tags.get("Project"),
        "ec2_role": tags.get(ROLE_TAG),
        "ec2_tags": tags,
    }


def _variables_of_network(instance: Instance) -> dict[str, Any]:
    ipv6_addresses = ipv6_addresses_of(instance)
    return {
        "ec2_ipv6": ipv6_addresses[0] if ipv6_addresses else None,
        "ec2_ipv6_addresses": ipv6_addresses,
        "ec2_network_interface_ids": [eni["NetworkInterfaceId"] for eni in instance.get("NetworkInterfaces", ())],
        "ec2_private_dns_name": instance.get("PrivateDnsName") or None,
        "ec2_private_ipv4": instance.get("PrivateIpAddress"),
        "ec2_public_dns_name": instance.get("PublicDnsName") or None,
        "ec2_public_ipv4": instance.get("PublicIpAddress"),
        "ec2_security_group_ids": [group["GroupId"] for group in instance.get("SecurityGroups", ())],
        "ec2_subnet_id": instance.get("SubnetId"),
        "ec2_vpc_id": instance.get("VpcId"),
    }


def address_of(variables: Mapping[str, Any], *, connect_with: str) -> str | None:
    """Return where Ansible connects to, or None when the instance has no such address."""
    if connect_with == "tailscale":
        return _tailscale_address(variables)
    return variables[f"ec2_{connect_with}"]


def _tailscale_address(variables: Mapping[str, Any]) -> str | None:
    """Return a host's address inside the tailnet.

    Only one gateway is a Tailscale machine, named as its node; it advertises the subnet for all others.
    """
    tagged = variables["ec2_tags"].get("Tailscale")
    if tagged:
        return tagged
    if variables["ec2_role"] == "gateway" and variables["ec2_node"]:
        return variables["ec2_node"]
    return variables["ec2_private_ipv4"]


def name_of(instance: Instance, *, hostnames: Sequence[str]) -> str:
    """Return the first usable name that the sources in hostnames give, else the instance's id."""
    tags = tags_of(instance)
    for source in hostnames:
        name = tags.get(source[4:]) if source.startswith("tag:") else instance.get(NAME_FIELDS[source])
        if name and HOST_NAME.fullmatch(name):
            return name
    return instance["InstanceId"]


def host_of(
    instance: Instance, *, connect_with: str, region: str = "", hostnames: Sequence[str] = ("tag:Node", "instance-id")
) -> Host:
    """Return the host that an instance is."""
    variables = variables_of(instance, region=region)
    name = name_of(instance, hostnames=hostnames)
    return Host(name, address_of(variables, connect_with=connect_with), variables)


def hosts_of(
    answers: Mapping[str, Iterable[Instance]], *, connect_with: str, hostnames: Sequence[str]
) -> tuple[list[Host], list[str]]:
    """Return the hosts of all regions' answers sorted by name, and the names that several of them claimed.

    One name must never stand for two machines, so all that claim the same one are called by their instance ids.
    """
    hosts = [
        host_of(instance, connect_with=connect_with, region=region, hostnames=hostnames)
        for region, instances in answers.items()
        for instance in instances
    ]
    shared = {name for name, count in Counter(host.name for host in hosts).items() if count > 1}
    named = [host._replace(name=host.variables["ec2_instance_id"]) if host.name in shared else host for host in hosts]
    return sorted(named, key=lambda host: host.name), sorted(shared)


class Way(NamedTuple):
    """The options of an inventory for SSH to the bastion."""

    known_hosts: str = ""
    identity_file: str = ""
    session_manager: bool = False
    profile: str = ""


def check_paths(way: Way) -> None:
    """Raise for a file that ssh cannot be given."""
    for option, path in (("known_hosts", way.known_hosts), ("identity_file", way.identity_file)):
        if problem := path_problem(path):
            raise InputError(f"Failed to read the option {option}: {problem} Rename it.")


def ssh_variables(host: Host, way: Way) -> dict[str, Any]:
    """Return how SSH reaches a cluster's bastion and checks its host key; other hosts show keys of their own.

    Without a file of known hosts, a key and Session Manager everything but the check is left as the user has it: their
    ansible_ssh_common_args come behind the check, and the roles connect as the variables of the cluster say.
    """
    facts = host.variables
    if facts["ec2_role"] != BASTION:
        return {}
    alias = unique_name(facts["ec2_project"], facts["ec2_cluster"])
    route = Route(facts["ec2_region"], facts["ec2_instance_id"], way.profile) if way.session_manager else None
    known_hosts = way.known_hosts or usual_known_hosts(facts)
    arguments = ssh_arguments(known_hosts, alias, route, login=Login(way.identity_file))
    if not (way.known_hosts or way.identity_file or way.session_manager):
        return {"ansible_host_key_checking": True, "ansible_ssh_args": f"{FIRST_ARGUMENTS} {arguments}"}
    return {
        "ec2_bastion_connection": "ssm" if way.session_manager else "ssh",
        "ansible_host_key_checking": True,
        "ansible_ssh_args": FIRST_ARGUMENTS,
        "ansible_ssh_common_args": arguments,
    }


def cluster_directory(project: str, region: str, cluster: str) -> str:
    """Return the default of the variable cluster_directory, with which a test compares it."""
    return str(Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "urmanac.talos", project, region, cluster))


def usual_known_hosts(facts: Mapping[str, Any]) -> str:
    """Return the known_hosts file in the default directory of the bastion's cluster, empty if there is none."""
    parts = [facts[name] or "" for name in ("ec2_project", "ec2_region", "ec2_cluster")]
    # Another owner may set these tags, so they must not change the folder.
    if not all(HOST_NAME.fullmatch(part) for part in parts):
        return ""
    try:
        file = Path(cluster_directory(*parts), "known_hosts").expanduser()
    except RuntimeError:  # a user without a home, as in containers
        return ""
    is_there = os.path.isfile(file)  # noqa: PTH113 - Path.is_file raises below a closed directory
    return str(file) if is_there and not path_problem(str(file)) else ""


def groups_of(host: Host, *, group_by: Sequence[str], group_by_tags: Sequence[str]) -> Iterator[str]:
    """Yield the names of a host's groups, such as role_gateway; what the host has no value for makes no group."""
    tags = host.variables["ec2_tags"]
    wanted = [(key, host.variables[f"ec2_{key}"]) for key in group_by]
    wanted += [(f"tag_{key}", tags.get(key)) for key in group_by_tags]
    for prefix, value in wanted:
        if value:
            yield re.sub(r"\W", "_", f"{prefix}_{value}", flags=re.ASCII)
