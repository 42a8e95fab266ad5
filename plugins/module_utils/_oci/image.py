# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image is, and what it is on one platform. Private to urmanac.talos: may change at any time.

What an index says of its entries is a claim. A node runs what the image was built for, and that stands in the image's
configuration, beside the label in which Talos' builders write the version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._errors import InputError
from .._findings import Finding
from .._text import received
from .errors import ImageError, image_error, unexpected
from .reference import DIGEST, Reference
from .repository import (
    INDEXES,
    MANIFESTS,
    Document,
    Repository,
)

# Every installer since v1.0 has it, and the imager copies it: the Dockerfile of siderolabs/talos.
VERSION_LABEL = "alpha.talos.dev/version"
_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]*)?")
_INDEXES_WITHIN = 2


class Image(NamedTuple):
    """An image as far as it could be looked up; error says why not farther."""

    image: str
    exists: bool | None = None
    media_type: str | None = None
    digest: str | None = None
    platforms: Mapping[str, str] = {}
    platform: str | None = None
    resolved: str | None = None
    size: int | None = None
    version: str | None = None
    labels: Mapping[str, str] = {}
    error: Finding | None = None


def look_up(repository: Repository, reference: Reference, *, platform: str) -> Image:
    """Return what the image is, and the digest, the reference and the size of it on the platform."""
    image = Image(str(reference))
    try:
        document = repository.manifest(reference.wanted)
        manifest = checked(document, reference.digest or document.digest)
        image = image._replace(exists=True, digest=_digest(document.body), media_type=_media_type(document, manifest))
        platforms = _platforms(repository, image, manifest)
        image = image._replace(platforms=platforms)
        return _on_platform(repository, image, manifest, reference=reference, platform=platform)
    except ImageError as error:
        problem = error.problem.about(image.image)
        exists = False if problem.code == "IMAGE_NOT_FOUND" and image.exists is None else image.exists
        return image._replace(error=problem, exists=exists)
    except (AttributeError, TypeError, ValueError):
        # What a registry serves may have any form, a list where an object belongs for one.
        return image._replace(error=unexpected("the manifest is not formed as one").problem.about(image.image))


def checked(document: Document, expected: str) -> dict[str, Any]:
    """Return what a manifest says; refuse one whose bytes have another digest than the one it goes by."""
    check_digest(document.body, expected)
    return parsed(document.body)


def check_digest(body: bytes, expected: str) -> None:
    """Refuse bytes that are not what their digest promises."""
    actual = _digest(body, expected.partition(":")[0] or "sha256")
    if expected and actual != expected:
        raise image_error("IMAGE_BAD_DIGEST", f"what came has the digest {actual}, not {expected}")


def parsed(body: bytes) -> dict[str, Any]:
    """Return the object that a document holds."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unexpected("the manifest is no JSON") from error
    if not isinstance(content, dict):
        raise unexpected("the manifest is no JSON object")
    return dict(received(content))


def platform_name(described: Mapping[str, Any]) -> str:
    """Return a platform as docker writes it; every arm64 is v8, so it goes without saying."""
    system, architecture, variant = (str(described.get(key) or "") for key in ("os", "architecture", "variant"))
    variant = "" if (architecture, variant) == ("arm64", "v8") else variant
    return "/".join(part for part in (system, architecture, variant) if part)


def parse_platform(text: str) -> str:
    """Return a platform that the user gave as platform_name() writes it."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise InputError(f"Failed to read the platform {text!r}. Write it as linux/arm64 or linux/arm/v7.")
    return platform_name(dict(zip(("os", "architecture", "variant"), parts)))  # noqa: B905  strict needs Python 3.10


def _digest(body: bytes, algorithm: str = "sha256") -> str:
    if algorithm not in ("sha256", "sha512"):
        raise unexpected(f"the registry speaks of a digest by {algorithm!r}")
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def sound(digest: object) -> str:
    """Return a digest that a manifest names, if it is one: it becomes a part of an address."""
    if not DIGEST.fullmatch(str(digest)):
        raise unexpected("the manifest names a digest that is none")
    return str(digest)


