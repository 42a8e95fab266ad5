# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server refuses to keep: by rules of its own, and by faults that a test has switched on."""

from __future__ import annotations

from typing import Any

from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.discovery import Resource
from lab.kubernetes.kinds import NAMESPACES, QUOTAS, RUNTIMES
from lab.kubernetes.status import ApiError, no_such_object
from lab.kubernetes.store import Object

_WEBHOOK = "guard.lab.example.com"
_ROLE_FIELDS = (("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name"))


def admit(cluster: KubernetesCluster, resource: Resource, before: Object | None, after: Object) -> None:
    """Refuse what a real server would refuse; of schemas it knows nothing."""
    metadata = after["metadata"]
    namespace, name = metadata.get("namespace", ""), metadata["name"]
    if resource.namespaced and before is None and cluster.store.get(NAMESPACES, namespace) is None:
        raise no_such_object("", "namespaces", namespace)
    _refuse_on_demand(cluster.faults.admission.get(resource.kind, ""), resource, name)
    if resource.kind == "Pod" and before is None:
        _check_runtime(cluster, name, after["spec"].get("runtimeClassName", ""))
    if before is None:
        _check_quota(cluster, resource, namespace, name)
    else:
        _check_immutable(resource, before, after)


def _refuse_on_demand(fault: str, resource: Resource, name: str) -> None:
    if fault == "webhook":
        text = f'admission webhook "{_WEBHOOK}" denied the request: {resource.kind} {name} is not wanted'
        raise ApiError(403, "Forbidden", text, details={"name": name, "kind": resource.plural})
    if fault == "webhook_away":
        url = "https://guard.lab.svc:443/validate?timeout=10s: dial tcp 10.96.0.99:443: connect: connection refused"
        text = f'Internal error occurred: failed calling webhook "{_WEBHOOK}": failed to call webhook: Post "{url}'
        raise ApiError(500, "InternalError", text, details={"causes": [{"message": text}]})
    if fault == "quota":
        raise _over_quota(resource, name, "lab", f"count/{resource.plural}=1", "0", "0")


def _over_quota(resource: Resource, name: str, quota: str, asked: str, used: str, hard: str) -> ApiError:
    what = asked.partition("=")[0]
    text = f'{resource.plural} "{name}" is forbidden: exceeded quota: {quota}, requested: {asked}, '
    text += f"used: {what}={used}, limited: {what}={hard}"
    return ApiError(403, "Forbidden", text, details={"name": name, "kind": resource.plural})


def _check_quota(cluster: KubernetesCluster, resource: Resource, namespace: str, name: str) -> None:
    keys = (resource.plural, f"count/{resource.plural}", f"count/{resource.plural}.{resource.group}")
    for quota in cluster.store.peek(QUOTAS):
        hard = (quota.get("spec") or {}).get("hard") or {}
        key = next((one for one in keys if one in hard), "")
        if not key or quota["metadata"].get("namespace") != namespace:
            continue
        used = sum(1 for one in cluster.store.peek(resource.stored_as) if one["metadata"].get("namespace") == namespace)
        if used >= int(hard[key]):
            raise _over_quota(resource, name, quota["metadata"]["name"], f"{key}=1", str(used), str(hard[key]))


def _check_runtime(cluster: KubernetesCluster, name: str, runtime: str) -> None:
    if runtime and cluster.store.look(RUNTIMES, runtime) is None:
        text = f'pods "{name}" is forbidden: pod rejected: RuntimeClass "{runtime}" not found'
        raise ApiError(403, "Forbidden", text, details={"name": name, "kind": "pods"})


def _check_immutable(resource: Resource, before: Object, after: Object) -> None:
    if resource.kind == "ClusterRoleBinding" and before.get("roleRef") != after.get("roleRef"):
        role = after.get("roleRef") or {}
        given = ", ".join(f'{name}:"{role.get(key, "")}"' for name, key in _ROLE_FIELDS)
        raise _invalid(resource, after, f"roleRef: Invalid value: rbac.RoleRef{{{given}}}: cannot change roleRef")
    selectors = [(one.get("spec") or {}).get("selector") for one in (before, after)]
    if resource.group == "apps" and selectors[0] != selectors[1]:
        raise _invalid(resource, after, f"spec.selector: Invalid value: {_short(selectors[1])}: field is immutable")


def _short(value: Any) -> str:
    return str(value).replace("'", '"')


def _invalid(resource: Resource, after: Object, text: str) -> ApiError:
    name = after["metadata"]["name"]
    full = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = {"name": name, "group": resource.group, "kind": resource.kind}
    return ApiError(422, "Invalid", f'{full} "{name}" is invalid: {text}', details=details)
