# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects brought to what they should be, on the server. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml

from .api import MANAGER, Api, Object
from .errors import ApiError, Cause

# What the server adds of its own accord, and what changes without anybody's wish.
_SERVERS_OWN: Final = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_SECRET: Final = re.compile(r"password|secret|token|credential|private.?key|auth$", re.IGNORECASE)
# Where a Secret keeps what is in it.
_CONTENTS: Final = ("data", "stringData")


class Change(NamedTuple):
    """What became of an object, or would become of it."""

    kind: str
    name: str
    namespace: str
    changed: bool
    before: str = ""
    after: str = ""

    def summary(self) -> dict[str, Any]:
        """Return it without the texts."""
        texts = {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {**texts, "changed": self.changed}


def ensure_object(api: Api, wanted: Object, *, check_mode: bool, force: bool = False) -> Change:
    """Bring one object to what it should be; the server's dry run says whether anything is to be done."""
    found = _current(api, wanted)
    would_be = _dry_run(api, wanted, force=force)
    # An object of a name alone has no fields that could be anybody's.
    is_taken_over = found is not None and is_ours(would_be) and not is_ours(found)
    changed = found is None or is_taken_over or essence(found) != essence(would_be)
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
    """Return what the object would be; what it waits for is not there in a dry run, so then it is as we wrote it."""
    try:
        return api.apply(wanted, dry_run=True, force=force)
    except ApiError as error:
        if error.cause in (Cause.NO_KIND, Cause.NOT_FOUND):
            return wanted
        raise


def is_ours(found: Mapping[str, Any]) -> bool:
    """Tell whether we have applied the object before."""
    managers = found["metadata"].get("managedFields") or []
    return any(one.get("manager") == MANAGER and one.get("operation") == "Apply" for one in managers)


def essence(found: Mapping[str, Any]) -> Object:
    """Return the object without what the server adds."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in _SERVERS_OWN}
    rest = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": metadata}


def shown(found: Mapping[str, Any] | None) -> str:
    """Return the object as a diff shows it: without what the server adds, and without secrets."""
    return yaml.safe_dump(_redacted(_without_contents(essence(found))), sort_keys=True) if found else ""


def _without_contents(found: Object) -> Object:
    """Return a Secret without what is in it, whatever its keys are called; any other object as it is."""
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
    """Return what --diff shows of the changes."""
    names = [(one, f"{one.kind} {one.namespace}/{one.name}".replace(" /", " ")) for one in changes if one.changed]
    return [
        {"before": one.before, "after": one.after, "before_header": name, "after_header": name} for one, name in names
    ]
