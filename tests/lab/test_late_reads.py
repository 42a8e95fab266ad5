# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that makes or joins something, with readings that do not show it yet: one of each, and nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.lab.cluster_runs import TABLE, as_aws_writes, assert_one_of_each, build, is_creating, left_empty, remove
from tests.lab.labs import Lab
from tests.lab.late_reads import CHANGED, MADE, LateApi
from tests.operator_policy import recorded

# An answer says all that the run has to know of what these make.
NOT_READ = frozenset({"put_claim", "authorize_home_rule"})
# Of the state of a cluster that controllers share, which test_ec2_state.py tests.
OF_THE_STATE = {"PutObject"}


@pytest.fixture
def api(lab: Lab) -> Iterator[LateApi]:
    yield from left_empty(LateApi(lab))


@pytest.fixture(scope="module")
def rows(lab: Lab) -> frozenset[str]:
    """Return every call of a build, as the lab saw it, that makes or joins something."""
    made = LateApi(lab)
    build(made)
    seen = frozenset(made.writes)
    remove(made)
    return frozenset(what for what in seen if is_creating(as_aws_writes(what)))


def test_the_table_has_every_creating_call_that_the_lab_saw_of_a_build_and_of_the_playbooks(
    rows: frozenset[str],
) -> None:
    played = {permission.partition(":")[2] for permission in recorded()}

    assert rows == {*MADE, *CHANGED}
    assert {name for name in played if is_creating(name)} <= TABLE | OF_THE_STATE
    assert {name for name in played if is_creating(name)} >= {as_aws_writes(row) for row in rows}


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost answers"])
def test_what_the_next_readings_do_not_show_is_made_once(api: LateApi, rows: frozenset[str], lost: bool) -> None:
    api.unseen, api.lost = rows, Counter(dict.fromkeys(rows, 1) if lost else {})

    build(api)
    late = api.late_readings.keys()
    api.stop_failing()
    api.writes.clear()

    assert rows - (set() if lost else NOT_READ) - late == set()
    assert_one_of_each(api, build(api))
    assert api.writes == []
