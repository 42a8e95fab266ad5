# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and systemd units of the host that a module runs on. Private to urmanac.talos: may change at any time.

Runs on the bastion itself: nothing but the standard library, and Python 3.9.
"""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from .._errors import CollectionError
from .._files import write_file
from .._text import received
from .paths import UNITS

UNIT_FOLDER = f"{UNITS}/"
RUNNING = ("active", "activating", "reloading")
_PRIVATE = "0600"
# In the path of each file that is only of the bastion.
_OWN_NAME = "talos-"


class File(NamedTuple):
    """A file, existing or desired, and the units that read it."""

    path: str
    content: str
    mode: str
    units: tuple[str, ...] = ()


class Unit(NamedTuple):
    """Whether a unit runs, and whether it starts at boot."""

    name: str
    running: bool
    enabled: bool


class Host(Protocol):
    """The readings and changes of a host."""

    def read(self, path: str) -> File | None:
        """Return the file, or None."""

    def write(self, file: File) -> None:
        """Write the file."""

    def delete(self, path: str) -> None:
        """Remove the file, if it is there."""

    def unit(self, name: str) -> Unit:
        """Return the state of a unit."""

    def systemctl(self, verb: str, units: Sequence[str]) -> None:
        """Run a systemctl command for units, or without units."""


class Wanted(NamedTuple):
    """The desired files and units of a host; the manifest is the file that lists the files."""

    files: tuple[File, ...]
    units: tuple[str, ...]
    manifest: str


class Plan(NamedTuple):
    """The changes to make, in this order."""

    stop: tuple[str, ...]
    delete: tuple[str, ...]
    write: tuple[File, ...]
    before: dict[str, str]
    enable: tuple[str, ...]
    restart: tuple[str, ...]
    start: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Return whether there is a change to make."""
        return any((self.delete, self.write, self.enable, self.restart, self.start))


def plan(host: Host, wanted: Wanted) -> Plan:
    """Compare the host with the desired state; files in the old manifest that are not in the new one are removed."""
    earlier = host.read(wanted.manifest)
    named = earlier.content.split() if earlier else []
    kept = {file.path for file in wanted.files}
    # The new manifest also lists files that others write, such as those with logins.
    kept.update(*(file.content.split() for file in wanted.files if file.path == wanted.manifest))
    gone = [path for path in named if path not in kept]
    there = {file.path: host.read(file.path) for file in wanted.files}
    _refuse_foreign([file for file in wanted.files if is_foreign(there[file.path], file, named)])
    write = tuple(file for file in wanted.files if differs(there[file.path], file))
    before = {file.path: there[file.path].content for file in write if there[file.path]}  # type: ignore[union-attr]
    # A file that its owner alone can read may hold a secret, which is shown in no diff.
    before.update({path: found.content for path in gone if (found := host.read(path)) and found.mode != _PRIVATE})
    units = [host.unit(name) for name in wanted.units]
    restart = affected(write, units)
    return Plan(
        stop=tuple(path[len(UNIT_FOLDER) :] for path in gone if path.startswith(UNIT_FOLDER)),
        delete=tuple(gone),
        write=write,
        before=before,
        enable=tuple(unit.name for unit in units if not unit.enabled),
        restart=restart,
        start=tuple(unit.name for unit in units if not unit.running and unit.name not in restart),
    )


def differs(there: File | None, file: File) -> bool:
    """Return whether the file must be written."""
    return there is None or (there.content, there.mode) != (file.content, file.mode)


def is_foreign(there: File | None, file: File, written: Sequence[str]) -> bool:
    """Return whether the host has a file of another program, which has no name of ours and no earlier run wrote."""
    is_ours = _OWN_NAME in file.path or file.path in written
    return there is not None and there.content != file.content and not is_ours


def _refuse_foreign(files: Sequence[File]) -> None:
    if files:
        paths = ", ".join(file.path for file in files)
        raise CollectionError(
            f"Failed to configure the bastion: {paths} of this host was not written by this collection. Nothing was "
            "changed. If nothing on the host needs it, move it to another place. For a host with other containers, "
            "set bastion_host_docker_options to {}, which leaves docker as it is.",
            code="HOST_FILE_FOREIGN",
        )


def affected(write: Sequence[File], units: Sequence[Unit]) -> tuple[str, ...]:
    """Return the units to restart: first those that other units need, then those that run and read a changed file."""
    named = [name for file in write for name in file.units]
    known = [unit.name for unit in units]
    below = sorted({name for name in named if name not in known})
    return (*below, *(unit.name for unit in units if unit.name in named and unit.running))


def apply(host: Host, todo: Plan) -> None:
    """Carry out the plan."""
    if todo.stop:
        host.systemctl("disable --now", todo.stop)
    for path in todo.delete:
        host.delete(path)
    for file in todo.write:
        host.write(file)
    if any(path.startswith(UNIT_FOLDER) for path in (*todo.delete, *(file.path for file in todo.write))):
        host.systemctl("daemon-reload", ())
    for verb, units in (
        ("enable", todo.enable),
        ("restart --no-block", todo.restart),
        ("start --no-block", todo.start),
    ):
        if units:
            host.systemctl(verb, units)


class LocalHost:
    """The local host."""

    def read(self, path: str) -> File | None:
        """Return the file, or None."""
        place = Path(path)
        try:
            content = place.read_text(encoding="utf-8")
            return File(path, content, f"{stat.S_IMODE(place.stat().st_mode):04o}")
        except FileNotFoundError:
            return None

    def write(self, file: File) -> None:
        """Write the file atomically, so that no program reads half of it."""
        place = Path(file.path)
        for folder in reversed([parent for parent in place.parents if not parent.exists()]):
            folder.mkdir(mode=0o755)
        write_file(place, file.content.encode(), mode=int(file.mode, 8))

    def delete(self, path: str) -> None:
        """Remove the file, if it is there."""
        Path(path).unlink(missing_ok=True)

    def unit(self, name: str) -> Unit:
        """Return the state of a unit; one that is not there neither runs nor is enabled."""
        answer = _run(["systemctl", "show", "--property=ActiveState", "--property=UnitFileState", name])
        found = dict(line.partition("=")[::2] for line in answer.splitlines())
        return Unit(name, found.get("ActiveState") in RUNNING, found.get("UnitFileState") == "enabled")

    def systemctl(self, verb: str, units: Sequence[str]) -> None:
        """Run a systemctl command for units, or without units."""
        _run(["systemctl", *verb.split(), *units])


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise CollectionError(
            f"Failed to run {command[0]} on the bastion: {error}. It needs systemd.", code="COMMAND_FAILED"
        ) from error
    if done.returncode != 0:
        why = received(done.stderr.strip()) or f"exit code {done.returncode}"
        raise CollectionError(
            f"Failed to run {' '.join(command)} on the bastion: {why}. See journalctl there.", code="COMMAND_FAILED"
        )
    return done.stdout
