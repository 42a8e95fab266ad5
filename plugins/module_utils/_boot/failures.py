# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise what boot-to-talos v0.7.1 says when it fails, and tell what to do.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .upstream import TIMESTAMP

# What cloud-init and the kernel's log put before a line on a serial console.
CONSOLE = re.compile(r"^(?:\[\s*\d+\.\d+\]\s*)?(?:cloud-init\[\d+\]:\s*)?")


class Kind(NamedTuple):
    """A way to fail: the line holds all of the signs. The first one is boot-to-talos' own text, if it says anything."""

    code: str
    signs: tuple[str, ...]
    cause: str
    remedy: str


class Failure(NamedTuple):
    """A failure that happened: its kind and the line that tells it."""

    code: str
    line: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.cause} ({self.line}). {self.remedy}"


PULL = "pull image "
_CACHE = "Look whether the cache on the bastion answers (curl http://BASTION:PORT/v2/) and reaches its registry."
_SMALLER = "Take a larger instance type, or a disk image (https://…/metal-arm64.raw.xz), which needs little memory."
_ARM64 = "Name the digest of the manifest for this architecture: the module oci_image_info tells it."
_KERNEL = "Boot an ordinary kernel, such as Amazon Linux 2023's; containers and hardened kernels may forbid it."
_DISK = "Name the disk with the option disk; lsblk lists what there is."
_AGAIN = "Run it again."
_REPORT = "It is not known to happen: look at the lines before."

# The order counts: the first kind whose signs are all in a line is the one.
KINDS = (
    Kind(
        "memory_full",
        ("failed to get install assets from", "no space left on device"),
        "the tmpfs that holds the unpacked image is full",
        _SMALLER,
    ),
    Kind("memory_full", ("create raw disk image: ", "no space"), "the tmpfs of the image is full", _SMALLER),
    Kind("memory_full", ("truncate raw disk image: ",), "the disk image does not fit into the tmpfs", _SMALLER),
    Kind("memory_full", ("", "Out of memory: Killed process", "boot-to-talos"), "the memory ran out", _SMALLER),
    Kind("memory_full", ("", "fatal error: runtime: out of memory"), "the memory ran out", _SMALLER),
    Kind(
        "image_architecture",
        ("forkexec: ", "exec format error"),
        "the image is for another architecture: from an index boot-to-talos takes linux/amd64, wherever it runs",
        _ARM64,
    ),
    Kind(
        "image_architecture",
        (PULL, "no child with platform"),
        "the image is an index without linux/amd64, the one platform that boot-to-talos looks for",
        _ARM64,
    ),
    Kind(
        "image_no_installer",
        ("forkexec: ", "no such file or directory"),
        "the image is no Talos installer: it has no /usr/bin/installer",
        "Name an installer image, such as the ones that Talos' imager makes with the kind installer.",
    ),
    Kind("image_no_installer", ("forkexec: ",), "the image's installer cannot be started", _REPORT),
    Kind("image_missing", (PULL, "MANIFEST_UNKNOWN"), "the image does not exist", "Correct its name, tag or digest."),
    Kind("image_missing", (PULL, "NAME_UNKNOWN"), "the image does not exist", "Correct its name."),
    Kind("image_missing", (PULL, "404 Not Found"), "the image does not exist", "Correct its name, tag or digest."),
    Kind("image_forbidden", (PULL, "UNAUTHORIZED"), "the registry wants a login", "Make the image public."),
    Kind("image_forbidden", (PULL, "DENIED"), "the registry refuses", "Make the image public, or correct its name."),
    Kind("registry_unreachable", (PULL, "connection refused"), "no registry answers there", _CACHE),
    Kind("registry_unreachable", (PULL, "i/o timeout"), "no registry answers there", _CACHE),
    Kind("registry_unreachable", (PULL, "no such host"), "the registry's name is not known", _CACHE),
    Kind("registry_unreachable", (PULL, "network is unreachable"), "there is no way to the registry", _CACHE),
    Kind("registry_unreachable", (PULL, "no route to host"), "there is no way to the registry", _CACHE),
    Kind("registry_unreachable", (PULL, "context deadline exceeded"), "the pull took longer than 30 minutes", _CACHE),
    Kind(
        "registry_https",
        (PULL, "server gave HTTP response to HTTPS client"),
        "the registry speaks plain http under an address at which boot-to-talos wants https",
        "Name it by a private IPv4 address.",
    ),
    Kind("image_reference", (PULL, "could not parse reference"), "that is no image", "Write REPOSITORY@sha256:DIGEST."),
    Kind("image_pull", (PULL,), "the image could not be pulled", _CACHE),
    Kind("image_damaged", ("failed to get install assets from", "extract layer"), "a layer is damaged", _CACHE),
    Kind("image_damaged", ("failed to get install assets from", "get layers"), "the image is damaged", _CACHE),
    Kind(
        "image_iso",
        ("failed to get install assets from", "ISO source install mode not supported"),
        "an ISO image cannot be installed",
        "Name an installer image, or a disk image that ends in .raw.xz.",
    ),
    Kind("download", ("failed to get install assets from", "download"), "the disk image could not be fetched", _CACHE),
    Kind("image_damaged", ("failed to get install assets from",), "the image cannot be used", _REPORT),
    Kind(
        "image_damaged", ("install assets contain neither disk image nor rootfs path",), "the image is empty", _REPORT
    ),
    Kind(
        "image_reference", ("failed to detect image source: ",), "that is no image", "Write REPOSITORY@sha256:DIGEST."
    ),
    Kind("installer_failed", ("installer exited ",), "Talos' installer failed", "The lines before it say why."),
    Kind("installer_failed", ("wait: ",), "Talos' installer was lost", "The lines before it say why."),
    Kind("loop_device", ("open loop-control: ",), "the kernel has no loop devices", f"modprobe loop. {_KERNEL}"),
    Kind("loop_device", ("LOOP_CTL_GET_FREE: ",), "no loop device is free", _KERNEL),
    Kind("loop_device", ("open loop: ",), "the loop device cannot be opened", _KERNEL),
    Kind("loop_device", ("open backing: ",), "the disk image cannot be opened for a loop device", _KERNEL),
    Kind("loop_device", ("LOOP_SET_FD: ",), "the loop device cannot be set up", _KERNEL),
    Kind("loop_device", ("LOOP_SET_STATUS64: ",), "the loop device cannot be set up", _KERNEL),
    Kind("mount", ("mount tmpfs: ",), "it may not mount a tmpfs", _KERNEL),
    Kind("mount", ("bind recursive ",), "it may not mount /sys for the installer", _KERNEL),
    Kind("mount", ("bind ",), "it may not mount /proc or /dev for the installer", _KERNEL),
    Kind("mount", ("write cmdline: ",), "it cannot write beside the installer", _KERNEL),
    Kind("mount", ("create temporary directory: ",), "it cannot write to /tmp", "Make /tmp writable."),
    Kind("mount", ("create raw disk image: ",), "it cannot write to its tmpfs", _KERNEL),
    Kind("mount", ("create stdin pipe: ",), "it may not open a pipe", _KERNEL),
    Kind(
        "disk_small",
        ("write: ", "no space left on device"),
        "the disk is smaller than the image",
        "Give the machine a root volume of at least the image's size.",
    ),
    Kind("disk", ("open dst: ",), "the disk cannot be opened", _DISK),
    Kind("disk", ("open disk: ",), "the disk cannot be opened", _DISK),
    Kind("disk", ("write: ",), "the disk cannot be written", "Replace the machine; its root disk is damaged."),
    Kind("disk", ("open src: ",), "the image in the tmpfs is gone", _REPORT),
    Kind("disk", ("read: ",), "the image in the tmpfs cannot be read", _REPORT),
    Kind(
        "secure_boot",
        ("aborted: Secure Boot is enabled",),
        "Secure Boot is on, and the firmware would refuse Talos",
        "Turn Secure Boot off; on EC2 take an AMI without UEFI keys.",
    ),
    Kind("aborted", ("aborted by user",), "its last question was answered with no", _REPORT),
    Kind("aborted", ("missing required input for: ",), "a question has no default", "Name image and disk."),
    Kind("usage", ("invalid mode: ",), "it does not know that mode", "Let the collection choose the mode."),
    Kind("usage", ("", "flag provided but not defined: "), "it lacks an option", "Take release 0.7.1 or newer."),
    Kind("usage", ("", "flag needs an argument: "), "an option has no value", _REPORT),
    Kind("usage", ("", "invalid value ", " for flag -"), "an option has a wrong value", _REPORT),
    Kind(
        "kexec",
        ("kexec: ", "memfd_create failed: "),
        "this release uses the system call numbers of another architecture",
        "Take release 0.7.1 or newer.",
    ),
    Kind("kexec", ("kexec: ",), "the kernel refuses kexec", "Let the collection install instead: never use -yes."),
    Kind("kexec", ("get boot assets: ",), "the image has no kernel to boot", "Let the collection install instead."),
    Kind("crash", ("", "panic: "), "boot-to-talos crashed", _AGAIN),
    Kind("program", ("", "cannot execute binary file"), "boot-to-talos is for another architecture", _REPORT),
    Kind("program", ("", "Exec format error"), "boot-to-talos is for another architecture", _REPORT),
)


