# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply, and the record of who has set which field."""

from __future__ import annotations

import copy
from typing import Any

from lab.kubernetes import fields
from lab.kubernetes.fields import Path
from lab.kubernetes.status import ApiError
from lab.kubernetes.store import Object, now


def applied(live: Object | None, wanted: Object, manager: str, *, force: bool) -> Object:
    """Return the object with the wanted fields, without those that the manager no longer wants."""
    paths = fields.paths_of(wanted)
    after = copy.deepcopy(live or {"metadata": {}})
    others = _others(after, manager)
    taken = _taken(after, wanted, paths, others)
    if taken and not force:
        raise conflict(taken)
    before = _owned(after, manager)
    held = {path for _, theirs in others for path in theirs}
    # The keys that identify an item are removed last.
    for path in sorted(before - paths - held, key=fields.is_item_key):
        fields.remove_at(after, path)
    after = fields.merge(after, copy.deepcopy(wanted))
    lost = {path for _, path in taken}
    return _recorded(after, manager, paths, lost=lost, version=str(wanted.get("apiVersion")))


def conflict(taken: list[tuple[str, Path]]) -> ApiError:
    """Return the server's refusal to take over fields of other managers that apply."""
    managers = sorted({manager for manager, _ in taken})
    lines = []
    for manager in managers:
        own = sorted(fields.spelled(path) for other, path in taken if other == manager)
        several = "s" if len(own) > 1 else ""
        listed = f": {own[0]}" if not several else ":\n" + "\n".join(f"- {one}" for one in own)
        lines.append(f'conflict{several} with "{manager}"{listed}')
    text = f"Apply failed with {len(taken)} conflict{'s' if len(taken) > 1 else ''}: " + "\n".join(lines)
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"', "field": fields.spelled(path)}
        for manager, path in taken
    ]
    return ApiError(409, "Conflict", text, details={"causes": causes})


def _entries(content: Object) -> list[Object]:
    return list(content["metadata"].get("managedFields") or [])


def _others(content: Object, manager: str) -> list[tuple[str, set[Path]]]:
    entries = [one for one in _entries(content) if one["manager"] != manager]
    return [(one["manager"], fields.flat(one["fieldsV1"])) for one in entries]


def _owned(content: Object, manager: str) -> set[Path]:
    return set().union(*(fields.flat(one["fieldsV1"]) for one in _entries(content) if one["manager"] == manager))


def _taken(
    live: Object, wanted: Object, paths: set[Path], others: list[tuple[str, set[Path]]]
) -> list[tuple[str, Path]]:
    """Return the fields of other managers that would get another value."""
    return [
        (manager, path)
        for manager, theirs in others
        for path in sorted(theirs & paths)
        if _differs(fields.value_at(live, path), fields.value_at(wanted, path))
    ]


def _differs(live: Any, wanted: Any) -> bool:
    """Return whether one value would replace the other; an empty mapping goes with any."""
    return bool(live != wanted and not (isinstance(live, dict) and wanted == {}))


def _recorded(content: Object, manager: str, paths: set[Path], *, lost: set[Path], version: str) -> Object:
    """Return the object with the record of who manages what; an entry that stays as it was keeps its time."""
    kept: list[Any] = []
    for one in _entries(content):
        left = fields.flat(one["fieldsV1"]) - lost
        if one["manager"] != manager and left:
            kept.append(one | {"fieldsV1": fields.nested(left)})
    own: Object = {"manager": manager, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1"}
    own |= {"fieldsV1": fields.nested(paths)}
    before = next((one for one in _entries(content) if own.items() <= one.items()), None)
    mine = [before or own | {"time": now()}] if paths else []
    content["metadata"]["managedFields"] = sorted([*kept, *mine], key=lambda one: (one["time"], one["manager"]))
    return content
