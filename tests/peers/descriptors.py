# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages and methods of Talos' API as a release of Talos describes them.

Those of COSI's resource API come from the module of COSI that the release is built with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2

from tests.peers.judges import CannotBuildError, Version, find_resources

# The file with the descriptors of all messages; Talos renamed it in v1.12.
FILES = ("api/lock.binpb", "api/api.descriptors")
MODULE = "github.com/siderolabs/talos"


class Api(NamedTuple):
    """Messages and methods by their full names."""

    messages: dict[str, Any]
    methods: dict[str, Any]


def api_of(version: Version) -> Api:
    """Return the API that a release of Talos describes."""
    return _api(_content(version), _resources(version))


def resource_api_of(version: Version) -> Api:
    """Return the resource API, which needs only Talos' machinery."""
    return _api(_resources(version))


def _resources(version: Version) -> bytes:
    return subprocess.run([find_resources(version)], capture_output=True, check=True).stdout


def _api(*contents: bytes) -> Api:
    found = [file for content in contents for file in descriptor_pb2.FileDescriptorSet.FromString(content).file]
    messages: dict[str, Any] = {}
    methods: dict[str, Any] = {}
    for file in found:
        for message in file.message_type:
            _add(messages, f".{file.package}", message)
        for service in file.service:
            methods |= {f"/{file.package}.{service.name}/{method.name}": method for method in service.method}
    return Api(messages, methods)


def _add(messages: dict[str, Any], scope: str, message: Any) -> None:
    messages[f"{scope}.{message.name}"] = message
    for inner in message.nested_type:
        _add(messages, f"{scope}.{message.name}", inner)


def _content(version: Version) -> bytes:
    clone = os.environ.get("URMANAC_TALOS_SOURCE")
    for name in FILES:
        if clone:
            shown = subprocess.run(
                ["git", "-C", clone, "show", f"{version.release}:{name}"],  # noqa: S607
                capture_output=True,
                check=False,
            )
            if shown.returncode == 0:
                return shown.stdout
        elif (path := _downloaded(version) / name).is_file():
            return path.read_bytes()
    raise CannotBuildError(f"{clone or MODULE} has no descriptors of {version.release}")


def _downloaded(version: Version) -> Path:
    go = shutil.which("go")
    if go is None:
        raise CannotBuildError("Go is not installed, so Talos' sources cannot be downloaded")
    done = subprocess.run(
        [go, "mod", "download", "-json", f"{MODULE}@{version.release}"], capture_output=True, text=True, check=False
    )
    answer = json.loads(done.stdout or "{}")
    if "Dir" not in answer:
        raise CannotBuildError(f"Talos {version.release} cannot be downloaded: {answer.get('Error') or done.stderr}")
    return Path(answer["Dir"])
