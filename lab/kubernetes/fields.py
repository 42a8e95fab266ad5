# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of objects and who manages them, in the form of managedFields.

https://kubernetes.io/docs/reference/using-api/server-side-apply/. Lists are of one piece, but for the well-known ones
whose items have a key; a real server reads that from the schema of each kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

Object = dict[str, Any]
Path = tuple[str, ...]
_LIST_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("containers", "initContainers", "env", "volumes", "imagePullSecrets"), ("name",)),
    **{"volumeMounts": ("mountPath",), "conditions": ("type",), "ownerReferences": ("uid",)},
    "ports": ("containerPort",),
}
_SET_BY_SERVER = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation", "namespace", "name")


def paths_of(content: Object) -> set[Path]:
    """Return the fields that the content sets; names, and what the server sets, have no owner."""
    metadata = {key: value for key, value in (content.get("metadata") or {}).items() if key not in _SET_BY_SERVER}
    rest = {key: value for key, value in content.items() if key not in ("apiVersion", "kind", "metadata")}
    return set(_leaves(rest | ({"metadata": metadata} if metadata else {}), ()))


def _leaves(value: Any, prefix: Path) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*prefix, f"f:{key}"))
    elif isinstance(value, list) and value and is_keyed(prefix, value):
        for item in value:
            yield from _leaves(item, (*prefix, item_key(prefix, item)))
    elif prefix:
        yield prefix


def is_keyed(prefix: Path, items: list[Any]) -> bool:
    keys = _LIST_KEYS.get(prefix[-1].removeprefix("f:"), ())
    return bool(keys) and all(isinstance(item, dict) and all(key in item for key in keys) for item in items)


def item_key(prefix: Path, item: Object) -> str:
    keys = _LIST_KEYS[prefix[-1].removeprefix("f:")]
    return "k:" + json.dumps({key: item[key] for key in keys}, separators=(",", ":"))


def value_at(content: Any, path: Path) -> Any:
    for depth, step in enumerate(path):
        content = _step(content, path[:depth], step)
        if content is None:
            return None
    return content


def _step(content: Any, prefix: Path, step: str) -> Any:
    if step.startswith("k:"):
        wanted = json.loads(step[2:])
        items = content if isinstance(content, list) else []
        return next((item for item in items if isinstance(item, dict) and wanted.items() <= item.items()), None)
    return content.get(step.removeprefix("f:")) if isinstance(content, dict) else None


def is_item_key(path: Path) -> bool:
    return len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:])


def remove_at(content: Any, path: Path) -> None:
    """Remove a field and the mappings that are empty without it; a mapping with fields of other managers stays."""
    parent, value = value_at(content, path[:-1]), value_at(content, path)
    if isinstance(value, dict) and value:
        return
    if isinstance(parent, dict):
        parent.pop(path[-1].removeprefix("f:"), None)
    elif isinstance(parent, list):
        parent[:] = [item for item in parent if item and item is not _step(parent, path[:-1], path[-1])]
    if parent in ({}, []) and len(path) > 1:
        remove_at(content, path[:-1])


def merge(live: Any, wanted: Any, prefix: Path = ()) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict):
        return live | {key: merge(live.get(key), value, (*prefix, f"f:{key}")) for key, value in wanted.items()}
    if isinstance(live, list) and isinstance(wanted, list) and wanted and is_keyed(prefix, wanted):
        return _merge_items(live, wanted, prefix)
    return wanted


def _merge_items(live: list[Any], wanted: list[Any], prefix: Path) -> list[Any]:
    fresh = {item_key(prefix, item): item for item in wanted}
    merged = []
    for item in live:
        key = item_key(prefix, item) if is_keyed(prefix, [item]) else ""
        merged.append(merge(item, fresh.pop(key), (*prefix, key)) if key in fresh else item)
    return [*merged, *fresh.values()]


def nested(paths: Iterable[Path]) -> Object:
    tree: Object = {}
    for path in sorted(paths):
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
    return tree


def flat(tree: Object, prefix: Path = ()) -> set[Path]:
    if not tree:
        return {prefix} if prefix else set()
    return {path for step, branch in tree.items() for path in flat(branch, (*prefix, step))}


def spelled(path: Path) -> str:
    return "".join(f".{step[2:]}" if step.startswith("f:") else f"[{_pairs(step)}]" for step in path)


def _pairs(step: str) -> str:
    return ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(step[2:]).items())
