# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return how a node's user-data runs boot-to-talos, by the rules of the module boot_to_talos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._boot import plan, upstream
from ..module_utils._errors import CollectionError, InputError


def boot_plan(image: str, caches: Mapping[str, str], version: str = upstream.VERSION_MIN) -> dict[str, Any]:
    """Return the template's variables; details of boot-to-talos stay in Python."""
    try:
        return _plan(plan.through_cache(plan.image_of(image), caches), version)
    except CollectionError as error:
        raise AnsibleFilterError(str(error)) from error


def _plan(image: plan.Image, version: str) -> dict[str, Any]:
    if plan.is_old(version):
        raise InputError(
            f"Failed to use release {version} of boot-to-talos: before {upstream.VERSION_MIN} it does not work on ARM. "
            f"Set cluster_boot_to_talos_version to {upstream.VERSION_MIN} or newer."
        )
    return {**_image(image), **_program(version), **_machine()}


def _image(image: plan.Image) -> dict[str, Any]:
    """Return the properties of the image, and the URL of its registry."""
    asked = image.reference if image.reference and plan.is_plain_http(image.reference.registry) else None
    return {
        "image": image.text,
        "kind": image.kind,
        "file": image.file,
        # Only if no login is needed; otherwise boot-to-talos checks it.
        "repository_url": f"http://{asked.registry}/v2/{asked.repository}" if asked else "",
        "reference": asked.wanted if asked else "",
        "accept": plan.ACCEPT,
    }


def _program(version: str) -> dict[str, Any]:
    """Return the source and the command line of boot-to-talos."""
    machine, architecture = next(iter(upstream.ARCHITECTURES.items()))
    return {
        "machine": machine,
        "architecture": architecture,
        "program": upstream.PROGRAM,
        "archive": upstream.ARCHIVE.format(architecture=architecture),
        "checksums": upstream.CHECKSUMS,
        "release_url": upstream.RELEASE_URL.format(version=version),
        "mode": upstream.MODE,
        "answers": upstream.ANSWERS,
    }


def _machine() -> dict[str, Any]:
    """Return the requirements of the machine, and where to check them."""
    return {
        "secure_boot": upstream.SECURE_BOOT,
        "lockdown": upstream.LOCKDOWN,
        "loop_control": upstream.LOOP_CONTROL,
        "sysrq": upstream.SYSRQ,
        "unpacked_per_byte": plan.UNPACKED_PER_BYTE,
        "tmpfs_divisor": plan.TMPFS_DIVISOR,
        "program_kib": plan.PROGRAM_MIB * 1024,
    }


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"boot_plan": boot_plan}
