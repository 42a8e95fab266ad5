#!/usr/bin/env lab-python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for boot-to-talos v0.7.1: its flags, questions, progress lines and failures; it pulls and writes nothing.

What it ends with is a word to the lab, which takes the machine's Linux away and starts a Talos stand-in in its place.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = os.environ.get("LAB_ROOT", "")
DEFAULT_IMAGE = "ghcr.io/cozystack/cozystack/talos:v1.11.6"
BOOLEAN = ("yes",)
VALUED = ("disk", "extra-kernel-arg", "image", "image-size-gib", "mode")
MODES = """Mode:
  1. boot: by kexec (the stand-in's wording)
  2. install: to the disk (the stand-in's wording)"""


@dataclass
class Options:
    """The command line."""

    image: str = DEFAULT_IMAGE
    disk: str = ""
    mode: str = ""
    yes: bool = False
    size: int = 3
    extra: list[str] = field(default_factory=list)


def log(text: str) -> None:
    """Write a line as Go's log package does."""
    print(time.strftime("%Y/%m/%d %H:%M:%S"), text, file=sys.stderr, flush=True)


def fatal(text: str) -> None:
    """Write a line and end as Go's log.Fatal does."""
    log(text)
    sys.exit(1)


def misuse(text: str) -> None:
    """End as Go's flag package does."""
    print(text, file=sys.stderr)
    print("Usage of boot-to-talos:", file=sys.stderr)
    for name in sorted([*BOOLEAN, *VALUED]):
        print(f"  -{name}", file=sys.stderr)
    sys.exit(2)


def parse(arguments: list[str]) -> Options:
    """Read flags as Go's flag package does: one or two dashes, a value after = or as the next word."""
    options, waiting = Options(), list(arguments)
    while waiting and waiting[0].startswith("-") and waiting[0] != "-":
        word = waiting.pop(0)
        if word == "--":
            break
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if name in ("h", "help"):
            misuse("")
        if name in BOOLEAN:
            options.yes = _boolean(name, value) if equals else True
        elif name in VALUED:
            if not equals and not waiting:
                misuse(f"flag needs an argument: -{name}")
            _set(options, name, value if equals else waiting.pop(0))
        else:
            misuse(f"flag provided but not defined: -{name}")
    return options


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in ("1", "t", "true", "0", "f", "false"):
        misuse(f'invalid boolean value "{value}" for -{name}: parse error')
    return value.lower() in ("1", "t", "true")


def _set(options: Options, name: str, value: str) -> None:
    if name == "extra-kernel-arg":
        options.extra.append(value)
    elif name == "image-size-gib":
        if not value.isdigit():
            misuse(f'invalid value "{value}" for flag -{name}: parse error')
        options.size = int(value)
    else:
        setattr(options, name, value)


def ask(options: Options, question: str, default: str) -> str:
    """Ask for a text; an empty answer or the end of input means the default."""
    if options.yes:
        print(f"{question} [{default}]: {default}", flush=True)
        return default
    print(f"{question} [{default}]: ", end="", flush=True)
    return sys.stdin.readline().strip() or default


def ask_yes_no(options: Options, question: str, *, default: bool) -> bool:
    """Ask until the answer is yes, no, or the default."""
    word = "yes" if default else "no"
    if options.yes:
        print(f"{question} [{word}]: {str(default).lower()}", flush=True)
        return default
    while True:
        print(f"{question} [{word}]: ", end="", flush=True)
        answer = sys.stdin.readline().strip().lower()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")
        print("Please answer 'yes' or 'no'.", flush=True)


def ask_mode(options: Options) -> str:
    """Ask for the mode; with -yes it is boot."""
    print(MODES, flush=True)
    if options.yes:
        print("Mode [1]: boot", flush=True)
        return "boot"
    while True:
        print("Mode [1]: ", end="", flush=True)
        answer = sys.stdin.readline().strip().lower()
        if answer in ("", "1", "boot", "kexec"):
            return "boot"
        if answer in ("2", "install"):
            return "install"
        print("Please enter '1' or '2' (or 'boot'/'install').", flush=True)


def network_arguments(options: Options) -> list[str]:
    """Ask about networking: after a no, again, as the real program falls back to a simpler detection."""
    for attempt in (1, 2):
        if ask_yes_no(options, "Add networking configuration?", default=True):
            return _network_answers(options, simple=attempt == 2)
    return _console(options)


