# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find everything that would prevent a Linux machine from booting into Talos, before any change.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from .._findings import Finding, finding, remedy_of
from .._oci.image import Image
from .._oci.repository import INDEXES
from . import plan, upstream
from .facts import Facts


class Request(NamedTuple):
    """The requested image, disk and release of boot-to-talos."""

    image: plan.Image
    version: str = upstream.VERSION_MIN
    disk: str = ""
    extra_kernel_args: tuple[str, ...] = ()


# The reader knows on which machine the module ran.
_SUBJECT = "this machine"


def check(facts: Facts, request: Request, found: Image | None) -> list[Finding]:
    """Return all findings; found is the image in the registry, None for a disk image."""
    findings = [
        *_check_machine(facts),
        *_check_kernel(facts),
        *_check_release(facts, request),
        *_check_disk(facts, request),
    ]
    if found is not None:
        findings += _check_image(facts, found)
    return [*findings, *_check_arguments(facts, request)]


def architecture_of(facts: Facts) -> str:
    """Return the name of the machine's architecture in images."""
    return upstream.ARCHITECTURES.get(facts.machine, facts.machine)


def _check_machine(facts: Facts) -> Iterator[Finding]:
    if facts.user_id != 0:
        yield finding("NOT_ROOT", _SUBJECT, fact=f"user {facts.user_id}")
    if facts.machine not in upstream.ARCHITECTURES:
        fact = f"{facts.machine}; it exists for {' and '.join(upstream.ARCHITECTURES)}"
        yield finding("MACHINE_NOT_SUPPORTED", _SUBJECT, fact=fact)


def _check_kernel(facts: Facts) -> Iterator[Finding]:
    if facts.secure_boot:
        yield finding("SECURE_BOOT", _SUBJECT)
    if facts.lockdown != "none":
        yield finding("KERNEL_LOCKDOWN", _SUBJECT, fact=f"lockdown={facts.lockdown}")
    if not facts.has_loop_devices:
        yield finding("LOOP_DEVICE_MISSING", _SUBJECT)
    if not facts.has_sysrq:
        yield finding("SYSRQ_MISSING", _SUBJECT)


def _check_release(facts: Facts, request: Request) -> Iterator[Finding]:
    if plan.is_old(request.version):
        fact = f"{request.version} on {facts.machine}"
        remedy = f"Set version to {upstream.VERSION_MIN} or newer."
        yield finding("BOOT_TO_TALOS_TOO_OLD", _SUBJECT, fact=fact, remedy=remedy)


def _check_disk(facts: Facts, request: Request) -> Iterator[Finding]:
    known = ", ".join(f"/dev/{name}" for name in facts.disks) or "none"
    if request.disk:
        if request.disk not in [f"/dev/{name}" for name in facts.disks]:
            yield finding(
                "DISK_UNUSABLE", _SUBJECT, f"the disk {request.disk} does not exist", f"Disks of this machine: {known}."
            )
    elif not facts.root_disks:
        yield finding(
            "DISK_UNUSABLE", _SUBJECT, "the disk of the root file system was not found", f"Set disk to one of: {known}."
        )
    elif len(facts.root_disks) > 1:
        spread = ", ".join(f"/dev/{name}" for name in facts.root_disks)
        yield finding(
            "DISK_UNUSABLE",
            _SUBJECT,
            f"the root file system is on several disks ({spread})",
            "Set disk to one of them.",
        )


def _check_image(facts: Facts, found: Image) -> Iterator[Finding]:
    if found.media_type in INDEXES:
        yield finding("IMAGE_INDEX", _SUBJECT, fact=found.image)
    elif found.error and found.error.code == "IMAGE_NO_SUCH_PLATFORM":
        built = ", ".join(found.platforms) or "no platform"
        cause = f"the image {found.image} is for {built}, this machine is {architecture_of(facts)}"
        yield finding("IMAGE_NO_SUCH_PLATFORM", _SUBJECT, cause, remedy_of("IMAGE_INDEX"))
    elif found.error:
        yield replace(found.error, message=f"the image {found.image}: {found.error.message}")
    else:
        yield from _check_memory(facts, found.size or 0)


def _check_memory(facts: Facts, size: int) -> Iterator[Finding]:
    need = plan.tmpfs_bytes(size)
    tmpfs = facts.memory_total // plan.TMPFS_DIVISOR
    free = facts.memory_free - plan.PROGRAM_MIB * plan.MIB
    if need > min(tmpfs, free):
        has = f"a tmpfs can have {tmpfs // plan.MIB}" if need > tmpfs else f"{max(free, 0) // plan.MIB} are free"
        yield finding(
            "MEMORY_TOO_SMALL",
            _SUBJECT,
            f"the image needs about {need // plan.MIB} MiB of memory and {has}",
        )


def _check_arguments(facts: Facts, request: Request) -> Iterator[Finding]:
    if not request.extra_kernel_args:
        return
    if request.image.kind == "raw":
        cause = "boot-to-talos does not add kernel arguments to a disk image"
        yield finding("KERNEL_ARGUMENTS", _SUBJECT, cause)
    elif facts.is_uefi:
        cause = (
            "this machine boots by UEFI, where Talos 1.10 and newer has its kernel arguments in a signed image and "
            "ignores those of its installer"
        )
        yield finding("KERNEL_ARGUMENTS", _SUBJECT, cause)
