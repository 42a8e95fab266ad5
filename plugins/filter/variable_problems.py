# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the problems of the variables of one role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..plugin_utils._variables.checks import Surroundings
from ..plugin_utils._variables.rules import role_problems


def variable_problems(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the problems of values by the rules of variables_info."""
    return [problem.as_dict() for problem in role_problems(values, Surroundings(datetime.now(UTC)))]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"variable_problems": variable_problems}
