# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated kubelets and node controller: every running Talos node has a Node object with its conditions."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Sequence
from typing import Any

from lab.kubernetes.kinds import NODES
from lab.kubernetes.store import Object, Store, now
from lab.talos.machine import Machine

DEFAULT_VERSION = "v1.33.12"
_MIB = 2**20
# What Talos has the kubelet keep for the system, and the kubelet's own threshold of eviction.
_RESERVED_CPU = 50
_RESERVED_MEMORY = {"controlplane": 512 * _MIB, "worker": 384 * _MIB}
_EVICTION_MEMORY = 100 * _MIB
_RESERVED_DISK = 256 * _MIB
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
_NOT_READY = "node.kubernetes.io/not-ready"
_NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)
_HEALTHY = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}


def reconcile(store: Store, nodes: Sequence[Machine]) -> None:
    running = {node.hostname: node for node in nodes if node.is_booted}
    for name, node in running.items():
        number = len(store.peek(NODES))
        store.put(NODES, _node(node, store.look(NODES, name) or {}, number=number))
    for item in store.peek(NODES):
        if item["metadata"]["name"] not in running:
            store.put(NODES, _lost(item))


def image_version(image: str) -> str:
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag if tag.startswith("v") else DEFAULT_VERSION


def _node(node: Machine, before: Object, *, number: int) -> Object:
    """Return the Node with the fields that other clients have set."""
    metadata = before.get("metadata") or {}
    machine = node.config.machine
    return {
        "metadata": {
            **metadata,
            "name": node.hostname,
            "labels": (metadata.get("labels") or {}) | _labels(node),
            "annotations": (metadata.get("annotations") or {}) | (machine.get("nodeAnnotations") or {}),
        },
        "spec": _pod_network(node, number) | (before.get("spec") or {}) | _taints(node),
        "status": _status(node, before.get("status") or {}),
    }


def _labels(node: Machine) -> dict[str, str]:
    architecture = node.hardware.architecture
    labels = {
        **{"beta.kubernetes.io/arch": architecture, "beta.kubernetes.io/os": "linux"},
        **{"kubernetes.io/arch": architecture, "kubernetes.io/os": "linux", "kubernetes.io/hostname": node.hostname},
    }
    own = {_CONTROL_PLANE: ""} if node.config.is_control_plane else {}
    return labels | own | {key: str(value) for key, value in (node.config.machine.get("nodeLabels") or {}).items()}


def _pod_network(node: Machine, number: int) -> dict[str, Any]:
    """Return the addresses for the node's pods, as the controller manager deals them out."""
    subnets = (node.config.cluster.get("network") or {}).get("podSubnets") or ["10.244.0.0/16"]
    own = []
    for subnet in map(ipaddress.ip_network, subnets):
        length = max(24 if subnet.version == 4 else 64, subnet.prefixlen)
        size = 1 << (subnet.max_prefixlen - length)
        own.append(f"{subnet.network_address + number * size}/{length}")
    return {"podCIDR": own[0], "podCIDRs": own}


def _taints(node: Machine) -> dict[str, Any]:
    cluster, taints = node.config.cluster, []
    schedules = cluster.get("allowSchedulingOnControlPlanes") or cluster.get("allowSchedulingOnMasters")
    if node.config.is_control_plane and not schedules:
        taints.append({"key": _CONTROL_PLANE, "effect": "NoSchedule"})
    for key, text in (node.config.machine.get("nodeTaints") or {}).items():
        value, _, effect = str(text).rpartition(":")
        taints.append({"key": key, "effect": effect} | ({"value": value} if value else {}))
    if not node.is_networked:
        taints.append({"key": _NOT_READY, "effect": "NoSchedule"})
    return {"taints": taints}


def _status(node: Machine, before: Object) -> Object:
    conditions = {kind: ("False", *reported) for kind, reported in _HEALTHY.items()}
    conditions["Ready"] = ("False", "KubeletNotReady", _NO_NETWORK)
    if node.is_networked:
        conditions["Ready"] = ("True", "KubeletReady", "kubelet is posting ready status")
    capacity = {**_amounts(node), "hugepages-2Mi": "0"}
    return {
        "addresses": [{"type": "InternalIP", "address": node.address}, {"type": "Hostname", "address": node.hostname}],
        "capacity": capacity,
        "allocatable": capacity | _allocatable(node),
        "conditions": _conditions(conditions, before.get("conditions") or []),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": _node_info(node),
        "images": [],
    }


def _amounts(node: Machine) -> dict[str, str]:
    pods = ((node.config.machine.get("kubelet") or {}).get("extraConfig") or {}).get("maxPods", 110)
    return {
        **{"cpu": str(node.hardware.cpus), "memory": f"{node.hardware.memory // 1024}Ki", "pods": str(pods)},
        "ephemeral-storage": f"{node.hardware.disk_size // 1024}Ki",
    }


def _allocatable(node: Machine) -> dict[str, str]:
    kind = "controlplane" if node.config.is_control_plane else "worker"
    memory = node.hardware.memory - _RESERVED_MEMORY[kind] - _EVICTION_MEMORY
    # The kubelet evicts pods when a tenth of the disk is left.
    disk = node.hardware.disk_size * 9 // 10 - _RESERVED_DISK
    cpu = f"{node.hardware.cpus * 1000 - _RESERVED_CPU}m"
    return {"cpu": cpu, "memory": f"{memory // 1024}Ki", "ephemeral-storage": str(disk)}


def _node_info(node: Machine) -> dict[str, str]:
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"{node.identity} {node.address}")
    kubelet = node.config.machine.get("kubelet") or {}
    return {
        **{"machineID": identity.hex, "systemUUID": str(identity), "operatingSystem": "linux"},
        "bootID": str(uuid.uuid5(identity, str(node.boot_time))),
        "architecture": node.hardware.architecture,
        "kernelVersion": "0.0.0-simulated",
        "osImage": f"Talos ({node.state.version})",
        "containerRuntimeVersion": "containerd://0.0.0-simulated",
        "kubeletVersion": image_version(str(kubelet.get("image", ""))),
        "kubeProxyVersion": "",
    }


def _conditions(wanted: dict[str, tuple[str, str, str]], before: Sequence[Object]) -> list[Object]:
    """Return the conditions; those that are as they were keep their times."""
    known = {condition["type"]: condition for condition in before}
    return [_condition(kind, *reported, before=known.get(kind) or {}) for kind, reported in wanted.items()]


def _condition(kind: str, status: str, reason: str, message: str, *, before: Object) -> Object:
    reported = {"type": kind, "status": status, "reason": reason, "message": message}
    if reported.items() <= before.items():
        return before
    time = now()
    since = before["lastTransitionTime"] if before.get("status") == status else time
    return reported | {"lastHeartbeatTime": time, "lastTransitionTime": since}


def _lost(item: Object) -> Object:
    """Return the Node of a machine that is off, as the node controller leaves it."""
    kinds = [*_HEALTHY, "Ready"]
    unknown = dict.fromkeys(kinds, ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."))
    taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
    others = [one for one in item["spec"].get("taints", []) if one["key"] not in (taint["key"], _NOT_READY)]
    conditions = _conditions(unknown, item["status"]["conditions"])
    return item | {
        "spec": item["spec"] | {"taints": [*others, taint]},
        "status": item["status"] | {"conditions": conditions},
    }
