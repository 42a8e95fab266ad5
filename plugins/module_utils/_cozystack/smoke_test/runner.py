# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoke tests: run something small, see whether it works, and remove it.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from ..._kubernetes import kinds
from ..._kubernetes.errors import ApiError, Cause
from ..._kubernetes.kinds import Kind

Object = dict[str, Any]
NAMESPACE: Final = "urmanac-smoke-test"
PASSED: Final = "passed"
BLOCKED: Final = "blocked"
WAITING: Final = "waiting"
_CODES: Final[Mapping[Cause, str]] = {
    Cause.WEBHOOK: "WEBHOOK_REFUSED",
    Cause.WEBHOOK_AWAY: "WEBHOOK_REFUSED",
    Cause.QUOTA: "QUOTA_EXCEEDED",
    Cause.EXISTS: "NAME_CLASH",
}


class Api(Protocol):
    """What is needed of a cluster's API."""

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object, or nothing."""

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterable[Object]:
        """Yield the objects of a kind."""

    def apply(self, content: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Apply the object on the server."""

    def delete(self, kind: Kind, name: str, *, namespace: str = "", dry_run: bool = False) -> bool:
        """Delete the object and tell whether there was one."""


class Clock(NamedTuple):
    """Time as the test sees it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Limits(NamedTuple):
    """How long it may take in all, and for how long something has to be in the way before it counts."""

    timeout: float = 180
    grace: float = 30
    interval: float = 2


class Observed(NamedTuple):
    """How a workload is doing, and why."""

    state: str
    cause: str = ""
    code: str | None = None


class Smoke(NamedTuple):
    """A smoke test: what is run, what has to be there before, and how to tell how it is doing."""

    kind: Kind
    content: Object
    refusal: Callable[[Api], Observed | None]
    state: Callable[[Api, Object], Observed]
    # What has to be in its namespace before.
    before: tuple[Object, ...] = ()

    @property
    def name(self) -> str:
        """Return what the object is called."""
        return str(self.content["metadata"]["name"])


def run(api: Api, smoke: Smoke, limits: Limits, *, clock: Clock | None = None) -> Observed:
    """Return whether it works; whatever is in the way ends the test and is its result."""
    try:
        return smoke.refusal(api) or _tried_afresh(api, smoke, limits, clock or Clock())
    except ApiError as error:
        code = "API_UNREACHABLE" if error.cause.is_down else _CODES.get(error.cause)
        if code is None:
            raise
        return Observed(BLOCKED, error.detail, code)


def _tried_afresh(api: Api, smoke: Smoke, limits: Limits, clock: Clock) -> Observed:
    """Try it once the namespace of the test before is gone: one that goes takes nothing new."""
    started = clock.now()
    while ((api.get(kinds.NAMESPACE, NAMESPACE) or {}).get("metadata") or {}).get("deletionTimestamp"):
        if clock.now() - started + limits.interval > limits.timeout:
            cause = f"the namespace {NAMESPACE} of an earlier test is still there after {limits.timeout:.0f} s"
            return Observed(BLOCKED, cause)
        clock.sleep(limits.interval)
    return _tried(api, smoke, limits._replace(timeout=limits.timeout - (clock.now() - started)), clock)


def _tried(api: Api, smoke: Smoke, limits: Limits, clock: Clock) -> Observed:
    """Run it and remove it again, whatever came of it."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    try:
        for content in (space, *smoke.before, smoke.content):
            api.apply(content, force=True)
        return _watched(api, smoke, limits, clock)
    finally:
        # With the namespace goes what is in it; a server that has gone cannot be asked, and the next test tries again.
        try:
            api.delete(smoke.kind, smoke.name, namespace=NAMESPACE)
            api.delete(kinds.NAMESPACE, NAMESPACE)
        except ApiError as error:
            if not error.cause.is_down:
                raise


def _watched(api: Api, smoke: Smoke, limits: Limits, clock: Clock) -> Observed:
    started, since, before = clock.now(), clock.now(), Observed(WAITING)
    while True:
        item = api.get(smoke.kind, smoke.name, namespace=NAMESPACE)
        observed = smoke.state(api, item) if item else Observed(WAITING, "it is not there")
        if observed != before:
            since, before = clock.now(), observed
        if observed.state == PASSED or (observed.state == BLOCKED and clock.now() - since >= limits.grace):
            return observed
        if clock.now() - started + limits.interval > limits.timeout:
            return Observed(BLOCKED, f"not there after {limits.timeout:.0f} s: {observed.cause}", observed.code)
        clock.sleep(limits.interval)
