# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to images, as docker and containerd read them. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from typing import NamedTuple

from .._digests import SHA256_DIGEST
from .errors import ImageError, image_error

DOCKER_HUB = "docker.io"
DOCKER_HUB_API = "registry-1.docker.io"
DOCKER_HUB_NAMES = (DOCKER_HUB, "index.docker.io", DOCKER_HUB_API)
# https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_TAG = re.compile(TAG)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
DIGEST = re.compile(rf"{SHA256_DIGEST}|sha512:[0-9a-f]{{128}}")
_NAME_MAX = 255


class Reference(NamedTuple):
    """An image in a registry; a digest takes precedence over a tag."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Return registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """Return what is requested from a registry."""
        return self.digest or self.tag

    def __str__(self) -> str:
        """Return the reference in full."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{'@' + self.digest if self.digest else ''}"

    def at(self, digest: str) -> str:
        """Return the reference of the manifest with this digest in the same repository."""
        return f"{self.name}@{digest}"


def digest_of(text: str) -> str:
    """Return the digest that a reference names, not validated; empty for a tag, and for the URL of a disk image."""
    return "" if "://" in text else text.partition("@")[2]


def parse_reference(text: str) -> Reference:
    """Return the parts of a reference; omitted parts have docker's defaults."""
    if "://" in text:
        raise _invalid(text, "it begins like a URL", "Remove everything before the registry's name")
    rest, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise _invalid(text, f"{digest!r} is not a digest", "A digest is sha256: and 64 hexadecimal digits")
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        head, tag = rest, ""
    elif not _TAG.fullmatch(tag):
        raise _invalid(text, f"{tag!r} is not a tag", "A tag has up to 128 letters, digits, '_', '.' and '-'")
    registry, repository = _split(head)
    _check_name(text, registry, repository)
    return Reference(registry, repository, tag or ("" if digest else "latest"), digest)


def _split(name: str) -> tuple[str, str]:
    """Return registry and repository; the first part is a registry if it is not a valid repository name."""
    first, slash, rest = name.partition("/")
    if not slash or not (set(first) & {".", ":"} or first == "localhost" or first != first.lower()):
        return DOCKER_HUB, name if slash else f"library/{name}"
    registry = DOCKER_HUB if first in DOCKER_HUB_NAMES else first
    return registry, f"library/{rest}" if registry == DOCKER_HUB and "/" not in rest else rest


def _check_name(text: str, registry: str, repository: str) -> None:
    port = registry.rpartition(":")[2] if not registry.endswith("]") else ""
    if not _HOST.fullmatch(registry) or (port.isdigit() and ":" in registry and not 0 < int(port) <= 65535):
        raise _invalid(text, f"{registry!r} is not a registry", "A registry is a host name or address, with its port")
    if not _PATH.fullmatch(repository):
        remedy = "A repository consists of lower-case letters and digits, separated by single '.', '_', '-' and '/'"
        raise _invalid(text, f"{repository!r} is not a repository", remedy)
    if len(f"{registry}/{repository}") > _NAME_MAX:
        raise _invalid(text, "its name is too long", f"A name has {_NAME_MAX} characters at most")


def _invalid(text: str, cause: str, remedy: str) -> ImageError:
    return image_error("IMAGE_INVALID_REFERENCE", f"{text!r} is not an image reference: {cause}", f"{remedy}.")
