# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide how boot-to-talos is called: by the module over SSH and by the script in user-data, by the same rules.

Private to urmanac.talos: may change at any time. Runs on the machine to be replaced: Python 3.9, standard library only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .._errors import InputError
from .._oci.reference import Reference, parse_reference
from .._oci.repository import INDEXES, MANIFESTS
from . import upstream

MIB = 1024 * 1024
# The image is unpacked into a tmpfs, in which the installer then writes kernel and initramfs again, to a disk image.
# Upstream gives no figure: layers are taken to unpack to twice their size, and the second copy to be as large as they.
UNPACKED_PER_BYTE = 3
# A tmpfs that is mounted without a size holds half of the memory.
TMPFS_DIVISOR = 2
PROGRAM_MIB = 128
ACCEPT = ", ".join((*MANIFESTS, *INDEXES, "*/*"))
_PRIVATE = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
# Beyond what boot-to-talos takes for private: only its simulation in a lab speaks http there.
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class Image(NamedTuple):
    """An image in a registry, or a disk image at a URL or in a file, which has no reference."""

    text: str
    reference: Reference | None = None

    @property
    def kind(self) -> str:
        """Return what boot-to-talos takes it for."""
        return "container" if self.reference else "raw"

    @property
    def is_remote(self) -> bool:
        """Tell whether it is a disk image that has to be fetched."""
        return "://" in self.text

    @property
    def file(self) -> str:
        """Return the name under which a disk image is kept: its ending tells how it is packed."""
        ending = max((end for end in upstream.RAW_ENDINGS if self.text.lower().endswith(end)), key=len, default="")
        return f"talos{ending}" if ending else ""


def image_of(text: str) -> Image:
    """Return what an image's name says."""
    image = Image(text)
    if not image.is_remote and not text.startswith("/"):
        return Image(text, parse_reference(text))
    if "?" in text or not image.file:
        raise InputError(
            f"Failed to use the image {text}: boot-to-talos takes it for no disk image. "
            f"Its name has to end in one of {', '.join(upstream.RAW_ENDINGS)}."
        )
    return image


def through_cache(image: Image, caches: Mapping[str, str]) -> Image:
    """Return the image at the cache of its registry, or as it is if its registry has none."""
    cache = caches.get(image.reference.registry) if image.reference else None
    if not cache or not image.reference:
        return image
    cached = image.reference._replace(registry=cache)
    return Image(str(cached), cached)


def is_plain_http(registry: str) -> bool:
    """Tell whether boot-to-talos speaks http to a registry."""
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
    """Tell whether a release of boot-to-talos fails on ARM."""
    return version_of(version) < version_of(upstream.VERSION_MIN)


def arguments(image: str, disk: str, extra: Sequence[str] = ()) -> list[str]:
    """Return the words of the command line. Never -yes: that boots by kexec, and adds kernel arguments of its own."""
    words = ["-mode", upstream.MODE, "-image", image, "-disk", disk]
    return [*words, *(word for argument in extra for word in ("-extra-kernel-arg", argument))]


def answers(*, has_default_route: bool) -> tuple[str, ...]:
    """Return what its questions are answered with."""
    return upstream.ANSWERS if has_default_route else upstream.ANSWERS_WITHOUT_ROUTE


def tmpfs_bytes(layer_bytes: int) -> int:
    """Return how much the tmpfs has to hold for an image whose packed layers have that size."""
    return layer_bytes * UNPACKED_PER_BYTE
