# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspect an image, and resolve it for one platform. Private to urmanac.talos: may change at any time.

The platforms in an index are only claims. The image's configuration has the actual platform, and the label
with the version of Talos.
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
    """An image as far as it could be looked up; error is the reason for missing data."""

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
    """Return the image, with its digest, reference and size on the platform."""
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
        # A registry may return any JSON, such as a list instead of an object.
        return image._replace(error=unexpected("the manifest is malformed").problem.about(image.image))


def checked(document: Document, expected: str) -> dict[str, Any]:
    """Return the content of a manifest; fail if its bytes do not have its digest."""
    check_digest(document.body, expected)
    return parsed(document.body)


def check_digest(body: bytes, expected: str) -> None:
    """Fail if bytes do not have the digest."""
    actual = _digest(body, expected.partition(":")[0] or "sha256")
    if expected and actual != expected:
        raise image_error("IMAGE_BAD_DIGEST", f"the content has the digest {actual}, not {expected}")


def parsed(body: bytes) -> dict[str, Any]:
    """Return the object in a document."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unexpected("the manifest is not JSON") from error
    if not isinstance(content, dict):
        raise unexpected("the manifest is not a JSON object")
    return dict(received(content))


def platform_name(described: Mapping[str, Any]) -> str:
    """Return a platform as docker writes it; every arm64 is v8, so the variant is omitted."""
    system, architecture, variant = (str(described.get(key) or "") for key in ("os", "architecture", "variant"))
    variant = "" if (architecture, variant) == ("arm64", "v8") else variant
    return "/".join(part for part in (system, architecture, variant) if part)


def parse_platform(text: str) -> str:
    """Return the user's platform in the format of platform_name()."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise InputError(f"Failed to read the platform {text!r}. Write it as linux/arm64 or linux/arm/v7.")
    return platform_name(dict(zip(("os", "architecture", "variant"), parts)))  # noqa: B905  strict needs Python 3.10


def _digest(body: bytes, algorithm: str = "sha256") -> str:
    if algorithm not in ("sha256", "sha512"):
        raise unexpected(f"the registry uses a digest with the algorithm {algorithm!r}")
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def sound(digest: object) -> str:
    """Return a digest that a manifest names, if it is valid: it becomes part of a URL."""
    if not DIGEST.fullmatch(str(digest)):
        raise unexpected("the manifest contains an invalid digest")
    return str(digest)


def _media_type(document: Document, manifest: Mapping[str, Any]) -> str:
    """Return the media type of a manifest from its field, its header, or its content."""
    reported = str(manifest.get("mediaType") or "") or document.media_type
    if reported in INDEXES or reported in MANIFESTS:
        return reported
    if isinstance(manifest.get("manifests"), list):
        return INDEXES[0]
    if isinstance(manifest.get("config"), dict):
        return MANIFESTS[0]
    raise unexpected(f"this is not an image, but {reported or 'an unknown media type'}")


def _platforms(repository: Repository, image: Image, manifest: Mapping[str, Any]) -> dict[str, str]:
    if image.media_type in INDEXES:
        entries = list(_entries(repository, manifest, _INDEXES_WITHIN))
        found = {platform_name(entry["platform"]): str(entry.get("digest")) for entry in reversed(entries)}
        # Attestations of an image are entries of the index, for a platform that does not exist.
        return {name: found[name] for name in reversed(found) if not name.startswith("unknown")}
    name = platform_name(_configuration(repository, manifest))
    return {name: image.digest or ""} if name else {}


def _entries(repository: Repository, index: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of an index that have a platform, including those of nested indexes."""
    for entry in index.get("manifests") or ():
        if entry.get("mediaType") in INDEXES and depth > 0:
            digest = sound(entry.get("digest"))
            yield from _entries(repository, checked(repository.manifest(digest), digest), depth - 1)
        elif isinstance(entry.get("platform"), dict):
            yield entry


def _configuration(repository: Repository, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of an image, which contains its platform and labels."""
    digest = sound((manifest.get("config") or {}).get("digest"))
    body = repository.blob(digest)
    check_digest(body, digest)
    return parsed(body)


def _on_platform(
    repository: Repository, image: Image, manifest: Mapping[str, Any], *, reference: Reference, platform: str
) -> Image:
    digest = image.platforms.get(platform)
    if not digest:
        there = (
            f"it is for {', '.join(image.platforms)}"
            if image.platforms
            else "it has no platform, so it is not an image"
        )
        raise _for_another_platform(f"it does not support {platform}, {there}", platform)
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
    """Return whether an image matches the platform; many builders set no variant, some set nothing."""
    return not built_for or built_for == platform or platform.startswith(f"{built_for}/")


def _size(manifest: Mapping[str, Any]) -> int:
    parts = [manifest.get("config") or {}, *(manifest.get("layers") or ())]
    return sum(int(part.get("size") or 0) for part in parts)


def _labels(configuration: Mapping[str, Any]) -> dict[str, str]:
    labels = (configuration.get("config") or {}).get("Labels") or {}
    return {str(name): str(value) for name, value in labels.items()}


def version_of(labels: Mapping[str, str]) -> str | None:
    """Return the Talos version in an installer's label, if it is valid."""
    version = labels.get(VERSION_LABEL, "")
    return f"v{version.removeprefix('v')}" if _VERSION.fullmatch(version) else None


def _for_another_platform(cause: str, platform: str) -> ImageError:
    return image_error("IMAGE_NO_SUCH_PLATFORM", cause, f"Build and push the image for {platform}.")
