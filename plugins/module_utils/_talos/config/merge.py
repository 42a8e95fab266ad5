# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategic-merge patches, merged as Talos merges them. Private to urmanac.talos: may change at any time.

The rules are those of pkg/machinery/config/merge and pkg/machinery/config/configpatcher in siderolabs/talos; the tests
name the rule behind each case. Documents are plain dictionaries; schema.py says which lists have keys or are replaced.
Rules has what differs between the versions of Talos. Five things are not followed: JSON patches are refused, an empty
patch changes nothing, a second patch never deletes again what a first one deleted, a selector in CEL stays when a
patch of its document does not name it, and a deletion below what does not exist is always refused.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..._errors import InputError
from ..files import yaml_text
from . import schema
from .redact import redact

Document = dict[str, Any]

_MACHINE_KEYS = frozenset({"version", "machine", "cluster", "debug", "persist"})
_PATCH = "$patch"
_FORMS = {
    **dict.fromkeys(("struct", "map", "args"), "a mapping"),
    **dict.fromkeys(("scalar", "text", "number"), "one value"),
    "list": "a list",
}
# Certificates and keys: Talos reads each as a whole, so that a patch of one part empties the other.
_WHOLE = frozenset({"Pair", "Certificate", "Key"})
_ZERO_DURATION = re.compile(r"[-+]?(?:0+(?:\.0*)?(?:ns|us|µs|ms|s|m|h))+")
_TYPES: dict[type, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a decimal number"}


class Rules(NamedTuple):
    """Differences between the versions of Talos."""

    # v1.14: documents of a patch may repeat, and each is merged into the result of those before it.
    takes_repetitions: bool
    # v1.14: $patch: delete does nothing in a document that does not exist.
    skips_missing: bool
    # v1.12: 0 replaces a number in fields where Talos distinguishes 0 from an absent value.
    zero_replaces: bool
    # v1.13: an empty argument of a program replaces one that is there.
    empty_argument_replaces: bool


class Patch(NamedTuple):
    """A patch as given: text or parsed document(s), and its name in messages."""

    name: str
    content: Any


class _Deletion(NamedTuple):
    """One C($patch: delete): its path, and for a list element the field and value that select it."""

    path: tuple[str, ...]
    key: str = ""
    value: str = ""


class _RefusalError(Exception):
    """A problem of a patch with its path; apply_patches adds the patch's name."""

    def __init__(self, path: Iterable[str], cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.path = ".".join(path) or "the document itself"
        self.remedy = remedy


def rules_of(release: tuple[int, int]) -> Rules:
    """Return the rules of a release of Talos, given as major and minor version."""
    return Rules(release >= (1, 14), release >= (1, 14), release >= (1, 12), release >= (1, 13))


def apply_patches(
    documents: Iterable[Document], patches: Iterable[Patch], release: tuple[int, int] = (1, 13)
) -> list[Document]:
    """Return copies of the documents with all patches merged in the given order, by the rules of the release."""
    merged, rules = [copy.deepcopy(document) for document in documents], rules_of(release)
    for patch in patches:
        try:
            merged = _apply(merged, _steps(_documents_of(patch), rules), rules)
        except _RefusalError as refusal:
            raise InputError(
                f"Failed to apply the patch {patch.name} at {refusal.path}: {refusal}. {refusal.remedy}",
                code="PATCH_INVALID",
            ) from refusal
    return merged


def identity(document: Document) -> tuple[str, str, str]:
    """Return the identity of a document: API version, kind and name."""
    if "kind" not in document and "apiVersion" not in document:
        return ("", "v1alpha1", "")
    return (str(document.get("apiVersion", "")), str(document.get("kind", "")), str(document.get("name") or ""))


def label(document: Document) -> str:
    """Return the name of a document in messages."""
    _version, kind, name = identity(document)
    return "the machine configuration" if kind == "v1alpha1" else f"{kind} {name}".strip()


def _documents_of(patch: Patch) -> list[Document]:
    content = patch.content
    if isinstance(content, str):
        try:
            content = yaml_text.load_all(content)
        except InputError as error:
            raise InputError(f"Failed to read the patch {patch.name}: {error}", code="PATCH_INVALID") from error
    documents = content if isinstance(content, list) else [content]
    if len(documents) == 1 and isinstance(documents[0], list):
        documents = documents[0]
    # A file with only comments contains no document.
    documents = [document for document in documents if document is not None]
    for document in documents:
        _check_document(document)
    return [copy.deepcopy(document) for document in documents]


def _check_document(document: Any) -> None:
    if not isinstance(document, dict):
        raise _RefusalError((), "it is not a mapping", "Write it as a YAML mapping such as machine: {sysctls: {...}}.")
    if {"op", "path"} <= document.keys():
        raise _RefusalError(
            (), "it is a JSON patch", "Write it as a strategic-merge patch: only the fields to change, at their paths."
        )
    if ("kind" in document) != ("apiVersion" in document):
        missing = "apiVersion" if "kind" in document else "kind"
        raise _RefusalError((), f"it has no {missing}", f"Add {missing}; most documents have apiVersion: v1alpha1.")
    if set(document) == {"version"}:
        raise _RefusalError((), "it has only a version, which changes nothing", "Add machine or cluster, or remove it.")
    unknown = sorted(str(key) for key in document.keys() - _MACHINE_KEYS - {_PATCH})
    if "kind" not in document and unknown:
        raise _RefusalError(
            unknown[:1],
            "Talos does not have this field",
            "A machine configuration has machine and cluster; other documents need kind.",
        )


class _Step(NamedTuple):
    """One document of a patch: its deletions, and the remaining part to merge, if any."""

    identified: tuple[str, str, str]
    label: str
    deletions: list[_Deletion]
    content: Document | None


def _steps(patch: list[Document], rules: Rules) -> list[_Step]:
    steps = []
    for document in patch:
        identified, name = identity(document), label(document)
        deletions = list(_take_deletions(document))
        steps.append(_Step(identified, name, deletions, None if _is_emptied(document, deletions) else document))
    if not rules.takes_repetitions:
        _check_repetitions(step for step in steps if step.content is not None)
    return steps


def _check_repetitions(steps: Iterable[_Step]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for step in steps:
        if step.identified in seen:
            raise _RefusalError((), f"it contains {step.label} twice", "Merge the two documents.")
        seen.add(step.identified)


def _apply(documents: list[Document], steps: list[_Step], rules: Rules) -> list[Document]:
    # Up to v1.13, later documents of a patch are not merged into a document that the patch itself adds.
    added: set[tuple[str, str, str]] = set()
    for step in steps:
        for deletion in step.deletions:
            documents = _delete(documents, step, deletion, added, rules)
        if step.content is not None:
            if not rules.takes_repetitions and _find_document(documents, step.identified) is None:
                added.add(step.identified)
            documents = _merge_document(documents, step.identified, step.content, rules)
    return documents


def _find_document(documents: list[Document], identified: tuple[str, str, str]) -> Document | None:
    return next((document for document in documents if identity(document) == identified), None)


def _delete(
    documents: list[Document], step: _Step, deletion: _Deletion, added: set[tuple[str, str, str]], rules: Rules
) -> list[Document]:
    left = None if step.identified in added else _find_document(documents, step.identified)
    if left is None:
        if rules.skips_missing:
            return documents
        raise _RefusalError(deletion.path, f"{step.label} does not exist", "Remove $patch: delete.")
    if deletion.path:
        _delete_at(left, schema.root(str(left.get("kind", ""))), deletion, deletion.path)
        return documents
    if step.identified[1] == "v1alpha1":
        raise _RefusalError((), "the machine configuration itself cannot be deleted", "Delete fields of it.")
    return [document for document in documents if document is not left]


def _is_emptied(document: Document, deletions: list[_Deletion]) -> bool:
    """Return whether a document consisted of deletions only; one with kind and name remains."""
    return _Deletion(()) in deletions or (bool(deletions) and not document)


def _merge_document(
    documents: list[Document], identified: tuple[str, str, str], right: Document, rules: Rules
) -> list[Document]:
    root = schema.root(str(right.get("kind", "")))
    left = _find_document(documents, identified)
    if left is not None:
        _merge_structure(left, right, _Place(root, (), rules))
        return documents
    _check_fields(right, root, ())
    return [*documents, _normal(right, root)]


# --- deletions ---


def _take_deletions(document: Document) -> Iterator[_Deletion]:
    """Remove every C($patch: delete) from a patch and yield its deletion."""
    if document.get(_PATCH) == "delete":
        for key in [key for key in document if key not in ("kind", "apiVersion", "name")]:
            del document[key]
        yield _Deletion(())
        return
    yield from _take_from_mapping(document, ())


def _take_from_mapping(mapping: dict[str, Any], path: tuple[str, ...]) -> Iterator[_Deletion]:
    for key in list(mapping):
        value, inner = mapping[key], (*path, str(key))
        if isinstance(value, dict) and value.get(_PATCH) == "delete":
            if any(part.startswith("[") for part in inner):
                raise _RefusalError(
                    inner, "a field inside a list element cannot be deleted", "Delete the element and add it again."
                )
            del mapping[key]
            yield _Deletion(inner)
        elif isinstance(value, dict | list) and value:
            yield from _take_from_mapping(value, inner) if isinstance(value, dict) else _take_from_list(value, inner)
            # A parent with deletions only must not create or replace anything.
            if len(value) == 0:
                del mapping[key]


def _take_from_list(elements: list[Any], path: tuple[str, ...]) -> Iterator[_Deletion]:
    for position, item in enumerate(list(elements)):
        inner = (*path, f"[{position}]")
        if isinstance(item, dict) and item.get(_PATCH) == "delete":
            named = [(key, value) for key, value in item.items() if key != _PATCH]
            if not named:
                raise _RefusalError(
                    inner, "it does not select an element", "Add a field that selects it, such as interface: eth0."
                )
            elements[:] = [element for element in elements if element is not item]
            yield _Deletion(inner, str(named[0][0]), yaml_text.text_of(named[0][1]))
        elif isinstance(item, dict):
            yield from _take_from_mapping(item, inner)


def _delete_at(left: Any, field: schema.Field, deletion: _Deletion, path: tuple[str, ...]) -> None:
    head, rest = path[0], path[1:]
    if head.startswith("["):
        _delete_element(left, deletion)
        return
    inner = _inner(field, head)
    if field.form == "struct" and field.of in _WHOLE:
        raise _RefusalError(
            deletion.path,
            "a part of a certificate or key cannot be deleted, because Talos reads it as a whole",
            "Delete the field that contains it, or set all of its parts.",
        )
    if not isinstance(left, dict) or (inner is None and head not in left):
        raise _RefusalError(deletion.path, "there is nothing to delete", "Remove $patch: delete or correct its path.")
    if not rest:
        left.pop(head, None)
        return
    _delete_at(left.get(head), inner or schema.FREE, deletion, rest)


def _delete_element(left: Any, deletion: _Deletion) -> None:
    for position, item in enumerate(left if isinstance(left, list) else []):
        if isinstance(item, dict) and deletion.key in item and yaml_text.text_of(item[deletion.key]) == deletion.value:
            del left[position]
            return
    named = f"{deletion.key}: {deletion.value}"
    # The value could be file content, so only names are shown.
    is_name = re.fullmatch(r"[\w./:-]{1,80}", deletion.value) and redact(named) == named
    cause = f"no element has {named}" if is_name else f"no element has this {deletion.key}"
    raise _RefusalError(deletion.path, cause, "The first field must have the same value as in the element to delete.")


# --- merging ---


def _inner(field: schema.Field, key: str) -> schema.Field | None:
    """Return the description of a field of a structure, or None if any key is allowed or the structure is unknown."""
    if field.form == "struct":
        return (schema.structure(field.of) or {}).get(key)
    return None


class _Place(NamedTuple):
    """The place where two values are merged: its description, its path, and the rules."""

    field: schema.Field
    path: tuple[str, ...]
    rules: Rules

    def below(self, field: schema.Field, key: str) -> _Place:
        """Return the place of a field or an element."""
        return _Place(field, (*self.path, key), self.rules)


def _merge_structure(left: dict[str, Any], right: dict[str, Any], place: _Place) -> None:
    _check_keys(right, place.field, place.path)
    for key, value in right.items():
        inner = _inner(place.field, key) or schema.element(place.field)
        left[key] = _merged(left.get(key), value, place.below(inner, str(key)))


def _merged(left: Any, right: Any, place: _Place) -> Any:
    field, path = place.field, place.path
    if right is None:
        return left
    _check_form(right, field, path)
    if left is not None and field.replaced and field.form == "any" and right == {}:
        return left  # Talos replaces free-form data, such as an audit policy, only with other data.
    if field.form == "struct" and field.of in _WHOLE and isinstance(right, dict):
        _check_fields(right, field, path)
        return {key: right.get(key) or "" for key in schema.structure(field.of) or {}}
    if left is None or field.replaced:
        _check_fields(right, field, path)
        return _normal(right, field)
    if field.form == "args":
        given = _normal(right, field)
        replaces = place.rules.empty_argument_replaces
        return {**left, **{key: value for key, value in given.items() if replaces or value != "" or key not in left}}
    if isinstance(left, dict) and isinstance(right, dict):
        merged = dict(left)
        _merge_structure(merged, right, place)
        return merged
    if isinstance(left, list) and isinstance(right, list):
        return _merged_list(left, right, place)
    return _merged_value(left, right, place)


def _merged_value(left: Any, right: Any, place: _Place) -> Any:
    field, path, rules = place
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        raise _RefusalError(
            path,
            f"{_form(right)} cannot be merged into {_form(left)}",
            "Use the type that it has in the configuration.",
        )
    if field.form == "any" and _scalar_type(left) is not _scalar_type(right):
        cause = f"{_TYPES[_scalar_type(right)]} cannot replace {_TYPES[_scalar_type(left)]}"
        raise _RefusalError(path, cause, "Quote it as the existing value is quoted, or not at all.")
    if rules.zero_replaces and schema.is_number(field, path):
        return right
    # An empty string or zero keeps the existing value; false replaces it.
    return left if _is_zero(right, field) else _normal(right, field)


def _is_zero(value: Any, field: schema.Field) -> bool:
    """Return whether Talos takes a value for an absent one; a duration is a text here, such as 0s."""
    is_duration = field.form in ("scalar", "unknown") and isinstance(value, str)
    return (not value and not isinstance(value, bool)) or bool(is_duration and _ZERO_DURATION.fullmatch(value))


def _merged_list(left: list[Any], right: list[Any], place: _Place) -> list[Any]:
    field, merged = place.field, list(left)
    for position, item in enumerate(right):
        inner = place.below(schema.element(field), f"[{position}]")
        _check_fields(item, inner.field, inner.path)
        found = _find(merged, item, field.keys)
        if found is None:
            merged.append(_normal(item, inner.field))
        elif field.replaces_elements:
            merged[found] = item
        else:
            merged[found] = _merged(merged[found], item, inner)
    return merged


def _scalar_type(value: Any) -> type:
    return next((kind for kind in (bool, int, float) if isinstance(value, kind)), str)


def _find(elements: list[Any], item: Any, keys: tuple[str, ...]) -> int | None:
    key = next((key for key in keys if isinstance(item, dict) and item.get(key)), None)
    if key is None:
        return None
    return next(
        (at for at, element in enumerate(elements) if isinstance(element, dict) and element.get(key) == item[key]), None
    )


def _normal(value: Any, field: schema.Field) -> Any:
    """Return a value as Talos stores it: scalars of maps and arguments as strings, permissions as numbers."""
    if field.form == "mode":
        return yaml_text.file_mode(value)
    if field.form == "text":
        return yaml_text.text_of(value)
    if field.form == "manifest":
        # Talos removes line breaks before a manifest, because it could not write a block scalar that begins with one.
        return str(value).lstrip("\t\n\v\f\r")
    if field.form == "struct" and isinstance(value, dict):
        return {
            key: _normal(item, _inner(field, key) or schema.FREE) for key, item in value.items() if item is not None
        }
    if field.form == "list" and isinstance(value, list):
        return [_normal(item, schema.element(field)) for item in value]
    if field.form in ("map", "args") and isinstance(value, dict):
        return {str(key): _normal_entry(item, field) for key, item in value.items() if item is not None}
    return value


def _normal_entry(value: Any, field: schema.Field) -> Any:
    if isinstance(value, dict):
        return _normal(value, schema.element(field))
    return [yaml_text.text_of(item) for item in value] if isinstance(value, list) else yaml_text.text_of(value)


# --- checks ---


def _check_fields(value: Any, field: schema.Field, path: tuple[str, ...]) -> None:
    """Raise for unknown fields and wrong types anywhere in a value, as Talos would."""
    _check_form(value, field, path)
    if isinstance(value, dict):
        _check_keys(value, field, path)
        for key, item in value.items():
            _check_fields(item, _inner(field, key) or schema.element(field), (*path, str(key)))
    if isinstance(value, list):
        for position, item in enumerate(value):
            _check_fields(item, schema.element(field), (*path, f"[{position}]"))


def _check_keys(value: dict[str, Any], field: schema.Field, path: tuple[str, ...]) -> None:
    fields = schema.structure(field.of) if field.form == "struct" else None
    for key in value:
        if fields is not None and key not in fields:
            raise _RefusalError((*path, str(key)), "Talos does not have this field", "Correct the name or remove it.")


def _check_form(value: Any, field: schema.Field, path: tuple[str, ...]) -> None:
    if field.form == "mode" and value is not None:
        _check_mode(value, path)
    want = _FORMS.get(field.form)
    if value is not None and want is not None and _form(value) != want:
        raise _RefusalError(
            path, f"expected {want}, not {_form(value)}", "Use the type that the Talos documentation names."
        )


def _check_mode(value: Any, path: tuple[str, ...]) -> None:
    try:
        yaml_text.file_mode(value)
    except ValueError as error:
        raise _RefusalError(path, str(error), "Write it as 0o644.") from error


def _form(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list | tuple) else "one value"
