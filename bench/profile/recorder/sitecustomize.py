# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record how a Python process spends its time; Python runs this by itself at its start, if the folder is on its path.

Each process appends one line of JSON to the file that URMANAC_PROFILE names. Times are seconds since the computer
started, because Linux notes the birth of a process so.
"""

from __future__ import annotations

import time

LOADED = time.clock_gettime(time.CLOCK_BOOTTIME)

import atexit
import importlib._bootstrap as bootstrap  # type: ignore[import-not-found]
import os
import sys
import threading
from functools import wraps

TYPE_CHECKING = False  # typing would be an import of ours, in each process
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAIN = os.getpid()
# How many seconds one import, one exchange with a server or one pause took: begin and end, by kind.
SPENT: dict[str, list[tuple[float, float]]] = {"imports": [], "network": [], "waiting": []}
_importing = threading.local()
_patched: set[str] = set()
# What a library of the standard library does when a program talks to a server, by module.
EXCHANGES = {
    "socket": (("socket", ("connect", "recv", "recv_into", "send", "sendall")),),
    "ssl": (("SSLSocket", ("read", "send", "do_handshake")),),
}


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def timed(function: Callable[..., Any], kind: str) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        begin = now()
        try:
            return function(*arguments, **named)
        finally:
            SPENT[kind].append((begin, now()))

    return wrapped


def timed_select(select: Callable[..., Any]) -> Callable[..., Any]:
    """Count a select that returned nothing as waiting, any other as an exchange."""

    @wraps(select)
    def wrapped(self: Any, timeout: float | None = None) -> Any:
        begin = now()
        ready = select(self, timeout)
        SPENT["network" if ready else "waiting"].append((begin, now()))
        return ready

    return wrapped


def patch_loaded() -> None:
    """Wrap what exchanges data as soon as a program has imported it; importing it here would count for the program."""
    for module in EXCHANGES.keys() - _patched:
        loaded = sys.modules.get(module)
        classes = [(getattr(loaded, name, None), methods) for name, methods in EXCHANGES[module]]
        if all(kind for kind, _methods in classes):
            _patched.add(module)
            for kind, methods in classes:
                for method in methods:
                    setattr(kind, method, timed(getattr(kind, method), "network"))
    selector: Any = getattr(sys.modules.get("selectors"), "EpollSelector", None)
    if selector and "selectors" not in _patched:
        _patched.add("selectors")
        selector.select = timed_select(selector.select)
    forks: Any = sys.modules.get("multiprocessing.util")
    if hasattr(forks, "Finalize") and "multiprocessing" not in _patched:
        _patched.add("multiprocessing")
        forks.register_after_fork(forks.Finalize, after_fork)


def timed_import(find_and_load: Callable[..., Any]) -> Callable[..., Any]:
    """Count an import that imports others once."""

    @wraps(find_and_load)
    def wrapped(name: str, import_: Any) -> Any:
        if getattr(_importing, "deep", False):
            return find_and_load(name, import_)
        _importing.deep, begin = True, now()
        try:
            return find_and_load(name, import_)
        finally:
            _importing.deep = False
            SPENT["imports"].append((begin, now()))
            patch_loaded()

    return wrapped


def born() -> float:
    with open("/proc/self/stat", encoding="utf-8") as stat:  # noqa: PTH123  pathlib would be an import of ours
        ticks = stat.read().rpartition(")")[2].split()[19]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def write(kind: str, born: float, loaded: float) -> None:
    import json

    record = {"kind": kind, "born": born, "loaded": loaded, "ended": now(), **SPENT}
    with open(os.environ["URMANAC_PROFILE"], "a", encoding="utf-8") as sink:  # noqa: PTH123
        sink.write(json.dumps(record) + "\n")


def write_process() -> None:
    # Forks inherit this, and write by themselves.
    if os.getpid() == MAIN:
        write("process", born(), LOADED)


def after_fork(finalize: Callable[..., Any]) -> None:
    """Record a worker of Ansible, in which some modules run, as something else than a process of its own."""
    for intervals in SPENT.values():
        intervals.clear()
    begin = now()
    finalize(None, write, args=("worker", begin, begin), exitpriority=0)


if os.environ.get("URMANAC_PROFILE"):
    # What every import statement ends in.
    vars(bootstrap)["_find_and_load"] = timed_import(vars(bootstrap)["_find_and_load"])
    time.sleep = timed(time.sleep, "waiting")
    atexit.register(write_process)
