# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the references of CozyStack's own images in its packages. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ..._digests import SHA256_DIGEST
from ..._errors import InputError
from ..names import STOCK

ENDINGS = (".yaml", ".yml", ".tag", ".tpl")
FILE_MAX = 4 * 1024 * 1024
# Limit of all files together, because an archive may expand to any size.
FILES_MAX = 256 * 1024 * 1024

_VERSION = rf":[\w.+-]+(?:@{SHA256_DIGEST})?|@{SHA256_DIGEST}"
_FIELD = re.compile(r"""^(\s*)(repository|tag|digest):\s*["']?([^\s"'#]+)["']?\s*(?:#.*)?$""", re.MULTILINE)
_NEAR = 3


class Field(NamedTuple):
    """A field of Helm values, and its position."""

    line: int
    indent: str
    name: str
    value: str


def registries_of(source_url: str) -> tuple[str, ...]:
    """Return the repositories of a build's images: next to its packages, and upstream's for those it does not build."""
    own = source_url.removeprefix("oci://").rpartition("/")[0]
    return tuple(dict.fromkeys(([f"{own}/"] if own else []) + [STOCK]))


def packages_image(source_url: str, source_ref: str, version: str) -> str:
    """Return the reference of the packages: of a custom build, or of the release."""
    # Upstream pushes them with the release's tag (target image-packages of packages/core/installer/Makefile, and
    # IMAGE_TAG in hack/common-envs.mk); from v1.6 on hack/promote-retag.sh gives the tested artifact that tag.
    if not source_url:
        return f"{STOCK}cozystack-packages:{version}"
    kind, _equals, value = source_ref.partition("=")
    marks = {"digest": "@", "tag": ":"}
    if not source_url.startswith("oci://") or kind not in marks or not value:
        raise InputError(f"{source_url} ({source_ref}) is not an artifact with a tag or a digest")
    return f"{source_url.removeprefix('oci://')}{marks[kind]}{value}"


def references(archive: bytes, registries: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the references of images in the packages, by the images' names without registry and version."""
    starts = "|".join(re.escape(registry) for registry in registries)
    whole = re.compile(rf"(?<![\w./-])((?:{starts})([a-z0-9][a-z0-9-]*))({_VERSION})")
    found: dict[str, dict[str, None]] = {}
    for text in texts(archive):
        for repository, version in [*_whole(text, whole), *_in_parts(text, tuple(registries))]:
            found.setdefault(repository.rpartition("/")[2], {})[repository + version] = None
    return {name: tuple(images) for name, images in sorted(found.items())}


def _whole(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for match in pattern.finditer(text):
        yield match[1], match[3]


def _in_parts(text: str, registries: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield images whose parts are separate fields of Helm values, on the same level next to each other."""
    if not any(registry.rstrip("/") in text for registry in registries):
        return
    # Kube-OVN's chart has the registry's address in a separate field.
    apart = next((one for one in registries if re.search(rf"address:\s*{re.escape(one.rstrip('/'))}\s", text)), None)
    fields = [_field(text, one) for one in _FIELD.finditer(text)]
    for field in fields:
        prefix = apart if apart and "/" not in field.value else ""
        is_ours = field.name == "repository" and (prefix or field.value.startswith(registries))
        if is_ours and (version := _version_beside(field, fields)):
            yield f"{prefix}{field.value}", version


def _field(text: str, found: re.Match[str]) -> Field:
    return Field(text.count("\n", 0, found.start(2)), found[1].strip("\n"), found[2], found[3])


def _version_beside(field: Field, fields: Sequence[Field]) -> str:
    """Return the tag and digest as the end of a reference, empty without both."""
    near = [one for one in fields if one.indent == field.indent and abs(one.line - field.line) <= _NEAR]
    parts = {one.name: one.value for one in near}
    version = f":{parts['tag']}" if "tag" in parts else ""
    return version + (f"@{parts['digest']}" if "digest" in parts and "@" not in version else "")


def texts(archive: bytes) -> Iterator[str]:
    """Yield the files of the packages that may contain images; nothing is written to disk."""
    left = FILES_MAX
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as members:
            for member in members:
                left -= member.size
                if left < 0:
                    raise InputError(f"the packages are larger than {FILES_MAX} bytes", code="FILE_INVALID")
                if member.isfile() and member.size <= FILE_MAX and member.name.endswith(ENDINGS):
                    content = members.extractfile(member)
                    yield content.read().decode(errors="replace") if content else ""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"the packages are not a readable archive: {error}", code="FILE_INVALID") from error
