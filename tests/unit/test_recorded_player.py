# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorded answer and one of the lab agree when they say the same of other ids, and each disagreement is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded.player import (
    Difference,
    compare,
    elsewhere,
    exclusions,
    listed,
    made_up,
)


def differences(recorded: Any, here: Any) -> list[tuple[str, str, str]]:
    """Return how two answers differ that are the first of their replay."""
    return list(compare(recorded, here, {}))


RECORDED = {"Vpc": {"VpcId": "<vpc-1>", "CidrBlock": "10.10.0.0/16", "IsDefault": False, "State": "pending"}}


def here(**changes: Any) -> dict[str, Any]:
    """Return the answer of a lab; None removes a key."""
    answer = {"VpcId": "<vpc-00000000000000aa>", "CidrBlock": "10.10.0.0/16", "IsDefault": False, "State": "available"}
    return {"Vpc": {key: value for key, value in (answer | changes).items() if value is not None}}


def test_other_ids_and_moments_make_no_difference() -> None:
    assert differences(RECORDED, here()) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"IsDefault": True}, "Vpc.IsDefault", id="a value"),
        pytest.param({"IsDefault": 0}, "Vpc.IsDefault", id="a type"),
        pytest.param({"CidrBlock": "10.20.0.0/16"}, "Vpc.CidrBlock", id="a text"),
        pytest.param({"VpcId": "<subnet-00000000000000aa>"}, "Vpc.VpcId", id="a kind of id"),
        pytest.param({"CidrBlock": None}, "Vpc.CidrBlock", id="a missing key"),
        pytest.param({"OwnerId": "<account-00000000000000aa>"}, "Vpc.OwnerId", id="another key"),
    ],
)
def test_a_difference_is_found_where_it_is(changes: dict[str, Any], path: str) -> None:
    assert [found[0] for found in differences(RECORDED, here(**changes))] == [path]


@pytest.mark.parametrize(("key", "value", "other"), [("Encrypted", True, False), ("Version", "1", "2")])
def test_what_lasts_is_compared(key: str, value: Any, other: Any) -> None:
    recorded = {"Vpc": {**RECORDED["Vpc"], key: value}}

    assert [found[0] for found in differences(recorded, here(**{key: other}))] == [f"Vpc.{key}"]
    assert key not in exclusions()


def test_the_exclusions_are_named() -> None:
    assert "State, " in exclusions() and "PublicIp" in exclusions()


def test_one_id_of_the_record_is_one_id_in_the_lab() -> None:
    known: dict[str, str] = {}
    list(compare("<vpc-1>", "<vpc-00000000000000aa>", known))

    assert list(compare("<vpc-1>", "<vpc-00000000000000aa>", known)) == []
    assert list(compare("<vpc-1>", "<vpc-00000000000000bb>", known)) != []


def test_lists_are_compared_whatever_their_order() -> None:
    recorded = [{"Id": "<sg-1>", "Name": "nodes"}, {"Id": "<sg-2>", "Name": "bastion"}]
    lab = [{"Id": "<sg-00000000000000bb>", "Name": "bastion"}, {"Id": "<sg-00000000000000aa>", "Name": "nodes"}]

    assert differences(recorded, lab) == []
    assert differences(recorded, lab[:1]) == [("[]", "2 items", "1 items")]


def test_equal_items_are_distinguished_by_ids_that_are_known() -> None:
    known = {"<i-1>": "<i-00000000000000bb>", "<i-2>": "<i-00000000000000aa>"}

    assert list(compare(["<i-1>", "<i-2>"], ["<i-00000000000000aa>", "<i-00000000000000bb>"], known)) == []


def test_machines_of_a_replay_have_no_loopback_addresses() -> None:
    assert elsewhere("127.208.0.101/24") == "10.10.0.101/24"
    assert elsewhere("http://127.0.0.1") == "http://127.0.0.1"


def test_what_no_answer_has_named_is_made_up_in_the_right_form() -> None:
    assert made_up("eni", "2") == "eni-00000000000000002"
    assert made_up("uuid", "1") == "00000000-0000-4000-8000-000000000001"


def test_the_list_has_each_kind_of_difference_once() -> None:
    found = [Difference(number, "ec2:DescribeVpcs", "Vpcs[].OwnerId", "a value", "nothing") for number in (3, 9)]

    assert listed(found) == ["   2 x ec2:DescribeVpcs (call 3) Vpcs[].OwnerId: recorded a value, here nothing"]


@pytest.mark.parametrize(
    ("recorded", "here", "expected"),
    [
        pytest.param("pending", "available", [], id="on its way in the record"),
        pytest.param("available", "available", [], id="the same"),
        pytest.param("available", "pending", ["State"], id="lasting, and not reached"),
        pytest.param("DISABLED", "ENABLED", ["State"], id="another lasting one"),
        pytest.param("available", None, ["State"], id="lasting, and missing"),
    ],
)
def test_a_lasting_state_is_compared(recorded: str, here: str | None, expected: list[str]) -> None:
    answer = {"VpcId": "<vpc-1>"} | ({"State": here} if here else {})

    assert [found[0] for found in differences({"VpcId": "<vpc-1>", "State": recorded}, answer)] == expected


def test_an_instance_that_was_shutting_down_may_have_gone_and_a_running_one_may_not() -> None:
    gone = {"InstanceId": "<i-00000000000000aa>", "State": {"Name": "terminated"}}
    had = {"InstanceId": "<i-1>", "SubnetId": "<subnet-1>"}

    assert differences({**had, "State": {"Name": "shutting-down"}}, gone) == []
    assert [found[0] for found in differences({**had, "State": {"Name": "running"}}, gone)] == [
        "State.Name",
        "SubnetId",
    ]


def test_foreign_texts_and_drawn_addresses_are_compared_by_presence() -> None:
    recorded = {"Description": "<text-4>", "PublicIp": "<ipv4-1>"}

    assert differences(recorded, {"Description": "anything", "PublicIp": "127.1.2.3"}) == []
    assert [found[0] for found in differences(recorded, {})] == ["Description", "PublicIp"]
