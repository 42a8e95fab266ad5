# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of an installation that modules return. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._findings import Finding, headline
from ..names import DEFAULT_CLASS, LINSTOR
from ..verdicts import is_blocked
from .expectation import Planned, expected_ahead
from .faults import CRASHES, KILLED, Fault
from .findings import findings
from .nodes import Node, deficit_of
from .pod_tally import KEPT, PodTally
from .pod_troubles import Place
from .progress import ABSENT, READY, UNREACHABLE, Progress, progress_of
from .reading import Reading
from .releases import (
    Release,
    by_key,
    held_back_by,
)


def account(found: Reading, *, settled: bool = False, planned: Planned | None = None) -> dict[str, Any]:
    """Return the account of an installation, with the predicted problems of its remaining part."""
    progress = progress_of(found)
    phase = progress.phase
    verdicts = findings(found, progress, settled=settled)
    outlook = _outlook(found, phase, verdicts, planned)
    return {
        "ready": phase == READY,
        "blocked": phase != READY and is_blocked(verdicts),
        "phase": phase,
        "summary": summary(progress, verdicts),
        **_observed(found, progress),
        "root_blockers": [root.as_dict() for root in progress.roots],
        "verdicts": [verdict.as_dict() for verdict in verdicts],
        "outlook": [verdict.as_dict() for verdict in outlook],
        "codes": list(dict.fromkeys(verdict.code for verdict in [*verdicts, *outlook])),
    }


def _observed(found: Reading, progress: Progress) -> dict[str, Any]:
    """Return the data that was read, without findings."""
    names = ("server", "reachable", "version")
    return {
        "api": {**{name: getattr(found, name) for name in names}, "missing": dict(found.missing)},
        "releases": _releases(found, progress),
        "packages": _packages(found),
        "pods": _pods(found.pods),
        "nodes": [node.as_dict() for node in found.nodes],
        "deficit": deficit_of(found.nodes, found.pods),
        "images": _images(found.pods),
        "oom": _crashes(found.pods, KILLED),
        "virtualization": _virtualization(found.nodes),
        "storage": _storage(found),
    }


def _outlook(found: Reading, phase: str, verdicts: list[Finding], planned: Planned | None) -> list[Finding]:
    if planned is None or phase == UNREACHABLE:
        return []
    ahead = expected_ahead(found.nodes, planned, {verdict.code for verdict in verdicts})
    # Existing pods have their capacity; limits of these instances remain.
    return [verdict for verdict in ahead if phase != READY or not verdict.blocks]


def summary(progress: Progress, verdicts: list[Finding]) -> str:
    """Return the account in one line."""
    phase, count, roots = progress.phase, progress.releases, progress.roots
    if phase in (UNREACHABLE, ABSENT):
        return verdicts[0].message
    total = count.expected or count.present
    ready = f"{count.ready} of {total or 'an unknown number of'} releases ready"
    if phase == READY:
        return ready
    blocking = next((verdict for verdict in verdicts if verdict.blocks), None)
    if blocking:
        return f"{ready} ({phase}); blocker: {headline(blocking, 'code')}"
    waits = f"; waits for {roots[0].kind} {roots[0].title} ({roots[0].reason})" if roots else ""
    return f"{ready} ({phase}){waits}"


def _releases(found: Reading, progress: Progress) -> dict[str, Any]:
    known = by_key(found.releases)
    waiting = [release for release in found.releases if not release.ready]
    roots = {(root.namespace, root.name) for root in progress.roots if root.kind == "HelmRelease"}
    return {
        **progress.releases._asdict(),
        "not_ready": [_release(one, held_back_by(one, known)) | {"root": one.key in roots} for one in waiting],
        "others": [_release(one, held_back_by(one, found.known)) for one in found.others if not one.ready],
    }


def _release(release: Release, blocked_by: list[tuple[str, str]]) -> dict[str, Any]:
    shown = ("namespace", "name", "package", "reason", "message", "since", "failures")
    values = {name: getattr(release, name) for name in shown}
    return values | {"blocked_by": ["/".join(key) for key in blocked_by]}


def _packages(found: Reading) -> dict[str, Any]:
    waiting = [package.as_dict() for package in found.packages if not package.ready]
    return {"total": len(found.packages), "ready": len(found.packages) - len(waiting), "not_ready": waiting}


def _pods(pods: PodTally) -> dict[str, Any]:
    listed = [
        {
            **_place(one.place),
            **{"requests": one.need.as_dict(), "message": one.message, "lacking": dict(one.lacking)},
        }
        for one in pods.unschedulable
    ]
    return {
        "total": pods.total,
        "phases": dict(pods.phases),
        "unschedulable_total": pods.unschedulable_total,
        "unschedulable": listed,
        "crashing": _crashes(pods, CRASHES),
    }


def _place(place: Place) -> dict[str, str]:
    return {"namespace": place.namespace, "pod": place.pod, "owner": place.owner, "release": place.release}


def _crashes(pods: PodTally, code: str) -> list[dict[str, Any]]:
    return [_crash(one) for one in pods.faults if one.code == code][:KEPT]


def _crash(fault: Fault) -> dict[str, Any]:
    last_exit = {"restarts": fault.times, "exit_code": fault.exit_code, "message": fault.words}
    return _place(fault.place) | {"container": fault.container} | last_exit


def _images(pods: PodTally) -> list[dict[str, Any]]:
    return [
        {"image": image, "cause": cause, "pods": pods.image_pods[image, cause], "message": trouble.message}
        for (image, cause), trouble in pods.images.items()
    ]


def _virtualization(nodes: list[Node]) -> dict[str, Any]:
    per_node = {node.name: node.kvm for node in nodes}
    known = [count for count in per_node.values() if count is not None]
    return {"kvm": any(known) if known else None, "nodes": per_node}


def _storage(found: Reading) -> dict[str, Any]:
    names: list[Mapping[str, Any]] = [item["metadata"] for item in found.storage_classes]
    default = next((one["name"] for one in names if (one.get("annotations") or {}).get(DEFAULT_CLASS) == "true"), None)
    return {
        "classes": [str(one["name"]) for one in names],
        "default_class": default,
        "linstor_classes": [
            str(one["metadata"]["name"]) for one in found.storage_classes if one.get("provisioner") == LINSTOR
        ],
        "pools": found.pools,
        "claims_pending": found.claims_pending,
    }
