# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further requests about pods that do not run: events, logs, and owners.

Private to urmanac.talos: may change at any time. The number of requests does not grow with the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ..._kubernetes import kinds
from ..._kubernetes.kinds import Kind
from .faults import CRASHES, KILLED, Fault
from .log_words import last_words
from .pod_tally import PodTally
from .pod_troubles import EXEC_FORMAT, RELEASE_LABEL, ImageTrouble, Place, pull_cause
from .reader import Api, Reader
from .releases import Key, cause_of

# The releases of pod owners, by namespace and Kind/name.
Owners = dict[tuple[str, str], Key]
_EVENTS: Final = 200
_REFUSALS: Final = 50
_LOGS: Final = 12
_LINES: Final = 10
_OWNERS: Final = 20
_MAKERS: Final[Mapping[str, Kind]] = {
    one.kind: one for one in (kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.JOB)
}
_NAMESPACE: Final = "helm.toolkit.fluxcd.io/namespace"
# Event reasons of the kubelet and the attach controller for pods without created containers.
_BEFORE_START: Final = {
    "FailedMount": "VOLUME_NOT_MOUNTED",
    "FailedAttachVolume": "VOLUME_NOT_MOUNTED",
    "FailedCreatePodSandBox": "POD_SANDBOX_FAILED",
}
_NO_RUNTIME: Final = re.compile(r"no runtime for .* is configured|RuntimeClass .* not found")
# Exit codes of a container that its kubelet stopped because of a probe.
_ENDED_BY_PROBE: Final = (137, 143)


def inquire(reader: Reader, pods: PodTally) -> Owners:
    """Read events and logs of pods that do not run, and return their owners."""
    _add_events(reader, pods)
    _add_logs(reader, pods)
    return _owners(reader, [*(fault.place for fault in pods.faults), *(one.place for one in pods.images.values())])


def refusals_of(api: Api) -> list[Fault]:
    """Return why pods are not created."""
    return [_refusal(event) for event in islice(api.items(kinds.EVENT, fields="reason=FailedCreate"), _REFUSALS)]


def _refusal(event: Mapping[str, Any]) -> Fault:
    maker, message = event.get("involvedObject") or {}, str(event.get("message") or "")
    name = str(maker.get("name", ""))
    owner = f"{maker.get('kind', 'ReplicaSet')}/{name}"
    if maker.get("kind") == "ReplicaSet":
        owner = f"Deployment/{name.rpartition('-')[0] or name}"
    place = Place(str(event["metadata"].get("namespace", "")), name, owner, "")
    code = cause_of(message) or ("RUNTIME_MISSING" if _NO_RUNTIME.search(message) else "POD_REFUSED")
    return Fault(code, place, "FailedCreate", message, times=_times(event))


# --- Events ---


def _add_events(reader: Reader, pods: PodTally) -> None:
    starting = {(one.namespace, one.pod): one for one in pods.starting}
    if starting:
        for reason, code in _BEFORE_START.items():
            for event in _newest(reader, reason, starting).values():
                pods.add_fault(_of_event(event, starting[_about(event)], code))
    probed = {(one.namespace, one.pod): one for one in pods.unready}
    ended = {(one.place.namespace, one.place.pod) for one in pods.faults if one.exit_code in _ENDED_BY_PROBE}
    if probed or ended:
        events = _newest(reader, "Unhealthy", {*probed, *ended})
        for key in probed.keys() & events.keys():
            pods.add_fault(_of_event(events[key], probed[key], "PROBE_FAILED"))
        pods.faults = [_with_probe(fault, events) for fault in pods.faults]


def _newest(reader: Reader, reason: str, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the last event with this reason about each of these pods."""
    names = set(wanted)
    events = islice(reader.api.items(kinds.EVENT, fields=f"reason={reason}"), _EVENTS)
    found: list[Mapping[str, Any]] = reader.take(f"events {reason}", lambda: list(events), [])
    return {_about(event): event for event in sorted(found, key=_time) if _about(event) in names}


def _about(event: Mapping[str, Any]) -> tuple[str, str]:
    about = event.get("involvedObject") or {}
    return str(about.get("namespace") or event["metadata"].get("namespace", "")), str(about.get("name", ""))


def _time(event: Mapping[str, Any]) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def _times(event: Mapping[str, Any]) -> int:
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


def _of_event(event: Mapping[str, Any], place: Place, code: str) -> Fault:
    message = str(event.get("message") or "")
    if code == "POD_SANDBOX_FAILED" and _NO_RUNTIME.search(message):
        code = "RUNTIME_MISSING"
    if code == "POD_SANDBOX_FAILED" and pull_cause(message) == "rate_limited":
        code = "IMAGE_RATE_LIMITED"
    return Fault(code, place, str(event.get("reason") or ""), message, times=_times(event))


def _with_probe(fault: Fault, events: Mapping[tuple[str, str], Mapping[str, Any]]) -> Fault:
    """Return a fault as a failed probe if an event says so: both end containers with the same signals."""
    event = events.get((fault.place.namespace, fault.place.pod)) or {}
    message = str(event.get("message") or "")
    is_ended = fault.code in (KILLED, CRASHES) and fault.reason != "OOMKilled" and fault.exit_code in _ENDED_BY_PROBE
    if is_ended and message.startswith(("Liveness", "Startup")):
        return fault._replace(code="PROBE_FAILED", reason="Unhealthy", message=message)
    return fault


# --- Logs ---


def _add_logs(reader: Reader, pods: PodTally) -> None:
    """Add the last lines of the most important logs, one per image: replicas fail for the same reason."""
    silent = sorted((one for one in pods.faults if one.needs_log), key=lambda one: one.exit_code != 255)
    first = {one.image: one for one in reversed(silent)}
    chosen = [one for one in silent if first[one.image] is one][:_LOGS]
    logs = {one.image: _log(reader, one) for one in chosen}
    pods.faults = list(_with_logs(pods, logs))


def _log(reader: Reader, fault: Fault) -> tuple[str, ...]:
    place = fault.place
    where = (place.namespace, place.pod, fault.container)
    return last_words(
        reader.try_to(lambda: reader.api.log(*where, previous=fault.previous, lines=_LINES), ""),
    )


def _with_logs(pods: PodTally, logs: Mapping[str, tuple[str, ...]]) -> Iterator[Fault]:
    """Yield the faults with their logs; faults of the image are counted as image problems instead."""
    for fault in pods.faults:
        log = logs.get(fault.image, ()) if fault.needs_log else ()
        words = next((line for line in log if EXEC_FORMAT in line), "")
        if words:
            pods.fault_pods[fault.code] -= 1
            pods.add_image(ImageTrouble(fault.image, "exec_format", words, fault.place))
        else:
            yield fault._replace(log=log)

    # --- Owners of pods ---


def _owners(reader: Reader, places: Iterable[Place]) -> Owners:
    """Return the releases of pod owners: a chart's objects have the labels of the release, its pods do not."""
    wanted = dict.fromkeys((one.namespace, one.owner) for one in places if one.owner.partition("/")[0] in _MAKERS)
    found = {}
    for namespace, owner in islice(wanted, _OWNERS):
        kind, _slash, name = owner.partition("/")
        read = _MAKERS[kind]
        item = reader.try_to(lambda at=(read, name), where=namespace: reader.api.get(*at, namespace=where), None)  # type: ignore[misc]
        labels = ((item or {}).get("metadata") or {}).get("labels") or {}
        if RELEASE_LABEL in labels:
            found[namespace, owner] = (str(labels.get(_NAMESPACE) or namespace), str(labels[RELEASE_LABEL]))
    return found
