# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's exceptions. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from ._findings import Finding, finding
from ._text import shown

_SENTENCE = re.compile(r"Failed to (.+?): (.+)", re.DOTALL)


class CollectionError(Exception):
    """An error whose message says what failed, where, why, and what to do; problems are the same as findings.

    An error without findings of its own has one, made of its code and its message. Messages quote variables and
    responses, so control characters are escaped.
    """

    CODE: ClassVar[str] = "OPERATION_FAILED"

    def __init__(self, message: str = "", *, code: str = "", problems: Iterable[Finding] = ()) -> None:
        super().__init__(shown(message))
        self.problems = tuple(problems) or (_finding(code or self.CODE, shown(message)),)


def _finding(code: str, message: str) -> Finding:
    doing = _SENTENCE.fullmatch(message)
    return finding(code, doing[1], doing[2]) if doing else finding(code, "", message)


class Ec2Error(CollectionError):
    """AWS rejected a request or returned an invalid response."""

    CODE = "AWS_NOT_SETTLED"


class TalosError(CollectionError):
    """A Talos node rejected a call, could not be reached, or is not in the expected state."""

    CODE = "NODE_NOT_AS_EXPECTED"


class KubernetesError(CollectionError):
    """A Kubernetes API server rejected a request, could not be reached, or is not in the expected state."""

    CODE = "KUBERNETES_CALL_FAILED"


class InputError(CollectionError):
    """The user's input is not valid."""

    CODE = "INPUT_INVALID"


def failure_of(error: Exception) -> dict[str, Any]:
    """Return the arguments of fail_json; a file that cannot be used may also raise an error of Python."""
    known = error if isinstance(error, CollectionError) else CollectionError(str(error), code="FILE_NOT_USABLE")
    return {"msg": str(error), "problems": [problem.as_dict() for problem in known.problems]}
