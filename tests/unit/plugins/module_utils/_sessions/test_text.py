# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is said of sessions, and of two beside each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.account import (
    Account,
    account,
    projection,
    totals,
)
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.acts import begin_phase
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.record import Actual, Run
from ansible_collections.urmanac.talos.plugins.module_utils._sessions.text import (
    chosen,
    compare_lines,
    compared,
    list_lines,
    summary,
    table,
)
from tests.sessions import at, build, only, phase, reset, sessions


def test_a_session_is_listed_with_its_costs_and_its_codes(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)

    first, second, third = list_lines(account(sessions(tmp_path), at(99)))

    assert first == "  1  2026-11-28T180000Z  2.00 h, $0.31, removed"
    assert second == (
        "     3 x t4g.medium; Talos v1.13.5; CozyStack v1.6.2 full: blocked; ARCH_UNSUPPORTED_IMAGES, PUBLIC_IPV4"
    )
    assert third.startswith("     ran: 3 x t4g.medium 6.00 h in all, $0.22; ")


def test_a_killed_run_shows_how_far_it_got(tmp_path: Path) -> None:
    phase(tmp_path, "bastion")

    (line,) = list_lines(account(sessions(tmp_path), at(1)))

    assert line == (
        "  1  2026-11-28T180000Z  1.00 h, forecast, because nothing was read yet; unknown, "
        "open, its last run wrote no report (last phase: bastion)"
    )


def test_a_run_of_one_phase_is_not_called_unfinished(tmp_path: Path) -> None:
    begin_phase(tmp_path, Run("network.yml", at(0), "network"), at(0))

    (line,) = list_lines(account(sessions(tmp_path), at(1)))

    assert line.endswith("open, its last run wrote no report (last phase: network)")


def summarized(known: Account) -> list[str]:
    """Return the summary beside a home lab whose power is $40 a month."""
    return summary(totals(known), projection(known, 40))


@pytest.mark.parametrize(("is_estimated", "mark"), [(True, " (estimated)"), (False, "")])
def test_an_estimate_of_aws_is_marked(tmp_path: Path, is_estimated: bool, mark: str) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    known = [replace(only(tmp_path), actual=Actual({"2026-11-28": 0.3}, is_estimated, at(48)))]
    found = account(known, at(99))
    (entry,) = found.entries

    assert f"AWS billed $0.30{mark}, removed" in next(iter(list_lines(found)))
    assert table(found)[0]["billed"] == f"$0.30{mark}"
    assert f"Billed by AWS: $0.30{mark} for 1 session, calculated $0.31" in summarized(found)
    assert compared((entry, entry))[5]["first"] == f"$0.30{mark}"


def test_the_summary_has_sum_average_projection_and_break_even(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)

    assert summarized(account(sessions(tmp_path), at(2))) == [
        "Total: 1 session, 2.00 h, $0.31 (list prices, without tax, traffic and CPU credits)",
        "Average: 2.00 h and $0.31 a session",
        "Projection: $9.46 a month, at the rate since the first session (1 day)",
        "Home lab: its power is $40.00 a month (home_lab_power_per_month), which pays for 257 h of this cluster a "
        "month, 8.5 h a day, or 129 sessions like the average. The projection is $30.54 below it.",
    ]


def test_an_empty_journal_says_what_begins_a_session() -> None:
    assert summarized(account([], at(0))) == ["No session yet: playbooks/site.yml begins one."]


def test_two_sessions_are_compared_by_number_or_id(tmp_path: Path) -> None:
    build(tmp_path)
    reset(tmp_path, 2)
    build(tmp_path, 24)
    both = account(sessions(tmp_path), at(25))

    pair = chosen(both, ["1", both.entries[1].session.id])

    assert pair is not None
    assert pair == both.entries
    rows = {one["what"]: one for one in compared(pair)}
    assert (rows["length"]["first"], rows["length"]["second"]) == ("2.00 h", "1.00 h")
    assert rows["Talos"] == {"what": "Talos", "first": "v1.13.5", "second": "v1.13.5", "differs": False}
    lines = list(compare_lines(rows.values()))
    assert "~ end: removed | open" in lines
    assert "  Talos: v1.13.5" in lines


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(["1"], "compare needs two sessions", id="one"),
        pytest.param(["1", "2", "3"], "compare needs two sessions", id="three"),
        pytest.param(["1", "7"], "the session '7', which does not exist. There are 1 to 1", id="unknown"),
        pytest.param(["x\x1b[2J", "1"], "does not exist", id="hostile"),
    ],
)
def test_a_wrong_request_is_refused_with_what_there_is(tmp_path: Path, asked: list[str], words: str) -> None:
    build(tmp_path)

    with pytest.raises(InputError, match=words):
        chosen(account(sessions(tmp_path), at(1)), asked)


def test_nothing_asked_compares_nothing() -> None:
    assert chosen(account([], at(0)), [""]) is None
