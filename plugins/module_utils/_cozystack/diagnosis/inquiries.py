# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further requests about pods that do not run: events, logs, and owners.

Private to urmanac.talos: may change at any time. The number of requests does not grow with the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from ..._kubernetes import kinds
from .faults import CRASHES, EVICTED, KILLED, SLOW_PULL, Fault
from .owners import Owners, owners_of
from .pod_logs import add_logs
from .pod_tally import PodTally
from .pod_troubles import ImageTrouble, Place, pull_cause, pull_code, pull_words
from .probes import without_past_ends
from .reader import Api, Reader
from .releases import Release, cause_of

# How many events of a reason are read, in the API's order; only those about wanted objects are kept.
_EVENTS: Final = 2000
_REFUSALS: Final = 500
_PULLING: Final = "Pulling"
# Event reasons of the kubelet and the attach controller for pods without created containers.
_BEFORE_START: Final = {
    "FailedMount": "VOLUME_NOT_MOUNTED",
    "FailedAttachVolume": "VOLUME_NOT_MOUNTED",
    # Of block devices, such as disks of virtual machines.
    "FailedMapVolume": "VOLUME_NOT_MOUNTED",
    "FailedCreatePodSandBox": "POD_SANDBOX_FAILED",
    _PULLING: SLOW_PULL,
}
# Of several events about an object, the newest that names a cause counts. The kubelet and provisioners also report that
# an operation took too long, and that they still wait or cannot repeat it because of that, often after the cause.
_TOO_LONG: Final = re.compile(r"code = DeadlineExceeded|client rate limiter|timed out waiting for the condition$")
_FOLLOWING: Final = re.compile(
    r"Unable to attach or mount volumes|MountVolume\.WaitForAttach failed|code = Aborted|is reserved for"
)
# The sandbox of a pod has an image of its own.
_SANDBOX_IMAGE: Final = re.compile(r'failed to get sandbox image "(?P<image>[^"]+)"')
# The last two are a shim that is missing, or of another architecture.
_NO_RUNTIME: Final = re.compile(
    r"no runtime for .* is configured|RuntimeClass .* not found|runtime \S+ binary not installed"
    r"|fork/exec \S*containerd-shim\S*: (?:exec format error|no such file)"
)
# Exit codes of a container that its kubelet stopped, for example because of a probe. A program that handles the signal
# chooses its own: then only the event says who stopped it.
_ENDED_BY_SIGNAL: Final = (137, 143)
_PROBES: Final = re.compile(r"(?:Liveness|Startup) probe (?:failed|errored)")
_STOPPED_BY_PROBE: Final = re.compile(r"[Cc]ontainer (\S+) failed (?:liveness|startup) probe")
# Of a second: some events have microseconds.
_FRACTION: Final = re.compile(r"\.\d+")
# Events about a claim without a volume: of its provisioner, and of the controller that finds none.
_NOT_PROVISIONED: Final = ("ProvisioningFailed", "FailedBinding")


def inquire(reader: Reader, pods: PodTally, refused: Iterable[Fault], releases: Iterable[Release]) -> Owners:
    """Read events and logs of pods that do not run, and return their owners and those of refused pods.

    Pods in namespaces where a release waits come first.
    """
    waiting = {release.namespace for release in releases if not release.ready}
    _add_events(reader, pods)
    _add_evictions(reader, pods)
    pods.end()
    pods.faults = without_past_ends(pods.faults)
    places = [fault.place for fault in [*pods.faults, *refused]]
    places += [place for key in pods.images for place in pods.image_places(key)]
    places += [place for one in pods.waiting_for.values() for place in one.places]
    owners = owners_of(reader, places, waiting)
    pods.faults = [one for one in pods.faults if (one.place.namespace, one.place.owner) not in owners.completed]
    add_logs(reader, pods, waiting)
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
    where = (str(event["metadata"].get("namespace", "")), name)
    place = Place(*where, owner, "", str(maker.get("apiVersion") or ""))
    code = cause_of(message) or ("RUNTIME_MISSING" if _NO_RUNTIME.search(message) else "POD_REFUSED")
    return Fault(code, place, "FailedCreate", message, times=_times(event), time=_time(event))


