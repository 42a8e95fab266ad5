# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the costs in the report: a t4g.medium is $0.0368 an hour, a t4g.small $0.0184."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._report.costs import costs

NOW = datetime.fromisoformat("2026-11-20 12:00:00+00:00").timestamp()
NOON_BEFORE, TWO_HOURS_AGO = "2026-11-19 12:00:00+00:00", "2026-11-20 10:00:00+00:00"


def node(**changes: Any) -> dict[str, Any]:
    """Return the known facts about a node's machine."""
    return {"type": "t4g.medium", "state": "running", "launched": TWO_HOURS_AGO, "volume_size": 50, **changes}


def bastion(launched: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the known facts about the bastion, whose machine runs if it was launched."""
    template = {"type": "t4g.small", "volume_size": 30}
    return {"launch_template/bastion": template, "autoscaling_group/bastion": {"launched": dict(launched)}}


def bill(*nodes: Mapping[str, Any] | None, **more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the costs of these nodes and what else there is."""
    have: dict[str, Any] = {f"instance/{number}": node for number, node in enumerate(nodes)} | more
    resources = {key: {"kind": key.partition("/")[0], "have": facts} for key, facts in have.items()}
    found = costs("eu-west-1", resources, now=NOW)
    assert found is not None
    return found


def items(found: Mapping[str, Any]) -> list[str]:
    return [item["what"] for item in found["items"]]


def test_each_machine_costs_from_its_own_start() -> None:
    found = bill(node(launched=NOON_BEFORE, volume_size=0), node(volume_size=0))

    assert (found["hours"], found["total"]) == (24.0, round((24 + 2) * 0.0368, 2))


def test_a_volume_costs_with_its_machine() -> None:
    found = bill(node(launched=NOON_BEFORE, volume_size=830))

    assert found["total"] == round(24 * (0.0368 + 830 * 0.088 / 730), 2) == 3.28
    assert items(found) == ["1 x t4g.medium", "830 GiB gp3"]


@pytest.mark.parametrize("state", ["stopping", "stopped"])
def test_a_stopped_machine_costs_its_volume_alone(state: str) -> None:
    found = bill(node(state=state, launched=NOON_BEFORE), node())

    assert items(found) == ["1 x t4g.medium", "100 GiB gp3"]
    assert found["per_hour"] == round(0.0368 + 100 * 0.088 / 730, 4)
    assert (found["hours"], found["total"]) == (2.0, round(2 * (0.0368 + 50 * 0.088 / 730), 2))


def test_a_machine_that_is_about_to_run_costs_already() -> None:
    assert items(bill(node(state="pending"))) == ["1 x t4g.medium", "50 GiB gp3"]


def test_while_all_is_stopped_the_rate_is_reported_and_no_sum() -> None:
    found = bill(node(state="stopped"), **{"address/bastion": {"public_ipv4": "203.0.113.9"}}, **bastion({}))

    assert items(found) == ["50 GiB gp3", "1 x public IPv4"]
    assert (found["hours"], found["total"]) == (0.0, 0.0)
    assert found["message"] == "no machine runs; $0.011 an hour now, $8.05 a month if it stays so"


def test_a_bastion_that_runs_costs_from_its_own_start() -> None:
    found = bill(node(), **bastion({"i-1": NOON_BEFORE}))

    assert items(found) == ["1 x t4g.medium", "1 x t4g.small", "80 GiB gp3"]
    volumes = (2 * 50 + 24 * 30) * 0.088 / 730
    assert (found["hours"], found["total"]) == (24.0, round(2 * 0.0368 + 24 * 0.0184 + volumes, 2))


def test_a_bastion_that_does_not_run_costs_nothing() -> None:
    assert items(bill(node(), **bastion({}))) == ["1 x t4g.medium", "50 GiB gp3"]


def test_what_is_not_built_costs_nothing() -> None:
    found = bill(None)

    assert (found["per_hour"], found["items"]) == (0, [])


def test_the_sentence_says_what_is_counted_and_since_when() -> None:
    assert bill(node(), node())["message"] == (
        "$0.17 for 2.00 hours (what runs, each machine with its volume since its last start); "
        "$0.086 an hour now, $62.53 a month if it stays so"
    )


def test_nothing_is_reported_where_a_price_is_not_known() -> None:
    unknown = {"instance/one": {"kind": "instance", "have": node(type="m7g.large")}}
    known = {"instance/one": {"kind": "instance", "have": node()}}

    assert costs("eu-west-1", unknown, now=NOW) is None
    assert costs("me-south-1", known, now=NOW) is None


def test_another_region_has_its_own_prices() -> None:
    found = costs("eu-central-1", {"instance/one": {"kind": "instance", "have": node()}}, now=NOW)

    assert found is not None
    assert found["per_hour"] == round(0.0384 + 50 * 0.0952 / 730, 4)
    assert found["source"].startswith("eu-central-1: machines AWS, on demand")
