# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the filters for Tailscale as Ansible finds them; what they judge is tested beside the judgement."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter import tailscale_extension, tailscale_problems, tailscale_state

SETTINGS = {"enabled": True, "auth_key": "", "hostname": "", "routes": [], "userspace": False, "auth_once": False}


def test_problems_are_plain_data() -> None:
    problems = tailscale_problems.FilterModule().filters()["tailscale_problems"](
        [{"name": "a", "role": "gateway"}], SETTINGS
    )

    assert [(problem["code"], bool(problem["remedy"])) for problem in problems] == [("TAILSCALE_NO_KEY", True)]


def test_what_is_empty_is_left_to_the_extension() -> None:
    made = tailscale_extension.FilterModule().filters()["tailscale_extension"]({**SETTINGS, "extra_args": []})

    assert made["environment"] == ["TS_USERSPACE=false", "TS_AUTH_ONCE=false"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param({"error": "connection refused", "tailscale": None}, "connection refused", id="no answer"),
        pytest.param({"error": None, "missing": {"tailscale": "no log"}}, "no log", id="not read"),
        pytest.param({}, "no answer", id="nothing known"),
    ],
)
def test_a_node_that_does_not_report_its_status_waits_with_the_reason(answer: dict[str, Any], message: str) -> None:
    status = tailscale_state.FilterModule().filters()["tailscale_state"](answer)

    assert (status["state"], status["addresses"]) == ("waiting", [])
    assert (status["problem"]["code"], status["problem"]["message"]) == ("TAILSCALE_UNKNOWN", message)
    assert status["problem"]["remedy"]


def test_a_reported_status_is_returned_unchanged() -> None:
    reported = {"state": "connected", "addresses": ["100.64.0.1"], "problem": None}

    assert tailscale_state.FilterModule().filters()["tailscale_state"]({"tailscale": reported}) == reported
