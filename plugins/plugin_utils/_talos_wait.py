# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for nodes and its progress lines. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..module_utils._talos.api.errors import CONNECTION_CLOSED, CONNECTION_REFUSED, NO_ANSWER, NO_ROUTE, TLS_FAILED
from ..module_utils._talos.console import CONSOLE_REMEDY

SUMMARY_EVERY: Final = 15.0
_GUESSES: Final = {
    CONNECTION_REFUSED: "Linux still installing?",
    NO_ANSWER: "not booted yet, or blocked by a security group?",
    NO_ROUTE: "machine not started?",
    CONNECTION_CLOSED: "rebooting?",
    TLS_FAILED: "another program on this port?",
}

Observed = Mapping[str, Any]
Look = Callable[[], Sequence[Observed]]


class Clock(NamedTuple):
    """The clock of the wait; tests use their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Request(NamedTuple):
    """The accepted stages, the timeout, and the names of the nodes."""

    stages: Sequence[str]
    timeout: float
    interval: float
    names: Mapping[str, str]
    once: bool = False
    ready: bool = False
    ignored_conditions: Sequence[str] = ("nodeReady",)


class Outcome(NamedTuple):
    """The result of the wait."""

    reached: bool
    nodes: Sequence[Observed]
    elapsed: float


def state_of(node: Observed) -> str:
    """Return the state of the node in a few words."""
    error = node.get("error")
    if not error:
        return f"{node.get('stage')}{_unmet_text(node)}"
    guess = next((text for start, text in _GUESSES.items() if error.startswith(start)), None)
    return f"{error} ({guess})" if guess else str(error)


def _unmet_text(node: Observed) -> str:
    unmet = node.get("unmet_conditions") or {}
    return " (" + "; ".join(f"{name}: {reason}" for name, reason in unmet.items()) + ")" if unmet else ""


def line_of(node: Observed, names: Mapping[str, str]) -> str:
    """Return the progress line of the node, with its name if it has one."""
    address = node["node"]
    who = f"{names[address]} {address}" if names.get(address) else address
    return f"{who}: {state_of(node)}"


def is_reached(node: Observed, request: Request) -> bool:
    """Return whether the node is in an accepted stage."""
    if node.get("error") or node.get("stage") not in request.stages:
        return False
    unmet = set(node.get("unmet_conditions") or {}) - set(request.ignored_conditions)
    return not request.ready or (node.get("ready") is not None and not unmet)


def is_foreign(node: Observed) -> bool:
    """Return whether the node belongs to another cluster, so that waiting does not help."""
    return node.get("cause") == "other_authority"


def summary(nodes: Sequence[Observed], request: Request, elapsed: float) -> str:
    """Return one line about all nodes: how many are ready, and the states of the others."""
    others = Counter(state_of(node) for node in nodes if not is_reached(node, request))
    there = len(nodes) - others.total()
    rest = "".join(f"; {count} x {state}" for state, count in others.most_common())
    return f"{there} of {len(nodes)} nodes are {' or '.join(request.stages)} after {elapsed:.0f} s{rest}"


def time_out_message(outcome: Outcome, request: Request) -> str:
    """Return the failure message, with the last state of each node."""
    foreign = [node for node in outcome.nodes if is_foreign(node)]
    if foreign:
        lines = "; ".join(line_of(node, request.names) for node in foreign)
        return f"Failed to wait for nodes that belong to another cluster: {lines}"
    missing = [node for node in outcome.nodes if not is_reached(node, request)]
    seen = "; ".join(line_of(node, request.names) for node in missing)
    return (
        f"{len(missing)} of {len(outcome.nodes)} nodes did not become {' or '.join(request.stages)} "
        f"within {outcome.elapsed:.0f} s. Last state: {seen}. "
        f"Increase the option timeout if they need more time. {CONSOLE_REMEDY}"
    )


def wait_for(look: Look, request: Request, *, say: Callable[[str], None], clock: Clock) -> Outcome:
    """Read until every node is in an accepted stage or the timeout; print each change and regular summaries."""
    started = said = clock.now()
    known: dict[str, str] = {}
    while True:
        nodes = look()
        elapsed = clock.now() - started
        changed = _say_changes(nodes, known, request, say)
        reached = all(is_reached(node, request) for node in nodes)
        if (
            reached
            or request.once
            or any(is_foreign(node) for node in nodes)
            or elapsed + request.interval > request.timeout
        ):
            return Outcome(reached, nodes, elapsed)
        if changed:
            said = clock.now()
        elif clock.now() - said >= SUMMARY_EVERY:
            say(summary(nodes, request, elapsed))
            said = clock.now()
        clock.sleep(request.interval)


def _say_changes(
    nodes: Sequence[Observed], known: dict[str, str], request: Request, say: Callable[[str], None]
) -> bool:
    fresh = [node for node in nodes if known.get(node["node"]) != state_of(node)]
    for node in fresh:
        known[node["node"]] = state_of(node)
        say(line_of(node, request.names))
    return bool(fresh)