def explain(lines: Iterable[str]) -> Failure | None:
    """Return the failure that a program's output or a console tells, None if it reports none; the last one counts."""
    found = None
    seen: list[str] = []
    for raw in lines:
        text, is_log = plain(raw)
        kind = kind_of(text, is_log=is_log)
        found = _failure(kind, text, seen) if kind else found
        seen.append(text)
    return found


def plain(line: str) -> tuple[str, bool]:
    """Return a line without what a console and Go's log put before it, and whether Go's log did."""
    text = CONSOLE.sub("", line.strip())
    match = TIMESTAMP.search(text)
    return (text[match.end() :], True) if match else (text, False)


def kind_of(text: str, *, is_log: bool) -> Kind | None:
    """Return the kind of failure that a line tells; own texts count in lines of its log only."""
    return next((kind for kind in KINDS if (is_log or not kind.signs[0]) and _fits(kind, text)), None)


def _fits(kind: Kind, text: str) -> bool:
    # A pull that failed is wrapped: "failed to get install assets from container source: pull image …".
    own = kind.signs[0]
    starts = own in text if own == PULL else text.startswith(own)
    return starts and all(sign in text for sign in kind.signs[1:])


def _failure(kind: Kind, line: str, before: list[str]) -> Failure:
    """Return the failure; an installer that failed for want of space is reported as that."""
    if kind.code == "installer_failed" and any("no space left on device" in text for text in before):
        return Failure("memory_full", line, "the tmpfs that holds the new disk is full", _SMALLER)
    return Failure(kind.code, line, kind.cause, kind.remedy)
