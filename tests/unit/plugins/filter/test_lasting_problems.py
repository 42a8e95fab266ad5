# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fails for a lasting reason is not repeated, here and in the last reading of reset.yml."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.filter.lasting_problems import lasting_problems
from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import PASSING_CODES
from tests.checks.process import ROOT

LISTED = {"part": "instances", "kind": "volume", "id": "vol-0a"}
STAYS = {"part": None, "kind": "snapshot", "id": "snap-0a"}


def failed(*codes: str) -> dict[str, Any]:
    """Return the result of a reading that failed with these codes."""
    return {"failed": True, "problems": [{"code": code} for code in codes]}


def test_codes_that_pass_exist() -> None:
    assert set(CODES) >= PASSING_CODES


@pytest.mark.parametrize("code", ["NOT_AUTHORIZED", "CREDENTIALS_EXPIRED", "ENDPOINT_NOT_TRUSTED"])
def test_a_failure_with_a_lasting_problem_has_it(code: str) -> None:
    assert lasting_problems(failed("AWS_UNAVAILABLE", code)) == [{"code": code}]


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(failed("ENDPOINT_UNREACHABLE"), id="no answer"),
        pytest.param(failed("REQUEST_LIMIT_EXCEEDED", "AWS_ERROR"), id="a rate limit, and not found yet"),
        pytest.param({"failed": True}, id="without a code"),
        pytest.param({"problems": [{"code": "NOT_AUTHORIZED"}]}, id="a result that did not fail"),
    ],
)
def test_other_results_have_none(result: dict[str, Any]) -> None:
    assert lasting_problems(result) == []


@pytest.mark.parametrize(
    ("result", "ends"),
    [
        pytest.param(failed("NOT_AUTHORIZED"), True, id="a missing permission"),
        pytest.param(failed("AWS_UNAVAILABLE"), False, id="an error at AWS"),
        pytest.param({"found": [LISTED]}, False, id="a volume that AWS still lists"),
        pytest.param({"found": [STAYS]}, True, id="only what stays"),
        pytest.param({"found": []}, True, id="nothing"),
    ],
)
def test_the_last_reading_of_a_reset_is_repeated_while_that_helps(result: dict[str, Any], ends: bool) -> None:
    plays = yaml.safe_load((ROOT / "playbooks" / "reset.yml").read_text(encoding="utf-8"))
    (task,) = (task for play in plays for task in play.get("tasks", ()) if task.get("register") == "__reset_after")
    until = trust_as_template(f"{{{{ {task['until']} }}}}")
    known = {"__reset_after": result, "ansible_check_mode": False}

    assert Templar(loader=DataLoader(), variables=known).template(until) is ends
