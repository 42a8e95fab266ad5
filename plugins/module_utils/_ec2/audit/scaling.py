# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Auto Scaling groups. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..._findings import Finding, finding
from ..bastion.spec import KEEP_MINUTES_MAX
from .allowed import Allowed
from .facts import Account, ScalingGroup, Schedule
from .network import name_deviations

# The template has one network interface, which allows one instance only.
_MACHINES_MAX = 1
# A run postpones a stop by no more than this, and the action itself starts once a day.
_START_MAX = timedelta(minutes=KEEP_MINUTES_MAX, days=1)


def scaling_deviations(account: Account, allowed: Allowed, now: datetime) -> Iterator[Finding]:
    """Yield every deviation of Auto Scaling groups."""
    described = {
        machine.known.id
        for machine in account.machines
        if machine.known.owned and machine.known.name in allowed.templates
    }
    for group in account.scaling_groups:
        resource = f"Auto Scaling group {group.known.name}"
        if allowed.schedules and group.known.name not in allowed.schedules:
            yield finding(
                "SCALING_GROUP_NOT_DESCRIBED", resource, "it has the tags of the cluster and is not described"
            )
            continue
        yield from name_deviations(group.known, resource)
        foreign = sorted({template for template, _version in group.templates} - described)
        if foreign:
            message = f"it launches instances from {', '.join(foreign)}, which are not described"
            yield finding("SCALING_TEMPLATE_NOT_DESCRIBED", resource, message)
        for template, version in group.lost:
            message = f"it launches instances from version {version} of {template}, which does not exist"
            yield finding("SCALING_VERSION_MISSING", resource, message)
        if group.known.name in allowed.schedules:
            yield from _limit_deviations(group, resource)
            yield from _schedule_deviations(group, allowed.schedules[group.known.name], resource, now)
            yield from _setting_deviations(group, resource)


def _limit_deviations(group: ScalingGroup, resource: str) -> Iterator[Finding]:
    if group.max_size > _MACHINES_MAX:
        message = f"it may have up to {group.max_size} instances, but {_MACHINES_MAX} is described"
        yield finding("SCALING_SIZE_NOT_DESCRIBED", resource, message)
    elif group.min_size:
        message = f"it always has at least {group.min_size} instance, so its schedule cannot stop it"
        yield finding("SCALING_SIZE_NOT_DESCRIBED", resource, message)
    if group.suspended:
        message = f"these of its processes are suspended: {', '.join(group.suspended)}"
        remedy = f"Run `aws autoscaling resume-processes --auto-scaling-group-name {group.known.name}`."
        yield finding("SCALING_SUSPENDED", resource, message, remedy)


def _schedule_deviations(
    group: ScalingGroup, described: Mapping[str, Mapping[str, Any]], resource: str, now: datetime
) -> Iterator[Finding]:
    for name in sorted(described.keys() - {action.name for action in group.schedules}):
        message = f"its scheduled action {name} does not exist"
        remedy = "Run playbooks/site.yml, which creates it."
        yield finding("SCALING_SCHEDULE_NOT_DESCRIBED", resource, message, remedy)
    for action in group.schedules:
        if action.name not in described:
            message = f"its scheduled action {action.name} with capacity {action.capacity} is not described"
            remedy = (
                f"Run `aws autoscaling delete-scheduled-action --auto-scaling-group-name {group.known.name} "
                f"--scheduled-action-name {action.name}` unless you know why it is there."
            )
            yield finding("SCALING_SCHEDULE_NOT_DESCRIBED", resource, message, remedy)
        elif others := list(_other_times(action, described[action.name], now)):
            message = f"its scheduled action {action.name} is not as described: {', '.join(others)}"
            remedy = "Run playbooks/site.yml, which sets the described hours."
            yield finding("SCALING_SCHEDULE_NOT_DESCRIBED", resource, message, remedy)


def _other_times(action: Schedule, described: Mapping[str, Any], now: datetime) -> Iterator[str]:
    has = {"capacity": action.capacity, "recurrence": action.recurrence, "time zone": action.time_zone}
    wanted = [described[key] for key in ("capacity", "recurrence", "time_zone")]
    for (what, value), want in zip(has.items(), wanted, strict=True):
        if value != want:
            yield f"{what} {value} (described: {want})"
    if action.starts and action.starts > now + _START_MAX:
        yield f"it does not start before {action.starts.isoformat()}"
    yield from action.more


def _setting_deviations(group: ScalingGroup, resource: str) -> Iterator[Finding]:
    command = f"--auto-scaling-group-name {group.known.name}"
    settings = {
        "protects from scale-in": (group.protected, "set-instance-protection --no-protected-from-scale-in"),
        "launches instances of other types": (group.types, "update-auto-scaling-group --launch-template"),
        "terminates instances by other policies": (group.terminating, "update-auto-scaling-group"),
        "has a warm pool": (("running or stopped instances",) if group.warm_pool else (), "delete-warm-pool"),
        "has scaling policies": (group.policies, "delete-policy --policy-name"),
        "has lifecycle hooks": (group.hooks, "delete-lifecycle-hook --lifecycle-hook-name"),
    }
    for what, (values, verb) in settings.items():
        if values:
            message = (
                f"it {what} ({', '.join(values)}), which is not described: the bastion may run longer than described"
            )
            yield finding(
                "SCALING_NOT_AS_DESCRIBED", resource, message, f"Run `aws autoscaling {verb}` with `{command}`."
            )
    if group.targets:
        message = f"it gives its instances to {', '.join(group.targets)}, through which others can reach them"
        remedy = f"Run `aws autoscaling detach-traffic-sources` with `{command}`."
        yield finding("SCALING_NOT_AS_DESCRIBED", resource, message, remedy, severity="high")
