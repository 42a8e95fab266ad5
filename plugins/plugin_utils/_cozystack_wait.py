# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for CozyStack, its progress lines and its history.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from ..module_utils._findings import finding_of, one_line

SUMMARY_EVERY: Final = 30.0
READY: Final = "ready"
BLOCKED: Final = "blocked"
TIMEOUT: Final = "timeout"
_SHOWN: Final = 3

Account = Mapping[str, Any]
History = dict[str, Any]


class Look(Protocol):
    """Reads the installation; settled means that it makes no more progress."""

    def __call__(self, *, settled: bool) -> Account:
        """Return the account of cozystack_info."""


class Clock(NamedTuple):
    """The clock of the wait; tests use their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time


class Request(NamedTuple):
    """The wanted result, and the timeout."""

    expect: str
    timeout: float
    interval: float
    blocked_after: float
    once: bool = False
    # Nothing was applied since the wait that wrote the history.
    unchanged: bool = False


class Outcome(NamedTuple):
    """The result of the wait."""

    state: str
    account: Account
    elapsed: float
    history: History


class Listeners(NamedTuple):
    """Receivers of the progress: the screen, and the file for the report."""

    say: Callable[[str], None]
    note: Callable[[History], None]


def place_of(account: Account) -> tuple[Any, ...]:
    """Return the values that do not change while an installation makes no progress."""
    releases = account["releases"]
    roots = tuple((root["kind"], root["namespace"], root["name"]) for root in account["root_blockers"])
    packages = account["packages"]["ready"]
    return account["phase"], releases["expected"], releases["present"], releases["ready"], packages, roots


def mark_of(account: Account) -> str:
    """Return a checksum of the state at the end of a wait: nodes, pods, releases and causes."""
    pods = account["pods"]
    seen = (place_of(account), account["codes"], account["nodes"], pods["phases"], pods["unschedulable_total"])
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def line_of(account: Account) -> str:
    """Return the progress line: ready and expected releases, and what the others wait for."""
    releases = account["releases"]
    count = f"{releases['ready']} of {releases['expected'] or releases['present'] or '?'} releases ready"
    if account["ready"]:
        return count
    if account["phase"] in ("unreachable", "absent"):
        return str(account["summary"])
    roots = account["root_blockers"]
    names = ", ".join(_root_text(root) for root in roots[:_SHOWN])
    more = f" and {len(roots) - _SHOWN} more" if roots[_SHOWN:] else ""
    codes = f" [{', '.join(account['codes'])}]" if account["codes"] else ""
    return f"{count} ({account['phase']}), waits for {names}{more}{codes}" if roots else f"{count} ({account['phase']})"


def _root_text(root: Mapping[str, Any]) -> str:
    where = f"{root['namespace']}/" if root["namespace"] else ""
    return f"{where}{root['name']} ({root['reason']})"


def wait_for(
    look: Look, request: Request, *, listeners: Listeners, clock: Clock, history: History | None = None
) -> Outcome:
    """Read until it is ready twice in a row, makes no progress, or the timeout; report and record each change.

    If an earlier run ended in the same state down to the pods, this wait ends at once.
    """
    started = said = moved = clock.now()
    known: tuple[Any, ...] = ()
    notes = history or {}
    if request.unchanged and "mark" in notes:
        account = look(settled=True)
        if mark_of(account) == notes["mark"]:
            listeners.say(f"{line_of(account)}; unchanged since the last run")
            return Outcome(notes["outcome"], account, clock.now() - started, notes)
    while True:
        account = look(settled=False)
        now = clock.now()
        place = place_of(account)
        is_same = place == known
        if not is_same or now - said >= SUMMARY_EVERY:
            listeners.say(line_of(account) + (f"; unchanged for {now - moved:.0f} s" if is_same else ""))
            said = now
        if not is_same:
            known, moved = place, now
            notes = noted(notes, account, clock.wall())
            listeners.note(notes)
        state = state_of(account, request, is_same=is_same, still=now - moved, elapsed=now - started)
        if state:
            return _ended(look, state, account, now - started, notes)
        clock.sleep(request.interval)


def state_of(account: Account, request: Request, *, is_same: bool, still: float, elapsed: float) -> str:
    """Return the result of the wait, or None while it continues.

    Two consecutive readings count as ready, because releases are created in waves. No progress counts as blocked.
    """
    if account["ready"] and (is_same or request.once):
        return READY
    if not account["ready"] and (still >= request.blocked_after and is_same):
        return BLOCKED
    if request.once:
        return BLOCKED if account["blocked"] else TIMEOUT
    return TIMEOUT if elapsed + request.interval > request.timeout else ""


def _ended(look: Look, state: str, account: Account, elapsed: float, notes: History) -> Outcome:
    """Return the outcome; without progress, everything that is not ready counts as stuck."""
    last = account if state == READY else look(settled=True)
    if last["ready"]:
        state = READY
    end = {"outcome": state, "codes": list(last["codes"])}
    # After a timeout the next run has to wait again.
    mark = {} if state == TIMEOUT else {"mark": mark_of(last)}
    return Outcome(state, last, elapsed, {"looks": notes["looks"], **end, **mark})


def noted(history: History, account: Account, wall: float) -> History:
    """Return the history with this reading appended; it restarts if the number of releases decreased."""
    look = look_of(account, wall)
    looks = list(history.get("looks") or ())
    if looks and look["present"] < looks[-1]["present"] and account["api"]["reachable"]:
        looks = []
    if looks and _without_time(looks[-1]) == _without_time(look):
        return history
    return {"looks": [*looks, look], "outcome": None, "codes": list(account["codes"])}


def look_of(account: Account, wall: float) -> dict[str, Any]:
    """Return the record of one reading in the history."""
    return {
        "time": datetime.fromtimestamp(wall, tz=UTC).isoformat(timespec="seconds"),
        "phase": account["phase"],
        **{name: account["releases"][name] for name in ("expected", "present", "ready")},
        "unschedulable": account["pods"]["unschedulable_total"],
        "blockers": [_root_text(root) for root in account["root_blockers"][:_SHOWN]],
    }


def _without_time(look: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in look.items() if name != "time"}


def refusal(outcome: Outcome, request: Request) -> str | None:
    """Return why the result is unexpected, or an empty string."""
    if request.once or request.expect in ("any", outcome.state):
        return None
    server = outcome.account["api"]["server"]
    if outcome.state == READY:
        expected = f"Expected a blocked installation of CozyStack on {server}, but it is ready."
        return f"{expected} Set cozystack_expect to ready or any."
    causes = [one_line(finding_of(one), "code") for one in outcome.account["verdicts"]]
    ended = "no progress" if outcome.state == BLOCKED else "timeout while in progress"
    reported = " ".join(causes) or "Increase the option timeout."
    return (
        f"CozyStack did not become {request.expect} on {server}: {ended} after {outcome.elapsed:.0f} s. "
        f"Last state: {line_of(outcome.account)}. {reported}"
    )
