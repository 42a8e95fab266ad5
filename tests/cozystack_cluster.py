# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster with CozyStack in memory, in the shape that the Kubernetes API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import (
    HELM_RELEASE,
    OCI_REPOSITORY,
    PACKAGE,
)
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.errors import ApiError, Cause
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind

Object = dict[str, Any]
SERVER = "https://192.0.2.101:6443"
TIME = "2026-01-02T03:04:05Z"
# The server's time of all answers: shortly after the last event of any cluster here.
NOW = datetime(2026, 1, 2, 3, 6, 10, tzinfo=UTC)


class FakeApi:
    """The API in memory: objects by kind, and failures by request."""

    def __init__(
        self,
        objects: dict[Kind, list[Object]],
        *,
        failures: dict[str, ApiError] | None = None,
        logs: dict[str, str] | None = None,
        now: datetime = NOW,
    ) -> None:
        self.server = SERVER
        self.objects = objects
        self.failures = failures or {}
        # By pod, or by pod and container; of those that are not here the kubelet has none.
        self.logs = logs or {}
        self.now = now
        self.asked: list[str] = []

    def _ask(self, plural: str) -> None:
        self.asked.append(plural)
        if plural in self.failures:
            raise self.failures[plural]

    def version(self) -> str:
        self._ask("version")
        return "v1.33.12"

    def server_time(self) -> datetime:
        return self.now

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        self._ask(kind.plural)
        found = (item for item in self.objects.get(kind, []) if item["metadata"]["name"] == name)
        return next((item for item in found if item["metadata"].get("namespace", "") == namespace), None)

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterator[Object]:
        self._ask(kind.plural)
        wanted = dict(part.split("=", 1) for part in fields.split(",") if "=" in part and "!" not in part)
        here = (one for one in self.objects.get(kind, []) if namespace in ("", one["metadata"].get("namespace", "")))
        yield from (one for one in here if all(_field(one, name) == value for name, value in wanted.items()))

    def kind_of(self, content: Mapping[str, Any]) -> Kind:
        self._ask(f"kinds of {content['apiVersion']}")
        named = (kind for kind in self.objects if kind.kind == content["kind"])
        found = next((kind for kind in named if kind.api_version == content["apiVersion"]), None)
        if found is None:
            raise failure(Cause.NO_KIND, "the server does not have this kind of object")
        return found

    def log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        self._ask(f"log of {namespace}/{pod} {container}{' before' if previous else ''}")
        log = self.logs.get(f"{pod} {container}", self.logs.get(pod))
        if log is None:
            detail = f'previous terminated container "{container}" in pod "{pod}" not found'
            raise failure(Cause.INVALID, detail)
        return "".join(log.splitlines(keepends=True)[-lines:])


def _field(item: Any, name: str) -> Any:
    for part in name.split("."):
        item = (item or {}).get(part)
    return item


def failure(cause: Cause, detail: str = "it does not answer") -> ApiError:
    """Return the failure of a request."""
    return ApiError(SERVER, "list things", cause, detail)


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": TIME}


# Of a node that has run for days.
READY = condition("Ready", "True", "KubeletReady") | {"lastTransitionTime": "2025-12-28T08:00:00Z"}


def deployment(namespace: str, name: str, *conditions: Object) -> Object:
    """Return a Deployment of one pod, which is ready where no conditions are given."""
    reported = list(conditions) or [condition("Available", "True", "MinimumReplicasAvailable")]
    ready = {} if conditions else {"readyReplicas": 1}
    return {
        "metadata": {"namespace": namespace, "name": name, "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "conditions": reported} | ready,
    }


def node(name: str, *, cpu: str = "1950m", memory: str = "3288Mi", **more: Any) -> Object:
    """Return a node of the size of a t4g.medium; more is conditions, allocatable, taints, labels."""
    amounts = {"cpu": cpu, "memory": memory, "pods": "512", "ephemeral-storage": "46Gi"} | more.get("allocatable", {})
    return {
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/arch": "arm64", "node-role.kubernetes.io/control-plane": ""}
            | more.get("labels", {}),
        },
        "spec": {"taints": more.get("taints", [])},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": more.get("conditions", [READY]),
            "nodeInfo": {"architecture": "arm64"},
        },
    }


