# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of an installation: its phase, what exists, and what it waits for.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..._kubernetes.conditions import condition_of, is_true, ready_condition
from .reading import Reading
from .releases import (
    PLATFORM,
    TENANT,
    UNPROCESSED,
    Blocker,
    Key,
    Release,
    by_key,
    cause_of,
    expected_releases,
    is_ready,
    not_created,
    root_blockers,
)

UNREACHABLE: Final = "unreachable"
ABSENT: Final = "absent"
OPERATOR: Final = "operator"
FLUX: Final = "flux"
SOURCE: Final = "source"
PACKAGES: Final = "packages"
RELEASES: Final = "releases"
TENANT_PHASE: Final = "tenant"
READY: Final = "ready"
# Without these the phase is unknown.
_ESSENTIAL: Final = frozenset({"version", "packages", "releases", "pods", "nodes"})

# Reasons and words of releases (Flux) and packages (CozyStack's operator) whose source has not been fetched.
_UNCREATED: Final = f"{'/'.join(TENANT)} enables it and is ready, but it does not exist"
_SOURCE_REASONS: Final = ("ArtifactFailed", "SourceNotReady", "PackageSourceNotFound")
_SOURCE_WORDS: Final = re.compile(r"[Ss]ource artifact not found|PackageSource \S+ not found|OCIRepository .*not ready")


