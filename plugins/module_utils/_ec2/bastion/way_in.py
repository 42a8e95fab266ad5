# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check before a build that a login to the bastion is possible. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

from ..._findings import Finding, finding
from ..._ports import SSH
from ..._ssh.arguments import missing_programs, programs_missing
from ..client import Api
from ..home.access import one_of_each, read_groups, read_rules
from ..home.input import GLOBAL, Refusal, parse_home_network
from ..identity import BASTION, Identity
from ..spec import ClusterSpec
from .spec import BastionSpec

# As read_rules names ports.
_SSH = (f"tcp/{SSH}", "all")
_NAMES_SHOWN = 10
# A host of the internet to which nothing is sent.
_FAR = ("2001:4860:4860::8888", 443)
_PUBLIC_KEY_REMEDY = "Set a public key in cluster_bastion_ssh_public_key."


class WayIn(NamedTuple):
    """The access of a build to the nodes.

    The host that configures them, the home network, whether the host is the user's own, the key pair of nodes that boot
    by SSH, and the connection to the cluster's bastion in an inventory of ec2_nodes, empty if the inventory has none.
    """

    api_via: str = "localhost"
    home_ipv6: str = ""
    own_host: bool = False
    node_ssh_key_name: str = ""
    inventory_connection: str = ""

    def needs_ssh(self, spec: ClusterSpec) -> bool:
        """Return whether the build logs in to the bastion that it creates."""
        return self.api_via == "bastion" and spec.bastion is not None and not self.own_host


class SshAccess(NamedTuple):
    """What is known about access.

    All key pairs, if one is requested; the peers outside of the cluster for which SSH to the bastion is open, if no
    home network is requested; and missing programs on the controller.
    """

    key_pairs: tuple[str, ...] | None = None
    opened: tuple[str, ...] | None = None
    missing_programs: tuple[str, ...] = ()


def read_ssh_access(api: Api, spec: ClusterSpec, way: WayIn, now: datetime) -> SshAccess:
    """Return the data from AWS and the controller that this build needs."""
    bastion = spec.bastion
    pairs = _key_pairs(api) if any(_named_key_pairs(spec, way).values()) else None
    asks = way.needs_ssh(spec) and not way.home_ipv6 and bastion and bastion.connection == "ssh"
    missing = missing_programs(bastion.connection) if way.needs_ssh(spec) and bastion else ()
    return SshAccess(pairs, _opened(api, spec, now) if asks else None, missing)


def _named_key_pairs(spec: ClusterSpec, way: WayIn) -> dict[str, str]:
    """Return the name of each required key pair, by the variable that sets it."""
    return {
        "cluster_bastion_ssh_key_name": spec.bastion.ssh_key_name if spec.bastion else "",
        "cluster_nodes_ssh_key_name": way.node_ssh_key_name,
    }


def _key_pairs(api: Api) -> tuple[str, ...]:
    return tuple(sorted(pair["KeyName"] for pair in api.call("ec2", "describe_key_pairs").get("KeyPairs", ())))


def _opened(api: Api, spec: ClusterSpec, now: datetime) -> tuple[str, ...]:
    """Return the peers that may log in to the bastion; the nodes, which always may, are not where a build runs."""
    identity = Identity(spec.name, spec.project)
    groups = read_groups(api, identity)
    one_of_each(identity, groups)
    own = {group.id for group in groups}
    rules = [rule for rule in read_rules(api, identity, groups) if rule.group == BASTION and rule.network not in own]
    return tuple(rule.network for rule in rules if rule.port in _SSH and not rule.is_expired(now))


def way_in_problems(spec: ClusterSpec, way: WayIn, access: SshAccess) -> Iterator[Finding]:
    """Yield every key pair that does not exist, and what would prevent logins to bastion and nodes."""
    for variable, name in _named_key_pairs(spec, way).items():
        if name and access.key_pairs is not None and name not in access.key_pairs:
            yield _unknown_key_pair(variable, name, access.key_pairs, spec.region)
    if spec.bastion:
        yield from _problems_of(spec.bastion, spec, way, access)
    elif way.api_via == "bastion" and not way.own_host:
        yield _NO_HOST


