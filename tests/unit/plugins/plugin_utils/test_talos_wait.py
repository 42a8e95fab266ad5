# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for Talos nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._talos_wait import (
    Clock,
    Outcome,
    Request,
    line_of,
    summary,
    time_out_message,
    wait_for,
)

REFUSED = {"node": "192.0.2.1", "stage": None, "error": "connection refused"}
MAINTENANCE = {"node": "192.0.2.1", "stage": "maintenance", "error": None}
REQUEST = Request(["maintenance"], timeout=60, interval=5, names={"192.0.2.1": "gateway"})


class FakeClock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.time = 0.0

    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.time += seconds


def waited(looks: Iterator[Sequence[Mapping[str, Any]]], request: Request) -> tuple[Outcome, list[str]]:
    said: list[str] = []
    outcome = wait_for(lambda: next(looks), request, say=said.append, clock=FakeClock().clock())
    return outcome, said


def test_the_wait_ends_when_every_node_is_there() -> None:
    outcome, said = waited(iter([[REFUSED], [REFUSED], [MAINTENANCE]]), REQUEST)

    assert outcome == Outcome(True, [MAINTENANCE], 10)
    assert said == [
        "gateway 192.0.2.1: connection refused (Linux still installing?)",
        "gateway 192.0.2.1: maintenance",
    ]


def test_a_summary_comes_when_nothing_changes() -> None:
    _, said = waited(iter([[REFUSED]] * 7 + [[MAINTENANCE]]), REQUEST)

    assert said[1:3] == [
        "0 of 1 nodes are maintenance after 15 s; 1 x connection refused (Linux still installing?)",
        "0 of 1 nodes are maintenance after 30 s; 1 x connection refused (Linux still installing?)",
    ]


def test_a_time_out_reports_what_was_last_seen() -> None:
    other = MAINTENANCE | {"node": "192.0.2.2"}

    outcome, _ = waited(iter([[REFUSED, other]] * 99), REQUEST)

    assert not outcome.reached
    assert outcome.elapsed <= REQUEST.timeout
    message = time_out_message(outcome, REQUEST)
    assert message.startswith("1 of 2 nodes did not become maintenance within 60 s. Last state: gateway ")
    assert "192.0.2.1: connection refused (Linux still installing?)" in message
    assert "192.0.2.2" not in message
    assert "only if the image was made with customization: {extraKernelArgs: [console=ttyS0]}" in message


def test_check_mode_looks_once() -> None:
    outcome, said = waited(iter([[REFUSED]]), REQUEST._replace(once=True))

    assert not outcome.reached
    assert len(said) == 1


def test_a_node_without_a_name_is_shown_by_its_address() -> None:
    assert line_of(MAINTENANCE, {}) == "192.0.2.1: maintenance"


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        pytest.param(["running"], "0 of 1 nodes are running after 3 s; 1 x maintenance", id="another stage"),
        pytest.param(["running", "maintenance"], "1 of 1 nodes are running or maintenance after 3 s", id="either"),
    ],
)
def test_the_summary_counts_the_nodes_that_are_there(stages: list[str], expected: str) -> None:
    assert summary([MAINTENANCE], REQUEST._replace(stages=stages), 3) == expected


def test_a_node_of_another_cluster_ends_the_wait_at_once() -> None:
    foreign = {**REFUSED, "error": "it belongs to another cluster", "cause": "other_authority"}

    outcome, _ = waited(iter([[foreign]]), REQUEST)

    assert not outcome.reached
    assert outcome.elapsed == 0
    message = time_out_message(outcome, REQUEST)
    assert message.startswith("Failed to wait for nodes that belong to another cluster: gateway 192.0.2.1")
