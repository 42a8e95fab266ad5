# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulations of the commands that would change the computer or report the wrong one: commands.py NAME ARGUMENT..."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = os.environ.get("LAB_ROOT", "")
DISK = "/dev/nvme0n1"


def record(kind: str, arguments: list[str]) -> int:
    with Path(f"{ROOT}/run/lab/commands.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps([kind, *arguments]) + "\n")
    return 0


def request_reboot(what: str) -> int:
    """Ask the lab to end this system, and never return, as a reboot does not."""
    Path(f"{ROOT}/run/lab/reboot").write_text(what, encoding="utf-8")
    time.sleep(60)
    return 0


def uname(arguments: list[str]) -> int:
    values = {"-s": "Linux", "-n": "lab", "-r": "6.1.0-lab", "-m": "aarch64", "-p": "aarch64", "-i": "aarch64"}
    flags = [f"-{letter}" for argument in arguments for letter in argument.lstrip("-")]
    print(" ".join(values.get(flag, "unknown") for flag in flags or ["-s"]))
    return 0


def _asked(arguments: list[str], columns: str) -> argparse.Namespace:
    """Return the requested columns of findmnt or lsblk; options that no script here uses are refused."""
    options = argparse.ArgumentParser(allow_abbrev=False)
    flags = (("-n", "--noheadings"), ("-s", "--inverse"), ("-d", "--nodeps"), ("-r", "--raw"), ("-v", "--nofsroot"))
    for short, name in flags:
        options.add_argument(short, name, action="store_true")
    options.add_argument("-o", "--output", default=columns)
    options.add_argument("places", nargs="*")
    return options.parse_args(arguments)


def _show(given: argparse.Namespace, rows: list[dict[str, str]]) -> int:
    columns = given.output.upper().split(",")
    if not given.noheadings:
        print(" ".join(columns))
    for row in rows:
        print(" ".join(row.get(column, "") for column in columns).rstrip())
    return 0


def findmnt(arguments: list[str]) -> int:
    root = {"TARGET": "/", "SOURCE": f"{DISK}p1", "FSTYPE": "xfs", "OPTIONS": "rw"}
    return _show(_asked(arguments, "SOURCE"), [root])


def lsblk(arguments: list[str]) -> int:
    given = _asked(arguments, "NAME,TYPE")
    disk = {"NAME": "nvme0n1", "PATH": DISK, "PKNAME": "", "TYPE": "disk"}
    part = {"NAME": "nvme0n1p1", "PATH": f"{DISK}p1", "PKNAME": "nvme0n1", "TYPE": "part"}
    place = next(iter(given.places), DISK)
    if place not in (DISK, part["PATH"]):
        print(f"lsblk: {place}: not a block device", file=sys.stderr)
        return 32
    rows = [disk, part] if place == DISK else [part]
    rows = [part, disk] if given.inverse and place != DISK else rows
    return _show(given, rows[:1] if given.nodeps or (given.inverse and place == DISK) else rows)


def systemctl(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    if words[:1] == ["reboot"]:
        return request_reboot("linux")
    if words[:1] == ["poweroff"]:
        return request_reboot("off")
    if words[:1] in (["is-active"], ["is-enabled"]):
        print("inactive")
        return 3
    return record("systemctl", arguments)


def shutdown(arguments: list[str]) -> int:
    return request_reboot("linux" if "-r" in arguments else "off")


def kexec(_: list[str]) -> int:
    """Refuse, as an arm64 kernel without the call does."""
    print("kexec_load failed: Function not implemented", file=sys.stderr)
    return 255


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    **{name: partial(record, name) for name in ("dnf", "ip", "modprobe", "sysctl", "udevadm")},
    **{"findmnt": findmnt, "kexec": kexec, "lsblk": lsblk, "shutdown": shutdown, "systemctl": systemctl},
    **{"poweroff": lambda _: request_reboot("off"), "reboot": lambda _: request_reboot("linux"), "uname": uname},
}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
