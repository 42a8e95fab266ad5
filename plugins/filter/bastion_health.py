# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Summarize the health checks of a bastion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..module_utils._bastion.answers import health


def bastion_health(
    checks: Iterable[Mapping[str, Any]],
    interfaces: Sequence[Mapping[str, Any]] | None = None,
    deviations: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return all checks, whether all are healthy, which failed, and lines of text."""
    return health(checks, interfaces, deviations)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_health": bastion_health}
