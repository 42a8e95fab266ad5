# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files on a controller that are the state of a cluster. Private to urmanac.talos: may change at any time.

Left out is what a run derives from them or from AWS: talosconfig and kubeconfig, host keys, reports, and its lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from .._errors import CollectionError
from .._files import target_of, write_file
from .._talos.files.secret_files import make_private_directory

SECRETS = "secrets/secrets.yaml"
# Of a cluster that no machine belongs to yet; the first machine turns it into the other one.
PENDING = "secrets/secrets.pending.yaml"
BUNDLES = (SECRETS, PENDING)
IMAGES, BASTION_IMAGES = "images.json", "bastion_images.json"
BOOT_TO_TALOS, CONTRACT = "boot_to_talos.json", "talos.json"
RECORDS = (IMAGES, BASTION_IMAGES, BOOT_TO_TALOS, CONTRACT)
_SESSION = re.compile(r"sessions/[A-Za-z0-9][A-Za-z0-9._-]*\.json")
_PRIVATE = ("secrets/", "sessions/")
# As encrypted_with, which needs PyYAML.
_ENCRYPTED = re.compile(rb"\s*\$ANSIBLE_VAULT;|.*^\s*\"?sops\"?:", re.DOTALL | re.MULTILINE)
_KNOWN = ".state.json"


class Folders(NamedTuple):
    """The folder of the cluster's files, and that of its secrets."""

    cluster: Path
    secrets: Path

    def path(self, name: str) -> Path:
        """Return the path of a file of the state."""
        folder, _slash, last = name.partition("/")
        return self.secrets / last if folder == "secrets" else self.cluster / name


def is_state(name: str) -> bool:
    """Return whether a name is that of a file of the state; a bucket may contain any other name."""
    return name in (*BUNDLES, *RECORDS) or is_session(name)


def is_session(name: str) -> bool:
    """Return whether a name is that of a file of the journal."""
    return bool(_SESSION.fullmatch(name))


def is_encrypted_bundle(name: str, content: bytes) -> bool:
    """Return whether a file is a bundle that Ansible Vault or SOPS has encrypted."""
    return name in BUNDLES and _ENCRYPTED.match(content) is not None


def digest_of(content: bytes) -> str:
    """Return what two versions of a file are compared by."""
    return hashlib.sha256(content).hexdigest()


def read_files(folders: Folders) -> dict[str, bytes]:
    """Return the content of each file of the state that exists and is not empty, as after a full disk."""
    sessions = (f"sessions/{path.name}" for path in sorted((folders.cluster / "sessions").glob("*.json")))
    names = (*BUNDLES, *RECORDS, *filter(is_session, sessions))
    try:
        found = {name: folders.path(name).read_bytes() for name in names if folders.path(name).is_file()}
    except OSError as error:
        raise CollectionError(
            f"Failed to read the state of the cluster: {error.strerror}: {error.filename}", code="FILE_NOT_READABLE"
        ) from error
    return {name: content for name, content in found.items() if content}


def write_state_file(folders: Folders, name: str, content: bytes) -> None:
    """Write a file of the state; a link stays one, and what it points to is written."""
    path, is_private = folders.path(name), name.startswith(_PRIVATE)
    try:
        if is_private:
            make_private_directory(path.parent)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_file(target_of(path), content, mode=0o600 if is_private else 0o644)
    except OSError as error:
        raise CollectionError(f"Failed to write {path}: {error.strerror}", code="FILE_NOT_WRITABLE") from error


def set_aside(folders: Folders, name: str) -> Path:
    """Rename a file, so that it is not read any more, and return its new path; an earlier one that was, stays."""
    path = folders.path(name)
    endings = chain(("",), (f".{number}" for number in count(2)))
    names = (path.with_name(f"{path.name}.local{ending}") for ending in endings)
    try:
        return path.replace(next(free for free in names if not os.path.lexists(free)))
    except OSError as error:
        raise CollectionError(f"Failed to rename {path}: {error.strerror}", code="FILE_NOT_WRITABLE") from error


def changed_at(folders: Folders, name: str) -> str:
    """Return when a file was changed (ISO 8601, UTC)."""
    try:
        moment = folders.path(name).stat().st_mtime
    except OSError:
        return "an unknown time"
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


class Known(NamedTuple):
    """A version that a file had here and in the bucket when both were last the same."""

    etag: str
    digest: str


def read_known(folders: Folders, url: str) -> dict[str, Known]:
    """Return the versions that were last the same; none for another bucket or a damaged file.

    Without them contents are compared, so that nothing is lost.
    """
    try:
        value = json.loads((folders.cluster / _KNOWN).read_text(encoding="utf-8"))
        return (
            {str(name): Known(str(etag), str(digest)) for name, (etag, digest) in value["files"].items()}
            if value["url"] == url
            else {}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def write_known(folders: Folders, url: str, known: Mapping[str, Known]) -> None:
    """Record the versions that are the same here and in the bucket."""
    text = json.dumps({"url": url, "files": {name: list(known[name]) for name in sorted(known)}}, indent=4)
    write_state_file(folders, _KNOWN, f"{text}\n".encode())
