# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a run would change of a bastion."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_work import FilterModule

bastion_work = FilterModule().filters()["bastion_work"]
SCRIPT = "#!/bin/sh\n"
PLAN = "  bastion: 0 of 6 resources would be created or changed"
TEMPLATE = {"state": "present", "have": {"user_data_sha256": hashlib.sha256(SCRIPT.encode()).hexdigest()}}


def reading(**changes: Any) -> dict[str, Any]:
    """Return what ec2_cluster_info returns of a converged bastion."""
    part = {"todo": [], "unused": [], "found": [{"id": "i-1"}], "lines": {"present": [PLAN], "absent": ["gone"]}}
    return {
        "parts": {"bastion": {**part, **changes.get("part", {})}},
        "resources": {
            "launch_template/bastion": changes.get("template", TEMPLATE),
            "autoscaling_group/bastion": {
                "state": "present",
                "have": {"desired_capacity": 1},
                **changes.get("group", {}),
            },
        },
        "found": changes.get("found", []),
        "bastion_stop": changes.get("stop"),
    }


def work(state: str = "present", *, user_data: str = SCRIPT, **changes: Any) -> dict[str, Any]:
    options = {name: changes.pop(name) for name in ("started", "remove_duplicates") if name in changes}
    made: dict[str, Any] = bastion_work(reading(**changes), state, user_data=user_data, **options)
    return made


def test_a_converged_bastion_is_not_changed() -> None:
    assert work() == {"changed": False, "lines": [PLAN], "stop_at": ""}


def address(*, described: bool, part: str = "bastion") -> dict[str, Any]:
    return {"kind": "address", "part": part, "described": described}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"user_data": "other"}, "the launch template would get other user-data", id="user-data"),
        pytest.param(
            {"group": {"have": {"desired_capacity": 0}}}, "the stopped bastion would be started", id="stopped"
        ),
        pytest.param({"found": [address(described=False)]}, "the Elastic IP would be released", id="Elastic IP"),
        pytest.param(
            {"stop": {"postponed_to": "2026-12-24T23:50:00+00:00"}},
            "the next stop would be postponed to 2026-12-24T23:50:00+00:00",
            id="early stop",
        ),
    ],
)
def test_a_change_beyond_the_reading_has_a_line(changes: dict[str, Any], line: str) -> None:
    made = work(**changes)

    assert made["changed"]
    assert made["lines"] == [PLAN, f"  bastion: {line}"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"part": {"todo": ["eni/bastion"]}}, id="a resource is missing"),
        pytest.param({"template": {"state": "missing", "have": None}, "user_data": ""}, id="no template"),
        pytest.param({"group": {"state": "missing", "have": None}}, id="no group"),
        pytest.param({"part": {"unused": ["eni-2"]}, "remove_duplicates": True}, id="a duplicate"),
    ],
)
def test_what_the_reading_knows_needs_no_line_of_its_own(changes: dict[str, Any]) -> None:
    made = work(**changes)

    assert (made["changed"], made["lines"]) == (True, [PLAN])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"group": {"have": {"desired_capacity": 0}}, "started": False}, id="it may stay stopped"),
        pytest.param({"part": {"unused": ["eni-2"]}}, id="duplicates stay"),
        pytest.param({"part": {"unused": ["eni-2"]}, "remove_duplicates": "no"}, id="as a word"),
        pytest.param({"found": [address(described=True), address(described=False, part="x")]}, id="other addresses"),
        pytest.param({"stop": {"postponed_to": None}}, id="the stop is late enough"),
    ],
)
def test_what_is_not_asked_for_changes_nothing(changes: dict[str, Any]) -> None:
    assert not work(**changes)["changed"]


def test_the_time_of_a_postponed_stop_is_passed_on() -> None:
    assert work(stop={"postponed_to": "2026-12-24T23:50:00+00:00"})["stop_at"] == "2026-12-24T23:50:00+00:00"


def test_a_removal_deletes_what_is_there_and_looks_at_nothing_else() -> None:
    made = work("absent", stop={"postponed_to": "2026-12-24T23:50:00+00:00"}, user_data="other")

    assert made == {"changed": True, "lines": ["gone"], "stop_at": ""}
    assert not work("absent", part={"found": []})["changed"]
