# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.filter.cozystack_summary import FilterModule

cozystack_summary = FilterModule().filters()["cozystack_summary"]


def test_verdicts_and_smoke_tests_become_lines() -> None:
    verdicts = [{"code": "NODE_NOT_READY", "message": "No node is ready.", "remedy": "Wait."}]
    tests = [{"item": "spin", "outcome": "blocked", "cause": "no network", "code": "X", "changed": False}]

    answer = cozystack_summary(verdicts, tests)

    assert answer["lines"] == ["  NODE_NOT_READY: No node is ready.", "  smoke test spin: blocked: no network"]
    assert answer["smoke_tests"] == {"spin": {"outcome": "blocked", "cause": "no network", "code": "X"}}


def test_a_smoke_test_without_a_cause_ends_with_its_outcome() -> None:
    answer = cozystack_summary([], [{"item": "vm", "outcome": "passed", "cause": ""}])

    assert answer["lines"] == ["  smoke test vm: passed"]


def test_without_anything_there_are_no_lines() -> None:
    assert cozystack_summary([], []) == {"smoke_tests": {}, "lines": []}
