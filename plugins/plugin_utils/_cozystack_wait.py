# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the wait for CozyStack goes on, what it says and what it notes.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

SUMMARY_EVERY: Final = 30.0
READY: Final = "ready"
BLOCKED: Final = "blocked"
TIMEOUT: Final = "timeout"
_SHOWN: Final = 3

Account = Mapping[str, Any]
History = dict[str, Any]


class Look(Protocol):
    """Reads the installation; settled tells that nothing has moved for long."""

    def __call__(self, *, settled: bool) -> Account:
        """Return the account of cozystack_info."""


class Clock(NamedTuple):
    """Time as the wait sees it; the tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time


class Request(NamedTuple):
    """What is waited for, and how long."""

    expect: str
    timeout: float
    interval: float
    blocked_after: float
    once: bool = False
    # Nothing was applied since the wait that the history is from.
    unchanged: bool = False


class Outcome(NamedTuple):
    """How the wait ended."""

    state: str
    account: Account
    elapsed: float
    history: History


class Listeners(NamedTuple):
    """Who hears of the progress: a person, and the file that the report is made from."""

    say: Callable[[str], None]
    note: Callable[[History], None]


def place_of(account: Account) -> tuple[Any, ...]:
    """Return what has to stay the same for an installation to count as standing still."""
    releases = account["releases"]
    roots = tuple((root["kind"], root["namespace"], root["name"]) for root in account["root_blockers"])
    packages = account["packages"]["ready"]
    return account["phase"], releases["expected"], releases["present"], releases["ready"], packages, roots


def mark_of(account: Account) -> str:
    """Return a checksum of all that tells one standstill from another: nodes, pods, releases and causes."""
    pods = account["pods"]
    seen = (place_of(account), account["codes"], account["nodes"], pods["phases"], pods["unschedulable_total"])
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def line_of(account: Account) -> str:
    """Return the progress line: how many releases of how many, and what the others wait for."""
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
    """Look until it is ready twice in a row, stands still for long, or time is up; say and note each change.

    What ended so in an earlier run, and is the same down to its pods, is not waited for again.
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
    """Return how the wait ends now, or nothing if it goes on.

    Ready counts once it was seen twice, because releases come in waves. What stands still counts as blocked.
    """
    if account["ready"] and (is_same or request.once):
        return READY
    if not account["ready"] and (still >= request.blocked_after and is_same):
        return BLOCKED
    if request.once:
        return BLOCKED if account["blocked"] else TIMEOUT
    return TIMEOUT if elapsed + request.interval > request.timeout else ""


def _ended(look: Look, state: str, account: Account, elapsed: float, notes: History) -> Outcome:
    """Return the outcome; of what does not move, what is not ready is now known to be stuck."""
    last = account if state == READY else look(settled=True)
    if last["ready"]:
        state = READY
    end = {"outcome": state, "codes": list(last["codes"])}
    # What was still moving has to be waited for again.
    mark = {} if state == TIMEOUT else {"mark": mark_of(last)}
    return Outcome(state, last, elapsed, {"looks": notes["looks"], **end, **mark})


def noted(history: History, account: Account, wall: float) -> History:
    """Return the history with this look behind the earlier ones; it begins anew where there is less than there was."""
    look = look_of(account, wall)
    looks = list(history.get("looks") or ())
    if looks and look["present"] < looks[-1]["present"] and account["api"]["reachable"]:
        looks = []
    if looks and _without_time(looks[-1]) == _without_time(look):
        return history
    return {"looks": [*looks, look], "outcome": None, "codes": list(account["codes"])}


def look_of(account: Account, wall: float) -> dict[str, Any]:
    """Return what the history keeps of one look."""
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
    """Return why this is not what was expected, or nothing if it is."""
    if request.once or request.expect in ("any", outcome.state):
        return None
    server = outcome.account["api"]["server"]
    if outcome.state == READY:
        return f"Failed to see CozyStack blocked on {server}: it is ready. Expect it: cozystack_expect."
    causes = [f"{one['code']}: {one['message']} {one['remedy']}" for one in outcome.account["verdicts"]]
    ended = "it stands still" if outcome.state == BLOCKED else "time was up while it still moved"
    reported = " ".join(causes) or "Give it longer with the option timeout."
    return (
        f"Failed to see CozyStack {request.expect} on {server}: {ended} after {outcome.elapsed:.0f} s. "
        f"Last seen: {line_of(outcome.account)}. {reported}"
    )
