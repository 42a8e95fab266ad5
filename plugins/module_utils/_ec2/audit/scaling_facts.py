# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read Auto Scaling groups with what makes them launch or keep instances. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

from ..plan.ties import specified, templates_of
from .facts import Machine, Reader, Record, ScalingGroup, Schedule

# An Auto Scaling group or a user may use these versions at any time.
ALWAYS_USED = ("$Latest", "$Default")
Versions = set[tuple[str, str]]
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
# A filter accepts 200 values.
_ENDED_MAX = 120
_USUAL_TERMINATION = "Default"


def read_scaling_groups(
    reader: Reader, ours: Iterable[Record], pool: Executor
) -> tuple[tuple[ScalingGroup, ...], Versions]:
    """Return the Auto Scaling groups of the cluster, and the template versions of their instances."""
    records = [{**record, "GroupName": record["AutoScalingGroupName"]} for record in ours]
    made_of = {specified(item.get("LaunchTemplate")) for record in records for item in record.get("Instances") or ()}
    names = [record["GroupName"] for record in records]
    more = [
        (
            pool.submit(_read_schedules, reader, name),
            pool.submit(_read_policies, reader, name),
            pool.submit(_read_hooks, reader, name),
            pool.submit(_read_ended, reader, name),
        )
        for name in names
    ]
    groups = (
        _scaling_group(reader, record)._replace(
            schedules=schedules.result(), policies=policies.result(), hooks=hooks.result(), ended=ended.result()
        )
        for record, (schedules, policies, hooks, ended) in zip(records, more, strict=True)
    )
    return tuple(groups), made_of - {("", "")}


def _scaling_group(reader: Reader, record: Record) -> ScalingGroup:
    given = [item["InstanceId"] for item in record.get("Instances") or () if item.get("ProtectedFromScaleIn")]
    new = ["new instances"] if record.get("NewInstancesProtectedFromScaleIn") else []
    return ScalingGroup(
        reader.known(record, "GroupName"),
        tuple(templates_of(record)),
        min_size=record["MinSize"],
        max_size=max(record["MaxSize"], record["DesiredCapacity"]),
        suspended=tuple(sorted(item["ProcessName"] for item in record.get("SuspendedProcesses") or ())),
        protected=(*new, *given),
        targets=tuple(sorted(_targets_of(record))),
        types=tuple(_types_of(record)),
        terminating=tuple(name for name in record.get("TerminationPolicies") or () if name != _USUAL_TERMINATION),
        warm_pool=bool(record.get("WarmPoolConfiguration")),
    )


def _targets_of(record: Record) -> set[str]:
    sources = [item.get("Identifier", "an unknown one") for item in record.get("TrafficSources") or ()]
    return {*(record.get("LoadBalancerNames") or ()), *(record.get("TargetGroupARNs") or ()), *sources}


def _types_of(record: Record) -> Iterator[str]:
    """Yield the instance types that replace that of the launch template."""
    mixed = (record.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    for item in mixed.get("Overrides") or ():
        if item.get("InstanceType") or item.get("InstanceRequirements"):
            yield item.get("InstanceType", "any that fits its requirements")


def _read_schedules(reader: Reader, group: str) -> tuple[Schedule, ...]:
    answer = reader.api.call("autoscaling", "describe_scheduled_actions", AutoScalingGroupName=group)
    return tuple(sorted(map(_schedule, answer["ScheduledUpdateGroupActions"]), key=str))


def _schedule(action: Record) -> Schedule:
    limits = tuple(f"{key} {action[key]}" for key in ("MinSize", "MaxSize", "EndTime") if action.get(key) is not None)
    return Schedule(
        name=action["ScheduledActionName"],
        # One without a desired capacity changes the limits only.
        capacity=action.get("DesiredCapacity", action.get("MaxSize", action.get("MinSize"))),
        recurrence=action.get("Recurrence"),
        time_zone=action.get("TimeZone"),
        starts=action.get("StartTime"),
        more=limits,
    )


def _read_policies(reader: Reader, group: str) -> tuple[str, ...]:
    answer = reader.api.call("autoscaling", "describe_policies", AutoScalingGroupName=group)
    # A disabled policy does nothing.
    return tuple(sorted(item["PolicyName"] for item in answer["ScalingPolicies"] if item.get("Enabled", True)))


def _read_hooks(reader: Reader, group: str) -> tuple[str, ...]:
    answer = reader.api.call("autoscaling", "describe_lifecycle_hooks", AutoScalingGroupName=group)
    return tuple(sorted(item["LifecycleHookName"] for item in answer["LifecycleHooks"]))


def _read_ended(reader: Reader, group: str) -> tuple[str, ...]:
    """Return the instances that the group's history names; AWS keeps it for six weeks."""
    answer = reader.api.call("autoscaling", "describe_scaling_activities", AutoScalingGroupName=group)
    texts = " ".join(activity.get("Description", "") for activity in answer["Activities"])
    return tuple(sorted(set(_INSTANCE.findall(texts)))[:_ENDED_MAX])


def with_lost_versions(group: ScalingGroup, templates: Iterable[Machine]) -> ScalingGroup:
    """Return the group with the versions that it names but that do not exist, except those of unknown templates."""
    versions: dict[str, set[str]] = {}
    for template in templates:
        versions.setdefault(template.known.id, {*ALWAYS_USED}).add(template.version)
    lost = [item for item in group.templates if item[0] in versions and item[1] not in versions[item[0]]]
    return group._replace(lost=tuple(lost))
