# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Existing CozyStack objects of a cluster, and reasons not to install. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..._errors import KubernetesError
from ..._findings import Finding, failure, finding
from ..._kubernetes import kinds
from ..._kubernetes.api import Api
from ..._kubernetes.apply import is_ours
from ..._kubernetes.conditions import condition_of
from ..kinds import PACKAGE, PACKAGE_SOURCE
from ..names import OPERATOR
from .manifests import NAMESPACE

LEGACY: Final = "cozystack"
_HELM: Final = "meta.helm.sh/release-name"


class Refusal(KubernetesError):
    """The installation is refused; the code is one of forecast and diagnosis."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(failure(problem.subject, problem), problems=[problem])


class Found(NamedTuple):
    """The existing parts of CozyStack."""

    operator: Mapping[str, Any] | None
    legacy: Mapping[str, Any] | None
    package: Mapping[str, Any] | None
    architectures: Mapping[str, str]

    @property
    def owner(self) -> str:
        """Return what installed it: none (not installed), urmanac.talos, helm, or other."""
        deployment = self.operator or self.legacy
        if deployment is None:
            return "none"
        if is_ours(deployment):
            return "urmanac.talos"
        return "helm" if _HELM in (deployment["metadata"].get("annotations") or {}) else "other"

    @property
    def release(self) -> str:
        """Return the name of the Helm release, if Helm installed it."""
        deployment = self.operator or self.legacy or {"metadata": {}}
        return str((deployment["metadata"].get("annotations") or {}).get(_HELM, ""))


def look(api: Api, *, platform: str) -> Found:
    """Return the existing parts of CozyStack."""
    return Found(
        operator=api.get(kinds.DEPLOYMENT, OPERATOR, namespace=NAMESPACE),
        legacy=api.get(kinds.DEPLOYMENT, LEGACY, namespace=NAMESPACE),
        package=api.get(PACKAGE, platform),
        architectures={
            one["metadata"]["name"]: str(one["status"].get("nodeInfo", {}).get("architecture", ""))
            for one in api.items(kinds.NODE)
        },
    )


def refuse_other_flow(server: str, found: Found, *, is_legacy: bool) -> None:
    """Refuse to install one generation of CozyStack over the other."""
    other = found.operator if is_legacy else found.legacy
    if other is None:
        return
    there, wanted = ("1.x", "0.x") if is_legacy else ("0.x", "1.x")
    remedy = "Follow upstream's upgrade guide, or use a new cluster."
    subject = f"install CozyStack {wanted} on {server}"
    raise Refusal(finding("NAME_CLASH", subject, f"CozyStack {there} is installed", remedy))


def refuse_architecture(server: str, found: Found, images: Sequence[str]) -> None:
    """Refuse released images on nodes for which they are not built: no pod would start."""
    others = sorted(name for name, architecture in found.architectures.items() if architecture != "amd64")
    if not others or not images:
        return
    architectures = ", ".join(sorted({found.architectures[name] for name in others}))
    message = (
        f"the nodes {', '.join(others)} are {architectures}, and CozyStack's released images are built for amd64 alone "
        f"({', '.join(images)}), so that none of its pods would ever start"
    )
    remedy = (
        "Build it for these nodes and name the build in operator_image and platform_source_url, "
        "or set allow_unsupported_architecture to see where it stops."
    )
    raise Refusal(finding("ARCH_UNSUPPORTED_IMAGES", f"install CozyStack on {server}", message, remedy))


def graph(api: Api) -> dict[str, tuple[str, ...]]:
    """Return the existing packages with their dependencies, from their sources by the variant."""
    variants = {one["metadata"]["name"]: (one.get("spec") or {}).get("variant") for one in api.items(PACKAGE)}
    sources = api.items(PACKAGE_SOURCE) if variants else ()
    known = {one["metadata"]["name"]: (one.get("spec") or {}).get("variants") or () for one in sources}
    return {
        name: tuple(one.get("dependsOn") or ())
        for name, wanted in variants.items()
        for one in known.get(name, ())
        if one.get("name") == (wanted or "default")
    }


def leftovers(api: Api, disabled: Sequence[str]) -> list[str]:
    """Return existing packages that are disabled: existing packages are kept."""
    names = {one["metadata"]["name"] for one in api.items(PACKAGE)}
    return sorted(names.intersection(disabled))


def waiting_pods(api: Api) -> list[str]:
    """Return why the operator's pods do not run, one sentence per pod."""
    return [
        f"{pod['metadata']['name']}: {reason}"
        for pod in api.items(kinds.POD, namespace=NAMESPACE)
        for reason in _reasons(pod)
    ]


def _reasons(pod: Mapping[str, Any]) -> list[str]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    containers = [(one.get("state") or {}).get("waiting") for one in statuses]
    waiting = [f"{one.get('reason')}: {one.get('message', '')}".rstrip(": ") for one in containers if one]
    scheduled = condition_of(pod, "PodScheduled")
    return waiting + ([str(scheduled.get("message"))] if scheduled.get("reason") == "Unschedulable" else [])
