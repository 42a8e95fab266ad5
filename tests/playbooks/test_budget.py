# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget that sends e-mail: planned, made with the network, and removed with the cluster or with the address."""

from __future__ import annotations

from typing import Any

from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, ONE_NODE, Run, play

NETWORK, PREFLIGHT, RESET = (f"playbooks/{name}.yml" for name in ("network", "preflight", "reset"))
BUDGET = ("-e", "cluster_budget_email=me@example.com", "-e", "cluster_budget_per_month=20")
NAME = "talos-arm64-lab-budget"


def run(lab: Lab, playbook: str, *options: str) -> Run:
    return play(lab, playbook, *ONE_NODE, *options)


def budgets(lab: Lab) -> list[dict[str, Any]]:
    client = lab.client("budgets")
    return list(client.describe_budgets(AccountId="123456789012").get("Budgets", []))


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
