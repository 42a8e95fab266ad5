# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contexts of a kubeconfig, with their clusters and users. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

KINDS = {"clusters": "cluster", "users": "user", "contexts": "context"}


class Entry(NamedTuple):
    """One context of a kubeconfig, with its cluster and user."""

    name: str
    context: dict[str, Any]
    cluster: dict[str, Any]
    user: dict[str, Any]

    @property
    def server(self) -> str:
        """Return the URL of the API."""
        return str(self.cluster.get("server", ""))

    @property
    def names(self) -> dict[str, str]:
        """Return the names of context, cluster and user: a new context uses one name for all."""
        used = {kind: str(self.context.get(KINDS[kind]) or self.name) for kind in ("clusters", "users")}
        return {**used, "contexts": self.name}


def entry_of(document: Mapping[str, Any], name: str | None = None) -> Entry:
    """Return the context with the name, or the current one, with its existing entries."""
    name = str(name or document.get("current-context"))
    found = Entry(name, _named(document, "contexts", name), {}, {})
    cluster, user = (_named(document, kind, found.names[kind]) for kind in ("clusters", "users"))
    return found._replace(cluster=cluster, user=user)


def _named(document: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    found = [item for item in document.get(kind) or [] if str(item["name"]) == name]
    return dict(found[0].get(KINDS[kind]) or {}) if found else {}


def merged(document: Mapping[str, Any], kept: Entry, wanted: Entry) -> dict[str, Any]:
    """Return the kubeconfig with the updated context; other entries and user settings in the context stay."""
    names = kept.names
    context = {**wanted.context, **kept.context, "cluster": names["clusters"], "user": names["users"]}
    new = {
        "clusters": {**kept.cluster, **wanted.cluster},
        "users": {**kept.user, **wanted.user},
        "contexts": context,
    }
    result = dict(document) or {"apiVersion": "v1", "kind": "Config", "preferences": {}}
    for kind, inner in KINDS.items():
        result[kind] = _with(result.get(kind) or [], {"name": names[kind], inner: new[kind]})
    result["current-context"] = document.get("current-context") or wanted.name
    return result


def _with(items: list[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Return entries with one replaced by name, or appended."""
    places = [index for index, item in enumerate(items) if str(item["name"]) == new["name"]]
    first = places[0] if places else len(items)
    old = items[first] if places else {}
    return [*items[:first], {**old, **new}, *(item for item in items[first:] if str(item["name"]) != new["name"])]
