# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison of a cluster with its description says. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .current import GUESTS, Thing
from .desired import NETWORK
from .ties import Tie

# What AWS fixes when it makes a resource: only a new resource brings another value.
FIXED = {
    "vpc": {"ipv4_cidr"},
    "dhcp_options": {"domain_name", "domain_name_servers", "ntp_servers"},
    "subnet": {"vpc", "availability_zone", "ipv4_cidr", "ipv6_cidr"},
    "route_table": {"vpc"},
    "security_group": {"vpc"},
    "eni": {"subnet", "ipv4"},
    "ssm_parameter": {"resource"},
    "instance": {
        *("type", "network_interface", "volume_type", "volume_size", "volume_encrypted"),
        *("data_volume_size", "data_volume_encrypted"),
    },
}


GUEST_KINDS = frozenset(guest.reading.kind for guest in GUESTS)


class Difference(NamedTuple):
    """One property that is not as it should be; replace says that the resource has to be made anew."""

    property: str
    have: Any
    want: Any
    replace: bool


class Resource(NamedTuple):
    """One described resource and how it is."""

    key: str
    kind: str
    name: str
    id: str | None
    state: str
    differences: tuple[Difference, ...]
    want: Mapping[str, Any]
    have: Mapping[str, Any] | None
    part: str = NETWORK
    # What takes its place without carrying our tags.
    taken_by: Thing | None = None


class Found(NamedTuple):
    """Something that carries the cluster's tags; goes_with is the id of what takes it away when deleted.

    A duplicate is a second one of a described resource, and unused when nothing else needs it.
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
    """Everything described, and everything that exists in the order in which a teardown deletes it.

    Guests are things of others inside the cluster's VPCs. Ties join a resource of the cluster with something of others.
    """

    resources: tuple[Resource, ...]
    found: tuple[Found, ...]
    guests: tuple[Thing, ...] = ()
    ties: tuple[Tie, ...] = ()

    @property
    def blocking_ties(self) -> list[Tie]:
        """Return the ties that keep a described resource from being used."""
        described = {resource.id for resource in self.resources}
        return [tie for tie in self.ties if tie.blocks and tie.ours.id in described]

    @property
    def strays(self) -> list[Found]:
        """Return what exists with our tags and is nowhere described."""
        return [found for found in self.found if not found.described]

    @property
    def unmade(self) -> list[Found]:
        """Return what carries our tags although no playbook makes or deletes it."""
        return [found for found in self.found if found.part is None]

    @property
    def obstacles(self) -> list[Found]:
        """Return what of that may be in a VPC of the cluster, which could then not be deleted."""
        return [found for found in self.unmade if found.kind in GUEST_KINDS]

    def summary(self) -> dict[str, int]:
        """Return how many resources are in each state."""
        states = [resource.state for resource in self.resources]
        return {
            **{state: states.count(state) for state in ("present", "missing", "differs", "foreign")},
            "strays": len(self.strays),
        }