class Root(NamedTuple):
    """An object that the whole installation waits for."""

    kind: str
    namespace: str
    name: str
    reason: str
    message: str
    since: str
    # It was tried and failed, in contrast to one in progress.
    fails: bool
    holds_back: int

    @property
    def title(self) -> str:
        """Return its name in lines."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def as_dict(self) -> dict[str, Any]:
        """Return it as the module returns it."""
        return dict(self._asdict())


class Count(NamedTuple):
    """Numbers of ready, present and expected releases."""

    expected: int | None
    present: int
    ready: int


class Progress(NamedTuple):
    """The phase of an installation, what it waits for, and how many of its releases are ready."""

    phase: str
    roots: list[Root]
    releases: Count


def progress_of(found: Reading) -> Progress:
    """Return the progress of a reading, computed once per reading."""
    count = _count(found)
    phase = _phase(found, count)
    return Progress(phase, _roots(found, phase), count)


def _count(found: Reading) -> Count:
    """Return how many releases are ready, present and expected."""
    known = by_key(found.releases)
    expected = expected_releases(found.packages, known, found.components)
    return Count(expected, len(known), sum(1 for release in known.values() if release.ready))


def _phase(found: Reading, count: Count) -> str:
    """Return the phase of the installation."""
    if not found.reachable or not _ESSENTIAL.isdisjoint(found.missing):
        return UNREACHABLE
    if found.operator is None and not found.releases:
        return ABSENT
    if found.operator is not None and not is_available(found.operator):
        return OPERATOR
    return _phase_of_content(found, count)


def _phase_of_content(found: Reading, count: Count) -> str:
    """Return the phase of an installation whose operator runs."""
    known = by_key(found.releases)
    # Up to v0.38 Flux had other names; existing releases prove that it runs.
    has_flux = is_available(found.flux) or (found.flux is None and bool(known))
    if not has_flux:
        return FLUX
    # With an unready source the releases may all be ready: those of the build that was fetched before.
    if unready_sources(found) or (not found.is_legacy and PLATFORM not in known):
        return SOURCE
    if not all(package.ready for package in found.packages):
        return PACKAGES
    if count.present < (count.expected or 1) or count.ready < count.present:
        others = [release for release in found.releases if release.namespace != TENANT[0] and not release.ready]
        # The tenant is last, and the platform waits for it: if only the tenant is missing, everything else is done.
        return RELEASES if [one for one in others if one.key != PLATFORM] else TENANT_PHASE
    return READY if all(node.ready for node in found.nodes) else RELEASES


class Replicas(NamedTuple):
    """Numbers of ready and wanted pods of a Deployment."""

    ready: int
    wanted: int


def replicas_of(deployment: Mapping[str, Any]) -> Replicas:
    """Return how many pods are ready; zero until the controller observed the current generation."""
    status = deployment.get("status") or {}
    is_stale = int(status.get("observedGeneration") or 0) < int(deployment["metadata"].get("generation") or 0)
    wanted = (deployment.get("spec") or {}).get("replicas")
    return Replicas(0 if is_stale else int(status.get("readyReplicas") or 0), 1 if wanted is None else int(wanted))


def is_available(deployment: Mapping[str, Any] | None) -> bool:
    """Return whether all pods of a Deployment are ready.

    The condition Available is not sufficient: with the operator's maxUnavailable 1 it is true without a pod.
    """
    ready, wanted = replicas_of(deployment) if deployment else (0, 1)
    return ready >= max(1, wanted)


def _roots(found: Reading, phase: str) -> list[Root]:
    """Return what the installation waits for now, the most blocking first."""
    if phase == OPERATOR and found.operator is not None:
        return [_deployment_root(found.operator)]
    if phase == FLUX:
        return [_deployment_root(found.flux)] if found.flux else [_absent_root("Deployment", "cozy-fluxcd", "flux")]
    sources = [_object_root("OCIRepository", item) for item in unready_sources(found)]
    known = by_key(found.releases)
    if phase == SOURCE and PLATFORM not in known:
        return sources or [_absent_root("HelmRelease", *PLATFORM)]
    packages = [_package_root(one) for one in found.packages if not one.ready and not one.waits_for]
    absent = [_absent_root("HelmRelease", *key, "NotCreated", _UNCREATED) for key in not_created(known)]
    content = [*map(_release_root, _blockers(known)), *absent, *packages]
    return [*sources, *(one for one in content if not (sources and _waits_for_source(one)))]


def unready_sources(found: Reading) -> list[Mapping[str, Any]]:
    """Return the repositories whose current version was not fetched."""
    return [item for item in found.repositories if not is_ready(item)]


def _waits_for_source(root: Root) -> bool:
    """Return whether it only waits for the content of a repository, which is then the cause."""
    return root.reason in _SOURCE_REASONS or _SOURCE_WORDS.search(root.message) is not None


def _blockers(known: Mapping[Key, Release]) -> list[Blocker]:
    """Return the releases that block others; the platform itself only waits for its own releases."""
    blockers = root_blockers(known)
    # A timeout while waiting is not its own failure.
    others = [one for one in blockers if one.release.key != PLATFORM or cause_of(one.message)]
    return others or blockers


def _object_root(kind: str, item: Mapping[str, Any]) -> Root:
    metadata, condition = item["metadata"], ready_condition(item)
    return Root(
        kind,
        str(metadata.get("namespace", "")),
        str(metadata["name"]),
        str(condition.get("reason") or "Pending"),
        str(condition.get("message") or ""),
        str(condition.get("lastTransitionTime") or metadata.get("creationTimestamp") or ""),
        condition.get("status") == "False",
        0,
    )


def _absent_root(
    kind: str, namespace: str, name: str, reason: str = "NotFound", message: str = "it does not exist yet"
) -> Root:
    return Root(kind, namespace, name, reason, message, "", fails=False, holds_back=0)


def _deployment_root(item: Mapping[str, Any]) -> Root:
    progress, is_refused = condition_of(item, "Progressing"), is_true(item, "ReplicaFailure")
    fails = is_refused or progress.get("status") == "False"
    condition = condition_of(item, "ReplicaFailure") if is_refused else progress if fails else _unavailable(item)
    metadata = item["metadata"]
    return Root(
        "Deployment",
        str(metadata.get("namespace", "")),
        str(metadata["name"]),
        str(condition.get("reason") or "Pending"),
        str(condition.get("message") or UNPROCESSED),
        str(condition.get("lastTransitionTime") or metadata.get("creationTimestamp") or ""),
        fails,
        0,
    )


def _unavailable(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the condition Available, or the number of ready pods if that contradicts it."""
    available = condition_of(deployment, "Available")
    if available.get("status") != "True":
        return available
    ready, wanted = replicas_of(deployment)
    times = {"lastTransitionTime": available.get("lastTransitionTime")}
    return {"reason": "PodsNotReady", "message": f"{ready} of {max(1, wanted)} pods are ready", **times}


def _package_root(package: Any) -> Root:
    # A package that does not wait for packages has its own failure.
    fails = package.reason not in ("Pending", "Progressing", "DependenciesNotReady", "ReconciliationSucceeded")
    return Root("Package", "", package.name, package.reason, package.message, "", fails, 0)


def _release_root(blocker: Blocker) -> Root:
    release: Release = blocker.release
    fails = release.fails or blocker.reason in ("DependencyMissing", "DependencyCycle", "Suspended")
    where = ("HelmRelease", release.namespace, release.name)
    return Root(*where, blocker.reason, blocker.message, release.since, fails, blocker.holds_back)
