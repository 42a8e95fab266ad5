# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real kube-scheduler gets the nodes and pods of which the forecast speaks, and must come to the same verdict."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest
from kubernetes import client, config

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import PROFILES
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.fit import (
    Machine,
    Request,
    fit,
    nodes_of,
    packages_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.packing import Node, Pod
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.pods import STATIC, TALOS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from tests.peers.kubernetes import ControlPlane

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
HOSTNAME = "kubernetes.io/hostname"
NAMESPACE = "default"
TYPES = ("t4g.medium", "t4g.large", "t4g.xlarge", "t4g.2xlarge")
RESOURCES = {"cpu": "Insufficient cpu", "memory": "Insufficient memory", "pods": "Too many pods"}
STATIC_NAMES = {f"{each.package}/{each.name}" for each in TALOS if each.kind == STATIC}
PATIENCE = 60.0


class Observed(NamedTuple):
    """The result of the scheduler: the node of each pod, and its messages about pods without a node."""

    bound: dict[str, str]
    refused: dict[str, str]


def requests() -> Iterator[Any]:
    """Yield every profile on one node and on three of every size, and three mixed clusters."""
    for profile, count, instance_type in product(PROFILES, (1, 3), TYPES):
        machines = tuple(Machine(f"node-{index}", "controlplane", instance_type) for index in range(count))
        yield pytest.param(Request(machines, profile), id=f"{profile} on {count} x {instance_type}")
    for profile in PROFILES:
        planes = tuple(Machine(f"node-{index}", "controlplane", "t4g.medium") for index in range(3))
        workers = (Machine("worker-1", "worker", "t4g.large"), Machine("worker-2", "worker", "t4g.medium"))
        yield pytest.param(Request((*planes, *workers), profile), id=f"{profile} on three nodes and two workers")


@pytest.fixture
def core(kubernetes: ControlPlane) -> Iterator[client.CoreV1Api]:
    """Return a client; afterwards the cluster is as empty as before."""
    with config.new_client_from_config(str(kubernetes.kubeconfig)) as connection:
        api = client.CoreV1Api(connection)
        yield api
        api.delete_collection_namespaced_pod(NAMESPACE, grace_period_seconds=0)
        api.delete_collection_node(grace_period_seconds=0)
        wait_for(lambda: not api.list_namespaced_pod(NAMESPACE).items and not api.list_node().items)


def wait_for(holds: Any) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the scheduler took too long"
        time.sleep(0.1)


def node_object(node: Node) -> dict[str, Any]:
    """Return a node as its kubelet would describe it."""
    labels = {HOSTNAME: node.name, **({CONTROL_PLANE: ""} if node.control_plane else {})}
    offer = {"cpu": f"{node.cpu}m", "memory": f"{node.memory}Mi", "pods": str(node.pods)}
    status = {
        "capacity": offer,
        "allocatable": offer,
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return {"metadata": {"name": node.name, "labels": labels}, "status": status}


def pod_object(pod: Pod) -> dict[str, Any]:
    """Return a pod as its controller would make it."""
    name = re.sub("[^a-z0-9.-]+", "-", f"{pod.package}-{pod.name}".lower()).strip("-")
    label = re.sub("[^a-zA-Z0-9._-]+", "-", pod.workload).strip("-")[-63:].strip("-._")
    requests = {name: text for name, text in (("cpu", f"{pod.cpu}m"), ("memory", f"{pod.memory}Mi")) if text[0] != "0"}
    ports = [{"containerPort": port, "hostPort": port} for port in pod.ports]
    container = {"name": "main", "image": "example.com/none", "resources": {"requests": requests}, "ports": ports}
    spec: dict[str, Any] = {"containers": [container], "affinity": {}}
    # A static pod is on its node before any scheduler sees it; a daemon set's pods are reported theirs by affinity.
    if pod.workload in STATIC_NAMES:
        spec["nodeName"] = pod.node
    elif pod.node:
        fields = [{"key": "metadata.name", "operator": "In", "values": [pod.node]}]
        spec["affinity"]["nodeAffinity"] = required_node({"matchFields": fields})
    if pod.control_plane and not pod.node:
        spec["affinity"]["nodeAffinity"] = required_node(
            {"matchExpressions": [{"key": CONTROL_PLANE, "operator": "Exists"}]}
        )
    if pod.spread:
        term = {"labelSelector": {"matchLabels": {"workload": label}}, "topologyKey": HOSTNAME}
        spec["affinity"]["podAntiAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return {"metadata": {"name": name, "labels": {"workload": label}}, "spec": spec}


def required_node(term: dict[str, Any]) -> dict[str, Any]:
    """Return the affinity to nodes that a term describes."""
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}


def schedule(core: client.CoreV1Api, request: Request) -> Observed:
    """Return what the real scheduler does with the same nodes and pods, in the same order."""
    for node in nodes_of(request, SIZES):
        core.create_node(node_object(node))
        core.patch_node_status(node.name, {"status": node_object(node)["status"]})
    pods = [pod_object(pod) for pod in fit(request, SIZES).pods]
    for pod in pods:
        core.create_namespaced_pod(NAMESPACE, pod)
    wait_for(lambda: len(decided(core)) == len(pods))
    items = decided(core)
    refused = {item.metadata.uid: item.metadata.name for item in items if not item.spec.node_name}
    wait_for(lambda: refused.keys() <= first_messages(core).keys())
    first = first_messages(core)
    return Observed(
        bound={item.metadata.name: item.spec.node_name for item in items if item.spec.node_name},
        refused={name: first[uid] for uid, name in refused.items()},
    )


def first_messages(core: client.CoreV1Api) -> dict[str, str]:
    """Return why each pod was refused when its turn came; the condition is of the last attempt, after later pods."""
    events = core.list_namespaced_event(NAMESPACE, field_selector="reason=FailedScheduling").items
    latest_first = sorted(events, key=lambda event: int(event.metadata.resource_version), reverse=True)
    return {event.involved_object.uid: event.message for event in latest_first}


def decided(core: client.CoreV1Api) -> list[Any]:
    """Return the pods that the scheduler has placed or refused."""
    items = core.list_namespaced_pod(NAMESPACE).items
    return [item for item in items if item.spec.node_name or message_of(item)]


def message_of(item: Any) -> str:
    """Return why a pod was refused."""
    conditions = item.status.conditions or []
    return next((each.message for each in conditions if each.type == "PodScheduled" and each.status == "False"), "")


@pytest.mark.parametrize("wanted", list(requests()))
def test_the_forecast_says_what_the_scheduler_does(wanted: Request, core: client.CoreV1Api) -> None:
    predicted = fit(wanted, SIZES)
    made_at_run_time = {
        workload.name for package in packages_of(wanted) for workload in package.workloads if workload.source
    }
    assert made_at_run_time <= {pod.workload.rpartition("/")[2] for pod in predicted.pods}

    seen = schedule(core, wanted)

    assert predicted.schedules == (not seen.refused), (
        f"{len(predicted.packing.pending)} predicted, refused: {seen.refused}"
    )
    short = {name for _pod, reasons in predicted.packing.pending for missing in reasons.values() for name in missing}
    text = " ".join(seen.refused.values())
    assert {name for name in RESOURCES if name in short} == {name for name, words in RESOURCES.items() if words in text}
