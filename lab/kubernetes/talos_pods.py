# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods that Talos itself brings: the control plane's static pods, and CoreDNS.

Requests as in siderolabs/talos, internal/app/machined/pkg/controllers/k8s.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.kubernetes.kinds import DEPLOYMENTS, NODES, PODS
from lab.kubernetes.store import Object, Store
from lab.talos.machine import Machine

_NAMESPACE = "kube-system"
_STATIC = {"kube-apiserver": (200, 512), "kube-controller-manager": (50, 256), "kube-scheduler": (10, 64)}
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def reconcile(store: Store, nodes: Sequence[Machine]) -> None:
    for node in nodes:
        if not node.is_booted or not node.config.is_control_plane:
            continue
        for name, (cpu, memory) in _STATIC.items():
            pod = f"{name}-{node.hostname}"
            if store.look(PODS, pod, namespace=_NAMESPACE) is None and store.look(NODES, node.hostname):
                store.put(PODS, _static(pod, name, node.hostname, cpu, memory))
    if store.peek(NODES) and not store.look(DEPLOYMENTS, "coredns", namespace=_NAMESPACE):
        store.put(DEPLOYMENTS, _coredns())


def _static(pod: str, name: str, node: str, cpu: int, memory: int) -> Object:
    labels = {"k8s-app": name, "tier": "control-plane"}
    metadata = {"name": pod, "namespace": _NAMESPACE, "labels": labels}
    metadata["annotations"] = {"kubernetes.io/config.mirror": "simulated", "kubernetes.io/config.source": "file"}
    spec = {
        **{"nodeName": node, "hostNetwork": True, "priorityClassName": "system-cluster-critical"},
        "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
        "containers": [container(name, f"registry.k8s.io/{name}:simulated", cpu, memory)],
    }
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def _coredns() -> Object:
    labels = {"k8s-app": "kube-dns"}
    tolerations = [{"key": _CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}]
    spec = {
        "tolerations": tolerations,
        "containers": [container("coredns", "registry.k8s.io/coredns:simulated", 100, 70)],
    }
    return {
        **{"kind": "Deployment", "apiVersion": "apps/v1"},
        "metadata": {"name": "coredns", "namespace": _NAMESPACE, "generation": 1, "labels": labels},
        "spec": {
            **{"replicas": 2, "selector": {"matchLabels": labels}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def container(name: str, image: str, cpu: int, memory: int) -> Object:
    """Return a container with these requests; what is zero is not asked for."""
    asked = ({"cpu": f"{cpu}m"} if cpu else {}) | ({"memory": f"{memory}Mi"} if memory else {})
    return {"name": name, "image": image} | ({"resources": {"requests": asked}} if asked else {})
