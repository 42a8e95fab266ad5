# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the problems of a failed reading of AWS that another attempt would meet again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._ec2.calls import PASSING_CODES


def lasting_problems(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the findings of a failed result that do not pass by themselves, such as a missing permission."""
    found = result.get("problems") or [] if result.get("failed") else []
    return [problem for problem in found if problem["code"] not in PASSING_CODES]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"lasting_problems": lasting_problems}
