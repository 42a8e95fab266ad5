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

from ansible_collections.urmanac.talos.plugins.module_utils._boot import upstream
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError

DOCKER_HUB = "docker.io"
MIB = 1024 * 1024
# The image is unpacked into a tmpfs, in which the installer then writes kernel and initramfs again, to a disk image.
# Upstream gives no figure: layers are taken to unpack to twice their size, and the second copy to be as large as they.
UNPACKED_PER_BYTE = 3
# A tmpfs that is mounted without a size holds half of the memory.
TMPFS_DIVISOR = 2
PROGRAM_MIB = 128
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "*/*",
    )
)
_PRIVATE = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
# Beyond what boot-to-talos takes for private: only its stand-in in a lab speaks http there.
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class Image(NamedTuple):
    """An image in a registry, or a disk image at a URL or in a file; for those the registry is empty."""

    text: str
    registry: str = ""
    repository: str = ""
    # A tag or a digest.
    reference: str = ""

    @property
    def kind(self) -> str:
        """Return what boot-to-talos takes it for."""
        return "container" if self.registry else "raw"

    @property
    def is_pinned(self) -> bool:
        """Tell whether it is named by a digest."""
        return bool(_DIGEST.fullmatch(self.reference))

    @property
    def base_url(self) -> str:
        """Return where its repository is asked for, by the rules by which boot-to-talos chooses http or https."""
        return f"{'http' if is_plain_http(self.registry) else 'https'}://{self.registry}/v2/{self.repository}"

    @property
    def file(self) -> str:
        """Return the name under which a disk image is kept: its ending tells how it is packed."""
        ending = max((end for end in upstream.RAW_ENDINGS if self.text.lower().endswith(end)), key=len, default="")
        return f"talos{ending}" if ending else ""


def image_of(text: str) -> Image:
    """Return what an image's name says."""
    if "://" in text or text.startswith("/"):
        image = Image(text)
        if "?" in text or not image.file:
            raise InputError(
                f"Failed to use the image {text}: boot-to-talos takes it for no disk image. "
                f"Its name has to end in one of {', '.join(upstream.RAW_ENDINGS)}."
            )
        return image
    name, at, digest = text.partition("@")
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, rest = DOCKER_HUB, name if slash else f"library/{name}"
    repository, _colon, tag = rest.partition(":")
    reference = digest if at else tag or "latest"
    if not _NAME.fullmatch(repository) or not (_DIGEST if at else _TAG).fullmatch(reference):
        raise InputError(
            f"Failed to use the image {text}: that is no image's name. Write registry/repository@sha256:DIGEST."
        )
    return Image(text, host, repository, reference)


def is_plain_http(registry: str) -> bool:
    """Tell whether boot-to-talos speaks http to a registry."""
    try:
        address = ipaddress.IPv4Address(registry.partition(":")[0])
    except ValueError:
        return bool(upstream.PLAIN_HTTP.search(registry))
    return any(address in network for network in (*_PRIVATE, _LOOPBACK))


def through_cache(text: str, caches: Mapping[str, str]) -> str:
    """Return the image's name at the cache of its registry, or as it is if its registry has none."""
    image = image_of(text)
    cache = caches.get(image.registry)
    if not cache:
        return text
    return f"{cache}/{image.repository}{'@' if image.is_pinned else ':'}{image.reference}"


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
