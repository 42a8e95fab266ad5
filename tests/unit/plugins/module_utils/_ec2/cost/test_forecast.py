# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the forecast of costs, against figures that AWS publishes: eu-west-1 unless another region is named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost import prices
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.forecast import (
    Forecast,
    Totals,
    cost_lines,
    total_line,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.cost.prices import REGIONS, shipped, transfer_month
from lab.settings import REPOSITORY
from tests.ec2_cluster import spec
from tests.ec2_costs import BASTION, forecast_of

MACHINES, BASTION_HOUR, ADDRESS = 3 * 0.0368, 0.0184, 0.005
NODE_VOLUMES, BASTION_VOLUME = 150 * 0.088 / 730, 30 * 0.088 / 730
ALL = MACHINES + BASTION_HOUR + ADDRESS + NODE_VOLUMES + BASTION_VOLUME


def totals(found: Forecast) -> Totals:
    """Return the totals, which have to be known."""
    assert found.totals is not None
    return found.totals


def test_an_hour_is_all_machines_volumes_and_the_address() -> None:
    assert totals(forecast_of()).hour == pytest.approx(ALL)


def test_nodes_cost_all_day_because_nothing_stops_them_and_the_bastion_in_its_hours() -> None:
    day = 24 * (MACHINES + NODE_VOLUMES + ADDRESS) + 5 * (BASTION_HOUR + BASTION_VOLUME)

    assert totals(forecast_of()).day == pytest.approx(day)
    assert totals(forecast_of()).month == pytest.approx(day * 730 / 24)


def test_stopped_nodes_keep_their_volumes_and_the_address() -> None:
    found = forecast_of({"hours_per_day": 5.0})

    day = 5 * (MACHINES + BASTION_HOUR + BASTION_VOLUME) + 24 * (NODE_VOLUMES + ADDRESS)
    assert totals(found).day == pytest.approx(day)
    assert "nodes 5 h a day, then stopped, with volumes and address kept" in total_line(found)


def test_a_removed_cluster_costs_nothing_but_its_hours() -> None:
    found = forecast_of({"hours_per_day": 5.0, "after_hours": "removed"})

    assert totals(found).day == pytest.approx(5 * ALL)


def test_what_is_never_over_is_not_removed() -> None:
    assert totals(forecast_of({"after_hours": "removed"})) == totals(forecast_of())


def test_a_session_is_its_hours_of_everything() -> None:
    assert totals(forecast_of({"session_hours": 2.5})).session == pytest.approx(2.5 * ALL)


def test_a_data_volume_and_a_bastion_without_address_count() -> None:
    found = forecast_of(data_volume_size=256, bastion={**BASTION, "egress": "none"})

    assert totals(found).hour == pytest.approx(ALL - ADDRESS + 3 * 256 * 0.088 / 730)


def test_without_a_bastion_there_is_neither_machine_nor_address() -> None:
    assert totals(forecast_of(bastion=None)).hour == pytest.approx(MACHINES + NODE_VOLUMES)


def test_credits_are_reported_beside_the_total_and_never_in_it() -> None:
    with_credits, without = forecast_of(), forecast_of(cpu_credits="standard")

    assert with_credits.credits.hour == pytest.approx(3 * 2 * 0.8 * 0.04 + 2 * 0.8 * 0.04)
    assert with_credits.totals == without.totals
    assert without.credits.hour == 0


def test_credits_of_a_day_are_those_of_the_hours_in_which_machines_run() -> None:
    assert forecast_of({"hours_per_day": 5.0}).credits.day == pytest.approx(5 * 4 * 2 * 0.8 * 0.04)


@pytest.mark.parametrize(
    ("region", "gb", "expected"),
    [
        pytest.param("eu-west-1", 100, 0.0, id="free in every account"),
        pytest.param("eu-west-1", 300, 200 * 0.09, id="beyond what is free"),
        pytest.param("ap-southeast-1", 300, 200 * 0.12, id="another region"),
        pytest.param("eu-north-1", 300, None, id="not known"),
        pytest.param("eu-north-1", 10, 0.0, id="free where the price is not known"),
    ],
)
def test_transfer_costs_beyond_what_every_account_has_free(region: str, gb: float, expected: float | None) -> None:
    assert transfer_month(shipped(region), gb) == (None if expected is None else pytest.approx(expected))


def test_transfer_is_part_of_the_month() -> None:
    more = totals(forecast_of({"transfer_gb": 300.0})).month - totals(forecast_of()).month

    assert more == pytest.approx(200 * 0.09)


def test_a_price_that_is_not_known_leaves_no_total() -> None:
    found = forecast_of(instance_type="m7g.large")

    assert found.totals is None
    assert total_line(found) == "not known, because the price of 3 x m7g.large in eu-west-1 is not known"
    assert found.as_dict()["per_month"] is None


def test_a_region_without_prices_has_no_total() -> None:
    found = forecast_of(region="me-south-1")

    assert found.unknown == (
        "3 x t4g.medium",
        "150 GiB gp3, nodes",
        "bastion, t4g.small, 18:00 to 23:00 Etc/UTC",
        "30 GiB gp3, bastion",
    )


def test_the_last_line_is_the_total() -> None:
    lines = cost_lines(forecast_of())

    assert lines[0] == "$ 3 x t4g.medium: $0.1104 an hour around the clock, $80.59 a month"
    assert "$ Elastic IP of the bastion: $0.005 an hour around the clock, $3.65 a month" in lines
    assert lines[-1] == (
        "$ Total: $0.155 an hour while everything runs, $3.31 a day, $100.79 a month (nodes never stopped); "
        "a session of 3 h $0.47"
    )


def test_the_readme_states_the_amounts_of_the_forecast() -> None:
    found, readme = forecast_of(), " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    stopped = 24 * (NODE_VOLUMES + ADDRESS)
    evening = 5 * (BASTION_HOUR + BASTION_VOLUME)
    hours = [limit / ALL for limit in (0.5, 20 / (730 / 24))]

    assert f"are ${totals(found).hour:.3f} an hour" in readme
    assert f"up to ${found.credits.hour:.2f} an hour of CPU credits" in readme
    assert f"cost ${totals(found).day:.2f} a day" in readme
    assert f"the Elastic IP cost ${stopped:.2f} a day, and ${stopped + evening:.2f} with the hours of the" in readme
    assert f"pays for {int(hours[0] * 10) / 10} hours a day, and $20 a month for {int(hours[1] * 10) / 10}" in readme


def stated_prices_of_an_elastic_ip(place: Path) -> set[str]:
    """Return the prices a month in a file, or in the files of a folder."""
    paths = [path for path in (place, *place.rglob("*.yml"), *place.rglob("*.md")) if path.is_file()]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return {price for text in texts for price in re.findall(r"Elastic\s+IP[^$]{0,60}\$([\d.]+\d) a\s+month", text)}


def test_every_file_states_the_same_price_of_an_elastic_ip() -> None:
    price = {f"{prices.PUBLIC_IPV4 * 730:.2f}"}

    stated = {
        name: stated_prices_of_an_elastic_ip(REPOSITORY / name)
        for name in ("README.md", "roles", "examples", "playbooks")
    }

    assert stated == {"README.md": price, "roles": price, "examples": price, "playbooks": set()}


def test_the_shipped_table_has_eu_west_1_and_more_regions_with_the_common_types() -> None:
    assert "eu-west-1" in REGIONS and len(REGIONS) >= 6
    for region in REGIONS:
        assert forecast_of(region=region).totals is not None
        assert all(source.where.startswith(("https://", "AWS, on demand")) for source in shipped(region).sources)


def test_a_t4g_twice_as_large_costs_twice_as_much_in_every_region() -> None:
    for region in REGIONS:
        prices = shipped(region).instances
        assert prices["t4g.medium"] == pytest.approx(2 * prices["t4g.small"])
        assert prices["t4g.2xlarge"] == pytest.approx(2 * prices["t4g.xlarge"])


@pytest.mark.parametrize(
    ("hours", "use"),
    [
        pytest.param({"ttl": 8.0}, "nodes 8 h a day, then stopped, with volumes and address kept", id="time to live"),
        pytest.param({"ttl": 48.0}, "nodes never stopped", id="longer than a day"),
        pytest.param({"start": "18:00", "stop": "23:00"}, "nodes 5 h a day, then stopped", id="daily hours"),
        pytest.param({"ttl": 2.0, "start": "18:00", "stop": "23:00"}, "nodes 5 h a day", id="both"),
    ],
)
def test_nodes_that_a_schedule_stops_are_counted_for_as_long_as_they_run(hours: dict[str, Any], use: str) -> None:
    found = forecast_of(hours=hours)

    machines = next(item for item in found.items if item.what == "3 x t4g.medium")
    assert use in total_line(found)
    assert machines.hours_a_day == spec(hours=hours).use.hours_per_day


def test_a_use_that_is_shorter_than_the_schedules_counts() -> None:
    assert spec(hours={"ttl": 8.0}, cost={"hours_per_day": 3.0}).use.hours_per_day == 3.0
