# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recommendations of a report, compared with the same report and with another forecast."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.built import Built
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import PROFILES
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.fit import Machine, Request
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.outlook import look_ahead, result
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.advice import IMAGES, ROOM, advice

PARTIAL = "that alone is not enough"
CHANGE = re.compile(r"Scale to (\d+) nodes?.*?, ([a-z0-9]+\.[a-z0-9]+)(?: \(\$([0-9.]+) an hour)?")
DISKS = re.compile(r"disks of (\d+) GiB")
PROFILE = re.compile(r"[Ii]nstall profile (\w+)")
WAITS = {"code": "OPERATOR_NOT_READY", "severity": "error", "remedy": "Look at its pod."}
LIMITED = {"code": "IMAGE_RATE_LIMITED", "severity": "error", "remedy": "Log in to the registry."}


class Case(NamedTuple):
    """A forecast, and the report's data of an installation that ended as predicted."""

    request: Request
    forecast: dict[str, Any]

    def said(self, *more: dict[str, Any]) -> list[str]:
        """Return what is advised, with further verdicts of the installation."""
        verdicts = [*self.forecast["verdicts"], *more]
        blocked = any(one["severity"] == "error" for one in verdicts)
        outcome = "blocked" if blocked else "ready"
        installed = {"outcome": outcome, "profile": self.request.profile, "verdicts": verdicts}
        return [text for text in advice(installed, self.forecast).values() if text]

    @property
    def codes(self) -> set[str]:
        return {one["code"] for one in self.forecast["verdicts"] if one["severity"] == "error"}


def requests() -> Iterator[Request]:
    """Yield clusters of several sizes, profiles, caps and builds."""
    caps: Sequence[tuple[int | None, float | None]] = ((None, None), (3, None), (4, 0.3), (3, 0.25), (1, 0.05))
    types = (("t4g.medium", 50), ("t4g.large", 50), ("t4g.large", 40), ("t4g.2xlarge", 50))
    for profile, count, (name, disk) in product(PROFILES, (1, 3, 7), types):
        machines = tuple(Machine(f"node-{index}", "controlplane", name, disk) for index in range(count))
        for others, (most, price) in product((True, False), caps):
            yield Request(machines, profile, built=Built(others), nodes_max=most, per_hour_max=price)


PREDICTED: dict[str, dict[str, Any]] = {}


def predicted(request: Request) -> dict[str, Any]:
    """Return the forecast of a request; the advice of many others leads to the same one."""
    known = repr(request)
    if known not in PREDICTED:
        PREDICTED[known] = result(look_ahead(request, SIZES))
    return PREDICTED[known]


@pytest.fixture(scope="module")
def cases() -> Sequence[Case]:
    return [Case(request, predicted(request)) for request in requests()]


def changed(request: Request, text: str) -> Request:
    """Return the request after the advice was followed."""
    if profile := PROFILE.search(text):
        request = request._replace(profile=profile[1])
    scaled = CHANGE.search(text)
    if not scaled:
        return request
    size = DISKS.search(text)
    disk = int(size[1]) if size else request.machines[0].volume_size
    plan = request.machines[0]._replace(instance_type=scaled[2], volume_size=disk)
    more = [
        plan._replace(name=f"worker-{index}", machine_type="worker")
        for index in range(int(scaled[1]) - len(request.machines))
    ]
    same = [plan._replace(name=machine.name) for machine in request.machines]
    return request._replace(machines=(*same, *more))


def test_advice_that_is_followed_ends_all_that_the_report_names(cases: Sequence[Case]) -> None:
    for case in cases:
        for text in case.said():
            built = Built(others=True) if "use images" in text.lower() else case.request.built
            wanted = changed(case.request, text)
            after = predicted(wanted._replace(built=built))
            # Other nodes or another profile are not advised together with a warning of them.
            warned = {"BELOW_DOCUMENTED_USE"} if wanted != case.request else set()
            left = {one["code"] for one in after["verdicts"] if one["severity"] == "error" or one["code"] in warned}
            assert bool(left) == (PARTIAL in text), (case.request, text, left)


def test_advice_stays_within_the_caps_or_names_them(cases: Sequence[Case]) -> None:
    for case in cases:
        for text in case.said():
            scaled = CHANGE.search(text)
            if scaled and "Raise the limits" not in text:
                assert int(scaled[1]) <= (case.request.nodes_max or int(scaled[1])), text
                assert float(scaled[3]) <= (case.request.per_hour_max or float(scaled[3])) + 0.0005, text


