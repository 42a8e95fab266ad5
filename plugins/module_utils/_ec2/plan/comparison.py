# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of comparing a cluster with its description. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..desired import NETWORK
from .current import FOREIGN_KINDS, Existing
from .ties import Tie

# Properties that AWS cannot change after creation: only a new resource can have another value.
FIXED = {
    "vpc": {"ipv4_cidr"},
    "dhcp_options": {"domain_name", "domain_name_servers", "ntp_servers"},
    "subnet": {"vpc", "availability_zone", "ipv4_cidr", "ipv6_cidr"},
    "route_table": {"vpc"},
    "security_group": {"vpc"},
    "eni": {"subnet", "ipv4"},
    "ssm_parameter": {"resource", "type"},
    "instance": {
        *("type", "network_interface", "volume_type", "volume_size", "volume_encrypted"),
        *("data_volume_size", "data_volume_encrypted"),
    },
}


FOREIGN_KIND_NAMES = frozenset(kind.reading.kind for kind in FOREIGN_KINDS)


class Difference(NamedTuple):
    """One property that is not as described; replace says that the resource must be recreated."""

    property: str
    have: Any
    want: Any
    replace: bool


class Resource(NamedTuple):
    """One described resource and its state."""

    key: str
    kind: str
    name: str
    id: str | None
    state: str
    differences: tuple[Difference, ...]
    want: Mapping[str, Any]
    have: Mapping[str, Any] | None
    part: str = NETWORK
    # The resource that has its name or address without our tags.
    taken_by: Existing | None = None


class Found(NamedTuple):
    """A resource with the cluster's tags; goes_with is the id of the resource with which it is deleted.

    A duplicate is a second instance of a described resource; it is unused if nothing depends on it.
    """

    kind: str
    name: str
    id: str
    described: bool
    goes_with: str | None
    part: str | None = None
    duplicate: bool = False
    unused: bool = False


class Comparison(NamedTuple):
    """All described resources, and all existing ones in the order in which a teardown deletes them.

    Foreign resources are in the cluster's VPCs and not managed by it. A tie connects a resource of the cluster with
    one of another owner.
    """

    resources: tuple[Resource, ...]
    found: tuple[Found, ...]
    foreign_resources: tuple[Existing, ...] = ()
    ties: tuple[Tie, ...] = ()
    # Resources with the tags that name the cluster, and without the one of this collection.
    unmanaged: tuple[Existing, ...] = ()
    # The described resource of a kind of which a cluster has one, and another one with its tags.
    seconds: tuple[tuple[Existing, Existing], ...] = ()
    # Resources that may be the cluster's, which a removal leaves.
    uncertain: tuple[Existing, ...] = ()
    # What could not be read, and may be connected with a resource of the cluster.
    unread: tuple[Tie, ...] = ()
    # The schedules in the group of the cluster, also if the description has none.
    schedules: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    @property
    def blocking_ties(self) -> list[Tie]:
        """Return the ties that keep a described resource from being used."""
        described = {resource.id for resource in self.resources}
        return [tie for tie in self.ties if tie.blocks and tie.ours.id in described]

    @property
    def strays(self) -> list[Found]:
        """Return the resources with our tags that are not described."""
        return [found for found in self.found if not found.described]

    @property
    def unmade(self) -> list[Found]:
        """Return the resources with our tags that no playbook creates or deletes."""
        return [found for found in self.found if found.part is None]

    @property
    def obstacles(self) -> list[Found]:
        """Return those of them that may be in a VPC of the cluster and would prevent its deletion."""
        return [found for found in self.unmade if found.kind in FOREIGN_KIND_NAMES]

    def summary(self) -> dict[str, int]:
        """Return how many resources are in each state."""
        states = [resource.state for resource in self.resources]
        return {
            **{state: states.count(state) for state in ("present", "missing", "differs", "foreign")},
            "strays": len(self.strays),
        }
