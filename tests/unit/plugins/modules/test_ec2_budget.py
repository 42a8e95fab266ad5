# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module ec2_budget with moto as AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.urmanac.talos.plugins.modules import ec2_budget
from tests.ec2_cluster import ACCOUNT, UNSIGNED, cluster, empty_aws, run_module

NAME = "talos-arm64-moon-budget"
EMAIL = "me@example.com"


class Place:
    """An empty account, and the file in which the module records what it sent."""

    def __init__(self, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.record, self.capsys = record, capsys
        self.budgets = boto3.client("budgets", region_name="us-east-1", config=UNSIGNED)

    def ensure(self, **options: Any) -> dict[str, Any]:
        """Run the module as Ansible does."""
        wanted = {"email": EMAIL, "per_month": 20, "record": str(self.record), **options}
        return run_module(ec2_budget.main, self.capsys, cluster=cluster(), **wanted)

    def listed(self) -> list[dict[str, Any]]:
        return list(self.budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets", []))

    def notifications(self) -> list[tuple[str, float]]:
        found = self.budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=NAME)["Notifications"]
        return sorted((one["NotificationType"], one["Threshold"]) for one in found)

    def strangers(self, **changes: Any) -> dict[str, Any]:
        """Make a budget of another owner with the name of ours."""
        usual = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "20", "Unit": "USD"}}
        self.budgets.create_budget(AccountId=ACCOUNT, Budget={"BudgetName": NAME, **usual, **changes})
        return self.listed()[0]


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    with empty_aws():
        yield Place(tmp_path / "moon" / "budget.json", capsys)


def test_the_budget_counts_the_tags_of_the_cluster_and_a_second_run_changes_nothing(place: Place) -> None:
    first, second = place.ensure(), place.ensure()

    (made,) = place.listed()
    tags = [part["Tags"] for part in made["FilterExpression"]["And"]]
    assert tags == [{"Key": "Project", "Values": ["talos-arm64"]}, {"Key": "Cluster", "Values": ["moon"]}]
    assert (made["BudgetName"], made["BudgetLimit"]) == (NAME, {"Amount": "20.00", "Unit": "USD"})
    assert place.notifications() == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert (first["changed"], second["changed"]) == (True, False)
    text = f"e-mail to {EMAIL} at 80 %, 100 % spent and 100 % forecasted of $20.00 a month"
    assert first["lines"][0] == f"created budget {NAME}: {text}"
    assert "Cost allocation tags" in first["lines"][1]
    assert first["diff"] == {"before": "\n", "after": f"{text}\n"}
    assert second["lines"] == [f"budget {NAME}: {text}"]
    assert place.record.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"per_month": 30}, id="amount"),
        pytest.param({"email": "you@example.com"}, id="address"),
        pytest.param({"actual_percents": [50]}, id="percentages"),
        pytest.param({"forecasted_percents": []}, id="without a forecast"),
    ],
)
def test_another_description_replaces_the_budget_once(place: Place, change: dict[str, Any]) -> None:
    place.ensure()

    runs = [place.ensure(**change)["changed"] for _ in range(2)]

    assert runs == [True, False]
    assert len(place.listed()) == 1


def test_what_someone_changed_is_set_right(place: Place) -> None:
    place.ensure()
    (other,) = [one for one in place.notifications() if one[0] == "FORECASTED"]
    gone = {"NotificationType": other[0], "ComparisonOperator": "GREATER_THAN", "ThresholdType": "PERCENTAGE"}
    place.budgets.delete_notification(AccountId=ACCOUNT, BudgetName=NAME, Notification={**gone, "Threshold": other[1]})
    assert len(place.notifications()) == 2

    assert place.ensure()["changed"]
    assert len(place.notifications()) == 3


def test_a_budget_whose_address_is_not_on_record_is_replaced(place: Place) -> None:
    place.ensure()
    place.record.write_text("[", encoding="utf-8")

    again = place.ensure()

    assert again["changed"]
    assert again["diff"]["before"].startswith("e-mail to unknown ")
    assert json.loads(place.record.read_text(encoding="utf-8"))["email"] == EMAIL


def test_check_mode_changes_nothing(place: Place) -> None:
    planned = place.ensure(_ansible_check_mode=True)
    assert (planned["changed"], planned["lines"][0][:18]) == (True, "would create budge")
    assert (place.listed(), place.record.exists()) == ([], False)
    place.ensure()

    assert place.ensure(per_month=30, _ansible_check_mode=True)["lines"][0].startswith("would replace budget")
    assert place.ensure(state="absent", _ansible_check_mode=True)["changed"]
    assert place.listed()[0]["BudgetLimit"]["Amount"] == "20.00"
    assert place.record.exists()


def test_the_budget_is_deleted_once_with_its_record(place: Place) -> None:
    place.ensure()

    runs = [place.ensure(state="absent", email="") for _ in range(2)]

    assert [run["changed"] for run in runs] == [True, False]
    assert [run["lines"] for run in runs] == [[f"deleted budget {NAME}"], []]
    assert (place.listed(), place.record.exists()) == ([], False)


TAGS = [
    {"Tags": {"Key": key, "Values": [value]}} for key, value in {"Project": "talos-arm64", "Cluster": "mars"}.items()
]


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param({}, id="of the whole account"),
        pytest.param({"FilterExpression": {"And": TAGS}, "Metrics": ["UnblendedCost"]}, id="of another cluster"),
        pytest.param({"CostFilters": {"TagKeyValue": ["user:Cluster$moon"]}}, id="with another kind of filter"),
    ],
)
def test_the_budget_of_another_owner_is_refused_and_stays(place: Place, filters: dict[str, Any]) -> None:
    theirs = place.strangers(**filters)

    refused, left = place.ensure(), place.ensure(state="absent")

    assert refused["failed"]
    assert [problem["code"] for problem in refused["problems"]] == ["NAME_TAKEN"]
    assert f"aws budgets delete-budget --account-id {ACCOUNT} --budget-name {NAME}" in refused["msg"]
    assert (left["changed"], len(left["lines"])) == (False, 1)
    assert place.listed() == [theirs]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"per_month": 0}, "per_month is not set", id="amount"),
        pytest.param({"email": ""}, "email is not set", id="address"),
        pytest.param({"actual_percents": [], "forecasted_percents": []}, "actual_percents or", id="percentages"),
        pytest.param({"actual_percents": list(range(11))}, "AWS accepts 10", id="too many"),
    ],
)
def test_a_description_that_makes_no_budget_is_refused(place: Place, options: dict[str, Any], words: str) -> None:
    assert words in place.ensure(**options)["msg"]
    assert place.listed() == []
