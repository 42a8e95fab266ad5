# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about missing capacity of nodes: architecture, CPU and memory, KVM, disks.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..._codes import ERROR, WARNING
from ..._findings import Finding, finding, meaning_of
from ..._text import shortened
from ..names import LINSTOR
from .away import fits_on, remedy_of
from .fault_findings import Waiter, first_waiter, waiting_titles
from .nodes import deficit_of
from .pod_tally import Waiting
from .pod_troubles import ARCHITECTURES, pull_code
from .progress import READY, Progress
from .reading import Reading

_LONGEST: Final = 400
_PRESSURES: Final[Mapping[str, tuple[str, str]]] = {
    "MemoryPressure": ("NODE_MEMORY_PRESSURE", "too little free memory"),
    "PIDPressure": ("NODE_PID_PRESSURE", "too many processes"),
}
SHORTAGES: Final[Mapping[str, str]] = {
    "INSUFFICIENT_MEMORY": "memory",
    "INSUFFICIENT_CPU": "processor time",
    "INSUFFICIENT_PODS": "another pod slot",
    "INSUFFICIENT_DISK": "disk",
    "NOT_ENOUGH_NODES": "a node without a pod of the same kind",
    "NO_SCHEDULABLE_NODE": "a node that they may run on",
}


def _first(names: Sequence[str], total: int) -> str:
    """Return the first names, and how many more there are."""
    return ", ".join(names[:5]) + (" …" if total > min(5, len(names)) else "")


def _waiting_text(waiting: Waiting, what: str, waiter: Waiter | None) -> str:
    """Return how many pods wait for something, the first of them, and the scheduler's words about that."""
    count = f"{waiting.pods} pods wait" if waiting.pods > 1 else "1 pod waits"
    said = shortened(waiting.words, len, _LONGEST).rstrip(". ")
    return f"{count} for {what}: {_first(waiting.examples, waiting.pods)}: {said}{waiter.text if waiter else ''}"


def images(found: Reading, progress: Progress) -> Iterator[Finding]:
    troubles = found.pods.images
    waits = {key: waiting_titles(found.pods.image_places(key), found, progress) for key in troubles}
    foreign = sorted({image for image, cause in troubles if cause in ARCHITECTURES})
    if foreign:
        nodes = sorted({node.architecture for node in found.nodes})
        wanted = " or ".join(nodes) or "the nodes, which could not be read"
        count = f"{len(foreign)} images are" if len(foreign) > 1 else "1 image is"
        concerned = [one for (_image, cause), one in troubles.items() if cause in ARCHITECTURES]
        first = concerned[0]
        pod = f"{first.place.namespace}/{first.place.pod}"
        message = f"{count} not built for {wanted}: {_first(foreign, len(foreign))}; {pod}: {first.message}"
        names = "cluster_cozystack_operator_image, cluster_cozystack_platform_source_url and _ref"
        remedy = f"Build them for it and set {names}."
        held_up = sorted({title for key, titles in waits.items() if key[1] in ARCHITECTURES for title in titles})
        evidence = {"images": foreign, "architectures": nodes, "pod": pod, "waits": ", ".join(held_up)}
        severity = _grade(held_up)
        yield finding("ARCH_UNSUPPORTED_IMAGES", "images", message, remedy, severity=severity, evidence=evidence)
    for (image, cause), trouble in troubles.items():
        if cause not in ARCHITECTURES:
            message = f"{image} cannot be pulled ({cause}): {trouble.message}"
            pod = f"{trouble.place.namespace}/{trouble.place.pod}"
            evidence = {"cause": cause, "pod": pod, "waits": ", ".join(waits[image, cause])}
            severity = _grade(waits[image, cause])
            yield finding(pull_code(cause), image, message, severity=severity, evidence=evidence)


def _grade(waiting: object) -> str:
    """Return the severity of a problem of pods: without anything of the installation that waits it is a user's own."""
    return ERROR if waiting else WARNING


