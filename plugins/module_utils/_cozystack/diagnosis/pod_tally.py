# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Totals over all pods of a cluster. Private to urmanac.talos: may change at any time.

Pods are counted one by one and not kept: only totals and the first few of each kind of problem stay in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..._kubernetes.quantities import Need, pod_need
from .clock import UNKNOWN, Clock
from .failed_pods import FailedPods, Living
from .faults import (
    FAILED,
    INIT,
    Fault,
    containers_of,
    faults_of,
    is_deleted,
    is_failed,
    is_ready,
    is_sound,
    is_starting,
    is_unready,
    unscheduled,
)
from .pod_troubles import (
    CORDON,
    ImageTrouble,
    Object,
    Place,
    Unschedulable,
    codes_of,
    image_trouble,
    lacking_of,
    place_of,
    unschedulable_message,
    with_taints,
    without_preemption,
)

KEPT: Final = 50
# Of faults, and of pods that wait: those of the installation may come after many others of users.
_FAULTS: Final = 500
_EXAMPLES: Final = 5


@dataclass
class Owned:
    """The first pod of each owner: a release may wait for another one than the very first."""

    owners: dict[tuple[str, str], Place] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        """Return one pod of each owner."""
        return list(self.owners.values())

    def keep(self, place: Place) -> None:
        """Keep a pod of a new owner."""
        if len(self.owners) < KEPT:
            self.owners.setdefault((place.namespace, place.owner or place.pod), place)


@dataclass
class Waiting(Owned):
    """Pods that wait for the same resource: the scheduler's words about the first one, their number, requests."""

    words: str = ""
    pods: int = 0
    need: Need = field(default_factory=Need)
    examples: list[str] = field(default_factory=list)

    def add(self, place: Place, need: Need) -> None:
        """Count a pod."""
        self.pods += 1
        self.need = self.need.plus(need)
        self.keep(place)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{place.namespace}/{place.pod}")


@dataclass
class PodTally:
    """Totals over all pods."""

    # The taints of each node, which the scheduler does not always name.
    taints: Sequence[Sequence[Object]] = ()
    clock: Clock = UNKNOWN
    total: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    requested: dict[str, Need] = field(default_factory=dict)
    on_node: Counter[str] = field(default_factory=Counter)
    pending: Need = field(default_factory=Need)
    unschedulable_total: int = 0
    unschedulable: list[Unschedulable] = field(default_factory=list)
    # Those that a cordoned node, among others, does not take.
    kept_off: Waiting = field(default_factory=Waiting)
    waiting_for: dict[str, Waiting] = field(default_factory=dict)
    images: dict[tuple[str, str], ImageTrouble] = field(default_factory=dict)
    image_pods: Counter[tuple[str, str]] = field(default_factory=Counter)
    image_owners: dict[tuple[str, str], Owned] = field(default_factory=dict)
    # The first faults of each code, and how many were seen, for the limit.
    faults: list[Fault] = field(default_factory=list)
    fault_pods: Counter[str] = field(default_factory=Counter)
    living: Living = field(default_factory=Living)
    failed: FailedPods = field(default_factory=FailedPods)
    # Pods whose cause only events contain.
    starting: list[Place] = field(default_factory=list)
    unready: list[Place] = field(default_factory=list)
    deleted: list[Place] = field(default_factory=list)

    def add(self, pod: Object) -> None:
        """Count a pod."""
        status = pod.get("status") or {}
        phase = str(status.get("phase") or "Unknown")
        self.total += 1
        self.phases[phase] += 1
        if phase == "Succeeded":
            return
        self._add_troubles(pod)
        self._add_created(pod, has_ended=phase == "Failed")
        if phase == "Failed":
            return
        spec = pod.get("spec") or {}
        need, node = pod_need(spec), spec.get("nodeName")
        if node:
            self.requested[node] = self.requested.get(node, Need()).plus(need)
            self.on_node[node] += 1
        else:
            self._add_waiting(pod, need)

    def _add_created(self, pod: Object, *, has_ended: bool) -> None:
        place = place_of(pod)
        if not place.owner:
            return
        owner = place.namespace, place.owner
        self.living.add(owner, str(pod["metadata"].get("creationTimestamp") or ""))
        if not has_ended:
            self.living.pods[owner] += 1
            self.living.ready[owner] += is_ready(pod)

    def _add_waiting(self, pod: Object, need: Need) -> None:
        message, place = unschedulable_message(pod), place_of(pod)
        if message is None:
            self.add_fault(unscheduled(pod))
            return
        message = with_taints(message, pod, self.taints)
        lacking = lacking_of(message)
        self.pending = self.pending.plus(need)
        self.unschedulable_total += 1
        codes = codes_of(lacking)
        for code in codes:
            self.waiting_for.setdefault(code, Waiting(words=without_preemption(message))).add(place, need)
        if CORDON in lacking:
            self.kept_off.add(place, need)
        if len(self.unschedulable) < KEPT:
            self.unschedulable.append(Unschedulable(place, need, message, lacking))

    def _add_troubles(self, pod: Object) -> None:
        containers = [*containers_of(pod.get("status") or {})]
        if containers and all(map(is_sound, containers)) and not pod["metadata"].get("deletionTimestamp"):
            # Most pods of a large cluster: there is nothing to look for.
            return
        images = {str(one.get("name")): image for one in containers if (image := image_trouble(pod, one))}
        for image in images.values():
            self.add_image(image)
        faults = [one for one in faults_of(pod, self.clock) if not images or _is_of_another(one, images)]
        for fault in faults:
            if fault.code in FAILED:
                self.add_failed(fault, pod["metadata"])
            else:
                self.add_fault(fault)
        if not images and all(fault.runs for fault in faults) and not is_failed(pod):
            self._keep(pod)

    def _keep(self, pod: Object) -> None:
        """Keep a pod whose cause only events contain."""
        for waiting, kept in ((is_deleted, self.deleted), (is_starting, self.starting), (is_unready, self.unready)):
            if len(kept) < _FAULTS and waiting(pod):
                kept.append(place_of(pod))

    def add_image(self, image: ImageTrouble) -> None:
        """Count an image that does not start."""
        key = (image.image, image.cause)
        if key in self.images or len(self.images) < KEPT:
            self.images.setdefault(key, image)
            self.image_owners.setdefault(key, Owned()).keep(image.place)
            self.image_pods[key] += 1

    def image_places(self, key: tuple[str, str]) -> list[Place]:
        """Return the pods of an image that does not start, one of each owner."""
        return self.image_owners[key].places

    def add_fault(self, fault: Fault) -> None:
        """Count a fault."""
        self.fault_pods[fault.code] += 1
        if self.fault_pods[fault.code] <= _FAULTS:
            self.faults.append(fault)

    def add_failed(self, fault: Fault, metadata: Object) -> None:
        """Count a pod that failed as a whole."""
        identity = str(metadata.get("uid") or metadata["name"])
        self.failed.add(fault, created=str(metadata.get("creationTimestamp") or ""), identity=identity)

    def end(self) -> None:
        """Count the owners whose pods still fail as a whole, once all pods and events are known."""
        for fault in self.failed.faults(self.living, self.clock):
            self.add_fault(fault)


def _is_of_another(fault: Fault, images: Collection[str]) -> bool:
    """Return whether it is the fault of a container other than those whose images do not start."""
    return bool(fault.container) and fault.container not in images and fault.code != INIT


def tally(pods: Iterable[Object], result: PodTally) -> PodTally:
    """Return the totals over all pods of a cluster."""
    for pod in pods:
        result.add(pod)
    return result