def pod(name: str, namespace: str = "cozy-linstor", **more: Any) -> Object:
    """Return a pod that runs; more is requests, node, release, containers (statuses), conditions, phase."""
    requests = more.get("requests", {"cpu": "10m", "memory": "64Mi"})
    spec: Object = {"containers": [{"name": "main", "resources": {"requests": requests}}]}
    if more.get("node"):
        spec["nodeName"] = more["node"]
    labels = {"app.kubernetes.io/instance": more["release"]} if more.get("release") else {}
    owner = {"kind": "ReplicaSet", "name": f"{name}-5d7b8f"}
    return {
        "metadata": {
            "namespace": namespace,
            "name": f"{name}-5d7b8f-x2x4z",
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": spec | more.get("spec", {}),
        "status": {
            "phase": more.get("phase", "Running" if more.get("node") else "Pending"),
            "conditions": more.get("conditions", []),
            "containerStatuses": more.get("containers", []),
        },
    }


def waiting_pod(name: str, message: str, *, reason: str = "Unschedulable", **more: Any) -> Object:
    """Return a pod that the scheduler has no node for."""
    return pod(name, conditions=[condition("PodScheduled", "False", reason, message)], **more)


def status_of(image: str, *, waiting: Object | None = None, last: Object | None = None, restarts: int = 0) -> Object:
    """Return the status of a container."""
    state = {"waiting": waiting} if waiting else {"running": {}}
    last_state = {"terminated": last} if last else {}
    return {"name": "main", "image": image, "state": state, "lastState": last_state, "restartCount": restarts}


def release(name: str, namespace: str = "cozy-system", *, ready: bool = True, **more: Any) -> Object:
    """Return a HelmRelease; more is reason, message, status, failures, depends_on (namespace, name), package."""
    status = more.get("status", "True" if ready else "False")
    reason = more.get("reason", "InstallSucceeded" if ready else "DependencyNotReady")
    labels = {"cozystack.io/package": more["package"]} if more.get("package") else {}
    depends_on = [{"namespace": where, "name": what} for where, what in more.get("depends_on", ())]
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "generation": 1},
        "spec": {"dependsOn": depends_on},
        "status": {
            "conditions": [condition("Ready", status, reason, more.get("message", ""))],
            "installFailures": more.get("failures", 0),
        },
    }


def package(name: str, *, ready: bool = True, releases: int = 1, **more: Any) -> Object:
    """Return a Package; more is reason, message, waits_for."""
    message = f"reconciliation succeeded, generated {releases} helmrelease(s)" if ready else more.get("message", "")
    reason = more.get("reason", "ReconciliationSucceeded" if ready else "DependenciesNotReady")
    dependencies = {one: {"ready": False} for one in more.get("waits_for", ())}
    return {
        "metadata": {"name": name},
        "spec": {"variant": "default"},
        "status": {
            "conditions": [condition("Ready", "True" if ready else "False", reason, message)],
            "dependencies": dependencies,
        },
    }


def definitions(*names: str) -> list[Object]:
    return [{"metadata": {"name": name}} for name in names]


def installed(
    *, releases: Iterable[Object] = (), packages: Iterable[Object] = (), **more: Any
) -> dict[Kind, list[Object]]:
    """Return a cluster in which operator, Flux and platform run; more is nodes, pods, storage_classes."""
    names = ("packages.cozystack.io", "packagesources.cozystack.io", "helmreleases.helm.toolkit.fluxcd.io")
    platform = release("cozystack-platform", package="cozystack.cozystack-platform")
    source = {"metadata": {"namespace": "cozy-system", "name": "cozystack-platform"}}
    return {
        kinds.DEPLOYMENT: [deployment("cozy-system", "cozystack-operator"), deployment("cozy-fluxcd", "flux")],
        kinds.CRD: definitions(*names),
        OCI_REPOSITORY: [source | {"status": {"conditions": [condition("Ready", "True", "Succeeded")]}}],
        PACKAGE: [package("cozystack.cozystack-platform"), *packages],
        HELM_RELEASE: [platform, *releases],
        kinds.NODE: more.get("nodes", [node("gateway"), node("compute-2"), node("compute-3")]),
        kinds.POD: more.get("pods", []),
        kinds.STORAGE_CLASS: more.get("storage_classes", []),
        kinds.EVENT: more.get("events", []),
        kinds.JOB: more.get("jobs", []),
        kinds.SERVICE: more.get("services", []),
    }
