# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on what was read of a cluster: what is in the way, with the codes of the forecast.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from ..verdicts import MEANINGS, Code, Verdict
from . import capacity
from .progress import ABSENT, FLUX, OPERATOR, PACKAGES, SOURCE, UNREACHABLE, Progress, Root
from .reading import Reading
from .releases import PLATFORM, cause_of

_ROOT_CODES: Final[Mapping[str, Code]] = {
    OPERATOR: Code.OPERATOR_NOT_READY,
    FLUX: Code.FLUX_NOT_READY,
    SOURCE: Code.SOURCE_NOT_READY,
}
_ROOT_REMEDIES: Final[Mapping[Code, str]] = {
    Code.OPERATOR_NOT_READY: "Look at its pod: kubectl --namespace cozy-system describe pod, and logs.",
    Code.FLUX_NOT_READY: "Look at its pod: kubectl --namespace cozy-fluxcd describe pod, and logs of its containers.",
    Code.SOURCE_NOT_READY: "Check cluster_cozystack_platform_source_url and _ref, and whether nodes reach it.",
    Code.PACKAGE_NOT_READY: "Look at it: kubectl describe package {name}.",
    Code.RELEASE_NOT_READY: "Look at it: kubectl --namespace {namespace} describe helmrelease {name}, and at its pods.",
    Code.WEBHOOK_REFUSED: "Look at the webhook's own pod, and at network policies in its way. Flux tries again.",
    Code.QUOTA_EXCEEDED: "Raise the namespace's ResourceQuota, or remove what uses it up.",
    Code.NAME_CLASH: "Remove what is in the way (another CNI, for one), or let Helm adopt it by its annotations.",
}


def findings(found: Reading, progress: Progress, *, settled: bool = False) -> list[Verdict]:
    """Return everything that is in the way, the first cause first.

    What is merely not done yet is nothing, unless it is settled that nothing moves any more.
    """
    if not found.reachable or progress.phase == UNREACHABLE:
        return [_unreachable(found)]
    checks: tuple[Callable[[Reading], Iterable[Verdict]], ...] = (
        capacity.images,
        capacity.shortages,
        _nodes,
        lambda one: _roots(one, progress, settled=settled),
        _refused,
        lambda one: _closure(one, progress),
        capacity.killed,
        capacity.kvm,
        capacity.storage,
    )
    verdicts = [verdict for check in checks for verdict in check(found)]
    absent = progress.phase == ABSENT
    return [_absent(found), *verdicts] if absent else verdicts


def _unreachable(found: Reading) -> Verdict:
    causes = "; ".join(f"{what}: {why}" for what, why in found.missing.items())
    remedy = "Look at the control planes (urmanac.talos.talos_info), at their memory, and at the way there."
    message = (
        f"{MEANINGS[Code.API_UNREACHABLE]} fully ({causes})"
        if found.reachable
        else f"{MEANINGS[Code.API_UNREACHABLE]} ({causes})"
    )
    return Verdict(Code.API_UNREACHABLE, found.server, message, remedy, {"missing": dict(found.missing)})


def _absent(found: Reading) -> Verdict:
    return Verdict(
        Code.NOT_INSTALLED,
        found.server,
        MEANINGS[Code.NOT_INSTALLED],
        "Install it with urmanac.talos.cozystack_install.",
    )


def _nodes(found: Reading) -> Iterator[Verdict]:
    for node in found.nodes:
        # Until the first container network is there, that is how nodes are.
        if not node.ready and not node.waits_for_network:
            remedy = "Look at it with urmanac.talos.talos_info. It may have run out of memory."
            yield Verdict(Code.NODE_NOT_READY, node.name, f"{node.name} is not ready: {node.reason}", remedy)


def _roots(found: Reading, progress: Progress, *, settled: bool) -> Iterator[Verdict]:
    for root in progress.roots:
        code = cause_of(root.message) if root.fails else None
        if code is None and (not (root.fails or settled) or _is_explained(root, found)):
            continue
        if code is None:
            by_kind = Code.PACKAGE_NOT_READY if root.kind == "Package" else Code.RELEASE_NOT_READY
            code = _ROOT_CODES.get(progress.phase, by_kind)
        yield _root_verdict(code, root)


def _root_verdict(code: Code, root: Root) -> Verdict:
    waiting = f"; {root.holds_back} releases wait for it" if root.holds_back else ""
    message = f"{root.kind} {root.title}: {root.reason}: {root.message}{waiting}"
    remedy = _ROOT_REMEDIES[code].format(namespace=root.namespace, name=root.name)
    return Verdict(code, root.title, message, remedy, {"holds_back": root.holds_back, "since": root.since})


def _is_explained(root: Root, found: Reading) -> bool:
    """Tell whether something is known of a pod of it: then that is the verdict, and not that it waits."""
    ours = [release for namespace, release in found.pods.troubled if namespace == root.namespace]
    return root.name in ours or any(not release for release in ours) or (bool(ours) and root.kind == "Deployment")


def _refused(found: Reading) -> Iterator[Verdict]:
    """Yield what keeps controllers from making pods at all."""
    seen = set()
    for text in found.refused_pods:
        code = cause_of(text)
        if code and code not in seen:
            seen.add(code)
            yield Verdict(code, text.partition(":")[0], f"pods are not made: {text[:400]}", _ROOT_REMEDIES[code])


def _closure(found: Reading, progress: Progress) -> Iterator[Verdict]:
    known = {package.name for package in found.packages}
    missing = {one.name: absent for one in found.packages if (absent := sorted(set(one.waits_for) - known))}
    if missing and progress.phase == PACKAGES and _platform_is_done(found):
        wanted = sorted({name for names in missing.values() for name in names})
        count = f"{len(missing)} packages wait" if len(missing) > 1 else "1 package waits"
        message = f"{count} for packages that are not installed: {', '.join(wanted)}"
        remedy = "Enable them, or disable what needs them as well: the profiles close under dependencies."
        yield Verdict(Code.PACKAGES_NOT_CLOSED, "packages", message, remedy, {"packages": missing})


def _platform_is_done(found: Reading) -> bool:
    """Tell whether the platform has made all the packages that it makes."""
    return any(release.key == PLATFORM and release.reason != "Pending" for release in found.releases)
