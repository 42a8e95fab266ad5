# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduling and image problems of a pod, from its status. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..._kubernetes.conditions import condition_of
from ..._kubernetes.quantities import Need
from .log_words import cause_lines, plain

Object = Mapping[str, Any]
KVM: Final = "devices.kubevirt.io/kvm"
_LONGEST: Final = 400
_IMAGE_WAITS: Final = frozenset(
    {
        *("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"),
        *("ImageInspectError", "SignatureValidationFailed"),
    }
)
_ARCHITECTURE: Final = re.compile(
    r"no match(ing manifest)? for (platform|linux)|no matching manifest|image's architecture", re.I
)
# Of runc and the Go runtime, of libc's strerror, and of bash for a program that it starts.
EXEC_FORMAT: Final = re.compile(r"exec format error|cannot execute binary file", re.I)
# Flux labels a chart's objects with the name of the release.
RELEASE_LABEL: Final = "helm.toolkit.fluxcd.io/name"
# The kubelet and containerd repeat the image, mostly with its digest, in each part of their messages.
_IMAGE_NAMES: Final = re.compile(r'\b(image|reference) "[^"]+"')
_ADDRESSES: Final = re.compile(r"\bhttps?://\S+")
# Order matters: a registry that is not reachable may also be reported as one without the image.
_PULL_CAUSES: Final = (
    ("exec_format", EXEC_FORMAT),
    ("no_matching_manifest", _ARCHITECTURE),
    ("rate_limited", re.compile(r"\b429 too many|toomanyrequests|too many requests|pull rate limit", re.I)),
    ("no_space", re.compile(r"no space left on device", re.I)),
    ("tls", re.compile(r"x509: |certificate (?:signed|is not valid|has expired)|HTTP response to HTTPS client", re.I)),
    (
        "timeout",
        re.compile(
            r"timeout|timed out|no such host|server misbehaving|connection re(?:fused|set)|no route|unreachable"
            r"|deadline|\bEOF\b",
            re.I,
        ),
    ),
    ("registry_error", re.compile(r"internal server error|bad gateway|service unavailable", re.I)),
    ("pull_denied", re.compile(r"denied|unauthorized|forbidden|authentication", re.I)),
    ("not_found", re.compile(r"not found|manifest unknown|name unknown|does not exist", re.I)),
)
ARCHITECTURES: Final = ("no_matching_manifest", "exec_format")
_PULL_CODES: Final = {
    "rate_limited": "IMAGE_RATE_LIMITED",
    "no_space": "INSUFFICIENT_DISK",
    **dict.fromkeys(ARCHITECTURES, "ARCH_UNSUPPORTED_IMAGES"),
}
# That a node takes no new pods.
CORDON: Final = "cordon"
# Messages of the scheduler about unsuitable nodes, and their names here.
_LACKS: Final = (
    ("cpu", re.compile(r"(\d+) Insufficient cpu\b")),
    ("memory", re.compile(r"(\d+) Insufficient memory\b")),
    ("disk", re.compile(r"(\d+) Insufficient ephemeral-storage\b")),
    ("pods", re.compile(r"(\d+) (?:Too many pods|Insufficient pods)\b")),
    ("ports", re.compile(r"(\d+) node\(s\) didn't have free ports")),
    (
        "spread",
        re.compile(
            r"(\d+) node\(s\) didn't (?:match|satisfy) (?:existing pods|pod)(?:'s)? (?:anti-affinity|topology)"
            r"(?! spread constraints \(missing)"
        ),
    ),
    (
        "selector",
        re.compile(
            r"(\d+) node\(s\) didn't (?:match (?:Pod's )?node (?:affinity|selector)|satisfy plugin\(s\) \[Node"
            r"|match pod topology spread constraints \(missing required label\))"
        ),
    ),
    (CORDON, re.compile(r"(\d+) node\(s\) were unschedulable")),
    (
        "volumes",
        re.compile(
            r"(\d+ |)(?:node\(s\) (?:had volume node affinity|didn't find avail|did not have enough free storage"
            r"|exceed max volume)|pod has unbound immediate|persistentvolumeclaim \"|running \w+ plugin \"Volume)"
        ),
    ),
)
# Reasons of the condition PodScheduled of a pod for which the scheduler has no node.
_REFUSED: Final = ("Unschedulable", "SchedulerError")
_DEVICES: Final = re.compile(r"(\d+) Insufficient (?!cpu\b|memory\b|ephemeral-storage\b|pods\b)([\w./-]*\w)")
_TAINTS: Final = re.compile(r"(\d+) node\(s\) had untolerated taint(?:\(s\))?(?: \{([^:}]+))?")
# Since Kubernetes 1.35 the scheduler does not name the taints.
_UNNAMED: Final = re.compile(r"\d+ node\(s\) had untolerated taint\(s\)")
# A node with this taint is "unschedulable" to the scheduler, which does not look at its other taints then.
_CORDON: Final = "node.kubernetes.io/unschedulable"
_SHORT: Final = {
    "cpu": "INSUFFICIENT_CPU",
    "memory": "INSUFFICIENT_MEMORY",
    "disk": "INSUFFICIENT_DISK",
    "pods": "INSUFFICIENT_PODS",
    "ports": "NOT_ENOUGH_NODES",
    "spread": "NOT_ENOUGH_NODES",
    # The kubelet sets these taints under resource pressure.
    "taint node.kubernetes.io/memory-pressure": "INSUFFICIENT_MEMORY",
    "taint node.kubernetes.io/disk-pressure": "INSUFFICIENT_DISK",
}
# Taints of nodes without a CNI or of lost nodes: a problem of the node, not of the pod.
_PASSING: Final = frozenset(
    f"taint {name}"
    for name in (
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/network-unavailable",
        "node.cilium.io/agent-not-ready",
    )
)


