# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings from the data of a cluster, with the codes of the forecast.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from ..._codes import CODES, ERROR
from ..._findings import Finding, finding, meaning_of, remedy_of
from ..catalog.packages import maker_of
from . import away, capacity
from .fault_findings import fault_findings, waiter_of
from .faults import JOB_FAILED
from .order import CAUSED_BY_PODS, MOMENTARY, NAMES_CAUSE, ordered
from .progress import ABSENT, FLUX, OPERATOR, PACKAGES, SOURCE, UNREACHABLE, Progress, Root
from .reading import Reading
from .releases import PLATFORM, by_key, cause_of

_HINTS: Final = 3
_ROOT_CODES: Final[Mapping[str, str]] = {
    OPERATOR: "OPERATOR_NOT_READY",
    FLUX: "FLUX_NOT_READY",
    SOURCE: "SOURCE_NOT_READY",
}
# Causes that no message of Flux has.
_REASONS: Final[Mapping[str, str]] = {
    "DependencyMissing": "PACKAGE_MISSING",
    "NotCreated": "RELEASE_NOT_CREATED",
    "Suspended": "RELEASE_SUSPENDED",
    "Unassigned": "RELEASE_UNASSIGNED",
}
_JOB: Final = "Job/"
_PACKAGE, _RELEASE, _OTHER = "PACKAGE_NOT_READY", "RELEASE_NOT_READY", "OTHER_RELEASE_NOT_READY"
# Messages of a release that only say that its time is up, that its objects are not ready, or that it is in progress.
_TIME_IS_UP: Final = re.compile(
    r"context deadline exceeded|time(?:out|d out) (?:waiting|progressing)|failed early due to stalled resources"
    r"|client rate limiter Wait|^Running '|^reconciliation in progress|^no controller has|^$"
)
# The first object that Flux waits for, one of a namespace or of the cluster: fluxcd/pkg ssa/utils.FmtObjMetadata.
_WAITS_FOR: Final = re.compile(
    r"(?:timeout waiting for|stalled resources): \[(?P<kind>\w+)/(?:(?P<namespace>[^/\s]+)/)?(?P<name>[^/\s]+) status: "
)
# The namespaces of Cilium and Kube-OVN, one of which configures containerd's network on each node.
_CNI: Final = ("cozy-cilium", "cozy-kubeovn")
_NETWORK: Final = (
    "Look at the pods of the container network on that node: kubectl --namespace cozy-cilium get pods --output wide, "
    "and the same in cozy-kubeovn and cozy-multus. Their log says why they wrote no configuration to /etc/cni/net.d."
)


def findings(found: Reading, progress: Progress, *, settled: bool = False) -> list[Finding]:
    """Return all problems, those first that a user should read first.

    Unfinished parts are no problem, unless the installation makes no more progress (settled).
    """
    if not found.reachable or progress.phase == UNREACHABLE:
        return [_unreachable(found)]
    checks: tuple[Callable[[Reading], Iterable[Finding]], ...] = (
        lambda one: capacity.images(one, progress),
        lambda one: capacity.shortages(one, progress),
        lambda one: _nodes(one, settled=settled),
        lambda one: away.cordoned(one, progress, settled=settled),
        lambda one: capacity.pressures(one, progress, settled=settled),
        lambda one: fault_findings(one, progress, settled=settled),
        lambda one: _roots(one, progress, settled=settled),
        lambda one: _closure(one, progress),
        capacity.kvm,
        lambda one: capacity.storage(one, progress, settled=settled),
        _others,
    )
    verdicts = [verdict for check in checks for verdict in check(found)]
    if progress.phase == ABSENT:
        return [_absent(found), *ordered(verdicts, found)]
    said = {root.title for root in progress.roots if _says_why(root)}
    return ordered(_with_words_first(verdicts, said), found)


def _with_words_first(verdicts: Iterable[Finding], said: Collection[str]) -> list[Finding]:
    """Return the verdicts with what Helm says about a release before the faults of its pods.

    Those may be of a bystander, or have begun before. What pods cause, such as a failed hook, stays behind them.
    """
    result: list[Finding] = []
    for verdict in verdicts:
        is_said = verdict.subject in said and verdict.code not in CAUSED_BY_PODS
        same = (number for number, one in enumerate(result) if verdict.subject in _concerned(one))
        result.insert(next(same, len(result)) if is_said else len(result), verdict)
    return result


def _concerned(verdict: Finding) -> list[str]:
    return str(verdict.evidence.get("waits", "")).split(", ")


def _unreachable(found: Reading) -> Finding:
    causes = "; ".join(f"{what}: {why}" for what, why in found.missing.items())
    message = (
        f"{meaning_of('API_UNREACHABLE')} fully ({causes})"
        if found.reachable
        else f"{meaning_of('API_UNREACHABLE')} ({causes})"
    )
    return finding("API_UNREACHABLE", found.server, message, evidence={"missing": dict(found.missing)})


def _absent(found: Reading) -> Finding:
    return finding(
        "NOT_INSTALLED",
        found.server,
        meaning_of("NOT_INSTALLED"),
    )


def _nodes(found: Reading, *, settled: bool) -> Iterator[Finding]:
    # Nodes are not ready until the CNI is installed.
    has_network = settled and _network_is_installed(found)
    for node in found.nodes:
        remedy = _NETWORK if node.waits_for_network else None
        if not node.ready and (has_network or not node.waits_for_network):
            yield finding("NODE_NOT_READY", node.name, f"{node.name} is not ready: {node.reason}", remedy)


def _network_is_installed(found: Reading) -> bool:
    """Return whether the releases of the CNI are ready, or all releases where it has other names."""
    named = [release for release in found.releases if release.namespace in _CNI]
    return bool(found.releases) and all(release.ready for release in named or found.releases)


