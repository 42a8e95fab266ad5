# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of paths and disks. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...module_utils._errors import InputError
from ...module_utils._findings import Finding, finding
from ...module_utils._ssh.arguments import path_problem
from ...module_utils._talos.files.snapshots import is_whole
from .checks import Check, Surroundings, if_given, unusable, wrong
from .types import written

_DEVICE = re.compile(r"/dev/[A-Za-z0-9][A-Za-z0-9._/:-]*")
# In the folder files of the role bastion.
_LOCK_FILE = "requirements.txt"
# In bytes, on Linux.
_NAME_MAX, _PATH_MAX = 255, 4096


def device(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the path of a disk."""
    yield from _device_problems(name, value, "disk", ", as lsblk shows it")


def console(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the path of a console."""
    yield from _device_problems(name, value, "console", ", such as /dev/ttyS0")


def _device_problems(name: str, value: Any, what: str, hint: str) -> Iterator[Finding]:
    if not _DEVICE.fullmatch(str(value)) or ".." in str(value):
        remedy = f"Write it as {_as_device(value) or f'/dev/ and the name of the {what}{hint}'}."
        yield wrong(name, f"{value!r} is not the path of a {what}.", remedy)


def _as_device(value: Any) -> str:
    """Return the path that a name of a device stands for, empty if it stands for none."""
    path = f"/dev/{value}"
    return path if _DEVICE.fullmatch(path) and ".." not in path else ""


def path_of_ssh(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a path is not valid in arguments of ssh."""
    if problem := path_problem(str(value)):
        remedy = "Rename it, and write an environment variable as {{ lookup('ansible.builtin.env', 'HOME') }}."
        yield wrong(name, problem, remedy)


def writable_folder(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a directory cannot be created or written to."""
    folder = _expanded(value)
    if not folder.is_absolute():
        yield from _not_absolute(name, value)
        return
    if _is_too_long(folder):
        yield finding("DIRECTORY_NOT_WRITABLE", name, "The path or a name in it is longer than Linux allows.")
        return
    there = next((parent for parent in (folder, *folder.parents) if os.path.lexists(parent)), folder)
    if there.is_symlink() and not there.is_dir():
        yield finding("DIRECTORY_NOT_WRITABLE", name, f"{there} is a symbolic link that leads to no directory.")
    elif not there.is_dir():
        yield finding("DIRECTORY_NOT_WRITABLE", name, f"{there} is a file, but {folder} has to be a directory.")
    elif not os.access(there, os.W_OK | os.X_OK) or there.is_relative_to("/proc"):
        yield finding("DIRECTORY_NOT_WRITABLE", name, f"The directory {there} is not writable.")


def _expanded(text: str) -> Path:
    """Return a path with the home directory for ~, unchanged if it names a user that does not exist."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def real_path(text: str) -> Path:
    """Return the path that symbolic links lead to; unlike Path.resolve, also of one that leads to itself."""
    return Path(os.path.realpath(_expanded(text)))


def _is_too_long(path: Path) -> bool:
    """Return whether Linux has no files of this path, for which most methods of Path raise an error."""
    return len(os.fsencode(path)) >= _PATH_MAX or any(len(os.fsencode(part)) > _NAME_MAX for part in path.parts)


def _not_absolute(name: str, value: str) -> Iterator[Finding]:
    if value.startswith("~"):
        message = f"The controller has no user {value.partition('/')[0][1:]!r}."
        yield finding("DIRECTORY_NOT_WRITABLE", name, message, "Begin the path with ~/ or with /.")
        return
    remedy = f"Use an absolute path or one that begins with ~, such as ~/{value or 'moon'}."
    message = f"{value!r} is a relative path, which depends on the current directory."
    yield finding("DIRECTORY_NOT_WRITABLE", name, message, remedy)


def installation_folder(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a path on another host is not that of a directory that can be replaced."""
    if not re.fullmatch(r"(/[A-Za-z0-9_.@+-]+){2,}/?", value) or ".." in value:
        message = f"{value!r} is not the absolute path of a directory below another one."
        yield wrong(name, message, "Write it as /opt/urmanac.talos.")


def writable_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that the directory of a file cannot be created or written to."""
    yield from list(file_path(name, value, where)) or writable_folder(name, str(Path(value).parent), where)


def file_path(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a path cannot be that of a file, which need not exist."""
    path = _expanded(value)
    if not value.strip():
        yield wrong(name, "It is empty.", "Set it to the path of a file, or remove it for the default.")
    elif not path.is_absolute():
        yield from _not_absolute(name, value)
    elif value.endswith("/") or os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises below a closed directory
        yield wrong(name, f"{value} is a directory.", "Add the name of a file to it.")
    elif os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as above
        message = f"{value} is a device, a pipe or a socket, and a file would replace it."
        yield wrong(name, message, "Set it to the path of a regular file.")


def written_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a file cannot be written; behind a symbolic link, it is the file that the link leads to."""
    target = real_path(value)
    found = list(file_path(name, value, where))
    if not found and os.path.islink(target):  # noqa: PTH114 - Path.is_symlink raises below a closed directory
        found = [wrong(name, f"{target} is a symbolic link that leads to itself.", "Correct or remove the link.")]
    yield from found or writable_folder(name, str(target.parent), where)


def merged_file(read: Callable[[Path], object]) -> Check:
    """Return the check of a file that can be written, and that, if it exists, entries can be added to."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        found = list(written_file(name, value, where))
        yield from found or _reading_problems(name, _expanded(value), read)

    return check


def _reading_problems(name: str, path: Path, read: Callable[[Path], object]) -> Iterator[Finding]:
    try:
        read(path)
    except InputError as error:
        yield from unusable(name, path, error)


def snapshot(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a file is not a snapshot of etcd, which ends with its own SHA-256."""
    found = list(existing_file(name, value, where))
    yield from found or _snapshot_problems(name, _expanded(value))


def _snapshot_problems(name: str, path: Path) -> Iterator[Finding]:
    try:
        whole = is_whole(path)
    except OSError as error:
        yield finding("FILE_NOT_READABLE", name, f"{path} cannot be read: {error.strerror}.")
        return
    if not whole:
        message = f"{path} is not a complete snapshot of etcd: it does not end with its SHA-256."
        yield wrong(name, message, "Set it to a file that etcd_snapshot.yml or `talosctl etcd snapshot` has written.")


def lock_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither the role's own lock file nor one of the controller."""
    if value == _LOCK_FILE:
        return
    if not _expanded(value).is_absolute():
        remedy = "Use an absolute path or one that begins with ~, or remove the variable for the role's own file."
        yield wrong(name, f"{written(name, value)} is not the absolute path of a file.", remedy)
    else:
        yield from existing_file(name, value, where)


def existing_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a file of the controller does not exist."""
    if not os.path.isfile(_expanded(value)):  # noqa: PTH113 - Path.is_file raises below a closed directory
        yield wrong(
            name, f"The file {str(value)!r} does not exist.", "Set it to the path of a file, or leave it empty."
        )


def identity_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that ssh cannot log in with a file; it may be empty."""
    yield from list(path_of_ssh(name, value, where)) or if_given(existing_file)(name, value, where)
