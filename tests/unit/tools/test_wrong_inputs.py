# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every wrong value is refused with words of its own, and the page of them is what the command prints."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import read_options
from tools import wrong_inputs, wrong_options


@pytest.fixture(scope="module")
def page() -> str:
    return wrong_inputs.page()


def test_the_page_is_what_the_command_prints(page: str) -> None:
    written = wrong_inputs.PAGE.read_text(encoding="utf-8")

    assert written == page, "Run python -m tools.wrong_inputs > docs/wrong_inputs.md"


def test_many_wrong_values_are_tried_and_none_ends_in_a_traceback(page: str) -> None:
    rows = re.findall(r"^\| `(.+?)` \| `(.+)` \| (.+?) \| (.*) \|$", page, re.MULTILINE)

    assert len(rows) >= 400
    assert all(message for _option, _value, message, _remedy in rows)
    assert "Traceback" not in page


def test_every_variable_of_every_role_that_can_be_wrong_is_tried(page: str) -> None:
    table = page.partition("## Variables that others judge")[0]
    tried = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))

    assert set(read_options()) - tried == {"cluster_spec", "talos_upgrade_nodes"}


def test_a_wrong_value_that_is_accepted_is_an_error() -> None:
    options: dict[str, Any] = {"cluster_name": {"type": "raw"}}

    with pytest.raises(wrong_inputs.Accepted, match="cluster_name: 'text' is accepted"):
        list(wrong_inputs.judged(options, "cluster_name", "text"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("cozystack_host", "moon.base", id="a value of its own"),
        pytest.param("cozystack_smoke_tests", ["spin"], id="a list"),
        pytest.param("cluster_name", "moon", id="a variable without a rule"),
    ],
)
def test_a_value_of_the_list_that_is_accepted_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    monkeypatch.setattr(wrong_inputs, "WRONG_VALUES", {name: (value,)})

    with pytest.raises(wrong_inputs.Accepted, match=f"{name}: .*is accepted"):
        list(wrong_inputs.role_rows())


def test_a_value_of_the_pools_that_is_accepted_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_inputs, "RIGHT", {})

    with pytest.raises(wrong_inputs.Accepted, match="access_bastion_user: 'moon' is accepted"):
        list(wrong_inputs.role_rows())


def test_a_value_that_is_called_right_and_is_refused_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_inputs, "RIGHT", {**wrong_inputs.RIGHT, "access_api_host": ("moon",)})

    with pytest.raises(wrong_inputs.Accepted, match="access_api_host: 'moon' is in RIGHT, and is refused"):
        list(wrong_inputs.role_rows())


@pytest.mark.parametrize(
    ("option", "said"),
    [
        pytest.param({"nodes_new": {"type": "str"}}, "nodes_new: add a rule", id="no rule"),
        pytest.param({"cluster_name": {"type": "bool"}}, "cluster_name: it is judged", id="two judges"),
    ],
)
def test_a_variable_without_a_judge_fails_the_command(option: dict[str, Any], said: str) -> None:
    with pytest.raises(wrong_inputs.Accepted, match=said):
        wrong_inputs.refuse_unlisted({**read_options(), **option})


@pytest.mark.parametrize(
    "option",
    [
        pytest.param("talos_config: cluster.contract", id="an option within others"),
        pytest.param("shared by modules, talos: timeout", id="an option of a fragment"),
        pytest.param("shared by modules, ec2_cluster: cluster.nodes.volume_size", id="both"),
    ],
)
def test_options_that_are_shared_or_within_others_are_tried(page: str, option: str) -> None:
    assert f"| `{option}` |" in page


def test_every_option_of_a_module_is_tried_or_has_a_judge(page: str) -> None:
    listed = set(re.findall(r"^\| `([^`]+: [^`]+)` \|", page, re.MULTILINE))

    assert {title for title, _leaf in wrong_inputs.options_of_modules()} == listed


def test_an_option_that_its_module_accepts_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = wrong_options.Tried(str, ("no such value!",))
    monkeypatch.setattr(wrong_options, "TRIED", {"oci_image_info: platform": accepted})

    with pytest.raises(wrong_inputs.Accepted, match="oci_image_info: platform: 'no such value!' is accepted"):
        list(wrong_inputs.module_rows())


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        pytest.param({"talos_moon: phase": ""}, "talos_moon: phase: try wrong values", id="no judge"),
        pytest.param({}, "no option needs this judge", id="a judge of nothing"),
    ],
)
def test_options_and_judges_that_do_not_match_fail_the_command(patterns: dict[str, str], said: str) -> None:
    with pytest.raises(wrong_inputs.Accepted, match=said):
        wrong_inputs.refuse_unjudged(patterns)
