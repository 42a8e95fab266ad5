# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail

from ansible_collections.urmanac.talos.plugins.action import print_lines
from ansible_collections.urmanac.talos.plugins.action.print_lines import color_of
from tests.actions import run_action


def run(**arguments: Any) -> dict[str, Any]:
    return run_action(print_lines, **arguments)


def test_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    run(lines=["+ create vpc 'talos-vpc'", "", "  10.10.0.0/16"])

    assert capsys.readouterr().out == "+ create vpc 'talos-vpc'\n\n  10.10.0.0/16\n"


def test_what_a_terminal_would_obey_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    run(lines=["moon\x1b[2J\x9b1m\x07\rdone\ttab"])

    assert capsys.readouterr().out == "moon\\x1b[2J\\x9b1m\\x07\\x0ddone\ttab\n"


@pytest.mark.parametrize("changed", [True, False])
def test_the_caller_says_whether_it_counts_as_changed(changed: bool) -> None:
    assert run(lines=[], changed=changed)["changed"] is changed


def test_it_counts_as_unchanged_when_nothing_is_said() -> None:
    assert run(lines=["text"])["changed"] is False


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(AnsibleActionFail, match="msg"):
        run(lines=[], msg="text")


@pytest.mark.parametrize(
    ("line", "color"),
    [
        pytest.param("+ create", constants.COLOR_DIFF_ADD, id="create"),
        pytest.param("  - delete", constants.COLOR_DIFF_REMOVE, id="indented delete"),
        pytest.param("~ change", constants.COLOR_CHANGED, id="change"),
        pytest.param("---", None, id="a rule is not a deletion"),
        pytest.param("-", None, id="a lone sign"),
        pytest.param("", None, id="empty"),
        pytest.param("VPC", None, id="text"),
    ],
)
def test_the_sign_of_a_line_gives_its_colour(line: str, color: str | None) -> None:
    assert color_of(line) == color
