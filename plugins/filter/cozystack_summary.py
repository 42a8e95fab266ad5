# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Summarize the verdicts on CozyStack and its smoke tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._findings import finding_of, headline

OF_A_TEST = ("outcome", "cause", "code")


def cozystack_summary(
    verdicts: Iterable[Mapping[str, Any]], smoke_tests: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the results of the smoke tests by name, and lines of text."""
    tests = {one["item"]: {key: one[key] for key in OF_A_TEST if key in one} for one in smoke_tests}
    lines = [f"  {headline(finding_of(one), 'code')}" for one in verdicts]
    return {"smoke_tests": tests, "lines": lines + [_line(name, result) for name, result in tests.items()]}


def _line(name: str, result: Mapping[str, Any]) -> str:
    cause = f": {result['cause']}" if result.get("cause") else ""
    return f"  smoke test {name}: {result['outcome']}{cause}"


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"cozystack_summary": cozystack_summary}
