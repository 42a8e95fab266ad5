# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the controller connects to a cluster, as steps. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from ...module_utils._ec2.home import commands
from ...module_utils._ec2.home.ways import Places, bastion_login
from ...module_utils._machine_types import CONTROL_PLANE
from ...module_utils._ports import KUBERNETES, SSH, TALOS
from ...module_utils._ssh.arguments import jump_of
from ...module_utils._talos.tailscale import status_of

Record = Mapping[str, Any]


class Step(NamedTuple):
    """A next step for the user: a title, sentences, and commands to copy."""

    title: str
    lines: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it in the form of the report's JSON."""
        return {
            "title": _line(self.title),
            "lines": [*map(_line, self.lines)],
            "commands": [*map(_line, self.commands)],
        }


def _line(text: str) -> str:
    """Return a text on one line: what follows a line break could look like a command of its own."""
    return " ".join(text.splitlines())


class Bastion(NamedTuple):
    """A bastion that can be logged in to, and the name of the way."""

    host: commands.Host
    through: str


class Access(NamedTuple):
    """The known connections to a cluster; the paths of credentials are empty if the file does not exist."""

    credentials: commands.Credentials
    places: Places
    # What talos_info returned, and whether it ran on the controller.
    observed: Sequence[Record]
    asked_from_here: bool
    # The open rules of home access.
    home: Sequence[Record]
    # The variables of a bastion of the user's own, from the inventory.
    own_bastion: Record
    tailscale_routes: Sequence[str]

    def commands(self, kubectl: str, talosctl: str) -> tuple[str, ...]:
        """Return the commands whose credentials exist."""
        known = self.credentials
        return (*((kubectl,) if known.kubeconfig else ()), *((talosctl,) if known.talosconfig else ()))


def connections(cluster: Record, reading: Record, access: Access) -> list[Step]:
    """Return a step for each way that is open, without ways that another one makes superfluous."""
    if not _planes(cluster):
        return []
    if is_direct(cluster, access):
        return [_direct(cluster, access, "Connect", "The controller reaches the nodes directly.")]
    found = [*_tailscale(cluster, access), *_home(reading, access)]
    bastion = bastion_of(cluster, reading, access)
    if bastion and not {KUBERNETES, TALOS} <= _open_ports(access, "nodes"):
        found.append(_tunnel(cluster, access, bastion))
    return found


def is_direct(cluster: Record, access: Access) -> bool:
    """Return whether the controller has reached a control plane at its address in the VPC."""
    planes = {node["ipv4"] for node in _planes(cluster)}
    return access.asked_from_here and any(one["reachable"] and one["node"] in planes for one in access.observed)


def is_in_tailnet(access: Access) -> bool:
    """Return whether the gateway has joined the tailnet."""
    return any(status_of(one)["state"] == "connected" for one in access.observed)


def bastion_of(cluster: Record, reading: Record, access: Access) -> Bastion | None:
    """Return the bastion if a login to it is possible: one of the user's own, or a running one of this collection."""
    if access.own_bastion:
        jump = jump_of(access.own_bastion)
        is_other = access.own_bastion.get("ansible_connection", "ssh") != "local"
        return Bastion(commands.Host(jump.arguments, jump.destination), "your bastion") if is_other else None
    login = bastion_login(cluster, reading, access.places)
    if cluster["bastion"]["connection"] == "ssm":
        return Bastion(login, "Session Manager") if login else None
    # Ansible itself has reached the nodes through it, or its port is open.
    used = not access.asked_from_here and any(one["reachable"] for one in access.observed)
    return Bastion(login, "the bastion") if login and (used or SSH in _open_ports(access, "bastion")) else None


def _planes(cluster: Record) -> list[Record]:
    return [node for node in cluster["nodes"] if node["machine_type"] == CONTROL_PLANE]


def _direct(cluster: Record, access: Access, title: str, *lines: str) -> Step:
    """Return the commands for the addresses in the VPC, which kubeconfig has too."""
    planes, nodes = ([node["ipv4"] for node in some] for some in (_planes(cluster), cluster["nodes"]))
    talosctl = commands.talosctl(access.credentials.talosconfig, endpoints=planes, nodes=nodes)
    return Step(title, lines, access.commands(commands.kubectl(access.credentials), talosctl))


def _tailscale(cluster: Record, access: Access) -> Iterator[Step]:
    """Yield the way through the tailnet, whose administrator has to approve the gateway's routes."""
    networks = [ip_network(route, strict=False) for route in access.tailscale_routes]
    plane = ip_address(_planes(cluster)[0]["ipv4"])
    if is_in_tailnet(access) and any(plane in network for network in networks):
        yield _direct(
            cluster,
            access,
            "Connect over Tailscale",
            "Approve the gateway's routes in the admin console of the tailnet.",
            "Linux takes routes only after: sudo tailscale set --accept-routes",
        )


def _open_rules(access: Access) -> list[Record]:
    return [rule for rule in access.home if not rule.get("expired")]


def _open_ports(access: Access, group: str) -> set[int]:
    ports = (rule["port"].rpartition("/")[2] for rule in _open_rules(access) if rule["group"] == group)
    return {int(port) for port in ports if port.isdecimal()}


def _home(reading: Record, access: Access) -> Iterator[Step]:
    """Yield the commands for the open ports over IPv6."""
    nodes = [node["ipv6"] for node in reading["nodes"].values() if node["ipv6"]]
    ports = _open_ports(access, "nodes")
    found = commands.over_ipv6(access.credentials, reading["nodes"].values())
    kubectl, talosctl = (found.get(port, "") if port in ports else "" for port in (KUBERNETES, TALOS))
    made = tuple(filter(None, access.commands(kubectl, talosctl)))
    if made:
        yield Step("Connect over IPv6", tuple(_networks(access, nodes)), made)


def _networks(access: Access, nodes: Iterable[str]) -> Iterator[str]:
    """Yield from where the ports are open, until when, and that they do not answer if they were tried."""
    rules = [rule for rule in _open_rules(access) if rule["group"] == "nodes"]
    for network, expires in dict.fromkeys((rule["network"], rule["expires"]) for rule in rules):
        yield f"Open to {network}{f' until {expires}' if expires else ''}."
    tried = [one for one in access.observed if one["node"] in set(nodes)]
    if tried and not any(one["reachable"] for one in tried):
        yield "No node answers the controller over IPv6 now: check that it is in that network."


def login_step(bastion: Bastion) -> Step:
    """Return how to log in to the bastion."""
    name = "your bastion" if bastion.through == "your bastion" else "the bastion"
    return Step(f"Log in to {name}", (), (commands.ssh(bastion.host),))


def _tunnel(cluster: Record, access: Access, bastion: Bastion) -> Step:
    plane = _planes(cluster)[0]["ipv4"]
    inside = access.commands(
        commands.kubectl_in_tunnel(access.credentials),
        commands.talosctl_in_tunnel(access.credentials.talosconfig, plane),
    )
    lines = ("Leave the first command running, and use the others in another terminal.",)
    return Step(f"Connect through {bastion.through}", lines, (commands.api_tunnel(bastion.host, plane), *inside))
