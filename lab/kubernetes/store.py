# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of one cluster, with the versions, pages and events that clients see of them."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lab.kubernetes.status import bad_request

Object = dict[str, Any]
Filter = Callable[[Object], bool]


class Kind(NamedTuple):
    """Where objects of a kind are kept; their version is a matter of how they are shown."""

    group: str
    plural: str


class Page(NamedTuple):
    items: list[Object]
    revision: int
    continues: str
    remaining: int


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def copied(value: Any) -> Any:
    """Return a copy of what JSON holds; several times quicker than a copy of anything at all."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


class Store:
    def __init__(self) -> None:
        self.revision = 1
        self._objects: dict[Kind, dict[tuple[str, str], Object]] = {}

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        return copied(self._objects.get(kind, {}).get((namespace, name)))

    def look(self, kind: Kind, name: str, *, namespace: str = "") -> Object | None:
        """Return the object itself, or None, for callers that only read it."""
        return self._objects.get(kind, {}).get((namespace, name))

    def peek(self, kind: Kind) -> list[Object]:
        """Return the objects of a kind themselves, in order, for callers that only read them."""
        return [item for _, item in sorted(self._objects.get(kind, {}).items())]

    def items(self, kind: Kind, *, namespace: str = "", matches: Filter | None = None) -> list[Object]:
        """Return copies of the objects of a kind, in order; of all namespaces if none is named."""
        found = sorted(self._objects.get(kind, {}).items())
        chosen = [item for (where, _), item in found if namespace in ("", where)]
        return [copied(item) for item in chosen if matches is None or matches(item)]

    def page(self, items: Sequence[Object], *, limit: int, token: str) -> Page:
        after = _unpacked(token) if token else ("", "")
        rest = [item for item in items if _position(item) > after]
        shown = rest[:limit] if limit else rest
        remaining = len(rest) - len(shown)
        token = base64.urlsafe_b64encode(json.dumps(_position(shown[-1])).encode()).decode() if remaining else ""
        return Page(list(shown), self.revision, token, remaining)

    def put(self, kind: Kind, content: Object) -> Object:
        """Store the object; an unchanged one keeps its version, and watchers get no event."""
        key = _position(content)
        before = self._objects.get(kind, {}).get(key)
        metadata = _kept_metadata(before) if before else {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        after = copied(content)
        after["metadata"] |= metadata
        if after == before:
            return after
        self.revision += 1
        after["metadata"]["resourceVersion"] = str(self.revision)
        self._objects.setdefault(kind, {})[key] = after
        return copied(after)

    def remove(self, kind: Kind, name: str, *, namespace: str = "") -> None:
        if self._objects.get(kind, {}).pop((namespace, name), None):
            self.revision += 1

    def clear_namespace(self, namespace: str) -> None:
        for kind, objects in list(self._objects.items()):
            for where, name in list(objects):
                if where == namespace:
                    self.remove(kind, name, namespace=where)

    def kinds(self) -> list[Kind]:
        return [kind for kind, objects in self._objects.items() if objects]


def _position(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _kept_metadata(before: Object) -> Object:
    return {key: before["metadata"][key] for key in ("uid", "creationTimestamp", "resourceVersion")}


def _unpacked(token: str) -> tuple[str, str]:
    try:
        namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError) as error:
        raise bad_request("continue key is not valid") from error
    return str(namespace), str(name)
