# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the installer image from which boot-to-talos installs the simulation of Talos, and push it to a registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Blob(NamedTuple):
    """A part of an image under the digest of its content."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """Return the digest."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def descriptor(self) -> dict[str, Any]:
        """Return how a manifest refers to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


def archive(files: dict[str, Path]) -> bytes:
    """Return a tar archive of executable files, all of root's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("dev", "proc", "sys", "tmp"):
            tar.addfile(_member(name, tarfile.DIRTYPE))
        for name, path in files.items():
            member = _member(name, tarfile.REGTYPE)
            member.size = path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(member, content)
    return buffer.getvalue()


def _member(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode = kind, 0o755
    return member


def blobs(files: dict[str, Path], architecture: str = "arm64") -> list[Blob]:
    """Return layer, configuration and manifest of an image for Linux."""
    tar = archive(files)
    layer = Blob(LAYER, gzip.compress(tar, compresslevel=1, mtime=0))
    history = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]}
    config = Blob(CONFIG, _json({"architecture": architecture, "os": "linux", "config": {}, "rootfs": history}))
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor(), "layers": [layer.descriptor()]}
    return [layer, config, Blob(MANIFEST, _json(content))]


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def push(registry: str, repository: str, parts: list[Blob]) -> str:
    """Push the image to a registry (http, host:port) and return the reference of its manifest."""
    *others, manifest = parts
    base = f"http://{registry}/v2/{repository}"
    for blob in others:
        with _send("POST", f"{base}/blobs/uploads/", b"", "application/octet-stream") as answer:
            place = urljoin(base, answer.headers["Location"])
        mark = "&" if "?" in place else "?"
        _send("PUT", f"{place}{mark}digest={blob.digest}", blob.content, "application/octet-stream").close()
    _send("PUT", f"{base}/manifests/{manifest.digest}", manifest.content, MANIFEST).close()
    return f"{registry}/{repository}@{manifest.digest}"


def _send(method: str, url: str, content: bytes, kind: str) -> Any:
    request = urllib.request.Request(url, content, {"Content-Type": kind}, method=method)  # noqa: S310  http, see push
    return urllib.request.urlopen(request, timeout=60)  # noqa: S310
