# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server answers: who may ask, and discovery, objects, lists and watches."""

from __future__ import annotations

from typing import Any, NamedTuple

from lab.kubernetes import discovery, kubelet, status, write
from lab.kubernetes.cluster import KubernetesCluster
from lab.kubernetes.discovery import Resource, Target
from lab.kubernetes.http import Request, Response
from lab.kubernetes.kinds import PODS
from lab.kubernetes.selectors import selected
from lab.kubernetes.store import Filter, Object

_HEALTH = ("/healthz", "/livez", "/readyz")


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
    return Response(200, _WRITES[verb](cluster, request, target))


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
        is_log = rest[0] == "pods" and rest[2:] == ["log"]
        if is_meant and (len(rest) < 3 or is_log) and (resource.namespaced or not namespace):
            return Target(resource, namespace, rest[1] if len(rest) > 1 else "")
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
    return Response(200, _shown(target.resource, write.existing(cluster, target)))


def _number(request: Request, name: str) -> int:
    text = request.query.get(name) or "0"
    if not text.isdigit():
        raise status.bad_request(f'{name}: Invalid value: "{text}": must be a non-negative integer')
    return int(text)


def _filter(request: Request) -> Filter:
    if request.query.get("labelSelector"):
        raise status.bad_request("the simulation knows no label selectors")
    return selected(request.query.get("fieldSelector", ""))


def _list(cluster: KubernetesCluster, request: Request, target: Target) -> Response:
    resource = target.resource
    items = cluster.store.items(resource.stored_as, namespace=target.namespace, matches=_filter(request))
    page = cluster.store.page(items, limit=_number(request, "limit"), token=request.query.get("continue", ""))
    metadata: dict[str, Any] = {"resourceVersion": str(page.revision)}
    if page.continues:
        metadata |= {"continue": page.continues, "remainingItemCount": page.remaining}
    kind = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
    return Response(200, {**kind, "metadata": metadata, "items": [_shown(resource, item) for item in page.items]})


_VERBS = {"get": _get, "list": _list}
_WRITES = {"patch": write.apply, "delete": write.delete}