def _roots(found: Reading, progress: Progress, *, settled: bool) -> Iterator[Finding]:
    seen = _seen(found, progress, settled=settled)
    for root in progress.roots:
        code = cause_of(root.message) if root.fails else None
        known = seen.get(root.title, set())
        if code in known or (code is None and (not (root.fails or settled) or (known and not _says_why(root)))):
            continue
        if code is None:
            code = _code_of(root, found, progress.phase)
        yield _root_verdict(code, root, _hints(root, found))


def _says_why(root: Root) -> bool:
    """Return whether Helm or Flux says why a release fails, and not only that its time is up."""
    return root.kind == "HelmRelease" and _names_cause(root)


def _names_cause(root: Root) -> bool:
    """Return whether the words of an object that fails are more than that its time is up."""
    return root.fails and _TIME_IS_UP.search(root.message) is None


def _code_of(root: Root, found: Reading, phase: str) -> str:
    """Return the code of a root without a known cause."""
    if root.kind == "Package":
        return _PACKAGE
    if root.reason == "DependencyMissing" and not _lacks_package(root, found):
        return _RELEASE
    if root.kind == "HelmRelease" and root.reason != "NotFound":
        return _REASONS.get(root.reason, _RELEASE)
    return _ROOT_CODES.get(phase, _RELEASE)


def _lacks_package(root: Root, found: Reading) -> bool:
    """Return whether a package that would create a missing dependency of the release is not installed."""
    known = by_key(found.releases)
    missing = [key for key in known[root.namespace, root.name].depends_on if key not in known]
    return not {*map(maker_of, missing)} <= {"", *(package.name for package in found.packages)}


def _seen(found: Reading, progress: Progress, *, settled: bool) -> dict[str, set[str]]:
    """Return the known problems of the pods of each waiting release or Deployment, by its title."""
    pods, seen = found.pods, dict[str, set[str]]()
    faults = [one for one in found.faults if not one.is_over and (settled or one.code not in MOMENTARY)]
    troubles = [(one.place, one.code) for one in faults]
    troubles += [(place, "IMAGE_PULL_FAILED") for key in pods.images for place in pods.image_places(key)]
    # A warning, such as about KVM, does not say that the installation stops.
    shortages = [(code, one) for code, one in pods.waiting_for.items() if ERROR in CODES[code].severities]
    troubles += [(place, code) for code, waiting in shortages for place in waiting.places]
    for place, code in troubles:
        waiter = waiter_of(place, found, progress)
        if waiter:
            # A Job fails because of its pods.
            of_job = {JOB_FAILED} if place.owner.startswith(_JOB) else set()
            seen.setdefault(waiter.title, set()).update({code} | of_job)
    return seen


def _hints(root: Root, found: Reading) -> str:
    """Return other hints if no event, state or log contains the cause."""
    pods = [one.pod for one in [*found.pods.starting, *found.pods.unready] if one.namespace == root.namespace]
    claims = [one for one in found.claims_pending if one.startswith(f"{root.namespace}/")]
    parts = {"pods that are not ready": pods[:_HINTS], "volume claims without a volume": claims[:_HINTS]}
    return "".join(f"; {what}: {', '.join(names)}" for what, names in parts.items() if names and root.namespace)


def _root_verdict(code: str, root: Root, hints: str) -> Finding:
    count = "1 release waits" if root.holds_back == 1 else f"{root.holds_back} releases wait"
    waiting = f"; {count} for it" if root.holds_back else ""
    message = f"{root.kind} {root.title}: {root.reason}: {root.message}{hints}{waiting}"
    described = _described(root.message) if code == _RELEASE else ""
    remedy = described or remedy_of(code, namespace=root.namespace, name=root.name)
    evidence = {"holds_back": root.holds_back, "since": root.since, NAMES_CAUSE: _names_cause(root)}
    return finding(code, root.title, message, remedy, evidence=evidence)


def _described(message: str) -> str:
    """Return how to look at the object that a release waits for, empty if its message names none."""
    found = _WAITS_FOR.search(message)
    if found is None:
        return ""
    where = f"--namespace {found['namespace']} " if found["namespace"] else ""
    return f"Look at what it waits for: kubectl {where}describe {found['kind'].lower()} {found['name']}."


def _others(found: Reading) -> Iterator[Finding]:
    """Yield that releases of users fail, which the installation does not wait for."""
    failing = [release for release in found.others if release.fails]
    if failing:
        first, *more = failing
        also = f" (and {len(more)} more: {', '.join(one.title for one in more[:_HINTS])})" if more else ""
        message = f"HelmRelease {first.title}: {first.reason}: {first.message}{also}"
        evidence = {"releases": [one.title for one in failing]}
        remedy = remedy_of(_OTHER, namespace=first.namespace, name=first.name)
        yield finding(_OTHER, first.title, message, remedy, evidence=evidence)


def _closure(found: Reading, progress: Progress) -> Iterator[Finding]:
    known = {package.name for package in found.packages}
    missing = {one.name: absent for one in found.packages if (absent := sorted(set(one.waits_for) - known))}
    if missing and progress.phase == PACKAGES and _platform_is_done(found):
        wanted = sorted({name for names in missing.values() for name in names})
        count = f"{len(missing)} packages wait" if len(missing) > 1 else "1 package waits"
        message = f"{count} for packages that are not installed: {', '.join(wanted)}"
        yield finding("PACKAGES_NOT_CLOSED", "packages", message, evidence={"packages": missing})


def _platform_is_done(found: Reading) -> bool:
    """Return whether the platform has created all its packages."""
    return any(release.key == PLATFORM and release.reason != "Pending" for release in found.releases)
