# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server-side apply of objects. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml

from .api import MANAGER, Api, Object
from .errors import ApiError, Cause

# Fields that the server adds or changes by itself.
_SERVERS_OWN: Final = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_SECRET: Final = re.compile(r"password|secret|token|credential|private.?key|auth$", re.IGNORECASE)
# The fields of a Secret that contain its data.
_CONTENTS: Final = ("data", "stringData")


class Change(NamedTuple):
    """The result for an object, or that of a dry run."""

    kind: str
    name: str
    namespace: str
    changed: bool
    before: str = ""
    after: str = ""

    def summary(self) -> dict[str, Any]:
        """Return the result without the objects themselves."""
        texts = {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {**texts, "changed": self.changed}


def is_complete(wanted: Mapping[str, Any]) -> bool:
    """Return whether an object has what names it."""
    metadata = wanted.get("metadata")
    names = [wanted.get("apiVersion"), wanted.get("kind"), isinstance(metadata, Mapping) and metadata.get("name")]
    return all(isinstance(name, str) and name for name in names)


def ensure_object(api: Api, wanted: Object, *, check_mode: bool, force: bool = False) -> Change:
    """Apply one object if the server's dry run shows a difference."""
    found = _current(api, wanted)
    would_be = _dry_run(api, wanted, force=force)
    # An object with only a name has no fields to own.
    is_taken_over = found is not None and is_ours(would_be) and not is_ours(found)
    changed = found is None or is_taken_over or without_server_fields(found) != without_server_fields(would_be)
    if changed and not check_mode:
        api.apply(wanted, force=force)
    metadata = wanted["metadata"]
    texts = (shown(found), shown(would_be)) if changed else ("", "")
    return Change(wanted["kind"], metadata["name"], metadata.get("namespace", ""), changed, *texts)


def _current(api: Api, wanted: Object) -> Object | None:
    try:
        kind = api.kind_of(wanted)
    except ApiError as error:
        if error.cause is Cause.NO_KIND:
            return None
        raise
    return api.get(kind, wanted["metadata"]["name"], namespace=wanted["metadata"].get("namespace", ""))


def _dry_run(api: Api, wanted: Object, *, force: bool) -> Object:
    """Return the resulting object; in a dry run without its namespace or CRD, the object as written."""
    try:
        return api.apply(wanted, dry_run=True, force=force)
    except ApiError as error:
        if error.cause in (Cause.NO_KIND, Cause.NOT_FOUND):
            return wanted
        raise


def is_ours(found: Mapping[str, Any]) -> bool:
    """Return whether the collection applied the object before."""
    managers = found["metadata"].get("managedFields") or []
    return any(one.get("manager") == MANAGER and one.get("operation") == "Apply" for one in managers)


def without_server_fields(found: Mapping[str, Any]) -> Object:
    """Return the object without the fields that the server adds."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in _SERVERS_OWN}
    rest = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": metadata}


def shown(found: Mapping[str, Any] | None) -> str:
    """Return the object for a diff: without server-set fields and without secrets."""
    return yaml.safe_dump(_redacted(_without_contents(without_server_fields(found))), sort_keys=True) if found else ""


def _without_contents(found: Object) -> Object:
    """Return a Secret without its data; other objects are returned unchanged."""
    if found.get("kind") != "Secret":
        return found
    return {**found, **{key: dict.fromkeys(found[key], "(redacted)") for key in _CONTENTS if found.get(key)}}


def _redacted(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _redacted(one, str(name)) for name, one in value.items()}
    if isinstance(value, list):
        return [_redacted(one, key) for one in value]
    return "(redacted)" if isinstance(value, str) and value and _SECRET.search(key) else value


def diffs(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Return the changes for --diff."""
    names = [(one, f"{one.kind} {one.namespace}/{one.name}".replace(" /", " ")) for one in changes if one.changed]
    return [
        {"before": one.before, "after": one.after, "before_header": name, "after_header": name} for one, name in names
    ]
