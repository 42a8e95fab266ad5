# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of security groups, and routes, described and existing. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from .values import port_text


class Rule(NamedTuple):
    """One rule of a security group; the peer is a CIDR, a prefix list or a group. By default it is for all traffic."""

    direction: str
    peer: str
    protocol: str = "-1"
    first: int = -1
    last: int = -1
    description: str = ""

    def __str__(self) -> str:
        return f"{self.direction} {port_text(self.permission)} {'from' if self.direction == 'in' else 'to'} {self.peer}"

    @property
    def permission(self) -> dict[str, Any]:
        """Return protocol and ports as EC2 takes them."""
        ports = {} if self.protocol == "-1" else {"FromPort": self.first, "ToPort": self.last}
        return {"IpProtocol": self.protocol, **ports}

    @property
    def unique(self) -> Rule:
        """Return what EC2 compares of a rule: its description may differ."""
        return self._replace(description="")


class Route(NamedTuple):
    """One route of a route table."""

    destination: str
    target: str
    state: str = "active"

    def __str__(self) -> str:
        return f"{self.destination} via {self.target}" + ("" if self.state == "active" else f" ({self.state})")

    @property
    def unique(self) -> Route:
        """Return the whole route."""
        return self


_Described = TypeVar("_Described", Rule, Route)


def beyond(found: Iterable[_Described], known: Iterable[_Described]) -> list[_Described]:
    """Return the rules or routes that are not among the known ones."""
    others = {item.unique for item in known}
    return [item for item in found if item.unique not in others]


def peer_of(record: Mapping[str, Any]) -> str:
    """Return the network, prefix list or security group of a rule as AWS describes it."""
    peers = (record.get("CidrIpv6"), record.get("CidrIpv4"), record.get("PrefixListId"))
    return str(next(filter(None, peers), (record.get("ReferencedGroupInfo") or {}).get("GroupId", "")))


def tcp(peer: str, port: int, description: str) -> Rule:
    """Return a rule that lets in TCP to one port."""
    return Rule("in", peer, "tcp", port, port, description)


def with_texts(value: Any) -> Any:
    """Return a value for people and other programs, with rules and routes as text."""
    if isinstance(value, (Rule, Route)):
        return str(value)
    if isinstance(value, Mapping):
        return {key: with_texts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_texts(item) for item in value]
    return value
