# SPDX-License-Identifier: GPL-3.0-or-later
"""Running and listening processes from /proc; ends exactly the lab's processes. Standard library only."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LISTEN = "0A"


class Listener(NamedTuple):
    address: str
    port: int
    inode: str


def start_time(pid: int) -> int | None:
    """Return when a process began, in clock ticks since boot: with the pid it names one process for ever."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    return start_time(pid) == started


def end(pid: int, started: int, *, patience: float = 8.0) -> str:
    """End one process, first politely; return the result."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 3.0)):
        if not is_alive(pid, started):
            return "was not running"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _gone(pid, started, seconds):
            return "ended" if number == signal.SIGTERM else "killed"
    return "could not be ended"


def _gone(pid: int, started: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not is_alive(pid, started):
            return True
        time.sleep(0.02)
    return False


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def listeners() -> Iterator[Listener]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN:
                    yield Listener(*_address(fields[1]), inode=fields[9])


def _address(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    if len(address) > 8:  # IPv6; :: also takes IPv4, and ::ffff:a.b.c.d is written with its last word
        address = "00000000" if set(address) == {"0"} else address[-8:] if "FFFF0000" in address else "FFFFFFFF"
    return socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)


def holder(inode: str) -> str:
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if any(_link(entry) == wanted for entry in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"process {process.name} ({command[:100]})"
    return "a process of another user"


def _link(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def port_conflicts(network: ipaddress.IPv4Network, own: list[tuple[str, int]], talos_port: int) -> list[str]:
    lines = []
    for listener in listeners():
        everywhere = listener.address == "0.0.0.0"  # noqa: S104  compared with, not bound to
        inside = ipaddress.IPv4Address(listener.address) in network
        taken = (listener.address, listener.port) in own
        if taken or inside or (everywhere and listener.port in {talos_port, *(port for _, port in own)}):
            lines.append(f"{listener.address}:{listener.port} is in use by {holder(listener.inode)}")
    return lines