def source_address() -> str:
    """Return the address from which this host reaches the internet over IPv6, empty for none; it sends nothing."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as there:
            there.connect(_FAR)
            return str(there.getsockname()[0])
    except OSError:
        return ""


def controller_notes(spec: ClusterSpec, way: WayIn, access: SshAccess, source: Callable[[], str]) -> Iterator[Finding]:
    """Yield why SSH from this controller may not reach the bastion: a run may also begin where IPv6 comes later."""
    if not way.needs_ssh(spec) or not spec.bastion or spec.bastion.connection != "ssh":
        return
    address = IPv6Address(source().partition("%")[0] or "::")
    if address not in GLOBAL:
        yield _WITHOUT_IPV6
        return
    networks = _networks(way, access)
    if networks and not any(address in network for network in networks):
        yield _outside(address, networks, is_requested=bool(way.home_ipv6))


def _networks(way: WayIn, access: SshAccess) -> list[IPv6Network]:
    """Return the networks that can log in to the bastion, or an empty list if not all of them are known."""
    try:
        return [parse_home_network(way.home_ipv6)] if way.home_ipv6 else [*map(IPv6Network, access.opened or ())]
    except (Refusal, ValueError):
        # Another check names what is wrong with a requested network. A prefix list and IPv4 are ways of the user's own.
        return []


def _outside(address: IPv6Address, networks: Iterable[IPv6Network], *, is_requested: bool) -> Finding:
    begin = f"SSH {'will be opened' if is_requested else 'is open'} for {_few([str(network) for network in networks])}"
    own = IPv6Network((address, 64), strict=False)
    unless = ", unless that is open already: playbooks/audit.yml lists what is." if is_requested else "."
    message = f"{begin}, but this controller connects from {address}."
    return finding("CONTROLLER_OUTSIDE_ACCESS", "access_ipv6", message, f"Pass -e access_ipv6={own}{unless}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")


def _problems_of(bastion: BastionSpec, spec: ClusterSpec, way: WayIn, access: SshAccess) -> Iterator[Finding]:
    if spec.ssh_enabled and not way.node_ssh_key_name and not bastion.ssh_public_key:
        yield _NODE_KEY_MISSING
    if not way.needs_ssh(spec):
        return
    if not bastion.ssh_key_name and not bastion.ssh_public_key:
        yield _KEY_MISSING
    if way.inventory_connection not in ("", bastion.connection):
        yield _other_connection(way.inventory_connection, bastion.connection)
    if access.opened == ():
        yield _CLOSED
    if access.missing_programs:
        yield programs_missing("cluster_bastion_connection", access.missing_programs)


_NODE_KEY_MISSING = finding("NODE_SSH_KEY_MISSING", "cluster_nodes_ssh_key_name")
_KEY_MISSING = finding("SSH_KEY_MISSING", "cluster_bastion_ssh_public_key")
_NO_HOST = finding("NO_BASTION_HOST", "cluster_bastion_enabled")
_WITHOUT_IPV6 = finding(
    "CONTROLLER_WITHOUT_IPV6",
    "cluster_bastion_connection",
    "The build logs in to the bastion over IPv6, but this controller has no global IPv6 address.",
)
_CLOSED = finding("NO_ACCESS_TO_BASTION", "access_ipv6")


def _other_connection(inventory: str, variable: str) -> Finding:
    message = f"It is {variable}, but the inventory connects to the bastion with bastion_connection: {inventory}."
    remedy = (
        f"Set cluster_bastion_connection to {inventory}, or bastion_connection to {variable} in the inventory file."
    )
    return finding("CONNECTION_DIFFERS", "cluster_bastion_connection", message, remedy)


def _unknown_key_pair(variable: str, name: str, known: tuple[str, ...], region: str) -> Finding:
    # A pasted key may be a secret, so the text is not repeated.
    subject = (
        f"{region} has no key pair with the name {name}."
        if len(name) <= 64
        else "The value is not the name of a key pair."
    )
    exists = f"Use one of {_few(known)}." if known else f"{region} has none: create one with `aws ec2 import-key-pair`."
    return finding("KEY_PAIR_NOT_FOUND", variable, subject, f"{exists} {_PUBLIC_KEY_REMEDY}")
