# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubelets do with the pods that they are given: pull images, start containers, and tell what went wrong."""

from __future__ import annotations

from typing import Any

from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.events import add_event
from lab.kubernetes.kinds import NODES, PODS, RUNTIMES
from lab.kubernetes.store import Object, now
from lab.kubernetes.workloads import condition

# Upstream builds what is under this name for amd64 alone.
STOCK = "ghcr.io/cozystack/cozystack/"


def reconcile(cluster: KubernetesCluster) -> None:
    """Bring every pod that has a node as far as it gets."""
    nodes = {node["metadata"]["name"]: node for node in cluster.store.peek(NODES)}
    for pod in cluster.store.peek(PODS):
        node = nodes.get(pod["spec"].get("nodeName", ""))
        if node is None:
            continue
        status = _status(cluster, pod, node)
        if status != pod["status"]:
            cluster.store.put(PODS, pod | {"status": status})


def runs_on(image: str, architecture: str) -> bool:
    """Tell whether an image is built for an architecture: stock ones are for amd64, all others for every one."""
    return architecture == "amd64" or not image.startswith(STOCK)


def _status(cluster: KubernetesCluster, pod: Object, node: Object) -> Object:
    architecture = node["status"]["nodeInfo"]["architecture"]
    images = [one["image"] for one in pod["spec"]["containers"]]
    bad = next((image for image in images if not runs_on(image, architecture)), "")
    before = pod["status"]
    if bad:
        return _cannot_pull(cluster, pod, bad)
    runtime = cluster.store.look(RUNTIMES, pod["spec"].get("runtimeClassName", "")) or {}
    handler = str(runtime.get("handler") or "")
    if handler and handler not in cluster.handlers_of(node["metadata"]["name"]):
        error = f'failed to get sandbox runtime: no runtime for "{handler}" is configured'
        text = f"Failed to create pod sandbox: rpc error: code = Unknown desc = {error}"
        if not _containers(before):
            add_event(cluster.store, pod, "FailedCreatePodSandBox", text, kind="Warning")
        return _reported(pod, node, "Pending", _created(pod), ready=False)
    if not cluster.is_due(pod, cluster.pace.pod):
        return _reported(pod, node, "Pending", _created(pod), ready=False)
    if pod["metadata"].get("labels", {}).get("app.kubernetes.io/name") in cluster.faults.oom:
        return _killed(cluster, pod, node)
    since = next((one["state"]["running"] for one in _containers(before) if "running" in one["state"]), None)
    running = [_container(one, {"running": since or {"startedAt": now()}}) for one in pod["spec"]["containers"]]
    return _reported(pod, node, "Running", running, ready=True)


def _created(pod: Object) -> list[Object]:
    return [_container(one, {"waiting": {"reason": "ContainerCreating"}}) for one in pod["spec"]["containers"]]


def _cannot_pull(cluster: KubernetesCluster, pod: Object, image: str) -> Object:
    text = f'failed to pull and unpack image "{image}": no match for platform in manifest sha256:{"0" * 64}: not found'
    error = f"rpc error: code = NotFound desc = {text}"
    state = {"reason": "ErrImagePull", "message": error}
    if cluster.is_due(pod, cluster.pace.pod):
        state = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}": ErrImagePull: {error}'}
    if not _containers(pod["status"]):
        add_event(cluster.store, pod, "Pulling", f'Pulling image "{image}"')
        add_event(cluster.store, pod, "Failed", f'Failed to pull image "{image}": {error}', kind="Warning")
        add_event(cluster.store, pod, "Failed", "Error: ErrImagePull", kind="Warning")
        add_event(cluster.store, pod, "BackOff", f'Back-off pulling image "{image}"', kind="Warning")
    waiting = [_container(one, {"waiting": state}) for one in pod["spec"]["containers"]]
    return _reported(pod, {}, "Pending", waiting, ready=False)


def _killed(cluster: KubernetesCluster, pod: Object, node: Object) -> Object:
    name = pod["spec"]["containers"][0]["name"]
    where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}"
    waiting = {"reason": "CrashLoopBackOff", "message": f"back-off 40s restarting failed container={name} pod={where}"}
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": _since(pod), "finishedAt": _since(pod)}}
    killed = [
        _container(one, {"waiting": waiting}) | {"lastState": last, "restartCount": 3}
        for one in pod["spec"]["containers"]
    ]
    if not any(one["restartCount"] for one in _containers(pod["status"])):
        message = f"Back-off restarting failed container {name} in pod {where}"
        add_event(cluster.store, pod, "BackOff", message, kind="Warning")
    return _reported(pod, node, "Running", killed, ready=False)


def _containers(status: Object) -> list[Any]:
    return list(status.get("containerStatuses") or [])


def _since(pod: Object) -> str:
    return str(pod["status"].get("startTime") or now())


def _container(container: Object, state: Object) -> Object:
    is_running = "running" in state
    reported = {"name": container["name"], "image": container["image"], "imageID": "", "lastState": {}}
    return {**reported, "state": state, "ready": is_running, "started": is_running, "restartCount": 0}


def _reported(pod: Object, node: Object, phase: str, containers: list[Object], *, ready: bool) -> Object:
    before = pod["status"]
    state, reason, message = ("True", "", "") if ready else ("False", "ContainersNotReady", "containers are not ready")
    kinds = {"PodScheduled": ("True", "", ""), "Initialized": ("True", "", "")}
    kinds |= dict.fromkeys(("ContainersReady", "Ready"), (state, reason, message))
    status = {"phase": phase, "startTime": _since(pod), "containerStatuses": containers}
    status["conditions"] = [condition(kind, *reported, before=before) for kind, reported in kinds.items()]
    addresses = (node.get("status") or {}).get("addresses") or []
    host = next((one["address"] for one in addresses if one["type"] == "InternalIP"), "")
    return status | ({"hostIP": host} if host else {})