def _network_answers(options: Options, *, simple: bool) -> list[str]:
    device = ask(options, "Interface" if simple else "Network device for IP", "enx020000000001")
    address = ask(options, "IP address", "127.0.0.1")
    mask = ask(options, "Netmask", "255.255.255.0")
    gateway = ask(options, "Gateway (or 'none')", "none")
    gateway = "" if gateway.lower() == "none" else gateway
    hostname = ask(options, "Hostname", socket.gethostname())
    return [f"ip={address}::{gateway}:{mask}:{hostname}:{device}:none", *_console(options)]


def _console(options: Options) -> list[str]:
    answer = ask(options, "Configure serial console? (or 'no')", "ttyS0")
    return [] if answer.lower() in ("no", "none") else [f"console={answer}"]


def summary(title: str, options: Options) -> None:
    """Say what will be done."""
    print(f"\n{title}:\n  Image: {options.image}", flush=True)
    if options.mode == "install":
        print(f"  Disk:  {options.disk}", flush=True)
    print(f"  Extra kernel args: {' '.join(options.extra) or '(none)'}", flush=True)


def pull(options: Options) -> None:
    """Stand in for pulling the image: the place for what a registry double will know of its platforms."""
    if options.image.startswith(("http://", "https://")):
        fatal(f"failed to get install assets from container source: pull image {options.image}: "
              "could not parse reference")  # fmt: skip


def boot(options: Options) -> None:
    """Fail as kexec of an arm64 Talos kernel does: it is an EFI zboot image that kexec does not take."""
    summary("Boot Summary", options)
    if not ask_yes_no(options, "Continue with boot?", default=True):
        fatal("aborted by user")
    log("boot mode: extracting kernel and initramfs from image")
    pull(options)
    log("loading kernel with kexec")
    log("using KexecFileLoad")
    fatal("kexec: error loading kernel for kexec: exec format error (errno: 8). Check dmesg for details")


def install(options: Options) -> None:
    """Go through the motions, in the real order."""
    summary("Summary", options)
    print(f"\nWARNING: ALL DATA ON {options.disk} WILL BE ERASED!\n", flush=True)
    if not ask_yes_no(options, "Continue?", default=True):
        fatal("aborted by user")
    folder = "/tmp/installer-1234567890"  # noqa: S108  only in a progress line
    log(f"created temporary directory {folder}")
    pull(options)
    log(f"creating raw disk {folder}/image.raw ({options.size} GiB)")
    log(f"attached {folder}/image.raw to /dev/loop0")
    log("starting Talos installer")
    log("running Talos installer (a stand-in)")
    log("installation of Talos complete (a stand-in)")
    log("Talos installer finished successfully")
    log("remounting all filesystems read-only")
    log(f"copy {folder}/image.raw → {options.disk}")
    _write(options)
    log(f"installation image copied to {options.disk}")
    if Path(f"{ROOT}/sys/firmware/efi").exists():
        log("creating EFI boot entry")
        log("EFI boot entry 0001 created, BootOrder: [1 0]")
    log("rebooting system")
    Path(f"{ROOT}/run/lab/reboot").write_text(f"talos {options.image}", encoding="utf-8")
    time.sleep(60)  # the real one does not return either


def _write(options: Options) -> None:
    """Put a note on the scratch root's disk, which is a file; never open anything else."""
    disk = Path(ROOT + options.disk)
    if not disk.exists():
        fatal(f"open dst: open {options.disk}: no such file or directory")
    if not stat.S_ISREG(disk.stat().st_mode):
        fatal(f"open dst: open {options.disk}: the lab's stand-in writes no real disk")
    disk.write_text(f"Talos stand-in\nimage {options.image}\nargs {' '.join(options.extra)}\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Ask what the command line does not say, in the real order, then boot or install."""
    options = parse(arguments)
    if not options.mode:
        options.mode = ask_mode(options)
    elif options.mode not in ("boot", "install"):
        fatal(f"invalid mode: {options.mode} (must be 'boot' or 'install')")
    if options.image == DEFAULT_IMAGE:
        options.image = ask(options, "Talos installer image", options.image)
    if options.mode == "install" and not options.disk:
        options.disk = ask(options, "Target disk", "/dev/nvme0n1")
    options.extra += network_arguments(options)
    if options.mode == "boot":
        boot(options)
    else:
        install(options)


if __name__ == "__main__":
    main(sys.argv[1:])
