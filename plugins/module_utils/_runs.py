# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identify runs of ansible-playbook, and check whether they are active. Private: may change at any time."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
import uuid
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """A run of ansible-playbook: process id, its start in ticks since boot, host, what it does, who, and from where.

    A process id is valid within its kernel's boot and process namespace, which kernel identifies; machine identifies a
    computer across boots. Both are empty if the system does not provide them.
    """

    pid: int
    started: str
    host: str
    what: str
    user: str = ""
    directory: str = ""
    machine: str = ""
    kernel: str = ""


def this_run(pid: int, what: str, directory: Path) -> Run:
    """Return the run of this machine's process with this id, which works on the cluster of this directory."""
    host, place = socket.gethostname(), str(directory.resolve())
    return Run(pid, start_of(pid), host, what, getpass.getuser(), place, _machine(), _kernel())


def holder() -> str:
    """Return who works on which machine, as claims and the files in a bucket name it."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def start_of(pid: int) -> str:
    """Return when a process started, in ticks since boot, or nothing if it is not running or this is not available.

    A process id is reused; together with its start it is unique. See proc_pid_stat(5), field 22.
    """
    text = _text_of(Path(f"/proc/{pid}/stat"))
    return text.rpartition(")")[2].split()[19] if text else ""


def is_alive(pid: int, started: str) -> bool:
    """Return whether the process is still running; without /proc only its id is checked."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        # No process has an id of any size, which a file may name.
        return False
    except PermissionError:
        pass
    return not started or start_of(pid) in (started, "")


def _kernel() -> str:
    boot = _text_of(Path("/proc/sys/kernel/random/boot_id"))
    try:
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}" if boot else ""
    except OSError:
        return ""


def _machine() -> str:
    """Return a fingerprint of the machine's id, which machine-id(5) requires to keep confidential."""
    known = _text_of(Path("/etc/machine-id")) or f"{uuid.getnode():012x}"
    return hashlib.sha256(f"urmanac.talos {known}".encode()).hexdigest()[:16]


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