def test_nodes_and_a_smaller_profile_are_advised_together_if_the_limits_allow_only_both(cases: Sequence[Case]) -> None:
    both = [case for case in cases if any("Scale to" in text and PROFILE.search(text) for text in case.said())]

    assert both
    for case in both:
        recommended = case.said()[0]
        after = predicted(changed(case.request, recommended)._replace(built=Built(others=True)))
        assert after["fits"], recommended
        assert after["prices"]["per_hour"] <= (case.request.per_hour_max or after["prices"]["per_hour"])


def test_a_price_that_is_unknown_is_not_advised_as_one_above_a_limit() -> None:
    machines = tuple(Machine(f"n-{index}", "controlplane", "t4g.medium", 50) for index in range(3))
    unpriced = {name: size._replace(price=None) for name, size in SIZES.items()}
    forecast = result(look_ahead(Request(machines, built=Built(others=True), per_hour_max=1.0), unpriced))

    said = advice({"outcome": "blocked", "profile": "full", "verdicts": forecast["verdicts"]}, forecast)

    assert str(said["recommended"]).startswith(
        "Look up the price, without which the limits cannot be checked (cluster_cost_per_hour_max)"
    )


def test_nodes_of_several_types_are_named_in_the_advice() -> None:
    small = tuple(Machine(f"n-{index}", "controlplane", "t4g.medium", 50) for index in range(3))
    request = Request((*small, Machine("w", "worker", "t4g.2xlarge", 50)), built=Built(others=True))
    forecast = result(look_ahead(request, SIZES))

    said = advice({"outcome": "blocked", "profile": "full", "verdicts": forecast["verdicts"]}, forecast)

    assert said["recommended"] == "Scale to 4 nodes, 3 x t4g.large and 1 x t4g.2xlarge ($0.515 an hour, $0.110 more)"


def test_where_one_way_is_enough_no_part_of_one_is_advised(cases: Sequence[Case]) -> None:
    mixed = [case.said() for case in cases if len({PARTIAL in text for text in case.said()}) > 1]
    few = [case for case in cases if {*IMAGES, *ROOM} & case.codes and case.said()]

    assert not mixed
    assert len(few) > len(cases) / 4


def test_a_cause_that_none_of_the_ways_ends_is_named_beside_each(cases: Sequence[Case]) -> None:
    for case in cases:
        for text in case.said(LIMITED):
            ends_it = text.startswith("Log in to the registry")
            assert (PARTIAL in text) == bool(case.codes or not ends_it), text
            assert ("IMAGE_RATE_LIMITED" in text) == (not ends_it), text


def test_what_only_waits_is_not_a_cause_beside_one(cases: Sequence[Case]) -> None:
    for case in cases:
        if case.codes:
            assert case.said(WAITS) == case.said()


def test_where_no_cause_is_known_what_waits_is_followed_up() -> None:
    installed = {"outcome": "timeout", "profile": "full", "verdicts": [WAITS]}

    assert advice(installed, {}) == {"recommended": "Look at its pod.", "alternative": None}


def test_larger_nodes_do_not_end_a_kill_at_the_limit_of_a_container() -> None:
    killed = {"code": "OUT_OF_MEMORY_KILLED", "severity": "error", "subject": "cozy-linstor/linstor"}
    own = {**killed, "remedy": "Raise the limit.", "evidence": {"memory_limit": "128Mi"}}
    node = {**killed, "remedy": "Use a larger instance type.", "evidence": {}}
    request = Request(tuple(Machine(f"n-{index}", "controlplane", "t4g.medium", 50) for index in range(3)))
    forecast = result(look_ahead(request, SIZES))
    assert forecast["changes"]

    limited, unlimited = (
        advice({"outcome": "blocked", "profile": "full", "verdicts": [one]}, forecast | {"verdicts": []})
        for one in (own, node)
    )

    assert limited["recommended"] == "Raise the limit."
    assert "Scale to" in str(unlimited["recommended"])


def test_what_stops_the_whole_cluster_is_advised_in_the_order_of_the_findings() -> None:
    full = {"code": "ETCD_DATABASE_FULL", "severity": "error", "remedy": "Defragment etcd."}
    lost = {"code": "NODE_NOT_READY", "severity": "error", "remedy": "Inspect it."}

    for verdicts in ([full, lost], [lost, full]):
        said = list(advice({"outcome": "blocked", "profile": "full", "verdicts": verdicts}, {}).values())

        assert [str(text).partition(";")[0] for text in said] == [one["remedy"].rstrip(".") for one in verdicts]


def test_each_cordoned_node_is_named_once() -> None:
    held = {"code": "NODE_CORDONED", "severity": "error"}
    verdicts = [{**held, "remedy": f"kubectl uncordon {name}."} for name in ("node-1", "node-2", "node-2")]

    said = advice({"outcome": "blocked", "profile": "full", "verdicts": verdicts}, {})

    assert said == {"recommended": "kubectl uncordon node-1. kubectl uncordon node-2.", "alternative": None}
