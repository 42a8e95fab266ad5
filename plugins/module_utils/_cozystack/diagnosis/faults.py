# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of containers and pods other than image and scheduling problems, from a pod's status.

Private to urmanac.talos: may change at any time. Reasons and messages are those of the kubelet and of containerd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ..._kubernetes.conditions import condition_of
from .clock import DAY, LASTING, RECENT, UNKNOWN, Clock, was_away
from .log_words import cause_lines
from .pod_troubles import Object, Place, place_of

KILLED: Final = "OUT_OF_MEMORY_KILLED"
CRASHES: Final = "CONTAINER_CRASHES"
JOB_FAILED: Final = "JOB_FAILED"
UNSCHEDULED: Final = "POD_NOT_SCHEDULED"
SLOW_PULL: Final = "IMAGE_PULL_SLOW"
INIT: Final = "INIT_NOT_FINISHED"
EVICTED: Final = "POD_EVICTED"
REJECTED: Final = "POD_REJECTED"
# Of pods that failed as a whole.
FAILED: Final = frozenset({EVICTED, REJECTED})
_SIGKILL: Final = 137
_OUT_OF_MEMORY: Final = "OOMKilled"
_BACK_OFF: Final = "CrashLoopBackOff"
_LONGEST: Final = 500
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
# Ends of containers that the kubelet or containerd lost: their node was lost, or was restarted.
_UNKNOWN_ENDS: Final = frozenset({"ContainerStatusUnknown", "Unknown"})
# Reasons of a pod that ended, or was not admitted, because its node was shut down.
_SHUT_DOWN: Final = frozenset({"Terminated", "NodeShutdown", "Shutdown"})
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
    # The last occurrence; empty where that is unknown or decides nothing.
    time: str = ""
    # Since when the container runs again, although it is not ready or may soon end again.
    runs_since: str | None = None
    # The container is ready again, and ended seldom or some time ago.
    is_over: bool = False
    # The container was restarted: the log of its end is the previous one.
    previous: bool = False
    log: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Return whether the container runs again, so that its end may be over."""
        return self.is_over or self.runs_since is not None

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


def faults_of(pod: Object, clock: Clock = UNKNOWN) -> Iterator[Fault]:
    """Yield the faults of a pod, unless it is being deleted."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return
    if status.get("phase") == "Failed" and status.get("reason"):
        if status["reason"] not in _SHUT_DOWN:
            yield _rejected(pod, status)
        return
    found = [fault for container in containers_of(status) if (fault := fault_of(pod, container, clock))]
    yield from found
    if all(fault.is_over for fault in found):
        yield from _unfinished(pod, status)


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


def is_sound(status: Object) -> bool:
    """Return whether a container is ready and has never ended, so that it has no fault."""
    return status.get("ready") is True and not status.get("lastState")


def _rejected(pod: Object, status: Object) -> Fault:
    """Return why the whole pod failed: evicted, or rejected by its kubelet."""
    reason = str(status["reason"])
    code = EVICTED if reason in ("Evicted", "Preempting") else REJECTED
    node = str((pod.get("spec") or {}).get("nodeName") or "")
    message = str(status.get("message") or "")
    return Fault(code, place_of(pod), reason, message, node=node, time=_failed_at(pod, status))


def _failed_at(pod: Object, status: Object) -> str:
    """Return when the whole pod failed, as near as its status says that."""
    evicted = condition_of(pod, "DisruptionTarget").get("lastTransitionTime")
    return str(evicted or status.get("startTime") or pod["metadata"].get("creationTimestamp") or "")


