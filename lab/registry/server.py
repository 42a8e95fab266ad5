# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated registry's server. Tests order its faults and its images over /lab/, as they order AWS's."""

from __future__ import annotations

import http.server
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from lab.registry.authenticator import Authenticator
from lab.registry.store import Store
from lab.web import WebServer

_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|tags)/(?P<wanted>[^/]+)")


class Reply(NamedTuple):
    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = {}


@dataclass
class Fault:
    """What goes wrong with the next requests whose path matches.

    Kinds: status (another status, with headers), cut (no answer), truncate, corrupt, slow (a byte in each 0.1 s).
    """

    kind: str
    match: str = ""
    count: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)


class Request(NamedTuple):
    path: str
    authorization: str


class Registry(WebServer):
    """A registry at an address; port 0 takes a free one."""

    def __init__(
        self, address: str, port: int, *, store: Store | None = None, authenticator: Authenticator | None = None
    ) -> None:
        self.store = store or Store()
        self.authenticator = authenticator or Authenticator()
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self._server = http.server.ThreadingHTTPServer((address, port), partial(_Handler, self))
        self._server.daemon_threads = True
        self.host = f"{address}:{self._server.server_address[1]}"

    def reply(self, path: str, query: str, authorization: str) -> Reply:
        if path == "/token":
            token = self.authenticator.token(authorization, query)
            return Reply(200, json.dumps({"token": token}).encode()) if token else refusal(401, "UNAUTHORIZED")
        found = _PATH.fullmatch(path)
        repository = found["repository"] if found else ""
        if not self.authenticator.allows(authorization, repository):
            challenge = self.authenticator.challenge(f"http://{self.host}", repository)
            return refusal(401, "UNAUTHORIZED")._replace(headers={"WWW-Authenticate": challenge})
        if path in ("/v2", "/v2/"):
            return Reply(200, b"{}")
        return self._content(repository, found["kind"], found["wanted"]) if found else refusal(404, "UNSUPPORTED")

    def _content(self, repository: str, kind: str, wanted: str) -> Reply:
        if kind == "tags":
            return Reply(200, json.dumps({"name": repository, "tags": self.store.tags(repository)}).encode())
        if kind == "blobs":
            blob = self.store.blobs.get((repository, wanted))
            return Reply(200, blob, "application/octet-stream") if blob is not None else refusal(404, "BLOB_UNKNOWN")
        manifest = self.store.manifest(repository, wanted)
        if manifest is None:
            return refusal(404, "MANIFEST_UNKNOWN")
        return Reply(200, manifest.body, manifest.media_type, {"Docker-Content-Digest": manifest.digest})

    def take_fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.count > 0 and re.search(fault.match, path):
                fault.count -= 1
                return fault
        return None

    def order(self, path: str, body: dict[str, Any]) -> Reply:
        """Carry out a request of a test: a fault, or an image (which moves the tag if it exists)."""
        if path == "/lab/faults":
            self.faults.append(Fault(**body))
            return Reply(200, b"{}")
        if path == "/lab/images":
            return Reply(200, json.dumps({"digest": self.store.add_image(**body).digest}).encode())
        return refusal(404, "UNSUPPORTED")


def refusal(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"errors": [{"code": code, "message": f"the simulation says {code}"}]}).encode())


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers quietly, one thread for each connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, registry: Registry, *arguments: Any) -> None:
        self.registry = registry
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path, _question, query = self.path.partition("?")
        authorization = self.headers.get("Authorization", "")
        self.registry.requests.append(Request(path, authorization))
        self._send(self.registry.reply(path, query, authorization), self.registry.take_fault(path))

    do_HEAD = do_GET  # noqa: N815  the base class's name

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(self.registry.order(self.path, json.loads(body)), None)

    def do_DELETE(self) -> None:
        self.registry.faults.clear()
        self._send(Reply(200, b"{}"), None)

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind == "cut":
            self.close_connection = True
            return
        if fault and kind == "status":
            reply = refusal(fault.status, "FAULT")._replace(headers=fault.headers)
        body = reply.body[:-1] + b"!" if kind == "corrupt" else reply.body
        self.send_response(reply.status)
        headers = {"Content-Type": reply.media_type, "Content-Length": str(len(body)), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._write(body, kind)

    def _write(self, body: bytes, kind: str) -> None:
        if self.command == "HEAD":
            return
        if kind == "truncate":
            self.close_connection = True
            body = body[: len(body) // 2]
        pieces = [body[at : at + 1] for at in range(len(body))] if kind == "slow" else [body]
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(0.1 if kind == "slow" else 0)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        pass
