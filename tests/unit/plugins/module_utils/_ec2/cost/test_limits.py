# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the limits of costs: what exceeds one is an error or a note, and an unknown cost never passes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.forecast import Forecast
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.limits import (
    enforced,
    hours_within,
    limit_findings,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.spec import CostSpec
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.options import options_of
from lab.settings import REPOSITORY
from tests.ec2_cluster import node
from tests.ec2_costs import THREE, forecast_of


def of(cost: dict[str, Any], **changes: Any) -> Forecast:
    """Return the forecast of three t4g.medium, $0.155 an hour, in this use and with these limits."""
    return forecast_of(cost, **{"cpu_credits": "standard", **changes})


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({}, [], id="no limit"),
        pytest.param({"per_hour_max": 0.16}, [], id="within"),
        pytest.param({"per_hour_max": 0.15}, ["cluster_cost_per_hour_max"], id="an hour"),
        pytest.param({"per_day_max": 0.5}, ["cluster_cost_per_day_max"], id="a day"),
        pytest.param({"per_month_max": 20}, ["cluster_cost_per_month_max"], id="a month"),
        pytest.param({"per_session_max": 0.4}, ["cluster_cost_per_session_max"], id="a session"),
        pytest.param(
            {"per_day_max": 0.5, "per_month_max": 20.0},
            ["cluster_cost_per_day_max", "cluster_cost_per_month_max"],
            id="two at once",
        ),
    ],
)
def test_each_limit_is_compared_with_its_total(limits: dict[str, float], expected: list[str]) -> None:
    found = list(limit_findings(of(limits)))

    assert [one.subject for one in found] == expected
    assert {one.code for one in found} <= {"COST_ABOVE_LIMIT"}


def test_the_message_has_both_figures_and_the_use() -> None:
    (found,) = limit_findings(of({"per_day_max": 0.5}))

    assert (
        found.message == "The cluster would cost $3.31 a day (nodes never stopped), which exceeds the limit of $0.50."
    )


def test_the_remedy_of_a_day_names_hours_that_keep_the_limit() -> None:
    (found,) = limit_findings(of({"per_day_max": 0.5}))

    assert found.remedy.startswith(
        "Set cluster_cost_hours_per_day to 3.2 or less and cluster_cost_after_hours to removed"
    )
    assert list(limit_findings(of({"per_day_max": 0.5, "hours_per_day": 3.2, "after_hours": "removed"}))) == []
    assert list(limit_findings(of({"per_day_max": 0.5, "hours_per_day": 3.3, "after_hours": "removed"})))


def test_the_hours_of_a_month_are_those_of_its_days() -> None:
    found = of({"per_month_max": 20.0})

    assert hours_within(found, "month", 20.0) == 4.2
    assert list(limit_findings(of({"per_month_max": 20.0, "hours_per_day": 4.2, "after_hours": "removed"}))) == []


def test_credits_that_could_exceed_a_limit_are_worth_knowing_and_refuse_nothing() -> None:
    found = of({"per_hour_max": 0.2, "policy": "enforce"}, cpu_credits="unlimited")

    problems, notes = enforced(found)
    assert problems == []
    assert [one.code for one in notes] == ["COST_CREDITS_ABOVE_LIMIT"]


@pytest.mark.parametrize(
    ("policy", "refused"), [pytest.param("enforce", 1, id="enforce"), pytest.param("warn", 0, id="warn")]
)
def test_the_policy_says_whether_a_build_is_refused(policy: str, refused: int) -> None:
    found = of({"per_hour_max": 0.1, "policy": policy})

    problems, notes = enforced(found)
    assert (len(problems), len(notes)) == (refused, 1 - refused)


def test_a_price_that_is_not_known_does_not_pass_a_limit() -> None:
    found = of({"per_hour_max": 100.0, "policy": "enforce"}, instance_type="m7g.large")

    problems, _notes = enforced(found)
    assert [one.code for one in problems] == ["COST_UNKNOWN"]
    assert "3 x m7g.large" in problems[0].message


def test_the_example_of_a_small_bill_keeps_its_limits_and_enforces_them() -> None:
    text = (REPOSITORY / "examples" / "small_bill.yml").read_text(encoding="utf-8")
    example = {name.removeprefix("cluster_cost_"): value for name, value in yaml.safe_load(text).items()}

    assert set(example) <= set(options_of(CostSpec))
    assert {example["policy"], example["per_day_max"], example["per_month_max"]} == {"enforce", 0.5, 20}
    assert list(limit_findings(of(example))) == []
    assert list(limit_findings(of({**example, "after_hours": "stopped"})))


def test_the_example_of_a_small_bill_names_the_hours_that_its_limits_allow() -> None:
    example = (REPOSITORY / "examples" / "small_bill.yml").read_text(encoding="utf-8")
    text, per_day = " ".join(example.replace("#", " ").split()), yaml.safe_load(example)["cluster_cost_per_day_max"]

    hours = [hours_within(of({}, nodes=nodes), "day", per_day) for nodes in (THREE["nodes"], [node()])]

    assert f"for at most {hours[0]} hours a day" in text
    assert f"One node alone could be used for {hours[1]} hours a day" in text


def test_a_price_that_is_not_known_does_not_matter_without_a_limit() -> None:
    assert list(limit_findings(of({}, instance_type="m7g.large"))) == []