def fault_of(pod: Object, status: Object, clock: Clock = UNKNOWN) -> Fault | None:
    """Return the fault of a container, except for image problems."""
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = str(waiting.get("reason") or "")
    if reason in _NOT_CREATED:
        message = str(waiting.get("message") or "")
        code = _NOT_CREATED[reason] if any(words in message for words in _MISSING) else "CONTAINER_NOT_CREATED"
        return _fault(pod, status, code, reason, message)
    ended, before = (((status.get(name) or {}).get("terminated") or {}) for name in ("state", "lastState"))
    end = ended or before
    if end and end.get("reason") not in _UNKNOWN_ENDS:
        fault = _end_of(pod, status, end)._replace(previous=not ended)
        return _as_it_is_now(fault, pod, status, clock)
    if reason == _BACK_OFF:
        return _fault(pod, status, CRASHES, reason, str(waiting.get("message") or ""))
    return None


def _as_it_is_now(fault: Fault, pod: Object, status: Object, clock: Clock) -> Fault | None:
    """Return the end of a container with what it does now, or None if that end is over."""
    state = status.get("state") or {}
    if (state.get("waiting") or {}).get("reason") == _BACK_OFF:
        return fault
    if fault.exit_code == 0:
        return None
    if "terminated" in state:
        return fault
    since = str((state.get("running") or {}).get("startedAt") or "") if "running" in state else fault.time
    is_away = was_away(fault.time, since)
    if fault.reason != _OUT_OF_MEMORY and (is_away or _ended_with_node(fault, clock)):
        return None
    is_ready = bool(status.get("ready", "waiting" not in state))
    created = str(pod["metadata"].get("creationTimestamp") or "")
    stays = is_away or clock.stays_up(since, created=created, ends=fault.times, ready=is_ready)
    if stays or (stays is None and is_ready):
        return _past(fault, clock)
    return fault._replace(runs_since=since) if "running" in state else fault


def _ended_with_node(fault: Fault, clock: Clock) -> bool:
    """Return whether a container ended with its node; a node without memory kills, and is not ready meanwhile."""
    return fault.code != KILLED and clock.ended_with_node(fault.node, fault.time)


def _past(fault: Fault, clock: Clock) -> Fault | None:
    """Return the end of a container that runs well again, if it is worth a warning: a lack of memory.

    Any other end says nothing of now. A container that is killed seldom may have been stopped by a probe.
    """
    if fault.reason == _OUT_OF_MEMORY:
        within = clock.is_within(DAY, fault.time)
        is_over = within is not None or fault.times < LASTING
        return None if within is False else fault._replace(is_over=is_over)
    is_repeated = fault.code == KILLED and fault.times >= LASTING
    return fault._replace(is_over=True) if is_repeated and clock.is_within(RECENT, fault.time) else None


def _end_of(pod: Object, status: Object, end: Object) -> Fault:
    exit_code, reason = end.get("exitCode"), str(end.get("reason") or "Error")
    limit = ""
    if reason == _OUT_OF_MEMORY:
        exit_code, limit = _SIGKILL, _memory_limit(pod, str(status.get("name") or ""))
    is_job = place_of(pod).owner.startswith("Job/")
    code = KILLED if exit_code == _SIGKILL else JOB_FAILED if is_job else CRASHES
    if reason in _NOT_STARTED:
        code = "CONTAINER_NOT_CREATED"
    # With FallbackToLogsOnError the message is the end of the log.
    message = " / ".join(cause_lines(str(end.get("message") or ""), longest=_LONGEST))
    fault = _fault(pod, status, code, reason, message)
    return fault._replace(exit_code=exit_code, memory_limit=limit, time=str(end.get("finishedAt") or ""))


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
    condition, place = condition_of(pod, "PodScheduled"), place_of(pod)
    scheduler = str((pod.get("spec") or {}).get("schedulerName") or "default-scheduler")
    message = str(condition.get("message") or "no scheduler has processed the pod")
    return Fault(UNSCHEDULED, place, str(condition.get("reason") or scheduler), message)


def is_failed(pod: Object) -> bool:
    """Return whether the pod has ended and will not run again."""
    return (pod.get("status") or {}).get("phase") == "Failed"


def is_ready(pod: Object) -> bool:
    """Return whether all containers of the pod are ready."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return bool(statuses) and all(one.get("ready") is True for one in statuses)


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
