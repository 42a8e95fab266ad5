# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads of the smoke tests: a WebAssembly program and a VM. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..._ec2.instance_types import has_kvm
from ..._findings import meaning_of
from ..._kubernetes import kinds
from ..._kubernetes.conditions import conditions_of, is_true, ready_condition
from ..._kubernetes.kinds import Kind
from ..._text import counted
from ..diagnosis.faults import containers_of, fault_of
from ..diagnosis.inquiries import cause_among, sandbox_code
from ..diagnosis.pod_troubles import (
    KVM,
    codes_of,
    image_trouble,
    lacking_of,
    pull_code,
    taints_of,
    unschedulable_message,
    with_taints,
)
from ..diagnosis.releases import cause_of
from ..kinds import SPIN_APP
from .runner import (
    BLOCKED,
    NAMESPACE,
    PASSED,
    WAITING,
    Api,
    Object,
    Observed,
    Smoke,
)

VIRTUAL_MACHINE: Final = Kind("kubevirt.io", "v1", "virtualmachineinstances", "VirtualMachineInstance")
KUBEVIRT: Final = Kind("kubevirt.io", "v1", "kubevirts", "KubeVirt")
_EXECUTOR: Final = "containerd-shim-spin"


def pod_state(api: Api, pod: Object) -> Observed:
    """Return the state of a pod: it works when its readiness probe succeeds."""
    if is_true(pod, "Ready"):
        return Observed(PASSED)
    trouble = _pod_trouble(api, pod)
    if trouble:
        return trouble
    refused = _sandbox_failure(api, str(pod["metadata"]["name"]))
    if refused:
        return Observed(BLOCKED, refused, sandbox_code(refused))
    return Observed(WAITING, f"its phase is {(pod.get('status') or {}).get('phase') or 'Pending'}")


def _pod_trouble(api: Api, pod: Object) -> Observed | None:
    """Return the problem in the pod's status."""
    message = unschedulable_message(pod)
    if message is not None:
        message = with_taints(message, pod, map(taints_of, api.items(kinds.NODE)))
        return Observed(BLOCKED, message, min(codes_of(lacking_of(message)), default="POD_NOT_SCHEDULED"))
    for container in containers_of(pod.get("status") or {}):
        image, fault = image_trouble(pod, container), fault_of(pod, container)
        if image:
            return Observed(BLOCKED, f"{image.image}: {image.message}", pull_code(image.cause))
        if fault:
            return Observed(BLOCKED, f"its container does not run: {fault.words}", fault.code)
    return None


def _sandbox_failure(api: Api, name: str) -> str:
    """Return why the sandbox is not created, such as a runtime that the node does not have, or an empty text."""
    fields = f"involvedObject.name={name},reason=FailedCreatePodSandBox"
    events = list(api.items(kinds.EVENT, namespace=NAMESPACE, fields=fields))
    return str(cause_among(events).get("message")) if events else ""


def machine_state(_api: Api, machine: Object) -> Observed:
    """Return the state of a virtual machine: it works if it runs; its operating system is not checked."""
    status = machine.get("status") or {}
    phase = str(status.get("phase") or "Pending")
    if phase == "Running":
        return Observed(PASSED)
    for condition in conditions_of(machine):
        message = str(condition.get("message") or "")
        if condition.get("status") == "False" and message:
            # Most conditions are not of the scheduler: a machine that still starts is not ready either.
            lacking = lacking_of(message)
            short = min(codes_of(lacking) if lacking else (), default=cause_of(message))
            if short or phase == "Failed":
                return Observed(BLOCKED, message, short or "SMOKE_TEST_FAILED")
    if phase == "Failed":
        return Observed(BLOCKED, "its phase is Failed", "SMOKE_TEST_FAILED")
    return Observed(WAITING, f"its phase is {phase}")


def spin_smoke(*, image: str, runtime_class: str, path: str) -> Smoke:
    """Return the test of a WebAssembly program as a pod: it has to answer over HTTP."""
    probe = {"httpGet": {"path": path, "port": 80}, "periodSeconds": 2}
    container = {
        **{"name": "wasm", "image": image, "command": ["/"], "readinessProbe": probe},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
    }
    spec = {"runtimeClassName": runtime_class, "restartPolicy": "Always", "containers": [container]}
    metadata = {"name": "spin", "namespace": NAMESPACE}

    def refusal(api: Api) -> Observed | None:
        return _class_refusal(api, runtime_class) or node_refusal(api)

    content = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return Smoke(kinds.POD, content, refusal, pod_state)


