# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients change: create, update, patch, server-side apply and delete, also as a dry run."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

import yaml

from lab.kubernetes import fields, ownership, status
from lab.kubernetes.admission import admit
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.discovery import Target
from lab.kubernetes.http import Request
from lab.kubernetes.kinds import NAMESPACES, PODS
from lab.kubernetes.store import Object, now

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_FIRST_PHASES = {"Pod": "Pending", "Namespace": "Active", "PersistentVolumeClaim": "Pending"}


def create(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    content = _body(request)
    metadata = content.setdefault("metadata", {})
    if "name" not in metadata and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
    target = target._replace(name=str(metadata.get("name", "")))
    _check_name(content, target)
    if _found(cluster, target):
        resource = target.resource
        full = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
        details = {"name": target.name, "group": resource.group, "kind": resource.plural}
        raise status.ApiError(409, "AlreadyExists", f'{full} "{target.name}" already exists', details=details)
    return _kept(cluster, request, target, None, ownership.updated(None, content, _manager(request)))


def update(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    content, before = _body(request), _existing(cluster, target)
    _check_name(content, target)
    _check_version(content, before, target)
    return _kept(cluster, request, target, before, ownership.updated(before, content, _manager(request)))


def patch(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == _APPLY:
        return _apply(cluster, request, target)
    if kind not in (_MERGE, _STRATEGIC):
        text = f"the simulation takes no patch of type {kind}"
        raise status.ApiError(415, "UnsupportedMediaType", text)
    before, content = _existing(cluster, target), _body(request)
    after = fields.merge(before, content) if kind == _STRATEGIC else merged(before, content)
    _check_version(content, before, target)
    return _kept(cluster, request, target, before, ownership.updated(before, after, _manager(request)))


def _apply(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    content, before = _body(request), _found(cluster, target)
    if not request.query.get("fieldManager"):
        raise status.bad_request("fieldManager is required for apply patch")
    if (content.get("metadata") or {}).get("managedFields"):
        raise status.bad_request("metadata.managedFields must be nil")
    _check_name(content, target)
    force = request.query.get("force") in ("true", "1")
    after = ownership.applied(before, content, request.query["fieldManager"], force=force)
    return _kept(cluster, request, target, before, after)


def delete(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    """Remove an object; of a namespace, also what is in it. What it owned goes soon after."""
    before = _existing(cluster, target)
    options = json.loads(request.body) if request.body else {}
    if not (request.query.get("dryRun") or options.get("dryRun")):
        cluster.store.remove(target.resource.stored_as, target.name, namespace=target.namespace)
        if target.resource.stored_as == NAMESPACES:
            cluster.store.clear_namespace(target.name)
    details = {"name": target.name, "kind": target.resource.plural, "uid": before["metadata"]["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _body(request: Request) -> Object:
    try:
        content = yaml.safe_load(request.body)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise status.bad_request(f"error decoding: {error}") from error
    if not isinstance(content, dict):
        raise status.bad_request("the body holds no object")
    return content


def _manager(request: Request) -> str:
    return request.query.get("fieldManager") or request.headers.get("user-agent", "unknown").partition("/")[0]


def _found(cluster: KubernetesCluster, target: Target) -> Object | None:
    return cluster.store.get(target.resource.stored_as, target.name, namespace=target.namespace)


def _existing(cluster: KubernetesCluster, target: Target) -> Object:
    found = _found(cluster, target)
    if found is None:
        raise status.no_such_object(target.resource.group, target.resource.plural, target.name)
    return found


def _check_name(content: Object, target: Target) -> None:
    metadata = content.setdefault("metadata", {})
    metadata.setdefault("name", target.name)
    if target.resource.namespaced:
        metadata.setdefault("namespace", target.namespace)
    if metadata["name"] != target.name or metadata.get("namespace", target.namespace) != target.namespace:
        text = f"the name or namespace of the object ({metadata['name']}) does not match the request ({target.name})"
        raise status.bad_request(text)
    if not target.name:
        raise status.ApiError(422, "Invalid", f"{target.resource.kind} is invalid: metadata.name: Required value")


def _check_version(content: Object, before: Object, target: Target) -> None:
    wanted = (content.get("metadata") or {}).get("resourceVersion")
    if wanted and wanted != before["metadata"]["resourceVersion"]:
        text = (
            f'Operation cannot be fulfilled on {target.resource.plural} "{target.name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        raise status.ApiError(409, "Conflict", text, details={"name": target.name, "kind": target.resource.plural})


def _kept(cluster: KubernetesCluster, request: Request, target: Target, before: Object | None, after: Object) -> Object:
    """Keep the object, or tell in a dry run what it would be."""
    resource = target.resource
    after = _writable_part(before, after, resource.kind, is_status=target.is_status)
    after |= {"apiVersion": resource.api_version, "kind": resource.kind}
    if resource.stored_as == PODS:
        after.setdefault("status", {"phase": "Pending"})
    admit(cluster, resource, before, after)
    after["metadata"]["generation"] = _generation(before, after)
    if request.query.get("dryRun"):
        fresh = {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        known = before["metadata"] if before else fresh
        kept = {key: known[key] for key in ("uid", "creationTimestamp", "resourceVersion") if key in known}
        return after | {"metadata": after["metadata"] | kept}
    return cluster.store.put(resource.stored_as, after)


def _writable_part(before: Object | None, after: Object, kind: str, *, is_status: bool) -> Object:
    """Return what this request may change: the status is changed through its own path, and nothing else there."""
    if is_status and before:
        return copy.deepcopy(before) | {"status": after.get("status")}
    kept = {key: value for key, value in after.items() if key != "status"}
    if before:
        return kept | ({"status": before["status"]} if "status" in before else {})
    # What a client leaves to the server.
    return kept | ({"status": {"phase": _FIRST_PHASES[kind]}} if kind in _FIRST_PHASES else {})


def _generation(before: Object | None, after: Object) -> int:
    if before is None:
        return 1
    number = int(before["metadata"].get("generation", 1))
    return number if before.get("spec") == after.get("spec") else number + 1


def merged(live: Any, wanted: Any) -> Any:
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return wanted
    kept = {key: value for key, value in live.items() if key not in wanted}
    return kept | {key: merged(live.get(key), value) for key, value in wanted.items() if value is not None}
