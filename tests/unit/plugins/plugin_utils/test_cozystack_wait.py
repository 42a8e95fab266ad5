# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the wait for CozyStack ends, and what it prints and records."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._cozystack_wait import (
    Account,
    Clock,
    History,
    Listeners,
    Outcome,
    Request,
    refusal,
    wait_for,
)

MEMORY = {"code": "INSUFFICIENT_MEMORY", "message": "6 pods wait for memory", "remedy": "Take larger ones."}


def account(ready: int, *, present: int = 10, roots: tuple[str, ...] = ("cilium",), **more: Any) -> Account:
    """Return an account with this number of ready releases, of ten."""
    is_ready = ready == 10
    shown = [{"kind": "HelmRelease", "namespace": "cozy-x", "name": name, "reason": "InstallFailed"} for name in roots]
    return {
        **{"ready": is_ready, "blocked": False, "phase": "ready" if is_ready else "releases", "summary": "?"},
        "releases": {"expected": 10, "present": present, "ready": ready},
        "packages": {"ready": 5},
        "root_blockers": [] if is_ready else shown,
        "pods": {"unschedulable_total": 0, "phases": {"Running": 9}},
        "nodes": [{"name": "lab-cp-1", "memory": 4 * 2**30}],
        "api": {"server": "https://192.0.2.101:6443", "reachable": True},
        "verdicts": [],
        "codes": [],
        **more,
    }


class Scene:
    """Looks one after the other, the last one for ever; time passes by sleeping only."""

    def __init__(self, *looks: Account, settled: Account | None = None) -> None:
        self.looks = list(looks)
        self.settled = settled
        self.time = 0.0
        self.lines: list[str] = []
        self.notes: list[History] = []

    def look(self, *, settled: bool) -> Account:
        if settled:
            return self.settled or self.looks[0]
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def wait(
        self, expect: str = "any", *, once: bool = False, unchanged: bool = False, history: History | None = None
    ) -> Outcome:
        request = Request(expect, timeout=600, interval=10, blocked_after=60, once=once, unchanged=unchanged)
        clock = Clock(lambda: self.time, self.sleep, lambda: 1767323045 + self.time)
        listeners = Listeners(self.lines.append, self.notes.append)
        return wait_for(self.look, request, listeners=listeners, clock=clock, history=history)


def test_ready_counts_when_it_was_seen_twice() -> None:
    scene = Scene(account(9), account(10), account(9, present=11), account(10))

    outcome = scene.wait()

    assert (outcome.state, outcome.elapsed) == ("ready", 40)


def test_each_change_is_printed_with_the_blockers_of_waiting_releases() -> None:
    scene = Scene(account(3, roots=("cilium", "kubeovn", "multus", "reloader")), account(3), account(10))

    scene.wait()

    assert scene.lines == [
        "3 of 10 releases ready (releases), waits for cozy-x/cilium (InstallFailed), cozy-x/kubeovn (InstallFailed), "
        "cozy-x/multus (InstallFailed) and 1 more",
        "3 of 10 releases ready (releases), waits for cozy-x/cilium (InstallFailed)",
        "10 of 10 releases ready",
    ]


def test_what_stands_still_is_blocked_long_before_time_is_up() -> None:
    stuck = account(4, verdicts=[MEMORY], codes=["INSUFFICIENT_MEMORY"], blocked=True)
    scene = Scene(account(4), settled=stuck)

    outcome = scene.wait()

    assert (outcome.state, outcome.elapsed) == ("blocked", 60)
    assert outcome.account["codes"] == outcome.history["codes"] == ["INSUFFICIENT_MEMORY"]
    assert scene.lines[1].endswith("unchanged for 30 s")


def test_other_blockers_are_progress() -> None:
    scene = Scene(*[account(4, roots=(f"r{number}",)) for number in range(8)])

    outcome = scene.wait()

    assert (outcome.state, outcome.elapsed) == ("blocked", 130)


def test_what_moves_all_the_time_ends_when_time_is_up() -> None:
    scene = Scene(*[account(4, roots=(f"r{number}",)) for number in range(100)])

    outcome = scene.wait()

    assert (outcome.state, outcome.elapsed) == ("timeout", 600)


