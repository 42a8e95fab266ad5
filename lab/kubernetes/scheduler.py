# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler: every pod gets a node with room for its requests, or is reported in the scheduler's words why not."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from lab.kubernetes import amounts
from lab.kubernetes.amounts import Need
from lab.kubernetes.events import add_event
from lab.kubernetes.kinds import NODES, PODS
from lab.kubernetes.store import Object, Store, now

# The pod does not allow this node, so its other conditions are not checked.
_ELSEWHERE = "elsewhere"


class Place(NamedTuple):
    node: Object
    pods: list[Object]

    @property
    def name(self) -> str:
        return str(self.node["metadata"]["name"])

    @property
    def used(self) -> Need:
        return sum(map(amounts.of_pod, self.pods), Need())


def reconcile(store: Store) -> None:
    """Assign a node to every pod without one, the oldest first."""
    living = [pod for pod in store.peek(PODS) if pod["status"].get("phase") not in ("Succeeded", "Failed")]
    waiting = [pod for pod in living if not pod["spec"].get("nodeName")]
    if not waiting:
        return
    places = [
        Place(node, [pod for pod in living if pod["spec"].get("nodeName") == node["metadata"]["name"]])
        for node in store.peek(NODES)
    ]
    for pod in sorted(waiting, key=lambda one: int(one["metadata"]["resourceVersion"])):
        _schedule(store, pod, places)


def _schedule(store: Store, pod: Object, places: list[Place]) -> None:
    reasons = {place.name: _reasons(pod, place) for place in places}
    fitting = [place for place in places if not reasons[place.name]]
    if not fitting:
        _refuse(store, pod, list(reasons.values()))
        return
    best = max(fitting, key=lambda place: _score(pod, place))
    bound = pod | {
        "spec": pod["spec"] | {"nodeName": best.name},
        "status": {**pod["status"], "conditions": [_condition("True", "", "")]},
    }
    best.pods.append(store.put(PODS, bound))
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    add_event(store, pod, "Scheduled", f"Successfully assigned {where} to {best.name}", component="default-scheduler")


def _reasons(pod: Object, place: Place) -> list[str]:
    """Return why the node does not suit, in the order in which the scheduler asks; its first answer ends it."""
    if bound_to(pod) not in ("", place.name):
        return [_ELSEWHERE]
    if place.node["spec"].get("unschedulable"):
        return ["node(s) were unschedulable"]
    taint = next((one for one in place.node["spec"].get("taints") or [] if not _is_tolerated(one, pod)), None)
    if taint:
        return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    labels = place.node["metadata"].get("labels") or {}
    if not (pod["spec"].get("nodeSelector") or {}).items() <= labels.items():
        return ["node(s) didn't match Pod's node affinity/selector"]
    if _ports(pod) & {port for other in place.pods for port in _ports(other)}:
        return ["node(s) didn't have free ports for the requested pod ports"]
    lacking = _lacking(pod, place)
    if lacking:
        return lacking
    return ["node(s) didn't match pod anti-affinity rules"] if _repels(pod, place.pods) else []


def bound_to(pod: Object) -> str:
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms") or []
    fields = [field for term in terms for field in term.get("matchFields") or []]
    return str(next((field["values"][0] for field in fields if field["key"] == "metadata.name"), ""))


def _is_tolerated(taint: Object, pod: Object) -> bool:
    if taint["effect"] == "PreferNoSchedule":
        return True
    return is_tolerated(taint, pod["spec"])


def is_tolerated(taint: Object, spec: Object) -> bool:
    return any(_tolerates(one, taint) for one in spec.get("tolerations") or [])


def _tolerates(toleration: Object, taint: Object) -> bool:
    same_effect = toleration.get("effect") in (None, "", taint["effect"])
    if toleration.get("operator") == "Exists":
        return same_effect and toleration.get("key") in (None, "", taint["key"])
    same_value = toleration.get("value", "") == taint.get("value", "")
    return same_effect and same_value and toleration.get("key") == taint["key"]


def _ports(pod: Object) -> set[int]:
    containers = pod["spec"]["containers"]
    return {port["hostPort"] for one in containers for port in one.get("ports") or [] if port.get("hostPort")}


def _lacking(pod: Object, place: Place) -> list[str]:
    need, has, used = amounts.of_pod(pod), amounts.of_node(place.node), place.used
    reasons = ["Too many pods"] if used.pods + need.pods > has.pods else []
    reasons += ["Insufficient cpu"] if need.cpu and used.cpu + need.cpu > has.cpu else []
    return reasons + (["Insufficient memory"] if need.memory and used.memory + need.memory > has.memory else [])


def _repels(pod: Object, others: list[Object]) -> bool:
    affinity = (pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    return any(_is_meant(term, pod, other) for term in terms for other in others)


def _is_meant(term: Object, pod: Object, other: Object) -> bool:
    same_namespace = pod["metadata"]["namespace"] == other["metadata"]["namespace"]
    labels = (term.get("labelSelector") or {}).get("matchLabels") or {}
    return same_namespace and labels.items() <= (other["metadata"].get("labels") or {}).items()


def _score(pod: Object, place: Place) -> tuple[float, str]:
    """Return how much of the node would be left: the emptiest is taken."""
    has = amounts.of_node(place.node)
    used = sum(map(amounts.weight_of_pod, [*place.pods, pod]), Need())
    free = (1 - used.cpu / has.cpu) + (1 - used.memory / has.memory)
    return free, place.name


def _refuse(store: Store, pod: Object, reasons: list[list[str]]) -> None:
    message = refusal(reasons)
    before = pod["status"].get("conditions") or []
    if any(one.get("message") == message for one in before):
        return
    condition = _condition("False", "Unschedulable", message)
    store.put(PODS, pod | {"status": {**pod["status"], "conditions": [condition]}})
    add_event(store, pod, "FailedScheduling", message, kind="Warning", component="default-scheduler")


def refusal(reasons: list[list[str]]) -> str:
    """Return the scheduler's message if no node fits; the reasons are those of each node."""
    total = len(reasons)
    if not total:
        return "no nodes available to schedule pods"
    counted = Counter(reason for node in reasons for reason in set(node) if reason != _ELSEWHERE)
    reported = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
    # Pods that could make room are looked for only where room is what lacks.
    full = sum(1 for node in reasons if node[0].startswith(("Insufficient", "Too many", "node(s) didn't have free")))
    hints = {
        "No preemption victims found for incoming pod": full,
        "Preemption is not helpful for scheduling": total - full,
    }
    preemption = ", ".join(f"{count} {hint}" for hint, count in hints.items() if count)
    return f"0/{total} nodes are available: {reported}. preemption: 0/{total} nodes are available: {preemption}."


def _condition(state: str, reason: str, message: str) -> dict[str, Any]:
    reported = {"type": "PodScheduled", "status": state, "lastTransitionTime": now()}
    return reported | ({"reason": reason, "message": message} if reason else {})
