# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients change: server-side apply and delete, also as a dry run."""

from __future__ import annotations

import json
import uuid

import yaml

from lab.kubernetes import ownership, status
from lab.kubernetes.admission import admit
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.discovery import Target
from lab.kubernetes.http import Request
from lab.kubernetes.kinds import NAMESPACES, PODS
from lab.kubernetes.store import Object, now

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_FIRST_PHASES = {"Pod": "Pending", "Namespace": "Active", "PersistentVolumeClaim": "Pending"}


def apply(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == _MERGE:
        return _merge(cluster, request, target)
    if kind != _APPLY:
        raise status.ApiError(415, "UnsupportedMediaType", f"the simulation takes no patch of type {kind}")
    content, before = _body(request), _found(cluster, target)
    if not request.query.get("fieldManager"):
        raise status.bad_request("fieldManager is required for apply patch")
    if (content.get("metadata") or {}).get("managedFields"):
        raise status.bad_request("metadata.managedFields must be nil")
    _check_name(content, target)
    force = request.query.get("force") in ("true", "1")
    after = ownership.applied(before, content, request.query["fieldManager"], force=force)
    return _kept(cluster, request, target, before, after)


def _merge(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    """Change the fields of an object that a JSON merge patch names."""
    before = existing(cluster, target)
    return _kept(cluster, request, target, before, _merged(before, _body(request)))


def _merged(before: Object, patch: Object) -> Object:
    after = {key: value for key, value in before.items() if patch.get(key, value) is not None}
    for key, value in patch.items():
        if value is not None:
            after[key] = _merged(before.get(key) or {}, value) if isinstance(value, dict) else value
    return after


def delete(cluster: KubernetesCluster, request: Request, target: Target) -> Object:
    """Remove an object; of a namespace, also what is in it. What it owned goes soon after."""
    before = existing(cluster, target)
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


def _found(cluster: KubernetesCluster, target: Target) -> Object | None:
    return cluster.store.get(target.resource.stored_as, target.name, namespace=target.namespace)


def existing(cluster: KubernetesCluster, target: Target) -> Object:
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


def _kept(cluster: KubernetesCluster, request: Request, target: Target, before: Object | None, after: Object) -> Object:
    """Store the object, or return it in a dry run."""
    resource = target.resource
    after = _writable_part(before, after, resource.kind)
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


def _writable_part(before: Object | None, after: Object, kind: str) -> Object:
    """Return what a request may change: the status belongs to the controllers."""
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
