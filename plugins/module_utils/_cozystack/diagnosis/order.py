# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of findings: what a user should read first comes first. Private to urmanac.talos: may change at any time.

Errors come before warnings, and among them what stops the whole cluster, then known causes, then what only waits. Of
several known causes the one for which most releases wait, directly or indirectly, comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from ..._findings import Finding
from .faults import CRASHES, INIT, SLOW_PULL, UNSCHEDULED
from .reading import Reading
from .releases import dependents

# Every pod is in these states for a moment: they are the cause of a release only if nothing moves any more.
MOMENTARY: Final = frozenset({INIT, SLOW_PULL, UNSCHEDULED})
# What something waits in. Such a finding names a cause only if Helm or Flux do.
WAITING: Final = frozenset(
    {"OPERATOR_NOT_READY", "FLUX_NOT_READY", "SOURCE_NOT_READY", "PACKAGE_NOT_READY", "RELEASE_NOT_READY"}
)
# Nodes that take no pods, and an etcd that stores nothing: most of what else is found follows from these.
WHOLE_CLUSTER: Final = frozenset({"NODE_NOT_READY", "NODE_CORDONED", "ETCD_DATABASE_FULL", "ETCD_CORRUPT"})
# Codes of messages that a fault of a pod may have caused, even one of another release.
CAUSED_BY_PODS: Final = frozenset(
    {
        *("JOB_FAILED", "WEBHOOK_REFUSED", "API_SERVICE_UNAVAILABLE", "API_OVERLOADED", "KIND_MISSING"),
        "IMAGE_RATE_LIMITED",
    }
)
# A program that runs may fail because a pod beside it cannot start, and not the other way round.
_AFTER_START: Final = frozenset({*CAUSED_BY_PODS, CRASHES, "PROBE_FAILED"})
# The evidence of a finding in WAITING: whether Helm or Flux name the cause.
NAMES_CAUSE: Final = "names_cause"
_STORAGE: Final = "cozy-linstor/"


def only_waits(record: Mapping[str, Any]) -> bool:
    """Return whether a finding that a module returned says only that something waits."""
    return record["code"] in WAITING and not (record.get("evidence") or {}).get(NAMES_CAUSE)


def ordered(verdicts: Iterable[Finding], found: Reading) -> list[Finding]:
    """Return the verdicts with the most important first; those of the same importance stay in their order."""
    several = list(verdicts)
    behind = _behind(several, found)
    # All releases need the operator and Flux.
    makers = {_title_of(item) for item in (found.operator, found.flux) if item}

    def key(verdict: Finding) -> tuple[bool, int, int, bool]:
        titles = _titles(verdict)
        held = len(behind) + 1 if titles & makers else len(dependents(titles, behind) & behind.keys())
        return not verdict.blocks, _rank(verdict), -held, verdict.blocks and verdict.code in _AFTER_START

    return sorted(several, key=key)


def _rank(verdict: Finding) -> int:
    if verdict.code in WHOLE_CLUSTER:
        return 0
    if verdict.code in WAITING and not verdict.evidence.get(NAMES_CAUSE):
        return 3
    return 2 if verdict.code in MOMENTARY else 1


def _behind(verdicts: Iterable[Finding], found: Reading) -> dict[str, set[str]]:
    """Return what each release and package waits for, by their names."""
    behind = {"/".join(key): {"/".join(one) for one in needs} for key, needs in found.behind.items()}
    for release in found.releases:
        # Helm waits for the releases that a chart creates.
        if release.maker in found.behind and not release.ready:
            behind["/".join(release.maker)].add(release.title)
    behind |= {package.name: set(package.waits_for) for package in found.packages if not package.ready}
    # Only LINSTOR provides volumes.
    storage = {title for title in behind if title.startswith(_STORAGE)}
    for title in (title for one in verdicts if one.code == "VOLUME_PENDING" for title in _titles(one)):
        behind.get(title, set()).update(storage - {title})
    return behind


def _titles(verdict: Finding) -> set[str]:
    """Return the names of what waits for the subject of a verdict, or the subject."""
    evidence = verdict.evidence
    waits = evidence.get("waiting") or str(evidence.get("waits") or "").split(", ")
    packages: Mapping[str, Collection[str]] = evidence.get("packages") or {}
    absent = {name for names in packages.values() for name in names}
    return ({*waits} | absent) - {""} or {verdict.subject}


def _title_of(item: Mapping[str, Any]) -> str:
    """Return the name of an object as findings have it."""
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
