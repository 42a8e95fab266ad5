# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of images, URLs and networks. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from ...module_utils._boot.upstream import RAW_ENDINGS
from ...module_utils._digests import SHA256_DIGEST
from ...module_utils._findings import Finding
from ...module_utils._oci.errors import ImageError
from ...module_utils._oci.reference import TAG, parse_reference
from ...module_utils._urls import has_port, split_url
from .checks import Check, Surroundings, host, wrong
from .files import existing_file

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_KMS_KEY = re.compile(
    r"(arn:aws:kms:[a-z0-9-]+:[0-9]{12}:(key/[0-9a-zA-Z-]+|alias/[A-Za-z0-9/_-]+)|alias/[A-Za-z0-9/_-]+"
    r"|mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_SOURCE_REF = re.compile(rf"tag={TAG}|semver=[^\s=]+|digest={SHA256_DIGEST}")


def registry_name(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the host name of a registry."""
    # Without a dot or a port, an image's first part is a path at Docker Hub, and no image is of this registry.
    if not _HOST.fullmatch(str(value)) or not re.search(r"[.:]|^localhost$", str(value)):
        yield wrong(name, f"{value!r} is not the name of a registry.", "Use only its host name, such as ghcr.io.")


def registry_keys(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the keys of a mapping that are not host names of registries."""
    for key in value:
        yield from registry_name(f"{name}[{key}]", key, where)


def image(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a value is not a reference to an image."""
    if not isinstance(value, str):
        yield wrong(name, f"{value!r} is not a string.", "Set it to an image, such as ghcr.io/example/talos:v1.13.9.")
        return
    try:
        parse_reference(str(value))
    except ImageError as error:
        yield error.problem.about(name)


def talos_image(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither a reference to an image nor the URL of a disk image."""
    parts = split_url(str(value))
    if parts.scheme not in ("http", "https"):
        yield from image(name, value, where)
    elif not parts.path.endswith(RAW_ENDINGS):
        remedy = f"Remove {parts.scheme}:// if it is an image in a registry; a disk image ends in .raw.xz."
        yield wrong(name, f"{value!r} is a URL, but not of a disk image.", remedy)


def web_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a URL of the web."""
    parts = split_url(str(value))
    if "@" in parts.netloc:
        message = "It has a user name or a password, and a URL is in logs and in the user-data of instances."
        yield wrong(name, message, "Remove what is before the @.")
    elif parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", str(value)):
        yield wrong(name, f"{value!r} is not a URL.", "Write it as https://host/path.")
    elif not has_port(parts):
        yield wrong(name, f"{value!r} has no valid port.", "Use a port from 1 to 65535, or none.")


def mirrors(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the registries and addresses that are not such, or that the path of an image cannot be added to."""
    for registry, url in value.items():
        subject = f"{name}[{registry}]"
        yield from registry_name(subject, registry, where)
        problems = list(web_address(subject, url, where))
        parts = split_url(str(url))
        if not problems and (parts.query or parts.fragment):
            problems = [
                wrong(subject, f"{url!r} has more than a path.", "Write it as https://host or https://host/path.")
            ]
        yield from problems


def place(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither a URL nor the path of a file, which may be on another host."""
    if "://" in str(value):
        yield from web_address(name, value, where)
    elif not str(value).startswith(("/", "~")):
        message = f"{str(value)!r} is neither a URL nor an absolute path."
        yield wrong(name, message, "Write it as https://host/path or /path.")


def local_place(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither a URL nor a file of the controller."""
    yield from list(place(name, value, where)) or ([] if "://" in str(value) else existing_file(name, value, where))


def oci_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the address of a repository that Flux reads packages from."""
    scheme, _separator, rest = str(value).partition("://")
    if scheme != "oci" or not re.fullmatch(r"[^/\s@]+(/[^/\s@:]+)+", rest):
        remedy = (
            "Write it as oci://registry.example.com/cozystack-packages; the tag or digest goes to the variable _ref."
        )
        yield wrong(name, f"{value!r} is not the address of an OCI repository.", remedy)
    else:
        yield from image(name, rest, where)


def source_ref(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a tag or digest of the packages."""
    if not _SOURCE_REF.fullmatch(str(value)):
        message = f"{value!r} is not a tag or digest of the packages."
        yield wrong(name, message, "Write tag=v1.6.2, or digest=sha256: with 64 digits.")


def kms_key(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text does not name a key of KMS."""
    if not _KMS_KEY.fullmatch(str(value)):
        yield wrong(name, f"{value!r} is not the ID, ARN or alias of a KMS key.", "Write it as alias/NAME.")


def certificate_name(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither an address nor a name that a certificate can have; a name may have a wildcard."""
    yield from host(name, str(value).removeprefix("*."), where)


def network(*versions: int) -> Check:
    """Return the check of an IPv4 or IPv6 network."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        try:
            found = ip_network(str(value)).version
        except ValueError as error:
            yield wrong(name, f"{error}.", "Write a network such as 10.10.0.0/24, without host bits.")
        else:
            if found not in versions:
                yield wrong(name, f"{value} is an IPv{found} network.", f"Set it to an IPv{versions[0]} network.")

    return check
