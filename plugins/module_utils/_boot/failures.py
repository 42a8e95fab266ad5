# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognize the error messages of boot-to-talos v0.7.1, with remedies.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from .._findings import Finding, finding, remedy_of, sentences
from .upstream import INDEX_PLATFORM, TIMESTAMP

# What cloud-init and the kernel's log put before a line on a serial console.
CONSOLE = re.compile(r"^(?:\[\s*\d+\.\d+\]\s*)?(?:cloud-init\[\d+\]:\s*)?")


class Kind(NamedTuple):
    """A kind of failure: the line contains all signs. The first one is boot-to-talos' own text, if it has one.

    Without a cause or a remedy of its own it has the meaning or the remedy of its code.
    """

    code: str
    signs: tuple[str, ...]
    cause: str | None = None
    remedy: str | None = None


def _kinds(
    code: str, first: str, words: Iterable[str], cause: str | None = None, remedy: str | None = None
) -> list[Kind]:
    """Return kinds that differ only in the second of their signs."""
    return [Kind(code, (first, word), cause, remedy) for word in words]


PULL = "pull image "
_CACHE = remedy_of("IMAGE_DOWNLOAD")
_LATER = "Try again later: the limit applies to the bastion's address, and its cache does not pull stored images again."
_PUBLIC = "Make the image public, or correct its name."
_BUSY = "Run it again in a minute. If it fails again, look into the log of the registry or of the bastion's cache."
_CERTIFICATES = (
    "Use an image of a registry whose certificate the machine's system trusts, or correct the machine's clock."
)
_OTHER_DIGEST = remedy_of("IMAGE_INDEX")
_REPORT = "The failure is not known: read the preceding lines."
_FROM_ASSETS = "failed to get install assets from"

