# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further requests about pods that do not run: events, logs, and owners.

Private to urmanac.talos: may change at any time. The number of requests does not grow with the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ..._kubernetes import kinds
from .faults import CRASHES, KILLED, SLOW_PULL, Fault
from .log_words import SHOWN, words_of
from .owners import Owners, owners_of
from .pod_tally import PodTally
from .pod_troubles import EXEC_FORMAT, ImageTrouble, Place, pull_cause
from .probes import without_past_ends
from .reader import Api, Reader
from .releases import OVERLOADED, Release, cause_of

# How many events of a reason are read, in the API's order; only those about wanted objects are kept.
_EVENTS: Final = 2000
_REFUSALS: Final = 500
_LOGS: Final = 12
_LINES: Final = 10
# Event reasons of the kubelet and the attach controller for pods without created containers: the newest counts.
_BEFORE_START: Final = {
    "FailedMount": "VOLUME_NOT_MOUNTED",
    "FailedAttachVolume": "VOLUME_NOT_MOUNTED",
    "FailedCreatePodSandBox": "POD_SANDBOX_FAILED",
    "Pulling": SLOW_PULL,
}
_NO_RUNTIME: Final = re.compile(r"no runtime for .* is configured|RuntimeClass .* not found")
# Exit codes of a container that its kubelet stopped, for example because of a probe. A program that handles the signal
# chooses its own: then only the event says who stopped it.
_ENDED_BY_SIGNAL: Final = (137, 143)
_PROBES: Final = re.compile(r"(?:Liveness|Startup) probe (?:failed|errored)")
_STOPPED_BY_PROBE: Final = re.compile(r"[Cc]ontainer (\S+) failed (?:liveness|startup) probe")
# Events about a claim without a volume: of its provisioner, and of the controller that finds none.
_NOT_PROVISIONED: Final = ("ProvisioningFailed", "FailedBinding")
# The end of a controller whose lease the API server did not renew in time.
_LEASE_LOST: Final = re.compile(r"leader ?election lost|failed to renew lease")


def inquire(reader: Reader, pods: PodTally, refused: Iterable[Fault], releases: Iterable[Release]) -> Owners:
    """Read events and logs of pods that do not run, and return their owners and those of refused pods.

    Pods in namespaces where a release waits come first.
    """
    waiting = {release.namespace for release in releases if not release.ready}
    _add_events(reader, pods)
    pods.faults = without_past_ends(pods.faults)
    places = [fault.place for fault in [*pods.faults, *refused]]
    places += [place for key in pods.images for place in pods.image_places(key)]
    places += [place for one in pods.waiting_for.values() for place in one.places]
    owners = owners_of(reader, places, waiting)
    pods.faults = [one for one in pods.faults if (one.place.namespace, one.place.owner) not in owners.completed]
    _add_logs(reader, pods, waiting)
    return owners


def refusals_of(api: Api) -> list[Fault]:
    """Return why pods are not created, the newest refusal of each owner and cause first."""
    events = islice(api.items(kinds.EVENT, fields="reason=FailedCreate"), _REFUSALS)
    found = sorted(map(_refusal, events), key=lambda one: one.time)
    newest = {(one.place.namespace, one.place.owner, one.code): one for one in found}
    return sorted(newest.values(), key=lambda one: one.time, reverse=True)


def _refusal(event: Mapping[str, Any]) -> Fault:
    maker, message = event.get("involvedObject") or {}, str(event.get("message") or "")
    name = str(maker.get("name", ""))
    owner = f"{maker.get('kind', 'ReplicaSet')}/{name}"
    if maker.get("kind") == "ReplicaSet":
        owner = f"Deployment/{name.rpartition('-')[0] or name}"
    place = Place(str(event["metadata"].get("namespace", "")), name, owner, "")
    code = cause_of(message) or ("RUNTIME_MISSING" if _NO_RUNTIME.search(message) else "POD_REFUSED")
    return Fault(code, place, "FailedCreate", message, times=_times(event), time=_time(event))


def still_refused(refusals: Iterable[Fault], pods: PodTally) -> list[Fault]:
    """Return the refusals after which no pod of the same owner was created."""
    return [one for one in refusals if pods.newest.get((one.place.namespace, one.place.owner), "") <= one.time]


# --- Events ---


def _add_events(reader: Reader, pods: PodTally) -> None:
    starting = {(one.namespace, one.pod): one for one in pods.starting}
    every = (one for reason in _BEFORE_START for one in _newest(_events(reader, reason, starting), starting).values())
    for key, event in {_about(event): event for event in sorted(every, key=_time)}.items():
        pods.add_fault(_of_event(event, starting[key], _BEFORE_START[event["reason"]]))
    deleted = {(one.namespace, one.pod): one for one in pods.deleted}
    for key, event in _newest(_events(reader, "FailedKillPod", deleted), deleted).items():
        pods.add_fault(_of_event(event, deleted[key], "POD_NOT_STOPPED"))
    probed = {(one.namespace, one.pod): one for one in pods.unready}
    ended = {(one.place.namespace, one.place.pod) for one in pods.faults if _may_be_stopped(one)}
    unhealthy = _events(reader, "Unhealthy", {*probed, *ended})
    for key, event in _newest(unhealthy, probed).items():
        pods.add_fault(_of_event(event, probed[key], "PROBE_FAILED"))
    if ended:
        said = _newest(unhealthy, ended, _PROBES)
        stopped = _newest(_events(reader, "Killing", ended), ended, _STOPPED_BY_PROBE)
        pods.faults = [_with_probe(fault, said, stopped) for fault in pods.faults]


