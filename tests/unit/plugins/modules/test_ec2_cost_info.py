# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the module ec2_cost_info: what it forecasts without AWS, and what it reads from AWS on request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.price_list import price_of
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from ansible_collections.urmanac.talos.plugins.modules import ec2_cost_info
from ansible_collections.urmanac.talos.plugins.modules.ec2_cost_info import Asked, cost_info
from tests.ec2_cluster import cluster, run_module, spec
from tests.ec2_costs import THREE

TODAY = date(2026, 11, 29)


def product(*prices: str) -> str:
    """Return a product of the Price List API with these prices on demand."""
    dimensions = {str(number): {"unit": "Hrs", "pricePerUnit": {"USD": price}} for number, price in enumerate(prices)}
    return json.dumps({"product": {}, "terms": {"OnDemand": {"A.B": {"priceDimensions": dimensions}}, "Reserved": {}}})


class FakeAws:
    """Api of the Price List and of Cost Explorer; keeps what it was asked."""

    def __init__(
        self, prices: Mapping[str, list[str]] | None = None, pages: list[dict[str, Any]] | None = None
    ) -> None:
        self.prices, self.pages = dict(prices or {}), list(pages or [])
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Answer as the service does."""
        self.asked.append(parameters)
        if operation == "get_cost_and_usage":
            return self.pages.pop(0)
        named = {one["Field"]: one["Value"] for one in parameters["Filters"]}
        return {"PriceList": self.prices.get(named.get("instanceType") or named.get("volumeApiName", ""), [])}


class DeniedAws:
    """Api of an identity that may ask nothing."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Refuse."""
        raise AwsError(finding("NOT_AUTHORIZED", f"call {service}:{operation}", "AccessDenied: no."), "AccessDenied")


def ask(aws: Any = None, *, price_list: bool = False, actual_days: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the module's result."""

    def connect(services: tuple[str, ...]) -> Any:
        assert aws is not None, f"nothing was to be asked of {services}"
        return aws

    return cost_info(spec(**{**THREE, **changes}), connect, Asked(price_list, actual_days, TODAY))


def day(start: str, amounts: Mapping[str, str], *, estimated: bool = False) -> dict[str, Any]:
    """Return one day of Cost Explorer's answer."""
    groups = [
        {"Keys": [name], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}
        for name, amount in amounts.items()
    ]
    return {"TimePeriod": {"Start": start, "End": "?"}, "Groups": groups, "Total": {}, "Estimated": estimated}


# --- Without AWS ---


def test_the_forecast_needs_neither_credentials_nor_aws(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(ec2_cost_info.main, capsys, cluster=cluster(**THREE))

    assert (result["changed"], result["actual"], result["notes"]) == (False, None, [])
    assert result["per_hour"] == pytest.approx(3 * 0.0368 + 0.0184 + 0.005 + 180 * 0.088 / 730, abs=1e-6)
    assert f"$ Total: {result['message']}" in result["lines"]


def test_the_result_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_module(ec2_cost_info.main, capsys, cluster=cluster(**THREE))

    documented = {line[:-1] for line in ec2_cost_info.RETURN.splitlines() if line.endswith(":") and line[0] != " "}
    assert set(result) - {"changed", "invocation"} == documented


def test_it_says_which_choices_keep_what_was_asked_for() -> None:
    lines = "\n".join(ask()["lines"])

    assert "Compared with $0.50 a day and $20.00 a month, the goal of this project:" in lines
    assert "never stopped: $3.31 a day (above), $100.79 a month (above)" in lines
    assert "removed after 5 h a day (playbooks/reset.yml): $0.78 a day (above), $23.65 a month (above)" in lines
    assert "one node, removed after 5 h a day: $0.35 a day (within), $10.62 a month (within)" in lines
    assert "it may run 3.2 h a day for $0.50 a day, and 4.2 h a day for $20.00 a month" in lines


def test_stopping_alone_never_keeps_fifty_cents_a_day() -> None:
    idle = 24 * (150 * 0.088 / 730 + 0.005) + 5 * (0.0184 + 30 * 0.088 / 730)

    assert idle > 0.5
    assert any(f"cost ${idle:.2f} a day by themselves" in line for line in ask()["lines"])


def test_limits_take_the_place_of_what_was_asked_for() -> None:
    result = ask(cost={"per_day_max": 4.0, "per_month_max": 90.0})

    assert "Compared with $4.00 a day and $90.00 a month, your limits:" in result["lines"]
    assert [note["subject"] for note in result["notes"]] == ["cluster_cost_per_day_max", "cluster_cost_per_month_max"]
    assert [note["code"] for note in result["notes"]] == ["COST_CREDITS_ABOVE_LIMIT", "COST_ABOVE_LIMIT"]


def test_an_unknown_price_is_said_and_no_choice_is_offered() -> None:
    result = ask(instance_type="m7g.large")

    assert (result["per_hour"], result["choices"], result["unknown"]) == (None, [], ["3 x m7g.large"])
    assert any(line.startswith("$ Total: not known, because the price of") for line in result["lines"])


# --- The Price List API ---


def test_prices_of_today_replace_those_that_are_shipped() -> None:
    aws = FakeAws({"t4g.medium": [product("0.04")], "t4g.small": [product("0.02")], "gp3": [product("0.1")]})

    result = ask(aws, price_list=True)

    assert result["per_hour"] == pytest.approx(3 * 0.04 + 0.02 + 0.005 + 180 * 0.1 / 730, abs=1e-6)
    dates = {source["what"]: source["date"] for source in result["sources"]}
    assert (dates["machines"], dates["volumes"], dates["transfer"]) == ("2026-11-29", "2026-11-29", "2026-08-04")
    assert result["notes"] == []


def test_each_question_is_about_one_product_in_one_region() -> None:
    aws = FakeAws()

    ask(aws, price_list=True)

    first = {one["Field"]: one["Value"] for one in aws.asked[0]["Filters"]}
    assert {one["Type"] for one in aws.asked[0]["Filters"]} == {"TERM_MATCH"}
    assert first == {
        **{"regionCode": "eu-west-1", "instanceType": "t4g.medium", "operatingSystem": "Linux", "tenancy": "Shared"},
        **{"preInstalledSw": "NA", "capacitystatus": "Used"},
    }


def test_a_price_that_only_aws_has_makes_a_total() -> None:
    aws = FakeAws({"m7g.large": [product("0.0896")], "t4g.small": [product("0.0184")], "gp3": [product("0.088")]})

    assert ask(aws, price_list=True, instance_type="m7g.large")["per_hour"] is not None


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([product("0.0368000000")], 0.0368, id="one"),
        pytest.param([product("0.0368"), product("0.0000000000")], 0.0368, id="one and a free one"),
        pytest.param([json.loads(product("0.0368"))], 0.0368, id="decoded by boto3"),
        pytest.param([product("0.0368"), product("0.04")], None, id="two"),
        pytest.param([], None, id="none"),
        pytest.param(['{"terms": {"OnDemand": []}}'], None, id="of another form"),
        pytest.param(["<html>"], None, id="no JSON"),
    ],
)
def test_a_price_is_taken_only_if_there_is_exactly_one(entries: list[Any], expected: float | None) -> None:
    assert price_of(entries) == expected