def spin_app_smoke(*, image: str, runtime_class: str, path: str) -> Smoke:
    """Return the test of a SpinApp, for which the Spin operator creates a Deployment."""
    check = {"readiness": {"httpGet": {"path": path}, "periodSeconds": 2}}
    resources = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
    spec = {"image": image, "replicas": 1, "executor": _EXECUTOR, "checks": check, "resources": resources}
    deployment = {"runtimeClassName": runtime_class, "installDefaultCACerts": True}
    executor = _spinkube("SpinAppExecutor", _EXECUTOR, {"createDeployment": True, "deploymentConfig": deployment})

    def refusal(api: Api) -> Observed | None:
        if api.get(kinds.CRD, f"{SPIN_APP.plural}.{SPIN_APP.group}") is None:
            return Observed(BLOCKED, "the Spin operator is not installed", "SMOKE_TEST_NOT_POSSIBLE")
        return _class_refusal(api, runtime_class) or node_refusal(api)

    return Smoke(SPIN_APP, _spinkube("SpinApp", "spin-app", spec), refusal, app_state, (executor,))


def _spinkube(kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": SPIN_APP.api_version, "kind": kind, "metadata": metadata, "spec": spec}


def app_state(api: Api, app: Object) -> Observed:
    """Return the state of a SpinApp: it works when a replica is ready, otherwise the state of its pods."""
    status = app.get("status") or {}
    if status.get("readyReplicas"):
        return Observed(PASSED)
    states = [pod_state(api, pod) for pod in api.items(kinds.POD, namespace=NAMESPACE)]
    blocked = next((one for one in states if one.state == BLOCKED), None)
    messages = (str(one.get("message")) for one in conditions_of(app) if one.get("status") != "True")
    return blocked or Observed(WAITING, next(messages, "the operator has not created its Deployment yet"))


def machine_smoke(*, image: str, instance_types: Sequence[str] = ()) -> Smoke:
    """Return the test of a virtual machine; it is skipped if none of these instance types can run one."""
    disk = {"name": "root", "disk": {"bus": "virtio"}}
    domain = {"devices": {"disks": [disk]}, "resources": {"requests": {"memory": "256Mi"}}}
    spec = {"domain": domain, "volumes": [{"name": "root", "containerDisk": {"image": image}}]}
    metadata = {"name": "machine", "namespace": NAMESPACE}
    content = {"apiVersion": "kubevirt.io/v1", "kind": VIRTUAL_MACHINE.kind, "metadata": metadata, "spec": spec}

    def refusal(api: Api) -> Observed | None:
        return type_refusal(instance_types) or machine_refusal(api) or node_refusal(api)

    return Smoke(VIRTUAL_MACHINE, content, refusal, machine_state)


def _class_refusal(api: Api, name: str) -> Observed | None:
    missing = api.get(kinds.RUNTIME_CLASS, name) is None
    return Observed(BLOCKED, f"the RuntimeClass {name} does not exist", "RUNTIME_MISSING") if missing else None


def node_refusal(api: Api) -> Observed | None:
    """Return why no node accepts pods now, so that the caller does not wait for one."""
    nodes = list(api.items(kinds.NODE))
    if any(is_true(node, "Ready") for node in nodes):
        return None
    messages = (str(ready_condition(node).get("message") or "") for node in nodes)
    reason = next(filter(None, messages), "there is none")
    return Observed(BLOCKED, f"no node is ready: {reason}", "NODE_NOT_READY")


def type_refusal(instance_types: Sequence[str]) -> Observed | None:
    """Return why none of these types can run a virtual machine; None if the list is empty."""
    if not instance_types or any(map(has_kvm, instance_types)):
        return None
    cause = f"{meaning_of('KVM_MISSING')} ({', '.join(sorted(set(instance_types)))})"
    return Observed(BLOCKED, cause, "KVM_MISSING")


def machine_refusal(api: Api) -> Observed | None:
    """Return why the virtual machine test is skipped: KubeVirt or a suitable node is missing."""
    if api.get(kinds.CRD, f"{VIRTUAL_MACHINE.plural}.{VIRTUAL_MACHINE.group}") is None:
        return Observed(BLOCKED, "KubeVirt is not installed", "SMOKE_TEST_NOT_POSSIBLE")
    if any(_emulates(item) for item in api.items(KUBEVIRT)):
        return None
    allocatable = [(item.get("status") or {}).get("allocatable") or {} for item in api.items(kinds.NODE)]
    counts = [str(one.get(KVM, "0")) for one in allocatable]
    if any(count != "0" for count in counts):
        return None
    return Observed(BLOCKED, f"{meaning_of('KVM_MISSING')} ({counted(len(counts), 'node')})", "KVM_MISSING")


def _emulates(kubevirt: Mapping[str, Any]) -> bool:
    settings = ((kubevirt.get("spec") or {}).get("configuration") or {}).get("developerConfiguration") or {}
    return bool(settings.get("useEmulation"))
