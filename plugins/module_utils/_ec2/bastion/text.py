# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the bastion's part of the plan. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._times import utc_text
from ..cost.prices import HOURS_A_MONTH, PUBLIC_IPV4
from ..hours.daily import BUILD_MINUTES
from ..values import BY_PARAMETER
from .hours import Stop
from .spec import BastionSpec

ADDRESS_PRICE = f"${PUBLIC_IPV4:.3f} an hour around the clock, ${PUBLIC_IPV4 * HOURS_A_MONTH:.2f} a month"

Want = Mapping[str, Any]


def way_out_lines(bastion: BastionSpec | None) -> list[str]:
    """Return how a bastion without a public IPv4 address reaches IPv4; the address is in the forecast."""
    ways = {
        "wireguard": "the bastion reaches IPv4 through WireGuard",
        "none": "the bastion reaches IPv6 only, which ghcr.io does not have (cluster_bastion_egress)",
    }
    way = ways.get(bastion.egress) if bastion else None
    return [f"$ Elastic IP: none, $0.00; {way}"] if way else []


def stop_lines(bastion: BastionSpec | None, stop: Stop | None) -> list[str]:
    """Return a line about the bastion's next stop if it is soon or postponed."""
    if bastion is None or stop is None:
        return []
    if stop.postponed_to:
        return [
            f"~ bastion: its next stop is postponed once, from {utc_text(stop.at)} to {utc_text(stop.postponed_to)}"
        ]
    if stop.minutes >= BUILD_MINUTES or bastion.keep_minutes:
        return []
    keep = f"keep it with -e cluster_bastion_keep_minutes={BUILD_MINUTES}"
    when = f"at {bastion.stop} {bastion.time_zone}" if bastion.stop in utc_text(stop.at) else f"at {utc_text(stop.at)}"
    return [f"! bastion: it is stopped {when}, in {stop.minutes} minutes; a run takes up to {BUILD_MINUTES}: {keep}"]


def template_line(want: Want) -> str:
    """Return a launch template's description."""
    disk = f"{want['volume_size']} GiB encrypted {want['volume_type']}"
    surcharge = f", CPU credits {want['cpu_credits']}" if "cpu_credits" in want else ""
    image = want["image"].removeprefix(BY_PARAMETER)
    return f"{want['type']} on {want['network_interface']}, image {image}, {disk}, IMDSv2 only{surcharge}"


def group_line(want: Want) -> str:
    """Return an Auto Scaling group's description."""
    zones = ", ".join(want["availability_zones"])
    schedules = "; ".join(f"{name} {action_text(item)}" for name, item in want["schedules"].items())
    return f"{want['min_size']} to {want['max_size']} in {zones}, {schedules or 'not scheduled'}"


def action_text(action: Want) -> str:
    """Return a scheduled action of Auto Scaling in the format of cron, with its capacity."""
    return f"{action['recurrence']} {action['time_zone']}, capacity {action['capacity']}"


def role_line(want: Want) -> str:
    """Return the permissions of the bastion's role."""
    arns = [arn for item in want["policy"]["Statement"][1:] for arn in item["Resource"]]
    read = [arn.partition(":parameter")[2] for arn in arns]
    return "the bastion may use Session Manager" + "".join(f", read the parameter {name}" for name in read)
