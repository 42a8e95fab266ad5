# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes API with canned lists on loopback: python -m bench.kubernetes_api DIRECTORY RELEASES PODS.

Writes DIRECTORY/kubeconfig, prints "ready" and serves until its input ends. It knows pages and nothing else of a list's
options; pages are made before, so that the server takes little of the processor that the clients are measured on.
"""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
HELM = "/apis/helm.toolkit.fluxcd.io/v2"
NODES = 50
# As many labels, annotations, environment and managed fields as make a pod as large as one of CozyStack's: about 5 kB.
PADDING: Object = {f"f:field-{number}": {} for number in range(120)}


def metadata(namespace: str, name: str) -> Object:
    """Return the metadata of an object, with who manages its fields."""
    managed = [{"manager": "helm-controller", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": PADDING}]
    labels = {"app.kubernetes.io/instance": namespace, "app.kubernetes.io/name": name, "pod-template-hash": "5d7b8f"}
    owners = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-5d7b8f", "uid": name}]
    reported = {"labels": labels, "ownerReferences": owners, "managedFields": managed}
    return {"namespace": namespace, "name": name, "generation": 1, **reported}


def pod(number: int) -> Object:
    """Return a pod; every tenth waits for memory and every fiftieth for an image."""
    waits = number % 10 == 0
    resources = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
    environment = [{"name": f"VARIABLE_{index}", "value": f"a value of some length {index}"} for index in range(20)]
    containers = [{"name": name, "image": "a:1", "resources": resources, "env": environment} for name in ("a", "b")]
    state: Object = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
    if number % 50 == 1:
        state = {"waiting": {"reason": "ImagePullBackOff", "message": "no match for platform in manifest: not found"}}
    statuses = [
        {"name": name, "image": "a:1", "state": state, "lastState": {}, "restartCount": 0} for name in ("a", "b")
    ]
    message = "0/50 nodes are available: 50 Insufficient memory. preemption: 0/50 nodes are available."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {
        "metadata": metadata(f"namespace-{number % 40}", f"pod-{number}"),
        "spec": {"containers": containers} | ({} if waits else {"nodeName": f"node-{number % NODES}"}),
        "status": {"phase": "Pending", "conditions": [condition]}
        if waits
        else {"phase": "Running", "containerStatuses": statuses},
    }


def release(number: int) -> Object:
    """Return a release that waits for the one before it; one in four is ready."""
    ready = {"type": "Ready", "status": "True" if number % 4 == 0 else "False", "reason": "InstallFailed"}
    needs = [{"namespace": "cozy-system", "name": f"release-{number - 1}"}] if number else []
    labels = {"cozystack.io/package": f"cozystack.package-{number}"}
    own = metadata("cozy-system", f"release-{number}" if number else "cozystack-platform")
    values = {f"value-{index}": "x" * 60 for index in range(40)}
    return {
        "metadata": own | {"labels": labels},
        "spec": {"dependsOn": needs, "values": values},
        "status": {"conditions": [ready | {"message": "context deadline exceeded"}], "installFailures": number % 3},
    }


def package(number: int) -> Object:
    """Return a package that has made one release."""
    message = "reconciliation succeeded, generated 1 helmrelease(s)"
    condition = {"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": message}
    return {"metadata": {"name": f"cozystack.package-{number}"}, "status": {"conditions": [condition]}}


def node(number: int) -> Object:
    """Return a node."""
    amounts = {"cpu": "7950m", "memory": "31000Mi", "pods": "512", "ephemeral-storage": "46Gi"}
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": f"node-{number}"}, "status": status | {"nodeInfo": {"architecture": "arm64"}}}


def deployment(namespace: str, name: str) -> Object:
    """Return a deployment whose pod is ready."""
    conditions = [{"type": "Available", "status": "True"}]
    return {
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "status": {"conditions": conditions, "readyReplicas": 1},
    }


def lists(releases: int, pods: int) -> dict[str, list[Object]]:
    """Return the objects behind each path."""
    return {
        "/api/v1/pods": [pod(number) for number in range(pods)],
        f"{HELM}/helmreleases": [release(number) for number in range(releases)],
        "/apis/cozystack.io/v1alpha1/packages": [package(number) for number in range(releases)],
        "/api/v1/nodes": [node(number) for number in range(NODES)],
    }


def single() -> dict[str, bytes]:
    """Return the answers to requests for one object."""
    places = (("cozy-system", "cozystack-operator"), ("cozy-fluxcd", "flux"))
    found = {f"/apis/apps/v1/namespaces/{space}/deployments/{name}": deployment(space, name) for space, name in places}
    answers: dict[str, Object] = {**found, "/version": {"gitVersion": "v1.33.12"}}
    return {path: json.dumps(answer).encode() for path, answer in answers.items()}


def pages(items: list[Object], limit: int) -> Iterator[bytes]:
    """Yield the pages of a list."""
    for start in range(0, len(items), limit):
        token = str(start // limit + 1) if start + limit < len(items) else ""
        head = {"kind": "List", "apiVersion": "v1", "metadata": {"continue": token, "resourceVersion": "1"}}
        yield json.dumps(head | {"items": items[start : start + limit]}).encode()


class Canned:
    """The answers, made when a page size is first asked for."""

    def __init__(self, objects: Mapping[str, list[Object]]) -> None:
        self._objects = objects
        self._single = single()
        self._pages: dict[tuple[str, int], list[bytes]] = {}

    def answer(self, target: str) -> tuple[int, bytes]:
        """Return the status and the body."""
        url = urlsplit(target)
        if url.path in self._single:
            return 200, self._single[url.path]
        if url.path not in self._objects:
            missing = {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not here", "details": {}}
            return 404, json.dumps(missing).encode()
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        limit = int(query.get("limit", "500"))
        known = self._pages.setdefault((url.path, limit), list(pages(self._objects[url.path], limit)))
        return 200, known[int(query.get("continue") or 0)]


def handler(canned: Canned) -> type[http.server.BaseHTTPRequestHandler]:
    """Return what answers requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            code, body = canned.answer(self.path)
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


def kubeconfig(address: str) -> Object:
    """Return a kubeconfig for the server."""
    return {
        **{"apiVersion": "v1", "kind": "Config", "current-context": "bench"},
        "clusters": [{"name": "bench", "cluster": {"server": address}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "users": [{"name": "bench", "user": {}}],
    }


def main() -> None:
    """Serve until the input ends."""
    directory, releases, pods = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    canned = Canned(lists(releases, pods))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(canned))
    text = json.dumps(kubeconfig(f"http://127.0.0.1:{server.server_address[1]}"))
    (directory / "kubeconfig").write_text(text, encoding="utf-8")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
