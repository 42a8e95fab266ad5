# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulations of the commands that would change the computer or report the wrong one: commands.py NAME ARGUMENT..."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = os.environ.get("LAB_ROOT", "")
DISK = "/dev/nvme0n1"


def record(kind: str, arguments: list[str]) -> int:
    """Note down what would have been changed."""
    with Path(f"{ROOT}/run/lab/commands.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps([kind, *arguments]) + "\n")
    return 0


def request_reboot(what: str) -> int:
    """Ask the lab to end this system, and never return, as a reboot does not."""
    Path(f"{ROOT}/run/lab/reboot").write_text(what, encoding="utf-8")
    time.sleep(60)
    return 0


def ip(arguments: list[str]) -> int:
    """Take address and route commands; answer the questions that scripts ask."""
    words = [word for word in arguments if not word.startswith("-")]
    if words[:1] in (["route"], ["r"]) and words[1:2] and words[1] in ("add", "replace", "change", "del", "delete"):
        if len(words) < 3:
            print("Error: any valid address is expected.", file=sys.stderr)
            return 2
        return record("ip", arguments)
    if words[:1] in (["route"], ["r"]):
        print("default via 127.0.0.1 dev ens5 proto dhcp")
        return 0
    if words[:1] in (["addr"], ["address"], ["a"], ["link"], ["l"]):
        print("2: ens5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 state UP")
        return record("ip", arguments) if "set" in words or "add" in words else 0
    print('Object "' + " ".join(words[:1]) + '" is unknown, try "ip help".', file=sys.stderr)
    return 1


def uname(arguments: list[str]) -> int:
    """Be a Graviton."""
    values = {"-s": "Linux", "-n": "lab", "-r": "6.1.0-lab", "-m": "aarch64", "-p": "aarch64", "-i": "aarch64"}
    if arguments in ([], ["-s"]):
        print("Linux")
    elif "-a" in arguments:
        print("Linux lab 6.1.0-lab aarch64 GNU/Linux (simulated)")
    else:
        flags = [f"-{letter}" for argument in arguments for letter in argument.lstrip("-")]
        print(" ".join(values.get(flag, "unknown") for flag in flags))
    return 0


def findmnt(arguments: list[str]) -> int:
    """Tell where the root is."""
    wide = not any("n" in argument for argument in arguments if argument.startswith("-") and argument[1:2] != "-")
    columns = _columns(arguments, ["SOURCE"])
    values = {"TARGET": "/", "SOURCE": f"{DISK}p1", "FSTYPE": "xfs", "OPTIONS": "rw", "MAJ:MIN": "259:1"}
    if wide and "--noheadings" not in arguments:
        print(" ".join(columns))
    print(" ".join(values.get(column, "") for column in columns))
    return 0


def _columns(arguments: list[str], default: list[str]) -> list[str]:
    """Return what -o or --output asks for."""
    for before, after in zip(arguments, [*arguments[1:], ""], strict=True):
        if before.startswith("--output="):
            return before.partition("=")[2].upper().split(",")
        if before == "--output" or (before.startswith("-") and before[1:2] != "-" and before.endswith("o")):
            return after.upper().split(",")
    return default


def lsblk(arguments: list[str]) -> int:
    """Report the one disk."""
    rows = [
        {"NAME": "nvme0n1", "PATH": DISK, "PKNAME": "", "TYPE": "disk", "SIZE": "50G", "MOUNTPOINT": ""},
        {
            "NAME": "nvme0n1p1",
            "PATH": f"{DISK}p1",
            "PKNAME": "nvme0n1",
            "TYPE": "part",
            "SIZE": "50G",
            "MOUNTPOINT": "/",
        },
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
    """Take everything; reboot and poweroff mean it."""
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
    """Reboot with -r, else power off."""
    return request_reboot("linux" if "-r" in arguments else "off")


def kexec(_: list[str]) -> int:
    """Refuse, as an arm64 kernel without the call does."""
    print("kexec_load failed: Function not implemented", file=sys.stderr)
    return 255


def sysctl(arguments: list[str]) -> int:
    """Take settings, know none."""
    return record("sysctl", arguments)


def plain(name: str) -> Callable[[list[str]], int]:
    """Return a simulation that takes everything."""
    return lambda arguments: record(name, arguments)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "dnf": plain("dnf"),
    "findmnt": findmnt,
    "ip": ip,
    "kexec": kexec,
    "lsblk": lsblk,
    "modprobe": plain("modprobe"),
    "poweroff": lambda _: request_reboot("off"),
    "reboot": lambda _: request_reboot("linux"),
    "shutdown": shutdown,
    "sysctl": sysctl,
    "systemctl": systemctl,
    "udevadm": plain("udevadm"),
    "uname": uname,
}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
