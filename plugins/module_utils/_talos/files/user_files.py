# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs and talosconfigs that users share with other programs. Private to urmanac.talos: may change at any time.

Everything else in them stays: text, encoding, line ends, permissions, owner, and a symbolic link to the file.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..._errors import InputError
from ..._files import shell_word, target_of, write_file
from ..._findings import remedy_of
from ..config.bundle import encrypted_with
from . import yaml_edit
from .kubeconfig import KINDS
from .secret_files import make_private_directory

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class UserFile(NamedTuple):
    """An existing file: its kind in messages, its text and its parsed content."""

    path: Path
    kind: str
    text: str = ""
    document: dict[str, Any] = {}  # noqa: RUF012  # never changed
    mark: bytes = b""

    def refused(self, cause: str, remedy: str, code: str = "FILE_INVALID") -> InputError:
        """Return an error about this file."""
        return InputError(f"Failed to read the {self.kind} {self.path}: {cause}. {remedy}", code=code)


def read_user_file(path: Path, kind: str) -> UserFile:
    """Return a file, an empty one if it does not exist."""
    empty = UserFile(path, kind)
    try:
        content = path.read_bytes() if target_of(path).exists() else b""
    except OSError as error:
        cause = str(error.strerror)
        raise empty.refused(cause, remedy_of("FILE_NOT_READABLE"), "FILE_NOT_READABLE") from error
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    try:
        if content.startswith(_WIDE):
            raise UnicodeError
        text = content[len(mark) :].decode(_MARKS.get(mark, "utf-8"))
    except UnicodeError:
        raise empty.refused("it is neither UTF-8 nor UTF-16 with a byte order mark", "Save it as UTF-8.") from None
    return empty._replace(text=text, mark=mark, document=_document(empty, text))


def _document(file: UserFile, text: str) -> dict[str, Any]:
    program = encrypted_with(text)
    if program:
        # The checksum of an encrypted file would not match after a change.
        raise file.refused(f"it is encrypted with {program}", _AWAY)
    try:
        document = yaml_edit.read_one(text)
    except InputError as error:
        raise file.refused(str(error).partition(": ")[2].rstrip("."), _AWAY) from None
    if not isinstance(document, dict | None):
        raise file.refused(f"it is not a {file.kind}, which is one YAML mapping", _AWAY)
    return document or {}


_AWAY = "Use another file, or repair this one; a missing file is created."


def read_kubeconfig(path: Path) -> UserFile:
    """Return the existing kubeconfig, or an empty one."""
    file = read_user_file(path, "kubeconfig")
    for kind, inner in KINDS.items():
        items = file.document.get(kind) or []
        if not isinstance(items, list) or not all(_is_entry(item, inner) for item in items):
            raise file.refused(f"its {kind} are not a list of entries with a name and a {inner}", "Correct it.")
    return file


def _is_entry(item: Any, inner: str) -> bool:
    if not isinstance(item, dict) or isinstance(item.get("name"), dict | list):
        return False
    return bool(item.get("name")) and isinstance(item.get(inner), dict | None)


def read_talosconfig(path: Path) -> UserFile:
    """Return the existing talosconfig, or an empty one."""
    file = read_user_file(path, "talosconfig")
    contexts = file.document.get("contexts") or {}
    if not isinstance(contexts, dict) or not all(isinstance(entry or {}, dict) for entry in contexts.values()):
        raise file.refused("its contexts are not a mapping of names to contexts", "Correct it.")
    return file


def write_user_file(file: UserFile, wanted: Mapping[str, Any]) -> list[str]:
    """Write the wanted content to a file, and return warnings for the user."""
    edited = yaml_edit.edit(file.text, dict(wanted))
    # Write the target of a symbolic link, as kubectl does; other programs share it.
    try:
        target = target_of(file.path)
        make_private_directory(target.parent)
        before = target.stat() if target.exists() else None
        mode = stat.S_IMODE(before.st_mode) if before else 0o600
        write_file(target, file.mark + edited.text.encode(_MARKS.get(file.mark, "utf-8")), mode=mode)
    except OSError as error:
        raise InputError(
            f"Failed to write the {file.kind} {file.path}: {error.strerror}. Check the directory.",
            code="FILE_NOT_WRITABLE",
        ) from error
    if before:
        # A run as root keeps the owner of the file.
        with contextlib.suppress(PermissionError):
            os.chown(target, before.st_uid, before.st_gid)
    return list(_warnings(file.path, mode, edited.lost))


def _warnings(path: Path, mode: int, lost: Sequence[str]) -> Iterator[str]:
    if mode & 0o077:
        yield f"Others can read {path} (mode {mode:04o}), which contains a key. Run chmod 600 {shell_word(path)}."
    if lost:
        yield f"Comments in {path} are lost, because the entries around them were rewritten: {' '.join(lost)}"
