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
from ..._ports import KUBERNETES, TALOS
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
    """The nodes of M(urmanac.talos.talos_info) for each API that was tried, and the interfaces of your own bastion."""

    talos: Iterable[Record]
    kubernetes: Iterable[Record]
    interfaces: Iterable[Record]


def home_ways(
    cluster: Record, reading: Record, credentials: commands.Credentials, places: Places, answers: Answers
) -> list[str]:
    """Return lines with the commands for nodes, Kubernetes and bastion, and which of the APIs respond."""
    made = commands.over_ipv6(credentials, reading["nodes"].values())
    found = [
        *_node_commands(made, credentials),
        *_bastion_commands(cluster, reading, places, answers.interfaces),
    ]
    return [
        *(_without_files(credentials) if made else [_NO_ADDRESS]),
        *(["These commands work from home now:"] if made and found else []),
        *found,
        *_tried(reading, answers),
    ]


def session_ways(cluster: Record, reading: Record, credentials: commands.Credentials, places: Places) -> list[str]:
    """Return lines with the commands for a controller without IPv6, through Session Manager and the bastion."""
    login = bastion_login(cluster, reading, places)
    if cluster["bastion"]["connection"] != "ssm" or not login:
        return []
    planes = [node["ipv4"] for node in cluster["nodes"] if node["machine_type"] == CONTROL_PLANE][:1]
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


def _without_files(credentials: commands.Credentials) -> list[str]:
    missing = [path for path in (credentials.talosconfig, credentials.kubeconfig) if not _exists(path)]
    return [commands.missing_files(missing)] if missing else []


def _exists(path: str) -> bool:
    return Path(path).expanduser().is_file()


def _node_commands(made: Mapping[int, str], credentials: commands.Credentials) -> list[str]:
    """Return the commands whose credentials are on the controller."""
    files = {TALOS: credentials.talosconfig, KUBERNETES: credentials.kubeconfig}
    return [f"  {command}" for port, command in made.items() if _exists(files[port])]


def _bastion_commands(cluster: Record, reading: Record, places: Places, interfaces: Iterable[Record]) -> list[str]:
    """Return how to log in to the bastion, also to your own one; its interface may have no IPv6 address."""
    if boolean(cluster["bastion"]["enabled"]):
        if not reading["bastion"]["instances"]:
            return ["  The bastion is not running: playbooks/site.yml starts it."]
        login = bastion_login(cluster, reading, places)
        return [f"  {commands.ssh(login)}"] if login else []
    addresses = [found["ipv6_address"] for interface in interfaces for found in interface["ipv6_addresses"]]
    return [f"  {commands.ssh(commands.Host('', f'{places.user}@{address}'))}" for address in addresses]


def bastion_login(cluster: Record, reading: Record, places: Places) -> commands.Host | None:
    """Return the login to a running bastion of this collection, by Session Manager or by its IPv6 address."""
    bastion, running = cluster["bastion"], reading["bastion"]
    if not boolean(bastion["enabled"]) or not running["instances"]:
        return None
    instance = str(running["instances"][0]) if bastion["connection"] == "ssm" else ""
    host = instance or running["ipv6"]
    return commands.Host(_bastion_options(cluster, places, instance), f"{places.user}@{host}") if host else None


def _bastion_options(cluster: Record, places: Places, instance: str) -> str:
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
