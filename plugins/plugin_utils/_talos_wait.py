# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the wait for nodes goes on and what it says. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._talos.console import CONSOLE_REMEDY

SUMMARY_EVERY: Final = 15.0
_GUESSES: Final = {
    "connection refused": "Linux still installing?",
    "no answer within": "not booted yet, or a security group in the way?",
    "no route to the node": "machine not started?",
    "connection closed by the node": "rebooting?",
    "TLS handshake failed": "something else listens there?",
}

Seen = Mapping[str, Any]
Look = Callable[[], Sequence[Seen]]


class Clock(NamedTuple):
    """Time as the wait sees it; the tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Wish(NamedTuple):
    """What is waited for, how long, and how the nodes are called."""

    stages: Sequence[str]
    timeout: float
    interval: float
    names: Mapping[str, str]
    once: bool = False
    ready: bool = False
    ignored_conditions: Sequence[str] = ("nodeReady",)


class Outcome(NamedTuple):
    """How the wait ended."""

    reached: bool
    nodes: Sequence[Seen]
    elapsed: float


def state_of(node: Seen) -> str:
    """Return in a few words what was seen of the node."""
    error = node.get("error")
    if not error:
        return f"{node.get('stage')}{_unmet_text(node)}"
    guess = next((text for start, text in _GUESSES.items() if error.startswith(start)), None)
    return f"{error} ({guess})" if guess else str(error)


def _unmet_text(node: Seen) -> str:
    unmet = node.get("unmet_conditions") or {}
    return " (" + "; ".join(f"{name}: {reason}" for name, reason in unmet.items()) + ")" if unmet else ""


def line_of(node: Seen, names: Mapping[str, str]) -> str:
    """Return the progress line of the node, its name first where it has one."""
    address = node["node"]
    who = f"{names[address]} {address}" if names.get(address) else address
    return f"{who}: {state_of(node)}"


def is_reached(node: Seen, wish: Wish) -> bool:
    """Tell whether the node is where it should be."""
    if node.get("error") or node.get("stage") not in wish.stages:
        return False
    unmet = set(node.get("unmet_conditions") or {}) - set(wish.ignored_conditions)
    return not wish.ready or (node.get("ready") is not None and not unmet)


def is_foreign(node: Seen) -> bool:
    """Tell whether the node belongs to another cluster: no wait makes it ours."""
    return node.get("cause") == "other_authority"


def summary(nodes: Sequence[Seen], wish: Wish, elapsed: float) -> str:
    """Return one line on all nodes: how many are there, and what the others do."""
    others = Counter(state_of(node) for node in nodes if not is_reached(node, wish))
    there = len(nodes) - others.total()
    rest = "".join(f"; {count} x {state}" for state, count in others.most_common())
    return f"{there} of {len(nodes)} nodes are {' or '.join(wish.stages)} after {elapsed:.0f} s{rest}"


def time_out_message(outcome: Outcome, wish: Wish) -> str:
    """Return what to tell when the nodes did not get there: what was last seen of each."""
    foreign = [node for node in outcome.nodes if is_foreign(node)]
    if foreign:
        lines = "; ".join(line_of(node, wish.names) for node in foreign)
        return f"Failed to wait for nodes that belong to another cluster: {lines}"
    missing = [node for node in outcome.nodes if not is_reached(node, wish)]
    seen = "; ".join(line_of(node, wish.names) for node in missing)
    return (
        f"Failed to see {len(missing)} of {len(outcome.nodes)} nodes become {' or '.join(wish.stages)}: "
        f"gave up after {outcome.elapsed:.0f} s. Last seen: {seen}. "
        f"Give them longer with the option timeout. {CONSOLE_REMEDY}"
    )


def wait_for(look: Look, wish: Wish, *, say: Callable[[str], None], clock: Clock) -> Outcome:
    """Look until every node is where it should be or time is up; say each change, and a summary now and then."""
    started = said = clock.now()
    known: dict[str, str] = {}
    while True:
        nodes = look()
        elapsed = clock.now() - started
        changed = _say_changes(nodes, known, wish, say)
        reached = all(is_reached(node, wish) for node in nodes)
        if reached or wish.once or any(is_foreign(node) for node in nodes) or elapsed + wish.interval > wish.timeout:
            return Outcome(reached, nodes, elapsed)
        if changed:
            said = clock.now()
        elif clock.now() - said >= SUMMARY_EVERY:
            say(summary(nodes, wish, elapsed))
            said = clock.now()
        clock.sleep(wish.interval)


def _say_changes(nodes: Sequence[Seen], known: dict[str, str], wish: Wish, say: Callable[[str], None]) -> bool:
    fresh = [node for node in nodes if known.get(node["node"]) != state_of(node)]
    for node in fresh:
        known[node["node"]] = state_of(node)
        say(line_of(node, wish.names))
    return bool(fresh)
