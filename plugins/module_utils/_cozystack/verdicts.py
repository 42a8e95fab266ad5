# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can keep CozyStack from working, predicted or observed. Private to urmanac.talos: may change at any time.

The forecast, the diagnosis of an installation and the report say the same thing with the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """What is in the way. MEANINGS says what each of them is."""

    # What forecast and diagnosis both can tell.
    ARCH_UNSUPPORTED_IMAGES = "ARCH_UNSUPPORTED_IMAGES"
    INSUFFICIENT_MEMORY = "INSUFFICIENT_MEMORY"
    INSUFFICIENT_CPU = "INSUFFICIENT_CPU"
    INSUFFICIENT_PODS = "INSUFFICIENT_PODS"
    INSUFFICIENT_DISK = "INSUFFICIENT_DISK"
    NOT_ENOUGH_NODES = "NOT_ENOUGH_NODES"
    NO_SCHEDULABLE_NODE = "NO_SCHEDULABLE_NODE"
    KVM_MISSING = "KVM_MISSING"
    DATA_DISK_MISSING = "DATA_DISK_MISSING"
    PACKAGES_NOT_CLOSED = "PACKAGES_NOT_CLOSED"
    # Only a forecast: nothing is short on paper, and it is not what CozyStack's documentation asks for.
    BELOW_DOCUMENTED_USE = "BELOW_DOCUMENTED_USE"
    SIZE_UNKNOWN = "SIZE_UNKNOWN"
    # Only a diagnosis: it takes a cluster to see them.
    API_UNREACHABLE = "API_UNREACHABLE"
    NOT_INSTALLED = "NOT_INSTALLED"
    NODE_NOT_READY = "NODE_NOT_READY"
    OPERATOR_NOT_READY = "OPERATOR_NOT_READY"
    FLUX_NOT_READY = "FLUX_NOT_READY"
    SOURCE_NOT_READY = "SOURCE_NOT_READY"
    PACKAGE_NOT_READY = "PACKAGE_NOT_READY"
    RELEASE_NOT_READY = "RELEASE_NOT_READY"
    IMAGE_PULL_FAILED = "IMAGE_PULL_FAILED"
    OUT_OF_MEMORY_KILLED = "OUT_OF_MEMORY_KILLED"
    VOLUME_PENDING = "VOLUME_PENDING"
    WEBHOOK_REFUSED = "WEBHOOK_REFUSED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    NAME_CLASH = "NAME_CLASH"


MEANINGS: Mapping[Code, str] = {
    Code.ARCH_UNSUPPORTED_IMAGES: "images that are not built for the nodes' architecture",
    Code.INSUFFICIENT_MEMORY: "pods that no node has enough memory left for",
    Code.INSUFFICIENT_CPU: "pods that no node has enough processor time left for",
    Code.INSUFFICIENT_PODS: "more pods than the nodes' kubelets take",
    Code.INSUFFICIENT_DISK: "a disk that is too small",
    Code.NOT_ENOUGH_NODES: "pods that must not share a node, and fewer nodes than pods",
    Code.NO_SCHEDULABLE_NODE: "pods that no node may take, because of taints or labels",
    Code.KVM_MISSING: "virtual machines cannot start: no node has /dev/kvm",
    Code.DATA_DISK_MISSING: "no second disk for LINSTOR, so no volume can be made",
    Code.PACKAGES_NOT_CLOSED: "packages that wait for packages which were disabled",
    Code.BELOW_DOCUMENTED_USE: "less than the documentation says is used, although requests fit",
    Code.SIZE_UNKNOWN: "an instance type whose size is not known",
    Code.API_UNREACHABLE: "the Kubernetes API does not answer",
    Code.NOT_INSTALLED: "CozyStack is not installed",
    Code.NODE_NOT_READY: "a node that is not ready",
    Code.OPERATOR_NOT_READY: "CozyStack's operator does not run",
    Code.FLUX_NOT_READY: "Flux does not run",
    Code.SOURCE_NOT_READY: "the packages' source cannot be read",
    Code.PACKAGE_NOT_READY: "a package that is not ready",
    Code.RELEASE_NOT_READY: "a release that is not ready although all it depends on is",
    Code.IMAGE_PULL_FAILED: "an image that cannot be pulled",
    Code.OUT_OF_MEMORY_KILLED: "a container that was killed because memory ran out",
    Code.VOLUME_PENDING: "a volume that nothing provides",
    Code.WEBHOOK_REFUSED: "a webhook that refuses, or cannot be reached",
    Code.QUOTA_EXCEEDED: "a quota that is used up",
    Code.NAME_CLASH: "an object of the same name that belongs to somebody else",
}

# These are worth knowing, but the installation completes with them.
LIMITS: frozenset[Code] = frozenset(
    {
        Code.KVM_MISSING,
        Code.DATA_DISK_MISSING,
        Code.BELOW_DOCUMENTED_USE,
        Code.SIZE_UNKNOWN,
        Code.OUT_OF_MEMORY_KILLED,
        Code.VOLUME_PENDING,
    }
)


@dataclass(frozen=True)
class Verdict:
    """One thing that is in the way: what it is about, what is wrong, what to do, and the figures behind it."""

    code: Code
    subject: str
    message: str
    remedy: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        """Return whether the installation cannot complete with it."""
        return self.code not in LIMITS

    def as_dict(self) -> dict[str, Any]:
        """Return it as modules, reports and files hold it."""
        return {
            "code": self.code.value,
            "subject": self.subject,
            "message": self.message,
            "remedy": self.remedy,
            "evidence": dict(self.evidence),
            "blocks": self.blocks,
        }


def is_blocked(verdicts: Iterable[Verdict]) -> bool:
    """Return whether any of them keeps the installation from completing."""
    return any(verdict.blocks for verdict in verdicts)


def outcome(verdicts: Iterable[Verdict]) -> str:
    """Return ready or blocked, the words that cozystack_expect takes."""
    return "blocked" if is_blocked(verdicts) else "ready"
