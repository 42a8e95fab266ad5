# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoke tests: run a small workload, check whether it works, and remove it.

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
    Cause.POD_SECURITY: "POD_SECURITY_REFUSED",
    Cause.TOO_LARGE: "OBJECT_TOO_LARGE",
    Cause.DATABASE_FULL: "ETCD_DATABASE_FULL",
    Cause.EXISTS: "NAME_CLASH",
}


class Api(Protocol):
    """The methods of a cluster's API that are needed."""

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object, or None."""

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterable[Object]:
        """Yield the objects of a kind."""

    def apply(self, content: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Apply the object on the server."""

    def delete(self, kind: Kind, name: str, *, namespace: str = "", dry_run: bool = False) -> bool:
        """Delete the object and return whether it existed."""


class Clock(NamedTuple):
    """The clock of the test."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Limits(NamedTuple):
    """The timeout of the test, and how long a problem has to last before it counts."""

    timeout: float = 180
    grace: float = 30
    interval: float = 2


class Observed(NamedTuple):
    """The state of a workload, and the cause, with a code if it is blocked."""

    state: str
    cause: str = ""
    code: str | None = None


class Smoke(NamedTuple):
    """A smoke test: its workload, its prerequisites, and how to read its state."""

    kind: Kind
    content: Object
    refusal: Callable[[Api], Observed | None]
    state: Callable[[Api, Object], Observed]
    # Objects that its namespace needs first.
    before: tuple[Object, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the object."""
        return str(self.content["metadata"]["name"])


def run(api: Api, smoke: Smoke, limits: Limits, *, clock: Clock | None = None) -> Observed:
    """Return whether it works; a problem ends the test and is its result."""
    try:
        return smoke.refusal(api) or _run_in_new_namespace(api, smoke, limits, clock or Clock())
    except ApiError as error:
        code = "API_UNREACHABLE" if error.cause.is_down else _CODES.get(error.cause)
        if code is None:
            raise
        return Observed(BLOCKED, error.detail, code)


def _run_in_new_namespace(api: Api, smoke: Smoke, limits: Limits, clock: Clock) -> Observed:
    """Run the test after the namespace of the previous one is deleted: a terminating namespace accepts no objects."""
    started = clock.now()
    while ((api.get(kinds.NAMESPACE, NAMESPACE) or {}).get("metadata") or {}).get("deletionTimestamp"):
        if clock.now() - started + limits.interval > limits.timeout:
            cause = f"the namespace {NAMESPACE} of an earlier test still exists after {limits.timeout:.0f} s"
            return Observed(BLOCKED, cause, "SMOKE_TEST_NOT_DELETED")
        clock.sleep(limits.interval)
    return _run_and_remove(api, smoke, limits._replace(timeout=limits.timeout - (clock.now() - started)), clock)


def _run_and_remove(api: Api, smoke: Smoke, limits: Limits, clock: Clock) -> Observed:
    """Run it, and remove it in any case."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    try:
        for content in (space, *smoke.before, smoke.content):
            api.apply(content, force=True)
        return _watched(api, smoke, limits, clock)
    finally:
        # Deleting the namespace deletes its objects. If the server is down, the next test deletes it.
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
        observed = smoke.state(api, item) if item else Observed(WAITING, "it does not exist")
        if observed != before:
            since, before = clock.now(), observed
        if observed.state == PASSED or (observed.state == BLOCKED and clock.now() - since >= limits.grace):
            return observed
        if clock.now() - started + limits.interval > limits.timeout:
            cause = f"not there after {limits.timeout:.0f} s: {observed.cause}"
            return Observed(BLOCKED, cause, observed.code or "SMOKE_TEST_TIMED_OUT")
        clock.sleep(limits.interval)
