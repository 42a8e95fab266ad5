# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from /proc, /sys and /dev whether a Linux machine can boot into Talos, without changes.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from . import upstream


class Facts(NamedTuple):
    """The facts of the machine. Sizes are bytes; disks are names in /dev."""

    user_id: int
    machine: str
    system: str
    is_talos: bool
    memory_total: int
    memory_free: int
    secure_boot: bool
    lockdown: str
    is_uefi: bool
    has_loop_devices: bool
    has_sysrq: bool
    has_default_route: bool
    root_disks: tuple[str, ...]
    disks: tuple[str, ...]


def read_facts(root: Path) -> Facts:
    """Return the facts of the machine whose file system begins at root."""
    release = dict(_pairs(_text(root / "etc/os-release").splitlines(), "="))
    memory = {name: _number(value) * 1024 for name, value in _pairs(_text(root / "proc/meminfo").splitlines(), ":")}
    return Facts(
        user_id=os.geteuid(),
        machine=os.uname().machine,
        system=release.get("PRETTY_NAME", release.get("ID", "")).strip("\"'"),
        is_talos=release.get("ID", "").strip("\"'") == "talos" or "talos.platform=" in _text(root / "proc/cmdline"),
        memory_total=memory.get("MemTotal", 0),
        memory_free=memory.get("MemAvailable", 0),
        secure_boot=is_secure_boot(root),
        lockdown=lockdown_of(_text(root / upstream.LOCKDOWN)),
        is_uefi=(root / "sys/firmware/efi").is_dir(),
        has_loop_devices=has_loop_devices(root),
        has_sysrq=(root / upstream.SYSRQ).exists(),
        has_default_route=has_default_route(_text(root / "proc/net/route")),
        root_disks=root_disks(root),
        disks=tuple(sorted(disks(root))),
    )


def is_secure_boot(root: Path) -> bool:
    """Return whether the firmware verifies what it boots; in setup mode it does not."""
    return _variable(root / upstream.SECURE_BOOT) == 1 and _variable(root / upstream.SETUP_MODE) != 1


def lockdown_of(text: str) -> str:
    """Return the lockdown mode of the kernel, which it shows as "none [integrity] confidentiality"."""
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else "none"


def has_loop_devices(root: Path) -> bool:
    """Return whether the kernel has loop devices, or a module that it can load for them."""
    if (root / upstream.LOOP_CONTROL).exists():
        return True
    modules = root / "lib/modules" / os.uname().release
    return bool(re.search(r"(?:^|/)loop\.ko", _text(modules / "modules.dep"), re.MULTILINE))


def has_default_route(table: str) -> bool:
    """Return whether an IPv4 default route exists, as boot-to-talos looks for one."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return any(len(row) > 2 and row[1] == "00000000" for row in rows)


def root_disks(root: Path) -> tuple[str, ...]:
    """Return the disks of the root file system: one, unless it spans several or none can be found."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _dash, after = line.partition(" - ")
        fields, source = before.split(), after.split()
        if len(fields) > 4 and fields[4] == "/" and len(source) > 1:
            return tuple(sorted(set(_disks_below(root, _device(root, fields[2], source[1])))))
    return ()


def disks(root: Path) -> Iterable[str]:
    """Yield the disks of the machine, without virtual disks and RAM disks."""
    for entry in _entries(root / "sys/block"):
        if not entry.startswith(("loop", "ram", "dm-", "sr", "fd", "md", "zram")):
            yield entry


def _device(root: Path, number: str, source: str) -> str:
    """Return the name of a mounted device; some file systems have their own device numbers."""
    by_number = root / "sys/dev/block" / number
    return Path(os.path.realpath(by_number)).name if by_number.exists() else Path(source).name


def _disks_below(root: Path, name: str) -> Iterable[str]:
    place = root / "sys/class/block" / name
    below = _entries(place / "slaves")
    if below:
        for device in below:
            yield from _disks_below(root, device)
    elif (place / "partition").exists():
        yield Path(os.path.realpath(place)).parent.name
    elif place.exists():
        yield name


def _variable(path: Path) -> int:
    """Return the value of an EFI variable of one byte, which follows four bytes of attributes; -1 if there is none."""
    try:
        content = path.read_bytes()
    except OSError:
        return -1
    return content[4] if len(content) > 4 else -1


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _entries(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.iterdir())
    except OSError:
        return []


def _pairs(lines: Iterable[str], separator: str) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, found, value = line.partition(separator)
        if found:
            yield name.strip(), value.strip()


def _number(text: str) -> int:
    match = re.match(r"\d+", text)
    return int(match[0]) if match else 0