class Place(NamedTuple):
    """A pod and its owner."""

    namespace: str
    pod: str
    owner: str
    release: str
    # The API that has the owner's kind.
    api: str = ""


class Unschedulable(NamedTuple):
    """An unschedulable pod, and how many nodes lack each resource."""

    place: Place
    need: Need
    message: str
    lacking: Mapping[str, int]


class ImageTrouble(NamedTuple):
    """An image that does not start, the cause, and the first affected pod."""

    image: str
    cause: str
    message: str
    place: Place


def place_of(pod: Object) -> Place:
    """Return the pod, its owner, and its release by its labels."""
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    owner = controller_of(metadata)
    name = str(owner.get("name", ""))
    if owner.get("kind") == "ReplicaSet":
        # The name of a ReplicaSet is that of its Deployment and a hash.
        owner, name = {"kind": "Deployment"}, name.rpartition("-")[0] or name
    release = labels.get(RELEASE_LABEL) or labels.get("app.kubernetes.io/instance") or ""
    owner_text = f"{owner.get('kind')}/{name}" if name else ""
    where = (str(metadata.get("namespace", "")), str(metadata["name"]))
    return Place(*where, owner_text, str(release), str(owner.get("apiVersion") or ""))


def controller_of(metadata: Object) -> Object:
    """Return the reference to the owner that manages an object, or to its first owner, or an empty one."""
    owners: Sequence[Object] = metadata.get("ownerReferences") or ({},)
    return owners[0] if len(owners) == 1 else next((one for one in owners if one.get("controller")), owners[0])


def lacking_of(message: str) -> dict[str, int]:
    """Return what nodes lack for a pod, with the number of nodes."""
    text = without_preemption(message)
    found = Counter(dict(_lacks(text)))
    for count, device in _DEVICES.findall(text):
        found[f"device {device}"] += int(count)
    for count, taint in _TAINTS.findall(text):
        found[f"taint {taint.strip() or 'unnamed'}"] += int(count)
    return dict(found)


def unschedulable_message(pod: Object) -> str | None:
    """Return the scheduler's message about a pod for which it has no node."""
    # Empty until a scheduler has processed the pod.
    condition = condition_of(pod, "PodScheduled")
    return str(condition.get("message") or "") if condition.get("reason") in _REFUSED else None