def test_prices_that_aws_does_not_name_are_the_shipped_ones_and_a_note() -> None:
    result = ask(FakeAws(), price_list=True)

    assert result["per_hour"] == ask()["per_hour"]
    assert [note["subject"] for note in result["notes"]] == ["price of t4g.medium, t4g.small, gp3"]
    assert {source["date"] for source in result["sources"]} == {source["date"] for source in ask()["sources"]}


def test_a_denied_price_list_is_a_note_with_its_permission() -> None:
    result = ask(DeniedAws(), price_list=True)

    assert result["per_hour"] == ask()["per_hour"]
    assert {note["code"] for note in result["notes"]} == {"NOT_CHECKED"}
    assert any(
        line.startswith("? price of t4g.medium, t4g.small, gp3: AWS returned an error: AccessDenied")
        for line in result["lines"]
    )


# --- Cost Explorer ---


def test_the_costs_end_with_yesterday_because_the_end_is_exclusive() -> None:
    aws = FakeAws(
        pages=[{"ResultsByTime": [day("2026-11-27", {"EC2": "0.5", "VPC": "0.12"}), day("2026-11-28", {"EC2": "1"})]}]
    )

    result = ask(aws, actual_days=2)

    assert aws.asked[0]["TimePeriod"] == {"Start": "2026-11-27", "End": "2026-11-29"}
    actual = result["actual"]
    assert (actual["first"], actual["last"], actual["total"]) == ("2026-11-27", "2026-11-28", pytest.approx(1.62))
    assert actual["services"] == {"EC2": 1.5, "VPC": 0.12}
    assert "Paid from 2026-11-27 to 2026-11-28: $1.62, queried with 1 Cost Explorer request, $0.01" in result["lines"]


@pytest.mark.parametrize("days", [-1, 366, 10**9])
def test_a_number_of_days_that_cannot_be_asked_about_is_refused(days: int) -> None:
    with pytest.raises(InputError, match=rf"actual_days \({days}\) is not from 0 to 365"):
        ask(FakeAws(pages=[]), actual_days=days)


def test_only_the_costs_of_this_cluster_are_asked_for() -> None:
    aws = FakeAws(pages=[{"ResultsByTime": []}])

    ask(aws, actual_days=1)

    tags = {one["Tags"]["Key"]: one["Tags"]["Values"] for one in aws.asked[0]["Filter"]["And"]}
    assert tags == {"Project": ["talos-arm64"], "Cluster": ["moon"]}


def test_every_page_is_read_and_every_page_is_paid_for() -> None:
    first = {"ResultsByTime": [day("2026-11-27", {"EC2": "1"})], "NextPageToken": "more"}
    aws = FakeAws(pages=[first, {"ResultsByTime": [day("2026-11-27", {"VPC": "2"}, estimated=True)]}])

    actual = ask(aws, actual_days=2)["actual"]

    assert (actual["total"], actual["requests"], actual["is_estimated"]) == (3.0, 2, True)
    assert aws.asked[1]["NextPageToken"] == "more"


def test_costs_without_tags_say_where_tags_are_activated() -> None:
    lines = "\n".join(ask(FakeAws(pages=[{"ResultsByTime": [day("2026-11-28", {})]}]), actual_days=1)["lines"])

    assert "$0.00" in lines and "Cost allocation tags" in lines


def test_a_denied_cost_explorer_is_a_note_beside_the_forecast() -> None:
    result = ask(DeniedAws(), actual_days=3)

    assert (result["actual"], [note["code"] for note in result["notes"]]) == (None, ["NOT_CHECKED"])
    assert result["per_hour"] is not None