def still_refused(refusals: Iterable[Fault], pods: PodTally) -> list[Fault]:
    """Return the refusals after which no pod of the same owner was created."""
    return [one for one in refusals if pods.living.newest.get((one.place.namespace, one.place.owner), "") <= one.time]


# --- Events ---


def _add_events(reader: Reader, pods: PodTally) -> None:
    starting = {(one.namespace, one.pod): one for one in pods.starting}
    every = [one for reason in _BEFORE_START for one in _events(reader, reason, starting)]
    for key, event in _causes(every).items():
        _add_event(pods, event, starting[key])
    deleted = {(one.namespace, one.pod): one for one in pods.deleted}
    for key, event in _causes(_events(reader, "FailedKillPod", deleted)).items():
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


def _add_evictions(reader: Reader, pods: PodTally) -> None:
    """Count evicted pods that exist no more: controllers other than those of Deployments and Jobs delete them."""
    read = islice(reader.api.items(kinds.EVENT, fields="reason=Evicted"), _EVENTS)
    events: list[Mapping[str, Any]] = reader.take("events Evicted", lambda: list(read), [])
    owners = {(namespace, owner.partition("/")[2]): owner for namespace, owner in pods.living.newest}
    for event in events:
        namespace, name = _about(event)
        # The name of a pod is that of its owner and one part, or two with the hash of a ReplicaSet.
        base = name.rpartition("-")[0]
        owner = owners.get((namespace, base)) or owners.get((namespace, base.rpartition("-")[0]))
        if owner:
            identity = str((event.get("involvedObject") or {}).get("uid") or name)
            fault = _of_event(event, Place(namespace, name, owner, ""), EVICTED)
            pods.failed.add_event(fault, identity=identity)


def not_provisioned(reader: Reader, claims: Iterable[str]) -> list[Fault]:
    """Return why claims have no volume, in the words of their provisioner."""
    places = {
        (namespace, name): Place(namespace, name, f"PersistentVolumeClaim/{name}", "")
        for namespace, _slash, name in (claim.partition("/") for claim in claims)
    }
    if not places:
        return []
    reported = [one for reason in _NOT_PROVISIONED for one in _events(reader, reason, places)]
    return [_of_event(event, places[key], "VOLUME_PENDING") for key, event in _causes(reported).items()]


def _add_event(pods: PodTally, event: Mapping[str, Any], place: Place) -> None:
    """Count what an event says about a pod without created containers."""
    fault = _of_event(event, place, _BEFORE_START[event["reason"]])
    image = _SANDBOX_IMAGE.search(fault.message)
    if image:
        message = fault.message[image.start() :]
        pods.add_image(ImageTrouble(image["image"], pull_cause(message), pull_words(message), place))
    else:
        pods.add_fault(fault)


def _causes(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the event about each object that names the cause."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for event in sorted(events, key=_time):
        about = grouped.setdefault(_about(event), [])
        if event["reason"] == _PULLING:
            # The sandbox and the volumes are ready by then.
            about.clear()
        about.append(event)
    return {about: cause_among(several) for about, several in grouped.items()}


def cause_among(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the newest of the events that say most."""
    failures = [event for event in events if event.get("reason") != _PULLING] or events
    return min(sorted(failures, key=_time, reverse=True), key=_vagueness)


def _vagueness(event: Mapping[str, Any]) -> int:
    """Return 0 if an event names a cause, 1 if an operation only took too long, and 2 if it follows from either."""
    message = str(event.get("message") or "")
    return 2 if _FOLLOWING.search(message) else 1 if _TOO_LONG.search(message) else 0


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
    """Return when an event occurred last, in whole seconds as all other times: so they can be compared as texts."""
    series = event.get("series") or {}
    time = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
    return _FRACTION.sub("", str(time))


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
    image = _SANDBOX_IMAGE.search(message)
    return pull_code(pull_cause(message[image.start() :])) if image else "POD_SANDBOX_FAILED"


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