def not_provisioned(reader: Reader, claims: Iterable[str]) -> list[Fault]:
    """Return why claims have no volume, in the words of their provisioner."""
    places = {
        (namespace, name): Place(namespace, name, f"PersistentVolumeClaim/{name}", "")
        for namespace, _slash, name in (claim.partition("/") for claim in claims)
    }
    if not places:
        return []
    reported = (_newest(_events(reader, reason, places), places) for reason in _NOT_PROVISIONED)
    found = {key: event for events in reported for key, event in events.items()}
    return [_of_event(event, places[key], "VOLUME_PENDING") for key, event in found.items()]


def _events(reader: Reader, reason: str, wanted: Iterable[tuple[str, str]]) -> list[Mapping[str, Any]]:
    """Return the events with this reason about these objects; without objects there is no request."""
    names = set(wanted)
    if not names:
        return []
    events = islice(reader.api.items(kinds.EVENT, fields=f"reason={reason}"), _EVENTS)
    return reader.take(f"events {reason}", lambda: [one for one in events if _about(one) in names], [])


def _newest(
    events: Iterable[Mapping[str, Any]], wanted: Iterable[tuple[str, str]], words: re.Pattern[str] | None = None
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the last of the events, with these words, about each of these objects."""
    names = set(wanted)
    meant = (event for event in events if words is None or words.search(str(event.get("message") or "")))
    return {_about(event): event for event in sorted(meant, key=_time) if _about(event) in names}


def _about(event: Mapping[str, Any]) -> tuple[str, str]:
    about = event.get("involvedObject") or {}
    return str(about.get("namespace") or event["metadata"].get("namespace", "")), str(about.get("name", ""))


def _time(event: Mapping[str, Any]) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def _times(event: Mapping[str, Any]) -> int:
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


def _of_event(event: Mapping[str, Any], place: Place, code: str) -> Fault:
    message = " ".join(str(event.get("message") or "").split())
    code = sandbox_code(message) if code == "POD_SANDBOX_FAILED" else code
    return Fault(code, place, str(event.get("reason") or ""), message, times=_times(event), time=_time(event))


def sandbox_code(message: str) -> str:
    """Return the code of the reason why the sandbox of a pod is not created."""
    if _NO_RUNTIME.search(message):
        return "RUNTIME_MISSING"
    return "IMAGE_RATE_LIMITED" if pull_cause(message) == "rate_limited" else "POD_SANDBOX_FAILED"


def _may_be_stopped(fault: Fault) -> bool:
    """Return whether a probe may have ended the container: that looks like a crash, or like lack of memory."""
    return fault.code in (KILLED, CRASHES) and fault.reason != "OOMKilled"


def _with_probe(
    fault: Fault,
    said: Mapping[tuple[str, str], Mapping[str, Any]],
    stopped: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Fault:
    """Return a fault as a failed probe if events say so."""
    key = fault.place.namespace, fault.place.pod
    end = _STOPPED_BY_PROBE.search(str(stopped.get(key, {}).get("message") or ""))
    is_named = end is not None and end[1] == fault.container
    event = said.get(key) or (stopped[key] if is_named else {})
    if _may_be_stopped(fault) and event and (is_named or fault.exit_code in _ENDED_BY_SIGNAL):
        return fault._replace(code="PROBE_FAILED", reason="Unhealthy", message=str(event["message"]))
    return fault


# --- Logs ---


def _add_logs(reader: Reader, pods: PodTally, waiting: Collection[str]) -> None:
    """Add the last lines of the most important logs, one per image: replicas fail for the same reason."""
    silent = [one for one in pods.faults if one.needs_log]
    silent.sort(key=lambda one: (one.exit_code != 255, one.place.namespace not in waiting))
    first = {one.image: one for one in reversed(silent)}
    chosen = [one for one in silent if first[one.image] is one][:_LOGS]
    logs = {one.image: _log(reader, one) for one in chosen}
    pods.faults = list(_with_logs(pods, logs))


def _log(reader: Reader, fault: Fault) -> tuple[str, ...]:
    place = fault.place
    where = (place.namespace, place.pod, fault.container)
    return words_of(
        reader.try_to(lambda: reader.api.log(*where, previous=fault.previous, lines=_LINES), ""),
    )


def _with_logs(pods: PodTally, logs: Mapping[str, tuple[str, ...]]) -> Iterator[Fault]:
    """Yield the faults with their logs; faults of the image are counted as image problems instead."""
    for fault in pods.faults:
        log = logs.get(fault.image, ()) if fault.needs_log else ()
        words = next((line for line in log if EXEC_FORMAT.search(line)), "")
        if words:
            pods.fault_pods[fault.code] -= 1
            pods.add_image(ImageTrouble(fault.image, "exec_format", words, fault.place))
        else:
            is_late = any(_LEASE_LOST.search(line) for line in log)
            yield fault._replace(log=log[-SHOWN:], code=OVERLOADED if is_late else fault.code)
