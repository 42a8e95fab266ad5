# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a bastion's health checks, summarized. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._findings import finding_of, headline


def health(
    checks: Iterable[Mapping[str, Any]],
    interfaces: Sequence[Mapping[str, Any]] | None = None,
    deviations: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return all checks, whether all are healthy, which failed, and lines of text. None leaves out a check."""
    answers = [dict(check) for check in checks]
    if interfaces is not None:
        answers.append(_interface_check(interfaces))
    if deviations is not None:
        answers.append(_audit_check(deviations))
    healthy = [one for one in answers if one["healthy"]]
    failed = [one for one in answers if not one["healthy"]]
    return {
        "checks": answers,
        "healthy": not failed,
        "failed": [one["check"] for one in failed],
        "lines": [
            *(f"  ok      {one['check']}: {one['detail']}" for one in healthy),
            *(f"- FAILED  {one['check']}: {one['detail']}" for one in failed),
            "NOT HEALTHY" if failed else "healthy",
        ],
    }


def _interface_check(interfaces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    attached = [one for one in interfaces if one["status"] == "in-use"]
    drops = [one for one in attached if one["source_dest_check"]]
    detail = ", ".join(one["id"] for one in attached) or "none is attached"
    return {
        "check": "network interface",
        "healthy": len(attached) - len(drops) == 1,
        "detail": f"{detail}, which drops forwarded packets" if drops else detail,
    }


def _audit_check(deviations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = "; ".join(headline(finding_of(one)) for one in deviations)
    return {"check": "fail-closed", "healthy": not deviations, "detail": found or "only allowed peers have access"}
