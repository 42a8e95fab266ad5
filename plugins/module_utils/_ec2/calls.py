# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that tolerate lost responses and eventual consistency. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from .client import Api, AwsError, is_not_found
from .refusals import CHANGING, IN_USE, OTHERS_FIRST
from .values import texts_in

T = TypeVar("T")
# AWS did not execute the call: it can be repeated.
_REFUSED_NOW = "REQUEST_LIMIT_EXCEEDED"
# It is unknown whether AWS executed the call.
_LOST = ("AWS_UNAVAILABLE", "ENDPOINT_UNREACHABLE", "ANSWER_INVALID")
# For a task that repeats a whole reading. A resource that AWS does not find yet is an AWS_ERROR.
PASSING_CODES = frozenset({_REFUSED_NOW, *_LOST, "CHANGE_IN_PROGRESS", "AWS_ERROR"})
# Errors of a second attempt if the response to the first one was lost.
_EXISTS = (
    *("InvalidGroup.Duplicate", "InvalidSubnet.Conflict", "EntityAlreadyExists", "AlreadyExists"),
    *("InvalidLaunchTemplateName.AlreadyExistsException", "InvalidIPAddress.InUse", "InvalidPermission.Duplicate"),
    # EventBridge Scheduler.
    "ConflictException",
    # Budgets.
    "DuplicateRecordException",
)
# Creations and deletions are eventually consistent.
_IN_THE_WAY = (
    *IN_USE,
    *CHANGING,
    "InvalidIPAddress.InUse",
    # EventBridge Scheduler, while it deletes the schedules of a group.
    "ConflictException",
)
# Messages of EC2 and Auto Scaling about an instance profile, of EventBridge Scheduler about a role; without spaces.
_PROPAGATING = {
    "iaminstanceprofile": ("InvalidParameterValue", "ValidationError"),
    "assumetherole": ("ValidationException",),
}
# A role shares its name with an instance profile or a schedule group: if this run has created only one of them, an
# unknown name of the other is not a delay.
_LOOKS = frozenset(
    {
        *(("iam", look) for look in ("get_role", "get_role_policy", "get_instance_profile")),
        *(("scheduler", look) for look in ("get_schedule_group", "get_schedule")),
    }
)
# Advice about another run after a failure.
KEPT = "Run the playbook again: existing resources are kept and used."
LEFT = "Run the playbook again: it continues with the remaining resources."


