# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all kinds that are created and deleted. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ..hours.schedules import NODES_TAG
from . import groups, hours, iam, machines, network, scaling
from .work import Making, Work


class Kind(NamedTuple):
    """How a kind is created, changed and deleted, and which kinds must exist first.

    link runs after every ensure of the same step; prepare takes the ids of everything to delete.
    """

    ensure: Callable[[Work, str], None]
    delete: Callable[[Work, str], None]
    after: tuple[str, ...] = ()
    making: Making | None = None
    link: Callable[[Work, str], None] | None = None
    prepare: Callable[[Work, Sequence[str]], None] | None = None


def _with_machines(_work: Work, _key: str) -> None:
    """Do nothing: volumes are created with their instances."""


KINDS = {
    "vpc": Kind(network.ensure_vpc, network.delete_vpc, (), Making("create_vpc", "Vpc", "vpc")),
    "dhcp_options": Kind(
        network.ensure_dhcp_options,
        network.delete_dhcp_options,
        ("vpc",),
        Making("create_dhcp_options", "DhcpOptions", "dhcp-options"),
    ),
    "subnet": Kind(network.ensure_subnet, network.delete_subnet, ("vpc",), Making("create_subnet", "Subnet", "subnet")),
    "internet_gateway": Kind(
        network.ensure_internet_gateway,
        network.delete_internet_gateway,
        ("vpc",),
        Making("create_internet_gateway", "InternetGateway", "internet-gateway"),
    ),
    "route_table": Kind(
        network.ensure_route_table,
        network.delete_route_table,
        ("subnet", "internet_gateway"),
        Making("create_route_table", "RouteTable", "route-table", has_token=True),
    ),
    "security_group": Kind(
        groups.ensure_security_group,
        groups.delete_security_group,
        ("vpc",),
        # Its response has the id and the tags, but no rules.
        Making("create_security_group", "", "security-group"),
        groups.link_security_group,
        groups.empty_security_groups,
    ),
    "iam_role": Kind(iam.ensure_iam_role, iam.delete_iam_role),
    "instance_profile": Kind(iam.ensure_instance_profile, iam.delete_instance_profile, ("iam_role",)),
    "schedule_group": Kind(hours.ensure_schedule_group, hours.delete_schedule_group, ("iam_role",)),
    "eni": Kind(
        machines.ensure_eni,
        machines.delete_eni,
        ("subnet", "security_group"),
        Making("create_network_interface", "NetworkInterface", "network-interface", has_token=True),
    ),
    "address": Kind(
        machines.ensure_address,
        machines.delete_address,
        ("eni",),
        # Its response has the address and the allocation.
        Making("allocate_address", "", "elastic-ip"),
    ),
    "instance": Kind(
        machines.ensure_instance,
        machines.delete_instance,
        ("eni", "instance_profile"),
        Making(
            "run_instances",
            "Instances",
            "instance",
            has_token=True,
            also_tagged=("volume",),
            # Systems Manager would stop whatever else has the tag by which schedules find nodes.
            own_tags=(NODES_TAG,),
        ),
    ),
    "volume": Kind(_with_machines, machines.delete_volume),
    "launch_template": Kind(
        scaling.ensure_launch_template,
        scaling.delete_launch_template,
        ("eni", "instance_profile", "address"),
        Making("create_launch_template", "LaunchTemplate", "launch-template", has_token=True),
    ),
    "autoscaling_group": Kind(scaling.ensure_autoscaling_group, scaling.delete_autoscaling_group, ("launch_template",)),
}
MAKINGS = {name: kind.making for name, kind in KINDS.items() if kind.making}


def steps(kinds: Iterable[str]) -> list[list[str]]:
    """Return the kinds in steps, each of which depends on earlier steps only."""
    waiting, done = dict.fromkeys(kind for kind in KINDS if kind in set(kinds)), set[str]()
    result: list[list[str]] = []
    while waiting:
        step = [kind for kind in waiting if not any(other in waiting for other in KINDS[kind].after)]
        result.append(step)
        done.update(step)
        waiting = {kind: None for kind in waiting if kind not in done}
    return result