def _media_type(document: Document, manifest: Mapping[str, Any]) -> str:
    """Return the kind of a manifest, which it tells itself or by its header, or from what is in it."""
    reported = str(manifest.get("mediaType") or "") or document.media_type
    if reported in INDEXES or reported in MANIFESTS:
        return reported
    if isinstance(manifest.get("manifests"), list):
        return INDEXES[0]
    if isinstance(manifest.get("config"), dict):
        return MANIFESTS[0]
    raise unexpected(f"this is no image, but {reported or 'something that does not tell what it is'}")


def _platforms(repository: Repository, image: Image, manifest: Mapping[str, Any]) -> dict[str, str]:
    if image.media_type in INDEXES:
        entries = list(_entries(repository, manifest, _INDEXES_WITHIN))
        found = {platform_name(entry["platform"]): str(entry.get("digest")) for entry in reversed(entries)}
        # What builders attest of an image is listed beside it, for a platform that does not exist.
        return {name: found[name] for name in reversed(found) if not name.startswith("unknown")}
    name = platform_name(_configuration(repository, manifest))
    return {name: image.digest or ""} if name else {}


def _entries(repository: Repository, index: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of an index that have a platform, those of an index inside of it as well."""
    for entry in index.get("manifests") or ():
        if entry.get("mediaType") in INDEXES and depth > 0:
            digest = sound(entry.get("digest"))
            yield from _entries(repository, checked(repository.manifest(digest), digest), depth - 1)
        elif isinstance(entry.get("platform"), dict):
            yield entry


def _configuration(repository: Repository, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of an image, which says what it was built for and has its labels."""
    digest = sound((manifest.get("config") or {}).get("digest"))
    body = repository.blob(digest)
    check_digest(body, digest)
    return parsed(body)


def _on_platform(
    repository: Repository, image: Image, manifest: Mapping[str, Any], *, reference: Reference, platform: str
) -> Image:
    digest = image.platforms.get(platform)
    if not digest:
        there = f"it is for {', '.join(image.platforms)}" if image.platforms else "it is for no platform, so no image"
        raise _for_another_platform(f"there is nothing for {platform} in it, {there}", platform)
    if digest != image.digest:
        manifest = checked(repository.manifest(sound(digest)), digest)
    configuration = _configuration(repository, manifest)
    built_for = platform_name(configuration)
    if not _runs_as(built_for, platform):
        raise _for_another_platform(f"its entry for {platform} is an image that was built for {built_for}", platform)
    labels = _labels(configuration)
    return image._replace(
        platform=platform,
        resolved=reference.at(digest),
        size=_size(manifest),
        version=version_of(labels),
        labels=labels,
    )


def _runs_as(built_for: str, platform: str) -> bool:
    """Tell whether an image runs where one for the platform is wanted; many builders write no variant, some nothing."""
    return not built_for or built_for == platform or platform.startswith(f"{built_for}/")


def _size(manifest: Mapping[str, Any]) -> int:
    parts = [manifest.get("config") or {}, *(manifest.get("layers") or ())]
    return sum(int(part.get("size") or 0) for part in parts)


def _labels(configuration: Mapping[str, Any]) -> dict[str, str]:
    labels = (configuration.get("config") or {}).get("Labels") or {}
    return {str(name): str(value) for name, value in labels.items()}


def version_of(labels: Mapping[str, str]) -> str | None:
    """Return the version of Talos that an installer's label names, if it is one."""
    version = labels.get(VERSION_LABEL, "")
    return f"v{version.removeprefix('v')}" if _VERSION.fullmatch(version) else None


def _for_another_platform(cause: str, platform: str) -> ImageError:
    return image_error("IMAGE_NO_SUCH_PLATFORM", cause, f"Build and push it for {platform}.")