def shortages(found: Reading, progress: Progress) -> Iterator[Finding]:
    deficit = deficit_of(found.nodes, found.pods)
    for code, what in SHORTAGES.items():
        waiting = found.pods.waiting_for.get(code)
        if waiting:
            waiter = first_waiter(waiting.places, found, progress)
            message = _waiting_text(waiting, what, waiter)
            evidence = {
                "waits": waiter.title if waiter else "",
                "waiting": waiting_titles(waiting.places, found, progress),
                "pods": waiting.pods,
                "examples": waiting.examples,
                "requested": waiting.need.as_dict(),
                "deficit": deficit,
            }
            fitting = fits_on(code, waiting, found)
            evidence["fits_on"] = [node.name for node in fitting]
            remedy = remedy_of(fitting)
            yield finding(code, "nodes", message, remedy, severity=_grade(waiter), evidence=evidence)
    pressed = [node.name for node in found.nodes if "DiskPressure" in node.pressures]
    if pressed and "INSUFFICIENT_DISK" not in found.pods.waiting_for:
        message = f"too little free disk, so that pods are evicted: {', '.join(pressed)}"
        yield finding("INSUFFICIENT_DISK", "nodes", message, evidence={"nodes": pressed})


def pressures(found: Reading, progress: Progress, *, settled: bool) -> Iterator[Finding]:
    for condition, (code, what) in _PRESSURES.items():
        pressed = [node.name for node in found.nodes if condition in node.pressures]
        if pressed:
            severity = _severity(progress, settled=settled)
            message = f"{what}, so that pods are evicted: {', '.join(pressed)}"
            yield finding(code, "nodes", message, severity=severity, evidence={"nodes": pressed})


def _severity(progress: Progress, *, settled: bool) -> str:
    """Return the severity of what may pass while an installation makes progress."""
    return ERROR if settled and progress.phase != READY else WARNING


def kvm(found: Reading) -> Iterator[Finding]:
    known = [node.kvm for node in found.nodes if node.kvm is not None]
    waiting = found.pods.waiting_for.get("KVM_MISSING")
    if (known and not any(known)) or waiting:
        evidence = {"nodes": {node.name: node.kvm for node in found.nodes}}
        yield finding("KVM_MISSING", "nodes", *_without_kvm(found, waiting), evidence=evidence)


def _without_kvm(found: Reading, waiting: Waiting | None) -> tuple[str, str | None]:
    """Return the message about virtual machines that cannot start, and the remedy if it is not that of the code."""
    able = [node.name for node in found.nodes if node.kvm]
    if able and waiting:
        has = "has" if len(able) == 1 else "have"
        message = f"{_waiting_text(waiting, f'/dev/kvm, which only {_first(able, len(able))} {has}', None)}"
        return message, f"Look at why it takes no virtual machine: kubectl describe node {able[0]}."
    architectures = ", ".join(sorted({node.architecture for node in found.nodes}))
    return f"{meaning_of('KVM_MISSING')} ({architectures or 'the nodes could not be read'})", None


def storage(found: Reading, progress: Progress, *, settled: bool) -> Iterator[Finding]:
    has_linstor = any(package.name == "cozystack.linstor" for package in found.packages)
    classes = [item for item in found.storage_classes if item.get("provisioner") == LINSTOR]
    if has_linstor and not classes and not found.pools:
        yield finding("DATA_DISK_MISSING", "LINSTOR", meaning_of("DATA_DISK_MISSING"))
    waiting = found.pods.waiting_for.get("VOLUME_PENDING")
    # A claim whose provisioner says why is a fault of its own.
    known = {f"{fault.place.namespace}/{fault.place.pod}" for fault in found.faults if fault.code == "VOLUME_PENDING"}
    if waiting and not (known and known.issuperset(found.claims_pending)):
        waiter = first_waiter(waiting.places, found, progress)
        claims = f"volumes ({', '.join(found.claims_pending[:5])})" if found.claims_pending else "volumes"
        message = _waiting_text(waiting, claims, waiter)
        titles = waiting_titles(waiting.places, found, progress)
        evidence = {"claims": found.claims_pending, "waits": waiter.title if waiter else "", "waiting": titles}
        severity = _severity(progress, settled=settled and waiter is not None)
        yield finding("VOLUME_PENDING", "volumes", message, severity=severity, evidence=evidence)
