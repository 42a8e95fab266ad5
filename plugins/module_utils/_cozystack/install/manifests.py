# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests of CozyStack's operator. Private to urmanac.talos: may change at any time.

Their layout is that of upstream's releases v1.6.2 and v0.38.3: packages/core/installer, and `make manifests`.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ..._errors import InputError
from ..._kubernetes.apply import is_complete
from ..names import STOCK

Object = dict[str, Any]
NAMESPACE: Final = "cozy-system"
_RELEASES: Final = "https://github.com/cozystack/cozystack/releases/download"
_OPERATORS: Final = {"isp-full-generic": "generic", "isp-hosted": "hosted"}


class Source(NamedTuple):
    """The location of a manifest, and its checksum as sha256:<hex>."""

    place: str
    checksum: str | None = None


class Overrides(NamedTuple):
    """Differences from the released operator."""

    image: str | None = None
    source_url: str | None = None
    source_ref: str | None = None
    source_secret: str | None = None
    api_server_host: str | None = None
    telemetry_enabled: bool = True


def is_legacy(version: str) -> bool:
    """Return whether the release is older than Package resources."""
    return version.removeprefix("v").startswith("0.")


def released(version: str, variant: str) -> tuple[str, ...]:
    """Return the locations of the release's manifests: the operator's, and that of the CRDs if it has one."""
    root = f"{_RELEASES}/v{version.removeprefix('v')}"
    if is_legacy(version):
        return (f"{root}/cozystack-installer.yaml",)
    return f"{root}/cozystack-operator-{_OPERATORS.get(variant, 'talos')}.yaml", f"{root}/cozystack-crds.yaml"


def read_manifest(source: Source, fetch: Callable[[str], bytes]) -> list[Object]:
    """Return the objects of a manifest; raise if the checksum differs or the text is not a manifest."""
    data = _content(source, fetch)
    if source.checksum:
        _verify(source, data)
    try:
        documents = [one for one in yaml.safe_load_all(data) if one]
    except yaml.YAMLError as error:
        raise InputError(
            f"Failed to read the manifest {source.place}: it is not YAML. Check its content.", code="FILE_INVALID"
        ) from error
    if not documents or not all(isinstance(one, Mapping) and is_complete(one) for one in documents):
        raise InputError(
            f"Failed to read the manifest {source.place}: it does not contain Kubernetes objects. Check the location.",
            code="FILE_INVALID",
        )
    return documents


def _content(source: Source, fetch: Callable[[str], bytes]) -> bytes:
    if "://" in source.place:
        if source.place.startswith("http://") and not source.checksum:
            text = "plain http does not protect it from changes. Set its checksum, or use https"
            raise InputError(f"Failed to fetch the manifest {source.place}: {text}.", code="DOWNLOAD_FAILED")
        return fetch(source.place)
    try:
        return Path(source.place).expanduser().read_bytes()
    except OSError as error:
        text = f"{error.strerror}. Check the path"
        raise InputError(f"Failed to read the manifest {source.place}: {text}.", code="FILE_NOT_READABLE") from error


def _verify(source: Source, data: bytes) -> None:
    kind, _colon, wanted = str(source.checksum).partition(":")
    if kind != "sha256" or not wanted:
        raise InputError(
            f"Failed to verify {source.place}: its checksum must have the form sha256:<64 hex digits>.",
            code="INPUT_INVALID",
        )
    found = hashlib.sha256(data).hexdigest()
    if not hmac.compare_digest(found, wanted.lower()):
        text = f"its checksum is sha256:{found}, not {source.checksum}. Find out which of them is right"
        raise InputError(f"Failed to verify the manifest {source.place}: {text}.", code="CHECKSUM_WRONG")


def deployment_of(objects: Sequence[Object]) -> Object:
    """Return the operator's Deployment."""
    for one in objects:
        if one["kind"] == "Deployment":
            return one
    raise InputError(
        "Failed to find the operator: the manifest does not contain a Deployment. Check its location.",
        code="FILE_INVALID",
    )


def customised(objects: Sequence[Object], overrides: Overrides) -> list[Object]:
    """Return the manifest's objects with another image, source of packages or API server."""
    changed = copy.deepcopy(list(objects))
    for container in deployment_of(changed)["spec"]["template"]["spec"]["containers"]:
        if overrides.image:
            container["image"] = overrides.image
        if "args" in container:
            container["args"] = _args(container["args"], overrides)
        for variable in container.get("env") or []:
            if overrides.api_server_host and variable.get("value") == "REPLACE_ME":
                variable["value"] = overrides.api_server_host
    return changed


def _args(args: Sequence[str], overrides: Overrides) -> list[str]:
    wanted = {
        "--platform-source-url": overrides.source_url,
        "--platform-source-ref": overrides.source_ref,
        "--platform-source-secret": overrides.source_secret,
    }
    # The released digest does not apply to another location.
    gone = {"--platform-source-ref"} if overrides.source_url else set()
    replaced = gone | {name for name, value in wanted.items() if value}
    kept = [arg for arg in args if arg.partition("=")[0] not in replaced]
    quiet = [] if overrides.telemetry_enabled or "--disable-telemetry" in kept else ["--disable-telemetry"]
    return [*kept, *quiet, *(f"{name}={value}" for name, value in wanted.items() if value)]


def stock_images(objects: Sequence[Object]) -> list[str]:
    """Return the released images that the operator runs, and the released packages that it would install."""
    found = []
    for container in deployment_of(objects)["spec"]["template"]["spec"]["containers"]:
        found.append(str(container.get("image")))
        urls = [
            arg.partition("=")[2] for arg in container.get("args") or [] if arg.startswith("--platform-source-url=")
        ]
        found += [url.removeprefix("oci://") for url in urls]
    return sorted({image for image in found if image.startswith(STOCK)})
