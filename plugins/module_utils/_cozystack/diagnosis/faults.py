# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of containers and pods other than image and scheduling problems, from a pod's status.

Private to urmanac.talos: may change at any time. Reasons and messages are those of the kubelet and of containerd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from .pod_troubles import Object, Place, place_of, scheduling_of

KILLED: Final = "OUT_OF_MEMORY_KILLED"
CRASHES: Final = "CONTAINER_CRASHES"
JOB_FAILED: Final = "JOB_FAILED"
UNSCHEDULED: Final = "POD_NOT_SCHEDULED"
SLOW_PULL: Final = "IMAGE_PULL_SLOW"
INIT: Final = "INIT_NOT_FINISHED"
_SIGKILL: Final = 137
# Reasons of a container's waiting state: the kubelet's kuberuntime and container packages.
_NOT_CREATED: Final[Mapping[str, str]] = {
    "CreateContainerConfigError": "CONTAINER_CONFIG_MISSING",
    "CreateContainerError": "CONTAINER_NOT_CREATED",
    "RunContainerError": "CONTAINER_NOT_CREATED",
    "PreCreateHookError": "CONTAINER_NOT_CREATED",
    "PreStartHookError": "CONTAINER_NOT_CREATED",
    "PostStartHookError": "CONTAINER_NOT_CREATED",
}
# Termination reasons of a container that the runtime could not start.
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
# What a Secret, a ConfigMap or a key is missing by; other messages with that reason are about the container itself.
_MISSING: Final = ("not found", "couldn't find key")
_STARTING: Final = frozenset({"ContainerCreating", "PodInitializing"})
# A container on a node that was lost: its exit is unknown.
_UNKNOWN_END: Final = "ContainerStatusUnknown"
_SIGNALS: Final = {
    132: "illegal instruction, for example of a newer CPU",
    134: "aborted itself",
    139: "invalid memory access",
    143: "terminated by SIGTERM",
    255: "exit code 255, for example because the program cannot be executed",
}


class Fault(NamedTuple):
    """The fault of a pod in the words of the API, and the end of its log if it was read."""

    code: str
    place: Place
    reason: str
    message: str
    container: str = ""
    image: str = ""
    # The node that runs the pod; empty where that decides nothing.
    node: str = ""
    exit_code: int | None = None
    # The container's own limit of memory, if it was killed: more memory on its node does not help.
    memory_limit: str = ""
    # Occurrences: restarts of the container, or the count of the event.
    times: int = 0
    # The last occurrence; empty where that decides nothing.
    time: str = ""
    # The container was restarted: the log of its end is the previous one.
    previous: bool = False
    log: tuple[str, ...] = ()

    @property
    def needs_log(self) -> bool:
        """Return whether only its log can contain the cause."""
        return self.code in (CRASHES, JOB_FAILED) and self.exit_code != 0 and not self.message

    @property
    def words(self) -> str:
        """Return the shortest known cause."""
        if self.log:
            return " / ".join(self.log)
        return self.message or _SIGNALS.get(self.exit_code or 0, "") or self.reason


def faults_of(pod: Object) -> Iterator[Fault]:
    """Yield the faults of a pod, unless it is being deleted."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return
    if status.get("phase") == "Failed" and status.get("reason"):
        yield _rejected(pod, status)
        return
    found = [fault_of(pod, container) for container in containers_of(status)]
    yield from filter(None, found) if any(found) else _unfinished(pod, status)


def _unfinished(pod: Object, status: Object) -> Iterator[Fault]:
    """Yield that an init container still runs; one that always restarts is a sidecar, and is meant to."""
    sidecars = {one["name"] for one in (pod.get("spec") or {}).get("initContainers") or () if "restartPolicy" in one}
    for container in status.get("initContainerStatuses") or ():
        if "running" in (container.get("state") or {}) and container.get("name") not in sidecars:
            yield _fault(pod, container, INIT, "Running", "the init container has not finished")


def containers_of(status: Object) -> Iterator[Object]:
    """Yield the statuses of a pod's containers in the order in which they start."""
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _rejected(pod: Object, status: Object) -> Fault:
    """Return why the whole pod failed: evicted, or rejected by its kubelet."""
    reason = str(status["reason"])
    code = "POD_EVICTED" if reason in ("Evicted", "Preempting") else "POD_REJECTED"
    return Fault(code, place_of(pod), reason, str(status.get("message") or ""))


