# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget that sends e-mail: planned, made with the network, and removed with the cluster or with the address."""

from __future__ import annotations

from typing import Any

from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, ONE_NODE, Run, play, vpcs

NETWORK, PREFLIGHT, RESET, SITE = (f"playbooks/{name}.yml" for name in ("network", "preflight", "reset", "site"))
BUDGET = ("-e", "cluster_budget_email=me@example.com", "-e", "cluster_budget_per_month=20")
NAME = "talos-arm64-lab-budget"
ACCOUNT = "123456789012"


def run(lab: Lab, playbook: str, *options: str) -> Run:
    return play(lab, playbook, *ONE_NODE, *options)


def budgets(lab: Lab) -> list[dict[str, Any]]:
    return list(lab.client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets", []))


def test_the_budget_is_planned_and_made_and_goes_with_its_address(lab: Lab) -> None:
    plan = run(lab, PREFLIGHT, *BUDGET)
    assert plan.code == 0, plan.output
    assert f"would create budget {NAME}: e-mail to me@example.com at 80 %" in plan.output
    assert (plan.changed, budgets(lab)) == (0, [])

    made, again = run(lab, NETWORK, *BUDGET), run(lab, NETWORK, *BUDGET)
    assert made.code == 0, made.output
    assert [found["BudgetName"] for found in budgets(lab)] == [NAME]
    assert (again.code, again.changed) == (0, 0), again.output

    without = run(lab, NETWORK)
    assert without.code == 0, without.output
    assert budgets(lab) == []


def test_a_removal_shows_the_budget_and_deletes_it(lab: Lab) -> None:
    made = run(lab, NETWORK, *BUDGET)
    assert made.code == 0, made.output

    shown = run(lab, RESET)
    assert f"would delete budget {NAME}" in shown.output
    assert len(budgets(lab)) == 1

    removed = run(lab, RESET, "-e", CONFIRMED)
    assert removed.code == 0, removed.output
    assert budgets(lab) == []


def test_a_plan_of_all_phases_shows_the_budget_and_makes_none(lab: Lab) -> None:
    plan = run(lab, SITE, *BUDGET, "--check")

    assert plan.code == 0, plan.output
    assert f"would create budget {NAME}" in plan.output
    assert budgets(lab) == []


def test_the_budget_of_another_owner_prevents_a_build_and_is_not_deleted(lab: Lab) -> None:
    limit = {"Amount": "500", "Unit": "USD"}
    theirs = {"BudgetName": NAME, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
    lab.client("budgets").create_budget(AccountId=ACCOUNT, Budget=theirs)
    before = budgets(lab)

    refused, removed = run(lab, SITE, *BUDGET), run(lab, RESET, *BUDGET, "--check")

    assert refused.code == 2
    assert f"Failed to create the budget {NAME}" in refused.output
    assert vpcs(lab, Cluster="lab") == []
    assert "is kept" in removed.output
    assert budgets(lab) == before