# The order matters: the first kind whose signs are all in a line is selected.
KINDS = (
    Kind(
        "MEMORY_TOO_SMALL",
        (_FROM_ASSETS, "no space left on device"),
        "the tmpfs with the unpacked image is full",
    ),
    Kind("MEMORY_TOO_SMALL", ("create raw disk image: ", "no space"), "the tmpfs of the image is full"),
    Kind("MEMORY_TOO_SMALL", ("truncate raw disk image: ",), "the disk image does not fit into the tmpfs"),
    Kind("MEMORY_TOO_SMALL", ("", "Out of memory: Killed process", "boot-to-talos"), "the memory ran out"),
    Kind("MEMORY_TOO_SMALL", ("", "fatal error: runtime: out of memory"), "the memory ran out"),
    Kind(
        "IMAGE_NO_SUCH_PLATFORM",
        ("forkexec: ", "exec format error"),
        f"the image is for another architecture: from an index boot-to-talos always selects {INDEX_PLATFORM}",
        _OTHER_DIGEST,
    ),
    Kind(
        "IMAGE_NO_SUCH_PLATFORM",
        (PULL, "no child with platform"),
        f"the image is an index without {INDEX_PLATFORM}, the only platform that boot-to-talos selects",
        _OTHER_DIGEST,
    ),
    Kind(
        "IMAGE_NO_INSTALLER",
        ("forkexec: ", "no such file or directory"),
        "the image is not a Talos installer: it has no /usr/bin/installer",
    ),
    Kind("IMAGE_NO_INSTALLER", ("forkexec: ",), "the image's installer cannot be started", _REPORT),
    *_kinds("IMAGE_RATE_LIMITED", PULL, ("TOOMANYREQUESTS", "toomanyrequests", "429 Too Many Requests"), remedy=_LATER),
    *_kinds("IMAGE_NOT_FOUND", PULL, ("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "404 Not Found")),
    # Harbor's.
    Kind("IMAGE_NOT_FOUND", (PULL, ": NOT_FOUND: ")),
    *_kinds(
        "IMAGE_NOT_AUTHORISED",
        PULL,
        ("UNAUTHORIZED", "401 Unauthorized"),
        "the registry requires a login",
        "Make the image public.",
    ),
    Kind("IMAGE_NOT_AUTHORISED", (PULL, "DENIED"), remedy=_PUBLIC),
    *_kinds(
        "IMAGE_UNREACHABLE",
        PULL,
        ("connection refused", "i/o timeout", "connection timed out", "Client.Timeout exceeded"),
        "the registry does not respond",
        _CACHE,
    ),
    *_kinds(
        "IMAGE_UNREACHABLE",
        PULL,
        ("no such host", "server misbehaving", "failure in name resolution"),
        "the registry's name cannot be resolved",
        _CACHE,
    ),
    *_kinds(
        "IMAGE_UNREACHABLE",
        PULL,
        ("network is unreachable", "no route to host"),
        "there is no route to the registry",
        _CACHE,
    ),
    Kind("IMAGE_UNREACHABLE", (PULL, "context deadline exceeded"), "the pull took longer than 30 minutes", _CACHE),
    Kind("IMAGE_NOT_AUTHORISED", (PULL, "403 Forbidden"), remedy=_PUBLIC),
    Kind("IMAGE_UNREACHABLE", (PULL, "x509: "), "the registry's certificate is not trusted", _CERTIFICATES),
    Kind("IMAGE_UNREACHABLE", (PULL, "TLS handshake timeout"), "the registry does not respond in time", _BUSY),
    *_kinds(
        "IMAGE_UNREACHABLE",
        PULL,
        ("connection reset by peer", "broken pipe", "client connection lost", "unexpected EOF", ": EOF"),
        "the registry ended the connection",
        _BUSY,
    ),
    *_kinds(
        "IMAGE_UNREACHABLE",
        PULL,
        ("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"),
        "the registry failed",
        _BUSY,
    ),
    *_kinds("IMAGE_BAD_DIGEST", PULL, ("does not match requested digest", "error verifying ")),
    Kind("IMAGE_NO_INSTALLER", (PULL, "unsupported MediaType: "), "the reference is not that of an image"),
    Kind("REGISTRY_PLAIN_HTTP", (PULL, "server gave HTTP response to HTTPS client")),
    Kind("IMAGE_INVALID_REFERENCE", (PULL, "could not parse reference")),
    Kind("IMAGE_PULL_FAILED", (PULL,)),
    *_kinds("IMAGE_DAMAGED", _FROM_ASSETS, ("extract layer", "get layers")),
    Kind("IMAGE_ISO", (_FROM_ASSETS, "ISO source install mode not supported")),
    Kind("IMAGE_DOWNLOAD", (_FROM_ASSETS, "download")),
    Kind("IMAGE_DAMAGED", (_FROM_ASSETS,), "the image cannot be used", _REPORT),
    Kind(
        "IMAGE_DAMAGED", ("install assets contain neither disk image nor rootfs path",), "the image is empty", _REPORT
    ),
    Kind("IMAGE_INVALID_REFERENCE", ("failed to detect image source: ",)),
    Kind("INSTALLER_FAILED", ("installer exited ",)),
    Kind("INSTALLER_FAILED", ("wait: ",), "Talos' installer ended unexpectedly"),
    Kind(
        "LOOP_DEVICE_MISSING",
        ("open loop-control: ",),
        remedy=f"modprobe loop. {remedy_of('LOOP_DEVICE_MISSING')}",
    ),
    Kind("LOOP_DEVICE_MISSING", ("LOOP_CTL_GET_FREE: ",), "no loop device is free"),
    Kind("LOOP_DEVICE_MISSING", ("open loop: ",), "the loop device cannot be opened"),
    Kind("LOOP_DEVICE_MISSING", ("open backing: ",), "the disk image cannot be opened for a loop device"),
    *(
        Kind("LOOP_DEVICE_MISSING", (sign,), "the loop device cannot be set up")
        for sign in ("LOOP_SET_FD: ", "LOOP_SET_STATUS64: ")
    ),
    Kind("MOUNT_FAILED", ("mount tmpfs: ",), "it is not permitted to mount a tmpfs"),
    Kind("MOUNT_FAILED", ("bind recursive ",), "it is not permitted to mount /sys for the installer"),
    Kind("MOUNT_FAILED", ("bind ",), "it is not permitted to mount /proc or /dev for the installer"),
    Kind("MOUNT_FAILED", ("write cmdline: ",), "it cannot write to the installer's directory"),
    Kind("MOUNT_FAILED", ("create temporary directory: ",), "it cannot write to /tmp", "Make /tmp writable."),
    Kind("MOUNT_FAILED", ("create raw disk image: ",), "it cannot write to its tmpfs"),
    Kind("MOUNT_FAILED", ("create stdin pipe: ",), "it is not permitted to open a pipe"),
    Kind("DISK_TOO_SMALL", ("write: ", "no space left on device")),
    *(Kind("DISK_UNUSABLE", (sign,), "the disk cannot be opened") for sign in ("open dst: ", "open disk: ")),
    Kind("DISK_UNUSABLE", ("write: ",), "the disk cannot be written", "Replace the machine; its root disk is damaged."),
    Kind("DISK_UNUSABLE", ("open src: ",), "the image in the tmpfs does not exist", _REPORT),
    Kind("DISK_UNUSABLE", ("read: ",), "the image in the tmpfs cannot be read", _REPORT),
    Kind("SECURE_BOOT", ("aborted: Secure Boot is enabled",)),
    Kind("INSTALL_ABORTED", ("aborted by user",), "its last prompt was answered with no", _REPORT),
    Kind("INSTALL_ABORTED", ("missing required input for: ",), "a prompt has no default", "Set image and disk."),
    Kind("OPTION_UNKNOWN", ("invalid mode: ",), "it does not support that mode", "Let the collection choose the mode."),
    Kind("OPTION_UNKNOWN", ("", "flag provided but not defined: ")),
    Kind("OPTION_UNKNOWN", ("", "flag needs an argument: "), "an option has no value", _REPORT),
    Kind("OPTION_UNKNOWN", ("", "invalid value ", " for flag -"), "an option has a wrong value", _REPORT),
    Kind(
        "KEXEC_FAILED",
        ("kexec: ", "memfd_create failed: "),
        "this release uses the system call numbers of another architecture",
        remedy_of("OPTION_UNKNOWN"),
    ),
    Kind("KEXEC_FAILED", ("kexec: ",), "the kernel refuses kexec"),
    Kind("KEXEC_FAILED", ("get boot assets: ",), "the image has no kernel to boot"),
    Kind("PROGRAM_CRASHED", ("", "panic: ")),
    *_kinds("PROGRAM_UNUSABLE", "", ("cannot execute binary file", "Exec format error")),
)


def explain(lines: Iterable[str]) -> Finding | None:
    """Return the last failure in a program's output or a console, or None."""
    found = None
    seen: list[str] = []
    for raw in lines:
        text, is_log = plain(raw)
        kind = kind_of(text, is_log=is_log)
        found = _failure(kind, text, seen) if kind else found
        seen.append(text)
    return found


def plain(line: str) -> tuple[str, bool]:
    """Return a line without the prefixes of a console and Go's log, and whether it has that of Go's log."""
    text = CONSOLE.sub("", line.strip())
    match = TIMESTAMP.search(text)
    return (text[match.end() :], True) if match else (text, False)


def kind_of(text: str, *, is_log: bool) -> Kind | None:
    """Return the kind of failure of a line; boot-to-talos' own texts count in lines of its log only."""
    return next((kind for kind in KINDS if (is_log or not kind.signs[0]) and _fits(kind, text)), None)


def _fits(kind: Kind, text: str) -> bool:
    # A pull that failed is wrapped: "failed to get install assets from container source: pull image …".
    own = kind.signs[0]
    starts = own in text if own == PULL else text.startswith(own)
    return starts and all(sign in text for sign in kind.signs[1:])


def _failure(kind: Kind, line: str, before: list[str]) -> Finding:
    """Return the failure; an installer that failed because of missing space is reported as such."""
    if kind.code == "INSTALLER_FAILED" and any("no space left on device" in text for text in before):
        return failure_of("MEMORY_TOO_SMALL", line, "the tmpfs with the new disk is full")
    return failure_of(kind.code, line, kind.cause, kind.remedy)


def failure_of(code: str, line: str, cause: str | None, remedy: str | None = None) -> Finding:
    """Return a failure with the line that reports it."""
    return finding(code, "boot-to-talos", cause, remedy, evidence={"line": line})


def reported(failure: Finding) -> str:
    """Return a failure with its line as text."""
    return sentences(replace(failure, message=f"{failure.message.rstrip('.')} ({failure.evidence['line']})"))