def test_an_api_that_stays_away_is_blocked_too() -> None:
    away = account(0, present=0, phase="unreachable", summary="the Kubernetes API does not answer", roots=())
    scene = Scene(away)

    outcome = scene.wait()

    assert (outcome.state, scene.lines[0]) == ("blocked", "the Kubernetes API does not answer")


def test_check_mode_looks_once_and_never_fails() -> None:
    scene = Scene(account(0, present=0, phase="absent"))

    outcome = scene.wait("ready", once=True)

    assert (outcome.elapsed, refusal(outcome, Request("ready", 1, 1, 1, once=True))) == (0, None)


@pytest.mark.parametrize(
    ("expect", "ready", "fails"),
    [
        pytest.param("ready", 10, "", id="ready as expected"),
        pytest.param("ready", 4, "no progress after 60 s", id="blocked and not ready"),
        pytest.param("blocked", 10, "it is ready", id="ready and not blocked"),
        pytest.param("blocked", 4, "", id="blocked as expected"),
        pytest.param("any", 10, "", id="any is content with ready"),
        pytest.param("any", 4, "", id="any is content with blocked"),
    ],
)
def test_what_was_expected_decides(expect: str, ready: int, fails: str) -> None:
    outcome = Scene(account(ready), settled=account(ready, verdicts=[MEMORY])).wait(expect)

    message = refusal(outcome, Request(expect, 600, 10, 60)) or ""

    assert fails in message
    assert bool(message) == bool(fails)
    if fails.startswith("it stands"):
        assert message.endswith("INSUFFICIENT_MEMORY: 6 pods wait for memory Take larger ones.")


def test_the_history_keeps_each_change_with_its_time() -> None:
    scene = Scene(account(3), account(3), account(6), account(10))

    outcome = scene.wait()

    assert [(look["time"][11:19], look["ready"]) for look in outcome.history["looks"]] == [
        ("03:04:05", 3),
        ("03:04:25", 6),
        ("03:04:35", 10),
    ]
    assert outcome.history["outcome"] == "ready"
    assert len(scene.notes) == 3


def test_a_later_run_goes_on_with_the_history() -> None:
    first = Scene(account(3), account(10)).wait()

    second = Scene(account(10)).wait(history=first.history)

    assert second.history == first.history


def test_a_new_installation_starts_a_new_history() -> None:
    first = Scene(account(3), account(10)).wait()

    second = Scene(account(0, present=1), account(10)).wait(history=first.history)

    assert [look["present"] for look in second.history["looks"]] == [1, 10]


STUCK = account(4, verdicts=[MEMORY], codes=["INSUFFICIENT_MEMORY"], blocked=True)


@pytest.mark.parametrize("last", [STUCK, account(10)], ids=["blocked", "ready"])
def test_what_ended_so_and_is_the_same_down_to_its_pods_is_not_waited_for_again(last: Account) -> None:
    first = Scene(last, settled=last).wait()
    again = Scene(last, settled=last)

    outcome = again.wait(unchanged=True, history=first.history)

    assert (outcome.state, outcome.elapsed) == (first.state, 0)
    assert outcome.history == first.history
    assert "unchanged since the last run" in again.lines[0]


CHANGES = {
    "larger nodes": {"nodes": [{"name": "lab-cp-1", "memory": 8 * 2**30}]},
    "pods that start": {"pods": {"unschedulable_total": 0, "phases": {"Running": 8, "Pending": 1}}},
    "another cause": {"codes": ["IMAGE_PULL_FAILED"]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_different_from_the_last_run_is_waited_for(change: dict[str, Any]) -> None:
    first = Scene(STUCK, settled=STUCK).wait()
    now = {**STUCK, **change}

    outcome = Scene(now, settled=now).wait(unchanged=True, history=first.history)

    assert outcome.elapsed == 60


def test_what_was_applied_is_waited_for_though_it_looks_the_same_yet() -> None:
    first = Scene(STUCK, settled=STUCK).wait()

    assert Scene(STUCK, settled=STUCK).wait(history=first.history).elapsed == 60


def test_what_was_still_moving_is_waited_for_again() -> None:
    moving = Scene(*(account(ready % 9) for ready in range(80)))
    first = moving.wait()

    assert first.state == "timeout"
    assert Scene(STUCK, settled=STUCK).wait(unchanged=True, history=first.history).elapsed == 60
