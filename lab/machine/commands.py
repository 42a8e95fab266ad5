# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulations of the commands that would change the computer or report the wrong one: commands.py NAME ARGUMENT..."""

from __future__ import annotations

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


def findmnt(arguments: list[str]) -> int:
    wide = not any("n" in argument for argument in arguments if argument.startswith("-") and argument[1:2] != "-")
    columns = _columns(arguments, ["SOURCE"])
    values = {"TARGET": "/", "SOURCE": f"{DISK}p1", "FSTYPE": "xfs", "OPTIONS": "rw", "MAJ:MIN": "259:1"}
    if wide and "--noheadings" not in arguments:
        print(" ".join(columns))
    print(" ".join(values.get(column, "") for column in columns))
    return 0


def _columns(arguments: list[str], default: list[str]) -> list[str]:
    for before, after in zip(arguments, [*arguments[1:], ""], strict=True):
        if before.startswith("--output="):
            return before.partition("=")[2].upper().split(",")
        if before == "--output" or (before.startswith("-") and before[1:2] != "-" and before.endswith("o")):
            return after.upper().split(",")
    return default


def lsblk(arguments: list[str]) -> int:
    rows = [
        {"NAME": "nvme0n1", "PATH": DISK, "PKNAME": "", "TYPE": "disk", "SIZE": "50G", "MOUNTPOINT": ""},
        {"NAME": "nvme0n1p1", "PATH": f"{DISK}p1", "PKNAME": "nvme0n1", "TYPE": "part", "SIZE": "50G"},
    ]
    flags = "".join(argument[1:] for argument in arguments if argument.startswith("-") and argument[1:2] != "-")
    columns = _columns(arguments, ["NAME", "TYPE", "SIZE", "MOUNTPOINT"])
    named = [argument.removeprefix("/dev/") for argument in arguments if argument.startswith("/dev/")]
    chosen = [row for row in rows if not named or row["NAME"] in named or row["PKNAME"] in named]
    if named and not chosen:
        print(f"lsblk: {named[0]}: not a block device", file=sys.stderr)
        return 32
    if "s" in flags or "--inverse" in arguments:
        chosen = [row for row in reversed(rows) if any(row in (other, _parent(other, rows)) for other in chosen)]
    if "d" in flags or "--nodeps" in arguments:
        chosen = [row for row in chosen if row["TYPE"] == "disk" or row["NAME"] in named]
    if "n" not in flags and "--noheadings" not in arguments:
        print(" ".join(columns))
    for row in chosen:
        name = {"NAME": row["PATH"]} if "p" in flags or "--paths" in arguments else {}
        print(" ".join((row | name).get(column, "") for column in columns).rstrip())
    return 0


def _parent(row: dict[str, str], rows: list[dict[str, str]]) -> dict[str, str]:
    """Return the disk of a partition, and a disk itself."""
    return next((other for other in rows if other["NAME"] == row["PKNAME"]), row)


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
