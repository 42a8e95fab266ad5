# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a cluster: read in pages, applied on the server. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from .api import MANAGER, Object
from .errors import ApiError, Cause
from .kinds import POD, Kind
from .transport import (
    Access,
    Call,
    HttpTransport,
    Transport,
)

_PAGE: Final = 250
_PAUSE: Final = 1.0
# A line may have any length. The API server cuts off the end of a log that is longer than the limit.
_LINE_BYTES: Final = 4 * 1024


class KubernetesApi:
    """A cluster's API over one connection pool; requests are retried for up to `patience` seconds."""

    def __init__(
        self,
        transport: Transport,
        *,
        patience: float = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = transport.server
        self._transport = transport
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._kinds: dict[str, dict[str, Kind]] = {}

    def version(self) -> str:
        """Return the server's version."""
        return str(self._send(Call("GET", "/version", "read the version")).get("gitVersion", ""))

    def server_time(self) -> datetime | None:
        """Return the server's time of its last answer, or None if it has none."""
        try:
            return parsedate_to_datetime(self._transport.date)
        except ValueError:
            return None

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object, or None if it or its kind does not exist."""
        try:
            return self._send(Call("GET", kind.path(name, namespace=namespace), f"read {kind.kind} {name}"))
        except ApiError as error:
            if error.cause in (Cause.NOT_FOUND, Cause.NO_KIND):
                return None
            raise

    def items(self, kind: Kind, *, namespace: str = "", fields: str = "") -> Iterator[Object]:
        """Yield the objects of a kind, page by page; none if the server does not know the kind."""
        query = {"limit": str(_PAGE)} | ({"fieldSelector": fields} if fields else {})
        token = ""
        while True:
            page = self._page(kind, namespace, query | ({"continue": token} if token else {}))
            yield from page.get("items") or []
            token = str((page.get("metadata") or {}).get("continue") or "")
            if not token:
                return

    def log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """Return the last lines of a container's log, optionally of its previous run."""
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(lines * _LINE_BYTES)}
        more = {"previous": "true"} if previous else {}
        path = f"{POD.path(pod, namespace=namespace)}/log"
        return self._transport.read(Call("GET", path, f"read the log of {namespace}/{pod}", query | more))

    def _page(self, kind: Kind, namespace: str, query: Mapping[str, str]) -> Object:
        call = Call("GET", kind.path(namespace=namespace), f"list {kind.plural}", query)
        try:
            return self._send(call)
        except ApiError as error:
            if error.cause is Cause.NO_KIND:
                return {}
            if error.cause is Cause.EXPIRED and error.token:
                return self._send(call._replace(query={**query, "continue": error.token}))
            raise

    def kind_of(self, content: Mapping[str, Any]) -> Kind:
        """Return the kind with its API path for this apiVersion and kind."""
        version, name = str(content.get("apiVersion")), str(content.get("kind"))
        # A missing CRD may exist by now.
        if name not in self._kinds.get(version, {}):
            self._kinds[version] = self._known(version)
        try:
            return self._kinds[version][name]
        except KeyError:
            detail = "the server does not have this kind of object"
            raise ApiError(self.server, f"find the kind {name} of {version}", Cause.NO_KIND, detail) from None

    def _known(self, version: str) -> dict[str, Kind]:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            listed = self._send(Call("GET", root, f"read the kinds of {version}"))
        except ApiError as error:
            if error.cause is Cause.NO_KIND:
                return {}
            raise
        group, _slash, number = version.rpartition("/")
        whole = [one for one in listed.get("resources") or [] if "/" not in one["name"]]
        return {one["kind"]: Kind(group, number, one["name"], one["kind"], bool(one["namespaced"])) for one in whole}

    def apply(self, content: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Apply the object on the server and return the resulting object, or that of a dry run."""
        kind, metadata = self.kind_of(content), content["metadata"]
        query = {"fieldManager": MANAGER, "force": str(force).lower()} | ({"dryRun": "All"} if dry_run else {})
        path = kind.path(metadata["name"], namespace=metadata.get("namespace", ""))
        doing = f"apply {kind.kind} {metadata['name']}"
        # JSON is valid YAML, the one content type of server-side apply that every version supports.
        text = json.dumps(content).encode()
        return self._send(Call("PATCH", path, doing, query, text, "application/apply-patch+yaml"))

    def delete(self, kind: Kind, name: str, *, namespace: str = "", dry_run: bool = False) -> bool:
        """Delete the object and return whether it existed."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        text = json.dumps(options | ({"dryRun": ["All"]} if dry_run else {})).encode()
        try:
            self._send(Call("DELETE", kind.path(name, namespace=namespace), f"delete {kind.kind} {name}", {}, text))
        except ApiError as error:
            if error.cause in (Cause.NOT_FOUND, Cause.NO_KIND):
                return False
            raise
        return True

    def _send(self, call: Call) -> Object:
        """Return the answer, with retries: all requests are idempotent."""
        end = self._clock() + self._patience
        while True:
            try:
                return self._transport.send(call)
            except ApiError as error:
                if not error.cause.is_down or self._clock() >= end:
                    raise
            self._sleep(_PAUSE)


def connect(access: Access, *, patience: float = 0) -> KubernetesApi:
    """Return the API of the cluster that a kubeconfig names."""
    return KubernetesApi(HttpTransport(access), patience=patience)