def taints_of(node: Object) -> Sequence[Object]:
    """Return the taints of a node."""
    return (node.get("spec") or {}).get("taints") or ()


def with_taints(message: str, pod: Object, nodes: Iterable[Sequence[Object]]) -> str:
    """Return the scheduler's message with the names of taints that it leaves out, from the taints of each node."""
    if not _UNNAMED.search(message):
        return message
    tolerations = (pod.get("spec") or {}).get("tolerations") or ()
    first = (next((one for one in taints if not _is_tolerated(one, tolerations)), {}) for taints in nodes)
    names = Counter(str(one["key"]) for one in first if one and one["key"] != _CORDON)
    said = ", ".join(f"{count} node(s) had untolerated taint {{{name}: }}" for name, count in sorted(names.items()))
    return _UNNAMED.sub(said, message, count=1) if said else message


def _is_tolerated(taint: Object, tolerations: Iterable[Object]) -> bool:
    """Return whether the scheduler ignores a taint for a pod with these tolerations."""
    if taint.get("effect") not in ("NoSchedule", "NoExecute"):
        return True
    return any(
        one.get("effect") in (None, "", taint["effect"])
        and one.get("key") in (None, "", taint["key"])
        and (one.get("operator") == "Exists" or (one.get("value") or "") == (taint.get("value") or ""))
        for one in tolerations
    )


def without_preemption(message: str) -> str:
    """Return the scheduler's message without the sentence about preemption, which repeats the same words."""
    return message.partition(" preemption:")[0]


def _lacks(text: str) -> Iterator[tuple[str, int]]:
    for name, pattern in _LACKS:
        counts = [int(match[1] or 0) for match in pattern.finditer(text)]
        if counts:
            yield name, sum(counts)


def codes_of(lacking: Mapping[str, int]) -> set[str]:
    """Return why a pod is unschedulable: insufficient resources first, otherwise rules such as taints.

    A reason that is not known here is a rule, too.
    """
    if not lacking:
        return {"NO_SCHEDULABLE_NODE"}
    short = {_SHORT[name] for name in lacking if name in _SHORT}
    if short:
        return short
    if f"device {KVM}" in lacking:
        return {"KVM_MISSING"}
    forbids = (name for name in lacking if name not in _PASSING)
    return {"VOLUME_PENDING" if name == "volumes" else "NO_SCHEDULABLE_NODE" for name in forbids}


def pull_cause(message: str) -> str:
    """Return why an image cannot be pulled, from the message without the names, which may contain any word."""
    text = _ADDRESSES.sub("", _IMAGE_NAMES.sub("", message))
    return next((cause for cause, pattern in _PULL_CAUSES if pattern.search(text)), "pull_failed")


def pull_code(cause: str) -> str:
    """Return the code of the reason why an image does not start."""
    return _PULL_CODES.get(cause, "IMAGE_PULL_FAILED")


def pull_words(message: str) -> str:
    """Return the message about an image without its names, shortened in its middle: it ends with the cause."""
    return plain(_IMAGE_NAMES.sub(r"\1", message), _LONGEST)


def image_trouble(pod: Object, status: Object) -> ImageTrouble | None:
    """Return the problem of a container's image, if its status names one."""
    waiting = (status.get("state") or {}).get("waiting") or {}
    image = str(status.get("image") or "")
    message = str(waiting.get("message") or "")
    if waiting.get("reason") in _IMAGE_WAITS:
        return ImageTrouble(image, pull_cause(message), pull_words(message), place_of(pod))
    # A container that is ready again was executed.
    before = None if status.get("ready") is True else status.get("lastState")
    for state in filter(None, (status.get("state"), before)):
        ended = str((state.get("terminated") or {}).get("message") or "")
        if (ended and EXEC_FORMAT.search(ended)) or (message and EXEC_FORMAT.search(message)):
            return ImageTrouble(image, "exec_format", " / ".join(cause_lines(ended or message)), place_of(pod))
    return None
