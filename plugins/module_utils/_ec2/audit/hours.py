# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the schedules that stop and start a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ..._findings import Finding, finding
from ..hours.current import read_group
from ..hours.schedules import NODES_TAG, TTL, is_late
from .allowed import Allowed
from .facts import Account, HoursFact, Reader


def read_hours(reader: Reader) -> tuple[HoursFact, ...]:
    """Return the schedule group of the cluster, whatever tags it has, if there is one."""
    name = reader.spec.hours_name
    group = read_group(reader.api, name)
    return (HoursFact(name, group["schedules"], tuple(group["extra_schedules"])),) if group else ()


def hours_deviations(account: Account, allowed: Allowed, now: datetime) -> Iterator[Finding]:
    """Yield every schedule that is not as described; without a VPC there is no cluster to stop."""
    have = {name: schedule for group in account.hours for name, schedule in group.schedules.items()}
    for name, want in allowed.hours.items() if account.vpcs else ():
        if name in have:
            texts = list(_differences(name, have[name], want, allowed, now))
        else:
            texts = ["it does not exist"] if _is_missed(name, have, account, allowed) else []
        if texts:
            yield finding("HOURS_NOT_AS_DESCRIBED", f"schedule {name}", ", and ".join(texts))
    yield from _unstopped(account, allowed)
    for group in account.hours:
        for name in (*group.others, *sorted(group.schedules.keys() - allowed.hours.keys())):
            remedy = (
                f"Find out who made it. Run `aws scheduler delete-schedule --group-name {group.name} --name {name}` if "
                "it is not needed."
            )
            message = f"it is in the schedule group {group.name} but is not described"
            yield finding("HOURS_NOT_DESCRIBED", f"schedule {name}", message, remedy)


def _unstopped(account: Account, allowed: Allowed) -> Iterator[Finding]:
    """Yield the nodes that the described schedules do not find, and their role if it does not exist."""
    for machine in account.machines if allowed.hours else ():
        name = machine.known.name
        is_node = machine.kind == "instance" and machine.known.owned and name in allowed.nodes
        if is_node and machine.nodes_of != allowed.nodes_of:
            message = f"it lacks the tag {NODES_TAG}={allowed.nodes_of}, so no schedule stops or starts it"
            yield finding("HOURS_NOT_AS_DESCRIBED", f"instance {name} ({machine.known.id})", message)
    used = any(group.schedules.keys() & allowed.hours.keys() for group in account.hours)
    if used and allowed.hours_role not in {role.name for role in account.roles}:
        message = "it does not exist, so the schedules that name it stop and start nothing"
        yield finding("HOURS_NOT_AS_DESCRIBED", f"IAM role {allowed.hours_role}", message)


def _differences(
    name: str, have: Mapping[str, Any], want: Mapping[str, Any], allowed: Allowed, now: datetime
) -> Iterator[str]:
    settings = list(have.get("other_settings", ()))
    if "State" in settings:
        settings.remove("State")
        yield "it is disabled"
    if name in TTL and is_late(allowed.times, have, now):
        yield f"{have['expression']} is later than cluster_ttl_hours allows"
    others = [key for key in want if have[key] != want[key] and not (name in TTL and key == "expression")]
    if others or settings:
        yield f"it has another {', '.join((*others, *settings))}"


def _is_missed(name: str, have: Mapping[str, Any], account: Account, allowed: Allowed) -> bool:
    """Return whether a schedule should exist: one of the time to live deletes itself when it has stopped the cluster.

    Daily hours start the nodes, and the Auto Scaling group the bastion, again without a new time to live.
    """
    if name not in TTL or have.keys() & set(TTL):
        return True
    nodes_run = any(machine.running and not machine.scaling_group for machine in account.machines)
    return nodes_run and not allowed.times.is_scheduled
