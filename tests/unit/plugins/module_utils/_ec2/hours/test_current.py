# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reading the schedules of a group."""

from __future__ import annotations

from threading import Barrier
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.current import read_group
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.hours.schedules import NAMES

GROUP = {"Arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/moon", "State": "ACTIVE"}
TARGET = {
    "Arn": "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
}


class Slow:
    """AWS with a group of all schedules, which answers calls that can be parallel only if they are."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.together = {"get_schedule": Barrier(len(NAMES)), "list": Barrier(2)}

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        for name, barrier in self.together.items():
            if operation == name or (name == "list" and operation.startswith("list_")):
                barrier.wait(timeout=10)
        answers: dict[str, dict[str, Any]] = {
            "get_schedule_group": GROUP,
            "list_tags_for_resource": {"Tags": [{"Key": "Cluster", "Value": "moon"}]},
            "list_schedules": {"Schedules": [{"Name": name} for name in (*NAMES, "theirs")]},
            "get_schedule": {"ScheduleExpression": "rate(1 day)", "State": "ENABLED", "Target": TARGET},
        }
        return answers[operation]


def test_what_can_be_read_at_once_is_not_read_one_after_the_other() -> None:
    api = Slow()

    group = read_group(api, "moon")

    assert group is not None
    assert group["schedules"].keys() == NAMES
    assert (group["tags"], group["extra_schedules"]) == ({"Cluster": "moon"}, ["theirs"])
    assert len(api.calls) == 3 + len(NAMES)
