# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply, and the record of who has set which field."""

from __future__ import annotations

import copy
from typing import Any

from lab.kubernetes import fields
from lab.kubernetes.fields import Path
from lab.kubernetes.status import ApiError
from lab.kubernetes.store import Object, now

_MODE = {True: "Apply", False: "Update"}


def applied(live: Object | None, wanted: Object, manager: str, *, force: bool) -> Object:
    """Return the object with the wanted fields, without those that the manager no longer wants."""
    paths = fields.paths_of(wanted)
    after = copy.deepcopy(live or {"metadata": {}})
    others = _others(after, manager, applies=True)
    taken = _taken(after, wanted, paths, others)
    if taken and not force:
        raise conflict(taken, str(wanted.get("apiVersion")))
    before = _owned(after, manager, applies=True)
    held = {path for _, _, theirs in others for path in theirs}
    # What tells an item from the others goes last.
    for path in sorted(before - paths - held, key=fields.is_item_key):
        fields.remove_at(after, path)
    after = fields.merge(after, copy.deepcopy(wanted))
    lost = {path for _, path in taken}
    return _recorded(after, manager, paths, lost=lost, applies=True, version=str(wanted.get("apiVersion")))


def updated(live: Object | None, after: Object, manager: str) -> Object:
    """Return the object as it was written, with the record of what the manager has changed in it."""
    before = live or {"metadata": {}}
    after = copy.deepcopy(after)
    after["metadata"]["managedFields"] = copy.deepcopy(before["metadata"].get("managedFields") or [])
    paths = fields.paths_of(after)
    changed = {path for path in paths if fields.value_at(before, path) != fields.value_at(after, path)}
    gone = fields.paths_of(before) - paths
    own = (_owned(after, manager, applies=False) | changed) - gone
    version = str(after.get("apiVersion"))
    return _recorded(after, manager, own, lost=changed | gone, applies=False, version=version)


def conflict(taken: list[tuple[str, Path]], version: str) -> ApiError:
    """Return the refusal to take fields of others, as the server words it."""
    managers = sorted({manager for manager, _ in taken})
    lines = []
    for manager in managers:
        own = sorted(fields.spelled(path) for other, path in taken if other == manager)
        several = "s" if len(own) > 1 else ""
        listed = f": {own[0]}" if not several else ":\n" + "\n".join(f"- {one}" for one in own)
        lines.append(f'conflict{several} with "{manager}" using {version}{listed}')
    text = f"Apply failed with {len(taken)} conflict{'s' if len(taken) > 1 else ''}: " + "\n".join(lines)
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"', "field": fields.spelled(path)}
        for manager, path in taken
    ]
    return ApiError(409, "Conflict", text, details={"causes": causes})


def _entries(content: Object) -> list[Object]:
    return list(content["metadata"].get("managedFields") or [])


def _others(content: Object, manager: str, *, applies: bool) -> list[tuple[str, str, set[Path]]]:
    return [
        (one["manager"], one["operation"], fields.flat(one["fieldsV1"]))
        for one in _entries(content)
        if (one["manager"], one["operation"]) != (manager, _MODE[applies])
    ]


def _owned(content: Object, manager: str, *, applies: bool) -> set[Path]:
    mine = (manager, _MODE[applies])
    found = [fields.flat(one["fieldsV1"]) for one in _entries(content) if (one["manager"], one["operation"]) == mine]
    return set().union(*found)


def _taken(
    live: Object, wanted: Object, paths: set[Path], others: list[tuple[str, str, set[Path]]]
) -> list[tuple[str, Path]]:
    """Return the fields that others manage and that would get another value."""
    return [
        (manager, path)
        for manager, _, theirs in others
        for path in sorted(theirs & paths)
        if _differs(fields.value_at(live, path), fields.value_at(wanted, path))
    ]


def _differs(live: Any, wanted: Any) -> bool:
    """Tell whether one value would replace the other; an empty mapping goes with any."""
    return bool(live != wanted and not (isinstance(live, dict) and wanted == {}))


def _recorded(
    content: Object, manager: str, paths: set[Path], *, lost: set[Path], applies: bool, version: str
) -> Object:
    """Return the object with the record of who manages what; an entry that stays as it was keeps its time."""
    kept: list[Any] = []
    for one in _entries(content):
        if (one["manager"], one["operation"]) == (manager, _MODE[applies]):
            continue
        left = fields.flat(one["fieldsV1"]) - lost
        if left:
            kept.append(one | {"fieldsV1": fields.nested(left)})
    own: Object = {"manager": manager, "operation": _MODE[applies], "apiVersion": version, "fieldsType": "FieldsV1"}
    own |= {"fieldsV1": fields.nested(paths)}
    before = next((one for one in _entries(content) if own.items() <= one.items()), None)
    mine = [before or own | {"time": now()}] if paths else []
    # As the server sorts them: who applies comes first.
    entries = sorted([*kept, *mine], key=lambda one: (one["operation"] != "Apply", one["time"]))
    content["metadata"]["managedFields"] = entries
    return content
