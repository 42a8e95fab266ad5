# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of Talos for name servers, BGP and virtual links. Private to urmanac.talos: may change at any time.

They are facts about the Validate methods of types/network in siderolabs/talos.
"""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

from .decoding import Document
from .values import CORRECT, Found, at, is_negative, items_of


def resolver_faults(document: Document) -> Found:
    """Yield what v1.14 and later refuse of name servers; Talos checks none before."""
    if not at(document, "hostDNS.enabled"):
        for field in ("forwardKubeDNSToHost", "resolveMemberNames"):
            if at(document, f"hostDNS.{field}"):
                cause = f"hostDNS.{field} cannot be enabled when hostDNS.enabled is false"
                yield f"hostDNS.{field}", cause, "Set hostDNS.enabled: true, or remove it."
    for position, item in enumerate(items_of(document, "nameservers")):
        for field, cause, remedy in _server(item):
            yield f"nameservers.[{position}].{field}", cause, remedy


def _server(server: dict[str, Any]) -> Found:
    if not server.get("address"):
        yield "address", "nameserver address must be a valid IP", "Add one such as 192.0.2.53."
    is_encrypted, is_named = _protocol(server) != "do53", bool(server.get("tlsServerName"))
    if is_named and not is_encrypted:
        yield "tlsServerName", "tlsServerName must be empty when protocol is Do53", "Set protocol: DoT."
    elif is_encrypted and not is_named:
        cause = f"tlsServerName must be set when protocol is {server['protocol']}"
        yield "tlsServerName", cause, "Add the name in the server's certificate."


def _protocol(server: dict[str, Any]) -> str:
    return str(server.get("protocol") or "Do53").lower()


def encrypted_faults(documents: list[Document], legacy: Any) -> Found:
    """Yield that encrypted DNS needs the node's own resolver, of which legacy are the old settings."""
    resolver = next((document for document in documents if document.get("kind") == "ResolverConfig"), {})
    is_encrypted = any(_protocol(item) != "do53" for item in items_of(resolver, "nameservers"))
    if is_encrypted and not (at(resolver, "hostDNS.enabled") or at(legacy, "enabled")):
        cause = "hostDNS must be enabled when using non-default DNS protocols"
        yield "hostDNS", cause, "Set hostDNS.enabled: true in the document."


def bgp_faults(document: Document) -> Found:
    """Yield what is wrong with an instance of BGP."""
    router = str(document.get("routerID") or "")
    if router and ipaddress.ip_address(router).version != 4:
        yield "routerID", "routerID must be an IPv4 address", CORRECT
    seen: set[str] = set()
    for position, neighbor in enumerate(items_of(document, "neighbors")):
        path = f"neighbors.[{position}]"
        given = [str(neighbor[field]) for field in ("address", "link") if neighbor.get(field)]
        if len(given) != 1:
            yield path, "exactly one of address or link must be set", "Set one of them."
        elif given[0] in seen:
            yield path, f'duplicate neighbor "{given[0]}"', "Remove one of the two."
        seen |= {*given} if len(given) == 1 else set()
        if neighbor.get("bfd") is not None and document.get("vrf"):
            yield f"{path}.bfd", "bfd is not supported for VRF-bound BGP instances", "Remove it."
        for field in ("holdTime", "bfd.transmitInterval", "bfd.receiveInterval"):
            if is_negative(at(neighbor, field)):
                yield f"{path}.{field}", f"{field} must not be negative", CORRECT
    yield from _imports(document)


def _imports(document: Document) -> Found:
    routes = items_of(document, "importRoutes")
    sources = [str(route.get("bgpInstance") or "") for route in routes]
    for position, (route, source) in enumerate(zip(routes, sources, strict=True)):
        path = f"importRoutes.[{position}]"
        if source in ("", str(document.get("name") or "")):
            yield f"{path}.bgpInstance", "it must be the name of another BGP instance", CORRECT
        elif source in sources[:position]:
            yield f"{path}.bgpInstance", f'duplicate source BGP instance "{source}"', "Join the two."
        if not items_of(route, "prefixes"):
            yield f"{path}.prefixes", "at least one prefix must be specified", "Add one."
    yield from _prefixes(routes)


def _prefixes(routes: list[dict[str, Any]]) -> Found:
    prefixes = [str(item) for route in routes for item in items_of(route, "prefixes")]
    for prefix in prefixes:
        if not _is_network(prefix):
            yield "importRoutes", f'prefix "{prefix}" must be masked', "Use one such as 192.0.2.0/24."
    networks = [ipaddress.ip_interface(prefix).network for prefix in prefixes if prefix]
    for one, other in itertools.combinations(networks, 2):
        if one.version == other.version and one.overlaps(other):
            yield "importRoutes", f"prefix {other} overlaps {one}", "Remove one of the two."


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def veth_faults(document: Document) -> Found:
    """Yield what is wrong with the two names of a virtual link."""
    for path in ("name", "peer.name"):
        name = str(at(document, path) or "")
        is_allowed = name not in (".", "..") and name.isprintable() and not {*name} & {*"/: "}
        if len(name.encode()) > 15 or not is_allowed:
            yield path, "it must have up to 15 bytes without spaces, '/' and ':'", CORRECT
