# SPDX-License-Identifier: GPL-3.0-or-later
"""What Deployments and DaemonSets do: they make pods, and report how many of them run."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from lab.kubernetes.admission import admit
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.events import add_event
from lab.kubernetes.kinds import DAEMON_SETS, DEPLOYMENTS, EVERYWHERE, NODES, PODS, REPLICA_SETS
from lab.kubernetes.scheduler import is_tolerated
from lab.kubernetes.status import ApiError
from lab.kubernetes.store import Object, now

_POD = next(one for one in EVERYWHERE if one.kind == "Pod")
# A DaemonSet's pods put up with nodes that are on their way down.
_DAEMONS = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"}]


def reconcile(cluster: KubernetesCluster) -> None:
    by_owner: dict[str, list[Object]] = {}
    for pod in cluster.store.peek(PODS):
        for owner in pod["metadata"].get("ownerReferences") or []:
            by_owner.setdefault(owner["uid"], []).append(pod)
    for deployment in cluster.store.peek(DEPLOYMENTS):
        _deployment(cluster, deployment, by_owner)
    for daemon_set in cluster.store.peek(DAEMON_SETS):
        _daemon_set(cluster, daemon_set, by_owner)


def _deployment(cluster: KubernetesCluster, deployment: Object, by_owner: dict[str, list[Object]]) -> None:
    metadata, spec = deployment["metadata"], deployment["spec"]
    template, wanted = spec["template"], int(spec.get("replicas", 1))
    name = f"{metadata['name']}-{_hash(template)}"
    namespace = metadata["namespace"]
    kept = cluster.store.look(REPLICA_SETS, name, namespace=namespace)
    if kept is None:
        for one in cluster.store.peek(REPLICA_SETS):
            if metadata["uid"] in [owner["uid"] for owner in one["metadata"].get("ownerReferences") or []]:
                cluster.store.remove(REPLICA_SETS, one["metadata"]["name"], namespace=namespace)
        content = {"metadata": {"name": name, "namespace": namespace, "ownerReferences": [_reference(deployment)]}}
        kept = cluster.store.put(REPLICA_SETS, content | {"kind": "ReplicaSet", "apiVersion": "apps/v1", "spec": {}})
    pods = by_owner.get(kept["metadata"]["uid"], [])
    for number in range(wanted):
        pod_name = f"{name}-{_hash(number)[:5]}"
        if all(pod["metadata"]["name"] != pod_name for pod in pods):
            _make(cluster, kept, _pod(pod_name, namespace, template, kept))
    for pod in pods[wanted:]:
        cluster.store.remove(PODS, pod["metadata"]["name"], namespace=namespace)
    _report_deployment(cluster, deployment, wanted, sum(is_true(pod, "Ready") for pod in pods[:wanted]))


def _report_deployment(cluster: KubernetesCluster, deployment: Object, wanted: int, ready: int) -> None:
    strategy = deployment["spec"].get("strategy") or {}
    # As the operator's, it may count as available without a pod; a share of one pod is none.
    spare = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 0)
    is_available = ready >= wanted - (spare if isinstance(spare, int) else 0)
    reported = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    if not is_available:
        reported = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    before = deployment.get("status") or {}
    status = {
        **{"observedGeneration": deployment["metadata"].get("generation", 1), "replicas": wanted},
        **{"updatedReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready},
        "unavailableReplicas": wanted - ready,
        "conditions": [condition("Available", *reported, before=before)],
    }
    if status != before:
        cluster.store.put(DEPLOYMENTS, deployment | {"status": status})


def _daemon_set(cluster: KubernetesCluster, daemon_set: Object, by_owner: dict[str, list[Object]]) -> None:
    metadata, template = daemon_set["metadata"], copy.deepcopy(daemon_set["spec"]["template"])
    template["spec"]["tolerations"] = [*(template["spec"].get("tolerations") or []), *_DAEMONS]
    nodes = [node for node in cluster.store.peek(NODES) if _suits(node, template["spec"])]
    pods = by_owner.get(metadata["uid"], [])
    names = {f"{metadata['name']}-{_hash(node['metadata']['name'])[:5]}": node for node in nodes}
    for name, node in names.items():
        if all(pod["metadata"]["name"] != name for pod in pods):
            content = _pod(name, metadata["namespace"], template, daemon_set)
            content["spec"]["affinity"] = {**(content["spec"].get("affinity") or {}), "nodeAffinity": _only(node)}
            _make(cluster, daemon_set, content)
    ready = sum(is_true(pod, "Ready") for pod in pods)
    counts = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled")
    status = dict.fromkeys(counts, len(nodes)) | {"numberReady": ready, "numberAvailable": ready}
    status |= {"observedGeneration": metadata.get("generation", 1), "numberMisscheduled": 0}
    if status != daemon_set.get("status"):
        cluster.store.put(DAEMON_SETS, daemon_set | {"status": status})


def _suits(node: Object, spec: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    hard = [taint for taint in node["spec"].get("taints") or [] if taint["effect"] != "PreferNoSchedule"]
    fits = (spec.get("nodeSelector") or {}).items() <= labels.items()
    return fits and all(is_tolerated(taint, spec) for taint in hard)


def _only(node: Object) -> Object:
    fields = [{"key": "metadata.name", "operator": "In", "values": [node["metadata"]["name"]]}]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": fields}]}}


def _pod(name: str, namespace: str, template: Object, owner: Object) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": dict(template["metadata"].get("labels") or {})}
    metadata["ownerReferences"] = [_reference(owner)]
    head = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}
    return {**head, "spec": copy.deepcopy(template["spec"]), "status": {"phase": "Pending"}}


def _make(cluster: KubernetesCluster, owner: Object, pod: Object) -> None:
    try:
        admit(cluster, _POD, None, pod)
    except ApiError as error:
        controller = f"{owner['kind'].lower()}-controller"
        add_event(
            cluster.store, owner, "FailedCreate", f"Error creating: {error}", kind="Warning", component=controller
        )
        return
    cluster.store.put(PODS, pod)


def _reference(owner: Object) -> Object:
    metadata = owner["metadata"]
    reported = {"apiVersion": "apps/v1", "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    return reported | {"controller": True, "blockOwnerDeletion": True}


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def is_true(item: Object | None, kind: str) -> bool:
    """Return whether an object has a condition; one that does not exist has none."""
    conditions = ((item or {}).get("status") or {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def is_ready(deployment: Object | None) -> bool:
    """Return whether all pods of a Deployment are ready."""
    status = (deployment or {}).get("status") or {}
    return bool(deployment) and status.get("readyReplicas", 0) >= status.get("replicas", 1)


def condition(kind: str, state: str, reason: str, message: str, *, before: Object) -> Object:
    """Return a condition; one that is as it was keeps its time."""
    known: Object = next((one for one in before.get("conditions") or [] if one["type"] == kind), {})
    reported = {"type": kind, "status": state, "reason": reason, "message": message}
    since = known["lastTransitionTime"] if known.get("status") == state else now()
    return reported | {"lastTransitionTime": since}
