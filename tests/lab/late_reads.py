# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's AWS, in which the next readings do not show what a call has made or changed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.kinds import MAKINGS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import reading_of
from tests.ec2_failures import READING, unknown
from tests.lab.cluster_runs import FaultyApi, named
from tests.lab.labs import Lab

Answer = dict[str, Any]
Parameters = Mapping[str, Any]
_RULES = ("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId")


class List(NamedTuple):
    """Where readings list what a call makes or changes, and how that is found in the call or in its answer."""

    operation: str
    answer: str
    id: str
    id_of: Callable[[Parameters, Answer], str]


class Look(NamedTuple):
    """The readings of one thing that a call makes or changes, and what identifies it in both."""

    operations: tuple[str, ...]
    parameters: tuple[str, ...]


def _made(place: str, key: str) -> Callable[[Parameters, Answer], str]:
    def made_id(_parameters: Parameters, answer: Answer) -> str:
        record = answer[place] if place else answer
        return str((record[0] if isinstance(record, list) else record)[key])

    return made_id


def _changed(key: str) -> Callable[[Parameters, Answer], str]:
    return lambda parameters, _answer: str(parameters[key])


def _made_kind(kind: str, place: str) -> List:
    reading = reading_of(kind)
    return List(reading.operation, reading.answer, reading.id, _made(place, reading.id))


def _list(kind: str, key: str) -> List:
    reading = reading_of(kind)
    return List(reading.operation, reading.answer, reading.id, _changed(key))


_ROLE = (Look(("get_role",), ("RoleName",)),)
_PROFILE = (Look(("get_instance_profile",), ("InstanceProfileName",)),)
_PARAMETER = (
    Look(("get_parameter", "list_tags_for_resource"), ("Name",)),
    List("describe_parameters", "Parameters", "Name", _changed("Name")),
)
Places = tuple[List | Look, ...]
MADE: dict[str, Places] = {
    **{making.operation: (_made_kind(kind, making.answer),) for kind, making in MAKINGS.items()},
    "create_auto_scaling_group": (_list("autoscaling_group", "AutoScalingGroupName"),),
    "authorize_home_rule": (List(*_RULES, _made("SecurityGroupRules", "SecurityGroupRuleId")),),
    "create_role": _ROLE,
    "create_instance_profile": _PROFILE,
    **dict.fromkeys(("put_claim", "put_host_key", "put_run_lock"), _PARAMETER),
    "create_schedule": (
        Look(("get_schedule",), ("Name", "GroupName")),
        List("list_schedules", "Schedules", "Name", _changed("Name")),
    ),
    "create_schedule_group": (Look(("get_schedule_group",), ("Name",)),),
}
CHANGED: dict[str, Places] = {
    "associate_dhcp_options": (_list("vpc", "VpcId"),),
    "attach_internet_gateway": (_list("internet_gateway", "InternetGatewayId"),),
    "create_route": (_list("route_table", "RouteTableId"),),
    "associate_route_table": (_list("route_table", "RouteTableId"),),
    "authorize_security_group_ingress": (_list("security_group", "GroupId"),),
    "put_role_policy": (Look(("get_role_policy",), ("RoleName", "PolicyName")),),
    "add_role_to_instance_profile": _PROFILE,
    "associate_address": (_list("address", "AllocationId"),),
    "put_scheduled_update_group_action": (Look(("describe_scheduled_actions",), ("AutoScalingGroupName",)),),
}
_PLACES = {place for places in (*MADE.values(), *CHANGED.values()) for place in places}
# What parameters of one service call the same thing.
_SAME = {"ResourceId": "Name"}
# How many readings are late after each call.
READINGS_LATE = 2


class LateApi(FaultyApi):
    """An AWS whose readings are late: the first ones after a call show what was before it."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        # The calls whose effect the next readings do not show.
        self.unseen: frozenset[str] = frozenset()
        # How often a reading was late, by the call that it does not show.
        self.late_readings: Counter[str] = Counter()
        # What the readings of a thing show, one after the other, instead of how it is.
        self._before: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        self._readings = threading.RLock()

    def stop_failing(self) -> None:
        """Behave from now on, and show everything as it is."""
        super().stop_failing()
        self.unseen = frozenset()
        self._before.clear()

    def executed(self, service: str, operation: str, /, **parameters: Any) -> Answer:
        what = named(operation, parameters)
        if operation.startswith(READING):
            with self._readings:
                return self._late(service, operation, parameters)
        if what not in self.unseen:
            return super().executed(service, operation, **parameters)
        places = {**MADE, **CHANGED}[what]
        before = self._read(places[0], parameters) if what in CHANGED else None
        answer = super().executed(service, operation, **parameters)
        with self._readings:
            for key in (key for place in places for key in _keys(place, parameters, answer)):
                self._before.setdefault(key, []).extend([(what, before)] * READINGS_LATE)
        return answer

    def _read(self, place: List | Look, parameters: Parameters) -> Any:
        """Return what is shown instead of a change: the record, or the answer about one thing, None without one."""
        try:
            if isinstance(place, Look):
                given = {name: parameters[name] for name in place.parameters}
                service = "iam" if place.operations[0].startswith("get_") else "autoscaling"
                return super().executed(service, place.operations[0], **given)
        except AwsError:
            return None
        found = super().executed("ec2", place.operation)[place.answer]
        return next(item for item in found if item[place.id] == place.id_of(parameters, {}))

    def _late(self, service: str, operation: str, parameters: Parameters) -> Answer:
        for place in _PLACES:
            if isinstance(place, Look) and operation in place.operations:
                key = (operation, _identity(place, parameters))
                if key in self._before:
                    before = self._spend(key)
                    if before is None:
                        raise unknown(service, key[1], operation)
                    return dict(before)
        self._refuse_unseen(service, operation, parameters)
        answer = super().executed(service, operation, **parameters)
        return {name: self._as_before(operation, value) for name, value in answer.items()}

    def _refuse_unseen(self, service: str, operation: str, parameters: Parameters) -> None:
        """Refuse a reading that names something by its id, as EC2 does; a filter does not name it by its id."""
        given = repr({name: value for name, value in parameters.items() if name != "Filters"})
        for key, shown in [*self._before.items()] if service == "ec2" else ():
            if shown[0][1] is None and f"'{key[1]}'" in given:
                self._spend(key)
                raise unknown(service, key[1], operation)

    def _as_before(self, operation: str, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [shown for item in value if (shown := self._record(operation, item)) is not None]

    def _record(self, operation: str, item: Any) -> Any:
        """Return a record as it was before a late call, None if it did not exist."""
        if not isinstance(item, dict):
            return item
        if "Instances" in item and "ReservationId" in item:
            return {**item, "Instances": self._as_before(operation, item["Instances"])}
        for place in _PLACES:
            if isinstance(place, List) and place.operation == operation:
                key = (operation, str(item.get(place.id)))
                if key in self._before:
                    return self._spend(key)
        return item

    def _spend(self, key: tuple[str, str]) -> Any:
        (what, before), *more = self._before.pop(key)
        if more:
            self._before[key] = more
        self.late_readings[what] += 1
        return before


def _keys(place: List | Look, parameters: Parameters, answer: Answer) -> Iterator[tuple[str, str]]:
    if isinstance(place, List):
        yield place.operation, place.id_of(parameters, answer)
    else:
        yield from ((operation, _identity(place, parameters)) for operation in place.operations)


def _identity(place: Look, parameters: Parameters) -> str:
    same = {_SAME.get(name, name): value for name, value in parameters.items()}
    return "/".join(str(same.get(name, "")) for name in place.parameters)
