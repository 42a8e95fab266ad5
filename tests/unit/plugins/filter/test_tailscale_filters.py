# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the filters for Tailscale as Ansible finds them; what they judge is tested beside the judgement."""

from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.filter import tailscale_extension, tailscale_problems

SETTINGS = {"enabled": True, "auth_key": "", "hostname": "", "routes": [], "userspace": False, "auth_once": False}


def test_problems_are_plain_data() -> None:
    problems = tailscale_problems.FilterModule().filters()["tailscale_problems"](
        [{"name": "a", "role": "gateway"}], SETTINGS
    )

    assert [(problem["code"], bool(problem["remedy"])) for problem in problems] == [("TAILSCALE_NO_KEY", True)]


def test_what_is_empty_is_left_to_the_extension() -> None:
    made = tailscale_extension.FilterModule().filters()["tailscale_extension"]({**SETTINGS, "extra_args": []})

    assert made["environment"] == ["TS_USERSPACE=false", "TS_AUTH_ONCE=false"]
