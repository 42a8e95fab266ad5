# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubelets do with the pods that they are given: pull images, start containers, and report how those end."""

from __future__ import annotations

from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.names import STOCK
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.events import add_event
from lab.kubernetes.kinds import NODES, PODS, RUNTIMES
from lab.kubernetes.store import Object, now
from lab.kubernetes.workloads import condition


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
    """Return whether an image is built for an architecture: stock ones are for amd64, all others for every one."""
    return architecture == "amd64" or not image.startswith(STOCK)


def log_of(cluster: KubernetesCluster, pod: Object, container: str) -> str:
    """Return the log of a container; only programs that the node cannot execute leave one, by runc."""
    node = cluster.store.look(NODES, pod["spec"].get("nodeName", ""))
    images = {one["name"]: one["image"] for one in pod["spec"]["containers"]}
    image = images.get(container, "") if container else next(iter(images.values()))
    is_foreign = node is not None and not runs_on(image, node["status"]["nodeInfo"]["architecture"])
    return f"exec /{container}: exec format error\n" if is_foreign else ""


def _status(cluster: KubernetesCluster, pod: Object, node: Object) -> Object:
    architecture = node["status"]["nodeInfo"]["architecture"]
    is_foreign = any(not runs_on(one["image"], architecture) for one in pod["spec"]["containers"])
    before = pod["status"]
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
    if is_foreign:
        # CozyStack's images are single manifests, which containerd pulls on every architecture.
        return _ends(cluster, pod, node, ("Error", 255))
    if pod["metadata"].get("labels", {}).get("app.kubernetes.io/name") in cluster.faults.oom:
        # The kernel kills where a limit is, and Talos where there is none: Kubernetes has no word for that.
        has_limit = any(
            "memory" in ((one.get("resources") or {}).get("limits") or {}) for one in pod["spec"]["containers"]
        )
        return _ends(cluster, pod, node, ("OOMKilled" if has_limit else "Error", 137))
    since = next((one["state"]["running"] for one in _containers(before) if "running" in one["state"]), None)
    running = [_container(one, {"running": since or {"startedAt": now()}}) for one in pod["spec"]["containers"]]
    return _reported(pod, node, "Running", running, ready=True)


def _created(pod: Object) -> list[Object]:
    return [_container(one, {"waiting": {"reason": "ContainerCreating"}}) for one in pod["spec"]["containers"]]


def _ends(cluster: KubernetesCluster, pod: Object, node: Object, end: tuple[str, int]) -> Object:
    """Return the status of a pod whose containers end again and again, without a message."""
    name = pod["spec"]["containers"][0]["name"]
    where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}"
    waiting = {"reason": "CrashLoopBackOff", "message": f"back-off 40s restarting failed container={name} pod={where}"}
    last = {"terminated": {"reason": end[0], "exitCode": end[1], "startedAt": _since(pod), "finishedAt": _since(pod)}}
    ended = [
        _container(one, {"waiting": waiting}) | {"lastState": last, "restartCount": 3}
        for one in pod["spec"]["containers"]
    ]
    if not any(one["restartCount"] for one in _containers(pod["status"])):
        message = f"Back-off restarting failed container {name} in pod {where}"
        add_event(cluster.store, pod, "BackOff", message, kind="Warning")
    return _reported(pod, node, "Running", ended, ready=False)


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
