# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server answers: who may ask, and discovery, objects, lists and watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from lab.kubernetes import discovery, kubelet, status, write
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.discovery import Resource, Target
from lab.kubernetes.http import Request, Response
from lab.kubernetes.kinds import PODS
from lab.kubernetes.selectors import selected
from lab.kubernetes.store import Event, Filter, Object

_HEALTH = ("/healthz", "/livez", "/readyz")
_WATCH_LIMIT = 300.0
_TICK = 0.1


class User(NamedTuple):
    name: str
    groups: frozenset[str]

    @property
    def is_admin(self) -> bool:
        return "system:masters" in self.groups


async def answer(cluster: KubernetesCluster, request: Request, user: User | None) -> Response:
    try:
        if user is None:
            raise status.ApiError(401, "Unauthorized", "Unauthorized")
        return _answer(cluster, request, user)
    except status.ApiError as error:
        return Response(error.code, error.status())


def _answer(cluster: KubernetesCluster, request: Request, user: User) -> Response:
    path = request.path.rstrip("/") or "/"
    if path in _HEALTH:
        return Response(200, "ok")
    reported = _discovered(cluster, path)
    if reported is not None:
        return Response(200, reported)
    target = _target(cluster, path)
    if target is None:
        return Response(404, "404 page not found\n")
    verb = _verb(request, target)
    _authorize(user, verb, target)
    if verb == "get" and path.endswith(f"/{target.name}/log"):
        pod = cluster.store.look(PODS, target.name, namespace=target.namespace)
        return Response(200, kubelet.log_of(cluster, pod, request.query.get("container", "")) if pod else "")
    if verb in _VERBS:
        return _VERBS[verb](cluster, request, target)
    if verb not in _WRITES:
        raise status.ApiError(405, "MethodNotAllowed", f"the simulation knows no {verb}", details={})
    written = _WRITES[verb](cluster, request, target)
    return Response(201 if verb == "create" else 200, written)


def _discovered(cluster: KubernetesCluster, path: str) -> dict[str, Any] | None:
    if path == "/version":
        return discovery.version_info(cluster.version)
    if path == "/api":
        return discovery.core_versions(cluster.endpoint)
    if path == "/apis":
        return discovery.group_list(cluster.resources)
    parts = path.split("/")[1:]
    if parts[0] == "api" and len(parts) == 2:
        return discovery.resource_list("", parts[1], cluster.resources)
    if parts[0] == "apis" and len(parts) == 3:
        return discovery.resource_list(parts[1], parts[2], cluster.resources)
    return None


def _target(cluster: KubernetesCluster, path: str) -> Target | None:
    parts = path.split("/")[1:]
    group = "" if parts[0] == "api" else parts.pop(1) if parts[0] == "apis" and len(parts) > 2 else None
    if group is None or len(parts) < 3:
        return None
    version, rest = parts[1], parts[2:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    if discovery.resource_list(group, version, cluster.resources) is None:
        return None
    for resource in cluster.resources:
        is_meant = (resource.group, resource.version, resource.plural) == (group, version, rest[0])
        is_status = rest[2:] == ["status"]
        is_log = rest[0] == "pods" and rest[2:] == ["log"]
        if is_meant and (len(rest) < 3 or is_status or is_log) and (resource.namespaced or not namespace):
            return Target(resource, namespace, rest[1] if len(rest) > 1 else "", is_status)
    raise status.ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def _verb(request: Request, target: Target) -> str:
    if request.method == "GET":
        if request.query.get("watch") in ("1", "true", "True", ""):
            return "watch"
        return "get" if target.name else "list"
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    return verbs.get(request.method, request.method.lower())


def _authorize(user: User, verb: str, target: Target) -> None:
    if user.is_admin:
        return
    resource, name = target.resource, f' "{target.name}"' if target.name else ""
    full = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    text = (
        f'{full}{name} is forbidden: User "{user.name}" cannot {verb} resource "{resource.plural}" '
        f'in API group "{resource.group}" {where}'
    )
    details = ({"name": target.name} if target.name else {}) | {"kind": resource.plural}
    raise status.ApiError(403, "Forbidden", text, details=details)


def _shown(resource: Resource, item: Object) -> Object:
    return {"kind": resource.kind, "apiVersion": resource.api_version, **item}


def _get(cluster: KubernetesCluster, _: Request, target: Target) -> Response:
    item = cluster.store.get(target.resource.stored_as, target.name, namespace=target.namespace)
    if item is None:
        raise status.no_such_object(target.resource.group, target.resource.plural, target.name)
    return Response(200, _shown(target.resource, item))


def _number(request: Request, name: str) -> int:
    text = request.query.get(name) or "0"
    if not text.isdigit():
        raise status.bad_request(f'{name}: Invalid value: "{text}": must be a non-negative integer')
    return int(text)


def _filter(request: Request, target: Target) -> Filter:
    fields = request.query.get("fieldSelector", "")
    if target.name:
        fields = f"{fields},metadata.name={target.name}"
    return selected(request.query.get("labelSelector", ""), fields)


def _list(cluster: KubernetesCluster, request: Request, target: Target) -> Response:
    resource = target.resource
    matches = _filter(request, target)
    items = cluster.store.items(resource.stored_as, namespace=target.namespace, matches=matches)
    page = cluster.store.page(items, limit=_number(request, "limit"), token=request.query.get("continue", ""))
    metadata: dict[str, Any] = {"resourceVersion": str(page.revision)}
    if page.continues:
        metadata |= {"continue": page.continues, "remainingItemCount": page.remaining}
    kind = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
    return Response(200, {**kind, "metadata": metadata, "items": [_shown(resource, item) for item in page.items]})


def _watch(cluster: KubernetesCluster, request: Request, target: Target) -> Response:
    seconds = min(_number(request, "timeoutSeconds") or _WATCH_LIMIT, _WATCH_LIMIT)
    return Response(
        200, _events(cluster, target, _filter(request, target), _number(request, "resourceVersion"), seconds)
    )


async def _events(
    cluster: KubernetesCluster, target: Target, matches: Filter, since: int, seconds: float
) -> AsyncIterator[dict[str, Any]]:
    """Yield what happens to the objects, first what there is if the client knows of nothing yet."""
    resource, store = target.resource, cluster.store
    if not since:
        since = store.revision
        for item in store.items(resource.stored_as, namespace=target.namespace, matches=matches):
            yield {"type": "ADDED", "object": _shown(resource, item)}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cluster.reconcile()
        try:
            found = store.events(resource.stored_as, since=since)
        except status.ApiError as error:
            yield {"type": "ERROR", "object": error.status()}
            return
        for event in found:
            since = event.revision
            seen = _seen(event, target.namespace, matches)
            if seen:
                yield {"type": seen, "object": _shown(resource, event.content)}
        await asyncio.sleep(_TICK)


def _seen(event: Event, namespace: str, matches: Filter) -> str:
    """Return what the event is for a client that looks at some objects only: they come and go by their labels too."""
    if namespace not in ("", event.content["metadata"].get("namespace", "")):
        return ""
    is_meant = matches(event.content)
    was_meant = event.before is not None and matches(event.before)
    if event.type == "DELETED" or not is_meant:
        return "DELETED" if was_meant else ""
    return "MODIFIED" if was_meant else "ADDED"


_VERBS = {"get": _get, "list": _list, "watch": _watch}
_WRITES = {"create": write.create, "update": write.update, "patch": write.patch, "delete": write.delete}