def fault_of(pod: Object, status: Object) -> Fault | None:
    """Return the fault of a container, except for image problems."""
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = str(waiting.get("reason") or "")
    if reason in _NOT_CREATED:
        message = str(waiting.get("message") or "")
        code = _NOT_CREATED[reason] if any(words in message for words in _MISSING) else "CONTAINER_NOT_CREATED"
        return _fault(pod, status, code, reason, message)
    ended, before = (((status.get(name) or {}).get("terminated") or {}) for name in ("state", "lastState"))
    end = ended or before
    if not end and reason == "CrashLoopBackOff":
        return _fault(pod, status, CRASHES, reason, str(waiting.get("message") or ""))
    if not end or end.get("reason") == _UNKNOWN_END:
        return None
    fault = _end_of(pod, status, end)._replace(previous=not ended)
    is_down = bool(ended) or reason == "CrashLoopBackOff" or not status.get("ready", not waiting)
    is_past = not is_down or (fault.exit_code == 0 and reason != "CrashLoopBackOff")
    return None if is_past and fault.code != KILLED else fault


def _end_of(pod: Object, status: Object, end: Object) -> Fault:
    exit_code, reason = end.get("exitCode"), str(end.get("reason") or "Error")
    limit = ""
    if reason == "OOMKilled":
        exit_code, limit = _SIGKILL, _memory_limit(pod, str(status.get("name") or ""))
    is_job = place_of(pod).owner.startswith("Job/")
    code = KILLED if exit_code == _SIGKILL else JOB_FAILED if is_job else CRASHES
    if reason in _NOT_STARTED:
        code = "CONTAINER_NOT_CREATED"
    message = str(end.get("message") or "").strip()[-500:]
    return _fault(pod, status, code, reason, message)._replace(exit_code=exit_code, memory_limit=limit)


def _memory_limit(pod: Object, container: str) -> str:
    """Return the limit of memory of a container, empty if it has none."""
    spec = pod.get("spec") or {}
    found = (one for key in ("initContainers", "containers") for one in spec.get(key) or () if one["name"] == container)
    resources: Object = next((one.get("resources") or {} for one in found), {})
    return str((resources.get("limits") or {}).get("memory") or "")


def _fault(pod: Object, status: Object, code: str, reason: str, message: str) -> Fault:
    container, image = str(status.get("name") or ""), str(status.get("image") or "")
    node, times = str((pod.get("spec") or {}).get("nodeName") or ""), int(status.get("restartCount") or 0)
    return Fault(code, place_of(pod), reason, message, container, image, node, times=times)


def unscheduled(pod: Object) -> Fault:
    """Return that no scheduler has processed a pod: the one that it names does not run, or the pod has gates."""
    condition, place = scheduling_of(pod), place_of(pod)
    scheduler = str((pod.get("spec") or {}).get("schedulerName") or "default-scheduler")
    message = str(condition.get("message") or "no scheduler has processed the pod")
    return Fault(UNSCHEDULED, place, str(condition.get("reason") or scheduler), message)


def is_deleted(pod: Object) -> bool:
    """Return whether the pod is being deleted from its node."""
    return bool(pod["metadata"].get("deletionTimestamp")) and bool((pod.get("spec") or {}).get("nodeName"))


def is_starting(pod: Object) -> bool:
    """Return whether the pod is on a node without created containers: only events contain the cause."""
    if not (pod.get("spec") or {}).get("nodeName"):
        return False
    states = ((one.get("state") or {}).get("waiting") or {} for one in containers_of(pod.get("status") or {}))
    return any(one.get("reason") in _STARTING for one in states)


def is_unready(pod: Object) -> bool:
    """Return whether a container runs and its readiness probe fails."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    waits = any(one.get("ready") is False and "running" in (one.get("state") or {}) for one in statuses)
    return waits and not place_of(pod).owner.startswith("Job/")
