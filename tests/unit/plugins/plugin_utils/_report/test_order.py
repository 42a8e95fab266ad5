# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of errors is the same in the result of the module and in all formats of the report."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.advice import advice, causes
from ansible_collections.urmanac.talos.plugins.plugin_utils._report.junit import junit
from tests import reports
from tests.cozystack_cluster import FakeApi
from tests.cozystack_situations import AWAY, ORDER, Situation

# Predicted, and known only in the report.
AHEAD = {
    **{"code": "PACKAGES_NOT_CLOSED", "severity": "error", "subject": "packages", "message": "1 package waits."},
    **{"remedy": "Disable it.", "evidence": {}},
}


def observed() -> list[dict[str, Any]]:
    """Return the verdicts on a cluster with a lost node, a crash that holds back many, a warning and what waits."""
    (volume,) = (one for one in ORDER if one.name.startswith("a volume that a release waits for"))
    (lost,) = (one for one in AWAY if one.name == "a lost node, while the others have too little memory")
    pods = [*volume.objects[kinds.POD], *lost.objects[kinds.POD]]
    objects = {**volume.objects, kinds.NODE: lost.objects[kinds.NODE], kinds.POD: pods}
    return list(look(FakeApi(objects), settled=True)["verdicts"])


def report() -> tuple[list[str], dict[str, Any]]:
    """Return the codes of the errors in the order of the module, and the report: what only waits is last."""
    verdicts = observed()
    account = {**reports.BLOCKED["account"], "verdicts": verdicts, "outlook": [AHEAD]}
    *causes, waits = (one["code"] for one in verdicts if one["severity"] == "error")
    return [*causes, AHEAD["code"], waits], reports.report(cozystack={**reports.BLOCKED, "account": account})


def in_order(text: str, codes: list[str]) -> list[str]:
    """Return the codes that a text has, in the order in which they come first."""
    return list(dict.fromkeys(re.findall("|".join(codes), text)))


def test_the_module_has_several_errors_and_a_warning() -> None:
    verdicts = observed()

    assert [one["code"] for one in verdicts] == [
        *("NODE_NOT_READY", "VOLUME_PENDING", "RELEASE_NOT_READY"),
        "INSUFFICIENT_MEMORY",
    ]
    assert [one["severity"] for one in verdicts] == ["error"] * 3 + ["warning"]


@pytest.mark.parametrize("name", ["txt", "md", "html", "xml"])
def test_the_formats_of_a_report_have_the_order_of_the_module(name: str) -> None:
    codes, content = report()
    text = junit(content) if name == "xml" else reports.rendered(name, content)
    title = "Blockers of CozyStack" if name in ("md", "html") else "CozyStack install"

    assert in_order(text[text.index(title) :], codes) == codes


@pytest.mark.parametrize("situation", [pytest.param(one, id=one.name) for one in AWAY if one.also])
def test_a_node_that_takes_no_pods_is_brought_back_before_larger_ones_are_bought(situation: Situation) -> None:
    verdicts = look(FakeApi(dict(situation.objects)), settled=True)["verdicts"]
    installed = {"outcome": "blocked", "profile": "full", "verdicts": verdicts}

    given = advice(installed, reports.FORECAST)

    brought_back = (one["remedy"] for one in verdicts if one["code"] in ("NODE_NOT_READY", "NODE_CORDONED"))
    assert given == {"recommended": " ".join(dict.fromkeys(brought_back)), "alternative": None}


def test_a_release_whose_message_names_the_cause_is_one() -> None:
    waits = {"code": "RELEASE_NOT_READY", "severity": "error", "evidence": {"names_cause": False}}
    says = {**waits, "evidence": {"names_cause": True}}
    crash = {"code": "CONTAINER_CRASHES", "severity": "error", "evidence": {}}

    assert causes([says, crash, waits]) == [says, crash]
    assert causes([waits]) == [waits]
