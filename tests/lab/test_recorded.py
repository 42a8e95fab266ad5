# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an acceptance run, here of a simulation in the lab, played against a lab of today."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lab.settings import REPOSITORY
from tests.aws.reports import read
from tests.lab.labs import Lab
from tests.recorded.player import Player

RECORD = REPOSITORY / "tests" / "recorded" / "simulation.json.gz"


def calls_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the calls of a report."""
    calls: list[dict[str, Any]] = report["record"]
    return calls


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Give the record of the simulation."""
    return read(RECORD)


def test_the_record_says_where_it_is_from_and_is_small(report: dict[str, Any]) -> None:
    assert report["on"] == "the lab (a simulation, not AWS)"
    assert {step["outcome"] for step in report["steps"]} == {"ok"}
    assert RECORD.stat().st_size < 300_000


def test_the_lab_answers_as_it_was_recorded(lab: Lab, report: dict[str, Any]) -> None:
    assert [str(found) for found in Player(lab.client, calls_of(report), patience=5).play()] == []


def first(calls: list[dict[str, Any]], operation: str) -> dict[str, Any]:
    """Return the first call of an operation."""
    return next(call for call in calls if call["operation"] == operation)


def _value(call: dict[str, Any]) -> None:
    call["answer"]["Vpc"]["IsDefault"] = True


def _key(call: dict[str, Any]) -> None:
    call["answer"]["Vpc"]["AnotherKey"] = 1


def _error(call: dict[str, Any]) -> None:
    call["error"] = "VpcLimitExceeded"


@pytest.mark.parametrize(
    ("plant", "path"),
    [
        pytest.param(_value, "Vpc.IsDefault", id="another value"),
        pytest.param(_key, "Vpc.AnotherKey", id="a missing key"),
        pytest.param(_error, "error", id="another error"),
    ],
)
def test_a_planted_difference_is_found(
    lab: Lab, report: dict[str, Any], plant: Callable[[dict[str, Any]], None], path: str
) -> None:
    call = copy.deepcopy(first(calls_of(report), "CreateVpc"))
    # Readable in a record whose other calls, which are not played here, send the same word.
    call["answer"]["Vpc"]["DhcpOptionsId"] = "<text-1>"
    plant(call)

    assert [found.path for found in Player(lab.client, [call], patience=0).play()] == [path]
