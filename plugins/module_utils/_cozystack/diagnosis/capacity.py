# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on what the nodes have not got: the architecture, room, processors for virtual machines, disks.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..verdicts import MEANINGS, Code, Verdict
from .nodes import deficit_of
from .reading import Reading

LINSTOR: Final = "linstor.csi.linbit.com"
_SIZE: Final = "Take a larger instance type or more nodes; playbooks/forecast.yml tells the smallest change that fits."
_ARCHITECTURES: Final = ("no_matching_manifest", "exec_format")
SHORTAGES: Final[Mapping[Code, tuple[str, str]]] = {
    Code.INSUFFICIENT_MEMORY: ("memory", _SIZE),
    Code.INSUFFICIENT_CPU: ("processor time", _SIZE),
    Code.INSUFFICIENT_PODS: ("room for another pod", "Raise maxPods of the kubelets, or take more nodes."),
    Code.INSUFFICIENT_DISK: ("disk", "Take larger volumes (cluster_volume_size)."),
    Code.NOT_ENOUGH_NODES: ("a node that has none of its kind yet", "Take more nodes (cluster_nodes)."),
    Code.NO_SCHEDULABLE_NODE: (
        "a node that it may run on",
        "Compare the nodes' taints and labels with what the pod asks for.",
    ),
}


def _first(names: Sequence[str], total: int) -> str:
    """Return the first of the names; what follows is said to be there."""
    return ", ".join(names[:5]) + (" …" if total > min(5, len(names)) else "")


def _waiting(pods: int) -> str:
    return f"{pods} pods wait" if pods > 1 else "1 pod waits"


def images(found: Reading) -> Iterator[Verdict]:
    troubles = found.pods.images
    foreign = sorted({image for image, cause in troubles if cause in _ARCHITECTURES})
    if foreign:
        nodes = sorted({node.architecture for node in found.nodes})
        count = f"{len(foreign)} images are" if len(foreign) > 1 else "1 image is"
        message = f"{count} not built for {' or '.join(nodes)}: {_first(foreign, len(foreign))}"
        names = "cluster_cozystack_operator_image, cluster_cozystack_platform_source_url and _ref"
        remedy = f"Build them for it and name them: {names}."
        evidence = {"images": foreign, "architectures": nodes}
        yield Verdict(Code.ARCH_UNSUPPORTED_IMAGES, "images", message, remedy, evidence)
    for (image, cause), trouble in troubles.items():
        if cause not in _ARCHITECTURES:
            message = f"{image} cannot be pulled ({cause}): {trouble.message[:300]}"
            remedy = "Check the image's name, the registry and the bastion's cache of it."
            yield Verdict(Code.IMAGE_PULL_FAILED, image, message, remedy, {"cause": cause, "pod": trouble.place.pod})


def shortages(found: Reading) -> Iterator[Verdict]:
    deficit = deficit_of(found.nodes, found.pods)
    for code, (what, remedy) in SHORTAGES.items():
        waiting = found.pods.waiting_for.get(code)
        if waiting:
            message = f"{_waiting(waiting.pods)} for {what}: {_first(waiting.examples, waiting.pods)}"
            evidence = {
                "pods": waiting.pods,
                "examples": waiting.examples,
                "requested": waiting.need.as_dict(),
                "deficit": deficit,
            }
            yield Verdict(code, "nodes", message, remedy, evidence)
    pressed = [node.name for node in found.nodes if "DiskPressure" in node.pressures]
    if pressed and Code.INSUFFICIENT_DISK not in found.pods.waiting_for:
        message = f"too little free disk, so that pods are evicted: {', '.join(pressed)}"
        yield Verdict(
            Code.INSUFFICIENT_DISK, "nodes", message, SHORTAGES[Code.INSUFFICIENT_DISK][1], {"nodes": pressed}
        )


def killed(found: Reading) -> Iterator[Verdict]:
    if found.pods.killed:
        names = [f"{one.place.namespace}/{one.place.pod} ({one.container})" for one in found.pods.killed]
        count = f"{len(names)} containers were" if len(names) > 1 else "1 container was"
        message = f"{count} killed because memory ran out: {_first(names, len(names))}"
        yield Verdict(Code.OUT_OF_MEMORY_KILLED, "pods", message, _SIZE, {"containers": names})


def kvm(found: Reading) -> Iterator[Verdict]:
    known = [node.kvm for node in found.nodes if node.kvm is not None]
    if (known and not any(known)) or Code.KVM_MISSING in found.pods.waiting_for:
        message = f"{MEANINGS[Code.KVM_MISSING]} ({', '.join(sorted({node.architecture for node in found.nodes}))})"
        remedy = "Take a metal instance type for the nodes that are to run virtual machines, or the profile novirt."
        yield Verdict(
            Code.KVM_MISSING, "nodes", message, remedy, {"nodes": {node.name: node.kvm for node in found.nodes}}
        )


def storage(found: Reading) -> Iterator[Verdict]:
    has_linstor = any(package.name == "cozystack.linstor" for package in found.packages)
    classes = [item for item in found.storage_classes if item.get("provisioner") == LINSTOR]
    if has_linstor and not classes and not found.pools:
        remedy = "Give every node a second disk and name it: cluster_cozystack_data_disk."
        yield Verdict(Code.DATA_DISK_MISSING, "LINSTOR", MEANINGS[Code.DATA_DISK_MISSING], remedy)
    if Code.VOLUME_PENDING in found.pods.waiting_for:
        waiting = found.pods.waiting_for[Code.VOLUME_PENDING]
        message = f"{_waiting(waiting.pods)} for volumes ({', '.join(found.claims_pending[:5])})"
        remedy = "Make a StorageClass and a pool for LINSTOR (cluster_cozystack_data_disk)."
        yield Verdict(Code.VOLUME_PENDING, "volumes", message, remedy, {"claims": found.claims_pending})