class Clock(NamedTuple):
    """The clock, which tests replace."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Patience(NamedTuple):
    """How long, and with which pauses, a call is retried."""

    total: float
    first: float = 0.5
    longest: float = 8.0


_BUSY = Patience(total=45, first=1)
_LATE = Patience(total=60)
_DELETION = Patience(total=180, first=1, longest=5)
# Instances take a minute or two to terminate or to stop. AWS switches off a system that does not react after several
# minutes, so this is as long as AWS's own clients wait.
TERMINATION = Patience(total=600, first=1, longest=5)
_SEARCH = Patience(total=6)
# Each of these calls makes another one, without a token or a name that AWS would know again: after a lost answer it is
# made again only when the first one should have been listed by now.
_REPEATED_MAKES_TWO = (
    *("create_vpc", "create_dhcp_options", "create_internet_gateway", "allocate_address"),
    *("associate_vpc_cidr_block", "assign_ipv6_addresses"),
)
_CERTAIN_SEARCH = Patience(total=30)


class Calls:
    """An Api that retries calls, and searches before it repeats a call that creates a resource."""

    def __init__(self, api: Api, clock: Clock | None = None) -> None:
        self._api = api
        self._clock = clock or Clock()
        # The resources that this run has created, which AWS may not know yet.
        self._made: set[str] = set()

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the response of a call that can be repeated: it reads, or sets a value."""
        return self._patiently(
            lambda: self._api.call(service, operation, **parameters),
            lambda error: self._is_passing(error, parameters, is_answer=(service, operation) in _LOOKS),
        )

    def put(self, service: str, operation: str, already: Iterable[str], /, **parameters: Any) -> None:
        """Make a call; ignore a rejection with one of these reasons, because the state is already reached."""
        reasons = tuple(already)
        try:
            self.call(service, operation, **parameters)
        except AwsError as error:
            if error.reason not in reasons:
                raise

    def create(
        self, service: str, operation: str, find: Callable[[], T | None], /, **parameters: Any
    ) -> T | dict[str, Any]:
        """Return the response of a call that creates a resource, or the result of find after a response was lost."""
        lost, patience = False, _CERTAIN_SEARCH if operation in _REPEATED_MAKES_TWO else _SEARCH

        def attempt() -> T | dict[str, Any]:
            nonlocal lost
            if lost and (found := self.wait_for(find, patience)):
                return found
            try:
                return self._api.call(service, operation, **parameters)
            except AwsError as error:
                if lost and error.reason in _EXISTS and (found := self.wait_for(find, _LATE)):
                    return found
                lost = lost or is_lost(error)
                raise

        return self._patiently(attempt, lambda error: self._is_passing(error, parameters))

    def delete(self, service: str, operation: str, /, **parameters: Any) -> None:
        """Delete a resource; succeed if it does not exist, and wait while it is in use."""
        try:
            self._patiently(
                lambda: self._api.call(service, operation, **parameters),
                lambda error: is_in_the_way(error) or is_busy(error),
                _DELETION,
            )
        except AwsError as error:
            if not is_not_found(error):
                raise

    def made(self, *ids: str) -> None:
        """Remember what this run has created."""
        self._made.update(ids)

    def wait_for(self, look: Callable[[], T | None], patience: Patience = _LATE) -> T | None:
        """Return the first result that is not empty, or None after the given time.

        A look that AWS could not answer is followed by another one: only the last look may fail.
        """
        for _pause in self._pauses(patience):
            try:
                if seen := look():
                    return seen
            except AwsError as error:
                if not is_busy(error):
                    raise
        return look()

    def _is_passing(self, error: AwsError, parameters: Mapping[str, Any], *, is_answer: bool = False) -> bool:
        """Return whether the error is temporary; with is_answer, not found is a result."""
        passing = is_busy(error) or is_propagating(error)
        late = not is_answer and is_not_found(error) and bool(self._made & set(texts_in(parameters)))
        return passing or late

    def _patiently(self, attempt: Callable[[], T], passes: Callable[[AwsError], bool], patience: Patience = _BUSY) -> T:
        for _pause in self._pauses(patience):
            try:
                return attempt()
            except AwsError as error:
                if not passes(error):
                    raise
        return attempt()

    def _pauses(self, patience: Patience) -> Iterator[float]:
        """Yield before each attempt but the last, and sleep after it."""
        end, pause = self._clock.now() + patience.total, patience.first
        while self._clock.now() < end:
            yield pause
            self._clock.sleep(pause)
            pause = min(2 * pause, patience.longest)


def is_lost(error: AwsError) -> bool:
    """Return whether the call may have been executed although it failed."""
    return error.problem.code in _LOST


def is_busy(error: AwsError) -> bool:
    """Return whether a later attempt can succeed."""
    return error.problem.code == _REFUSED_NOW or error.reason in OTHERS_FIRST or is_lost(error)


def is_in_the_way(error: AwsError) -> bool:
    """Return whether a resource that is being deleted blocks the deletion."""
    # EC2 returns this for an interface whose instance has just been terminated.
    in_use = error.reason == "InvalidParameterValue" and "in use" in error.problem.message
    return error.reason in _IN_THE_WAY or in_use


def is_propagating(error: AwsError) -> bool:
    """Return whether a service does not know a profile or a role of IAM yet, which takes seconds."""
    message = error.problem.message.lower().replace(" ", "")
    return any(error.reason in reasons and words in message for words, reasons in _PROPAGATING.items())


@contextmanager
def errors_named(work: str, again: str = KEPT) -> Iterator[None]:
    """Add to an AWS error which work failed, and what another run does."""
    try:
        yield
    except AwsError as error:
        problem = error.problem
        subject = f"{work} ({problem.subject.removeprefix('call ')})"
        remedy = f"{problem.remedy} {again}".strip()
        raise AwsError(replace(problem, subject=subject, remedy=remedy), error.reason) from error
