# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that survive lost and late answers. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from ..client import Api, AwsError, is_not_found
from ..values import texts_in

T = TypeVar("T")
# AWS did nothing: it can be asked again.
THROTTLED = (
    *("RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled", "TooManyRequestsException"),
    *("EC2ThrottledException", "PriorRequestNotComplete", "ResourceContention", "ConcurrentModification"),
)
# It is unknown whether AWS executed the call.
_LOST_REASONS = (
    *("InternalError", "InternalFailure", "ServiceFailure", "ServiceUnavailable", "Unavailable", "RequestTimeout"),
    *("500", "502", "503", "504"),
)
_LOST_CODES = ("ENDPOINT_UNREACHABLE", "ANSWER_INVALID")
# What a second try of a call says whose first answer was lost.
_EXISTS = (
    *("InvalidGroup.Duplicate", "InvalidSubnet.Conflict", "EntityAlreadyExists", "AlreadyExists"),
    *("InvalidLaunchTemplateName.AlreadyExistsException", "InvalidIPAddress.InUse", "InvalidPermission.Duplicate"),
    # EventBridge Scheduler.
    "ConflictException",
)
# What was made or deleted a moment ago is not known everywhere at once.
_IN_THE_WAY = (
    *("DependencyViolation", "DeleteConflict", "ResourceInUse", "ScalingActivityInProgress", "VolumeInUse"),
    *("InvalidNetworkInterface.InUse", "InvalidIPAddress.InUse", "IncorrectState", "IncorrectInstanceState"),
)
# EC2 and Auto Scaling of an instance profile, EventBridge Scheduler of a role; the words are without their spaces.
_PROPAGATING = {
    "iaminstanceprofile": ("InvalidParameterValue", "ValidationError"),
    "assumetherole": ("ValidationException",),
}
# They ask by a name that a role and an instance profile share: without the one that was made, the other is not late.
_IAM_LOOKS = ("get_role", "get_role_policy", "get_instance_profile")
# What another run does after work that failed.
KEPT = "Run it again: what exists already is kept and used."
LEFT = "Run it again: it goes on with what is left."


class Clock(NamedTuple):
    """Time, which tests make pass at once."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Patience(NamedTuple):
    """How long, and with which pauses, something is tried again."""

    total: float
    first: float = 0.5
    longest: float = 8.0


_BUSY = Patience(total=45, first=1)
_LATE = Patience(total=60)
_DELETION = Patience(total=180, first=1, longest=5)
# Machines take a minute or two to end, and to come to rest.
TERMINATION = Patience(total=300, first=1, longest=5)
_SEARCH = Patience(total=6)


class Calls:
    """An Api that repeats what may be repeated, and looks before it repeats what makes something."""

    def __init__(self, api: Api, clock: Clock | None = None) -> None:
        self._api = api
        self._clock = clock or Clock()
        # Whatever this run has made: it may be unknown to AWS for a moment.
        self._made: set[str] = set()

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Return the answer of a call that can be repeated: it reads, or sets something to a value."""
        return self._patiently(
            lambda: self._api.call(service, operation, **parameters),
            lambda error: self._is_passing(error, parameters, is_answer=service == "iam" and operation in _IAM_LOOKS),
        )

    def put(self, service: str, operation: str, already: Iterable[str], /, **parameters: Any) -> None:
        """Make a call that AWS refuses with one of these reasons where its work is done already."""
        reasons = tuple(already)
        try:
            self.call(service, operation, **parameters)
        except AwsError as error:
            if error.reason not in reasons:
                raise

    def create(
        self, service: str, operation: str, find: Callable[[], T | None], /, **parameters: Any
    ) -> T | dict[str, Any]:
        """Return the answer of a call that makes something, or what find returns after an answer was lost."""
        lost = False

        def attempt() -> T | dict[str, Any]:
            nonlocal lost
            if lost and (found := self.wait_for(find, _SEARCH)):
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
        """Delete something; what has gone already is as it should be, and what is still in use is waited for."""
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
        """Remember what this run has made."""
        self._made.update(ids)

    def wait_for(self, look: Callable[[], T | None], patience: Patience = _LATE) -> T | None:
        """Return what is seen as soon as there is something, or None after the given time."""
        for _pause in self._pauses(patience):
            if seen := look():
                return seen
        return look()

    def _is_passing(self, error: AwsError, parameters: Mapping[str, Any], *, is_answer: bool = False) -> bool:
        """Return whether the error passes by itself; with is_answer, not found is what was asked for."""
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
        """Yield before each try but the last, and sleep after it."""
        end, pause = self._clock.now() + patience.total, patience.first
        while self._clock.now() < end:
            yield pause
            self._clock.sleep(pause)
            pause = min(2 * pause, patience.longest)


def is_lost(error: AwsError) -> bool:
    """Return whether the call may have done its work although it failed."""
    return error.reason in _LOST_REASONS or (not error.reason and error.problem.code in _LOST_CODES)


def is_busy(error: AwsError) -> bool:
    """Return whether a later try can succeed."""
    return error.reason in THROTTLED or is_lost(error)


def is_in_the_way(error: AwsError) -> bool:
    """Return whether something that is about to go keeps the thing from being deleted."""
    # EC2 says this of an interface whose machine has just ended.
    in_use = error.reason == "InvalidParameterValue" and "in use" in error.problem.message
    return error.reason in _IN_THE_WAY or in_use


def is_propagating(error: AwsError) -> bool:
    """Return whether a service does not know yet what IAM has: it learns of profiles and roles within seconds."""
    message = error.problem.message.lower().replace(" ", "")
    return any(error.reason in reasons and words in message for words, reasons in _PROPAGATING.items())


@contextmanager
def errors_named(work: str, again: str = KEPT) -> Iterator[None]:
    """Add to an error of AWS which work it ended, and what another run does."""
    try:
        yield
    except AwsError as error:
        problem = error.problem
        subject = f"{work} ({problem.subject.removeprefix('call ')})"
        remedy = f"{problem.remedy} {again}".strip()
        raise AwsError(replace(problem, subject=subject, remedy=remedy), error.reason) from error
