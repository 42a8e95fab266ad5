# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that reach a cluster from home. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ..._machine_types import CONTROL_PLANE
from ..._ports import KUBERNETES
from ..._ssh.arguments import Login, Route, ssh_arguments
from ..identity import unique_name
from . import commands

Record = Mapping[str, Any]
_NO_ADDRESS = "No node has an IPv6 address yet, so none can be reached."


class Places(NamedTuple):
    """The path of the bastion's host key, and the user and key to log in to it."""

    known_hosts: str
    user: str
    identity_file: str = ""


class Answers(NamedTuple):
    """The nodes of M(urmanac.talos.talos_info) for each API that was tried, and the interfaces of the bastion."""

    talos: Iterable[Record]
    kubernetes: Iterable[Record]
    interfaces: Iterable[Record]


def home_ways(
    cluster: Record, reading: Record, credentials: commands.Credentials, places: Places, answers: Answers
) -> list[str]:
    """Return lines with the commands for nodes, Kubernetes and bastion, and which of the APIs respond."""
    addresses = _addresses(reading)
    found = [
        *_node_commands(addresses, credentials),
        *_bastion_commands(cluster, reading, places, answers.interfaces),
    ]
    return [
        *(_without_files(credentials) if addresses else [_NO_ADDRESS]),
        *(["These commands work from home now:"] if addresses and found else []),
        *found,
        *_tried(reading, answers),
    ]


def session_ways(cluster: Record, reading: Record, credentials: commands.Credentials, places: Places) -> list[str]:
    """Return lines with the commands for a controller without IPv6, through Session Manager and the bastion."""
    bastion = cluster["bastion"]
    instance = next(iter(reading["bastion"]["instances"]), "")
    if bastion["connection"] != "ssm" or not boolean(bastion["enabled"]) or not instance:
        return []
    planes = [node["ipv4"] for node in cluster["nodes"] if node["machine_type"] == CONTROL_PLANE][:1]
    login = commands.Host(bastion_options(cluster, places, instance), f"{places.user}@{instance}")
    return [
        "These commands need no IPv6 at home. Log in to the bastion:",
        f"  {commands.ssh(login)}",
        *(line for plane in planes for line in _tunnel_commands(login, plane, credentials)),
    ]


def _tunnel_commands(login: commands.Host, plane: str, credentials: commands.Credentials) -> Iterator[str]:
    """Yield how both APIs are reached on the controller while a tunnel is open."""
    yield "Open a tunnel to a control plane, and leave it open for the other commands:"
    yield f"  {commands.api_tunnel(login, plane)}"
    yield f"  {commands.kubectl_in_tunnel(credentials)}"
    yield f"  {commands.talosctl_in_tunnel(credentials.talosconfig, plane)}"


def _addresses(reading: Record) -> dict[str, str]:
    """Return the machine type of each node by address; empty if no control plane has one."""
    found = {node["ipv6"]: node["machine_type"] for node in reading["nodes"].values() if node["ipv6"]}
    return found if CONTROL_PLANE in found.values() else {}


def _without_files(credentials: commands.Credentials) -> list[str]:
    missing = [path for path in (credentials.talosconfig, credentials.kubeconfig) if not _exists(path)]
    what = f"There is no {' and no '.join(missing)}"
    return [f"{what}: playbooks/site.yml writes them as soon as the nodes run Talos."] if missing else []


def _exists(path: str) -> bool:
    return Path(path).expanduser().is_file()


def _node_commands(addresses: Mapping[str, str], credentials: commands.Credentials) -> list[str]:
    """Return the commands whose credentials are on the controller."""
    planes = [f"https://[{address}]:{KUBERNETES}" for address, kind in addresses.items() if kind == CONTROL_PLANE]
    made = {
        credentials.talosconfig: commands.talosctl(credentials.talosconfig, endpoints=addresses, nodes=addresses),
        credentials.kubeconfig: commands.kubectl(credentials, server="".join(planes[:1])),
    }
    return [f"  {command}" for path, command in made.items() if addresses and _exists(path)]


def _bastion_commands(cluster: Record, reading: Record, places: Places, interfaces: Iterable[Record]) -> list[str]:
    """Return how to log in to the bastion, also to your own one; its interface may have no IPv6 address."""
    bastion = cluster["bastion"]
    through_session = bastion["connection"] == "ssm"
    instance = next(iter(reading["bastion"]["instances"]), "") if through_session else ""
    if through_session and boolean(bastion["enabled"]) and not instance:
        return ["  The bastion is not running, so Session Manager cannot connect to it: playbooks/site.yml starts it."]
    addresses = [found["ipv6_address"] for interface in interfaces for found in interface["ipv6_addresses"]]
    options = bastion_options(cluster, places, instance) if boolean(bastion["enabled"]) else ""
    return [f"  {commands.ssh(commands.Host(options, f'{places.user}@{address}'))}" for address in addresses]


def bastion_options(cluster: Record, places: Places, instance: str) -> str:
    """Return the options for the bastion of this collection, the only one with a known host key."""
    alias = unique_name(cluster["project"], cluster["name"])
    way = Route(cluster["region"], instance) if instance else None
    known_hosts = places.known_hosts if cluster["bastion"]["host_key_parameter"] else ""
    login = Login(places.identity_file, other_keys=bool(cluster["bastion"]["ssh_key_name"]))
    return ssh_arguments(known_hosts, alias, way, login=login)


def _tried(reading: Record, answers: Answers) -> Iterator[str]:
    if any(node["ipv6"] for node in reading["nodes"].values()):
        yield "Checked from this controller:"
    for name, nodes in (("Talos", answers.talos), ("Kubernetes", answers.kubernetes)):
        for node in sorted(nodes, key=lambda one: not one["reachable"]):
            yield f"  {name} API {'answers' if node['reachable'] else 'does not answer'}: {node['node']}"
