# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the call of boot-to-talos, for the module over SSH and the script in user-data.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .._errors import InputError
from .._networks import LOOPBACK
from .._oci.reference import Reference, parse_reference
from .._oci.repository import INDEXES, MANIFESTS
from . import upstream

MIB = 1024 * 1024
# The image is unpacked to a tmpfs, where the installer writes kernel and initramfs to a disk image.
# Upstream has no figures: assume that layers unpack to twice their size, and that the second copy is as large as they.
UNPACKED_PER_BYTE = 3
# A tmpfs without a size can use half of the memory.
TMPFS_DIVISOR = 2
PROGRAM_MIB = 128
ACCEPT = ", ".join((*MANIFESTS, *INDEXES, "*/*"))
_PRIVATE = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
# boot-to-talos does not treat this as private: only its simulation in a lab uses HTTP there.
_LOOPBACK = ipaddress.IPv4Network(LOOPBACK)


class Image(NamedTuple):
    """An image in a registry, or a disk image at a URL or in a file, which has no reference."""

    text: str
    reference: Reference | None = None

    @property
    def kind(self) -> str:
        """Return how boot-to-talos interprets it."""
        return "container" if self.reference else "raw"

    @property
    def is_remote(self) -> bool:
        """Return whether it is a disk image that must be downloaded."""
        return "://" in self.text

    @property
    def file(self) -> str:
        """Return the file name of a disk image: its suffix determines the compression."""
        ending = max((end for end in upstream.RAW_ENDINGS if self.text.lower().endswith(end)), key=len, default="")
        return f"talos{ending}" if ending else ""


def image_of(text: str) -> Image:
    """Return the source for an image's name."""
    image = Image(text)
    if not image.is_remote and not text.startswith("/"):
        return Image(text, parse_reference(text))
    if "?" in text or not image.file:
        raise InputError(
            f"Failed to use the image {text}: boot-to-talos does not treat it as a disk image. Its name must end in "
            f"one of {', '.join(upstream.RAW_ENDINGS)}."
        )
    return image


def through_cache(image: Image, caches: Mapping[str, str]) -> Image:
    """Return the image at the cache of its registry, or unchanged if there is none."""
    cache = caches.get(image.reference.registry) if image.reference else None
    if not cache or not image.reference:
        return image
    cached = image.reference._replace(registry=cache)
    return Image(str(cached), cached)


def is_plain_http(registry: str) -> bool:
    """Return whether boot-to-talos uses HTTP for a registry."""
    try:
        address = ipaddress.IPv4Address(registry.partition(":")[0])
    except ValueError:
        return bool(upstream.PLAIN_HTTP.search(registry))
    return any(address in network for network in (*_PRIVATE, _LOOPBACK))


def version_of(text: str) -> tuple[int, ...]:
    """Return a release's version as numbers."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?", text)
    if not match:
        raise InputError(f"Failed to use release {text} of boot-to-talos: write it as {upstream.VERSION_MIN}.")
    return tuple(int(part) for part in match.groups())


def is_old(version: str) -> bool:
    """Return whether a release of boot-to-talos fails on ARM."""
    return version_of(version) < version_of(upstream.VERSION_MIN)


def arguments(image: str, disk: str, extra: Sequence[str] = ()) -> list[str]:
    """Return the words of the command line. Never -yes: that boots by kexec, and adds kernel arguments of its own."""
    words = ["-mode", upstream.MODE, "-image", image, "-disk", disk]
    return [*words, *(word for argument in extra for word in ("-extra-kernel-arg", argument))]


def answers(*, has_default_route: bool) -> tuple[str, ...]:
    """Return the answers to its prompts."""
    return upstream.ANSWERS if has_default_route else upstream.ANSWERS_WITHOUT_ROUTE


def tmpfs_bytes(layer_bytes: int) -> int:
    """Return the size of the tmpfs for an image whose compressed layers have that size."""
    return layer_bytes * UNPACKED_PER_BYTE
