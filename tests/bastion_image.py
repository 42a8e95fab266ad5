# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Talos installer image as a registry holds it, small: a unified kernel image in one of its layers."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Stored(NamedTuple):
    """Something that a registry keeps by its digest."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """Return the digest."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def described(self) -> dict[str, object]:
        """Return how a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


def unified_kernel_image(**sections: bytes) -> bytes:
    """Return a PE file with these sections, complete enough for the readers in question."""
    header = 0x80
    optional = 240
    start = header + 24 + optional + 40 * len(sections)
    table, body = b"", b""
    for name, content in sections.items():
        padded = content.ljust(-(-len(content) // 512) * 512, b"\0")
        place = start + len(body)
        table += struct.pack("<8sIIIIIIHHI", f".{name}".encode(), len(content), 0, len(padded), place, 0, 0, 0, 0, 0)
        body += padded
    coff = struct.pack("<HHIIIHH", 0xAA64, len(sections), 0, 0, 0, optional, 0)
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", header)
    return dos.ljust(header, b"\0") + b"PE\0\0" + coff + bytes(optional) + table + body


def layer(files: Mapping[str, bytes]) -> Stored:
    """Return a layer with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return Stored(LAYER, gzip.compress(buffer.getvalue(), mtime=0))


def image(layers: list[Stored], architecture: str) -> tuple[Stored, Stored]:
    """Return configuration and manifest of an image."""
    rootfs = {"type": "layers", "diff_ids": [unpacked_digest(item) for item in layers]}
    config = json.dumps({"os": "linux", "architecture": architecture, "config": {}, "rootfs": rootfs}).encode()
    stored = Stored("application/vnd.oci.image.config.v1+json", config)
    found = {"schemaVersion": 2, "mediaType": MANIFEST, "config": stored.described}
    return stored, Stored(MANIFEST, json.dumps(found | {"layers": [item.described for item in layers]}).encode())


def unpacked_digest(layer: Stored) -> str:
    """Return the digest of a layer's uncompressed archive, which container engines need."""
    is_gzip = layer.content.startswith(b"\x1f\x8b")
    content = gzip.decompress(layer.content) if is_gzip else layer.content
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def index(manifests: Mapping[str, Stored]) -> Stored:
    """Return an index of manifests by architecture."""
    found = [
        {**item.described, "platform": {"os": "linux", "architecture": architecture}}
        for architecture, item in manifests.items()
    ]
    return Stored(INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": found}).encode())


def push(registry: str, name: str, tag: str, layers: Mapping[str, list[Stored]]) -> str:
    """Push an image for several architectures and return the digest of its index."""
    manifests = {}
    for architecture, found in layers.items():
        config, manifests[architecture] = image(found, architecture)
        for blob in (config, *found):
            put_blob(registry, name, blob)
        put_manifest(registry, name, manifests[architecture].digest, manifests[architecture])
    whole = index(manifests)
    put_manifest(registry, name, tag, whole)
    return whole.digest


def put_blob(registry: str, name: str, blob: Stored) -> None:
    """Upload a blob."""
    begin = urllib.request.Request(f"{registry}/v2/{name}/blobs/uploads/", method="POST")
    with urllib.request.urlopen(begin, timeout=20) as answer:
        place = answer.headers["Location"]
    url = f"{place}{'&' if '?' in place else '?'}digest={blob.digest}"
    headers = {"Content-Type": "application/octet-stream"}
    urllib.request.urlopen(urllib.request.Request(url, blob.content, headers, method="PUT"), timeout=20).close()


def put_manifest(registry: str, name: str, reference: str, manifest: Stored) -> None:
    """Upload a manifest."""
    headers = {"Content-Type": manifest.media_type}
    url = f"{registry}/v2/{name}/manifests/{reference}"
    urllib.request.urlopen(urllib.request.Request(url, manifest.content, headers, method="PUT"), timeout=20).close()
