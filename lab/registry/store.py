# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated registry holds: images made up on the spot, the same bytes for the same description."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
BOTH = ("linux/amd64", "linux/arm64")
VERSION_LABEL = "alpha.talos.dev/version"
# What an imager's customization.extraKernelArgs become is in the UKI; the simulation has no UKI, so a label says it.
CMDLINE_LABEL = "lab/cmdline"


class Manifest(NamedTuple):
    body: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return digest_of(self.body)


class Store:
    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], Manifest] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}

    def manifest(self, repository: str, wanted: str) -> Manifest | None:
        return self.manifests.get((repository, wanted))

    def tags(self, repository: str) -> list[str]:
        return sorted(name for found, name in self.manifests if found == repository and ":" not in name)

    def add(self, repository: str, tag: str, manifest: Manifest) -> Manifest:
        """Keep a manifest under its digest and, if there is one, a tag; a tag that exists moves."""
        for name in filter(None, (manifest.digest, tag)):
            self.manifests[repository, name] = manifest
        return manifest

    def add_blob(self, repository: str, body: bytes, media_type: str) -> dict[str, Any]:
        self.blobs[repository, digest_of(body)] = body
        return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}

    def add_image(
        self,
        repository: str,
        tag: str,
        platforms: Sequence[str] = BOTH,
        *,
        build: str = "",
        version: str = "",
        cmdline: str = "",
    ) -> Manifest:
        """Make an image: an index where there are several platforms, one manifest where there is one.

        With a version it has the label of Talos' installers; cmdline stands for kernel arguments in its UKI.
        """
        reported = {VERSION_LABEL: version, CMDLINE_LABEL: cmdline}
        labels = {name: value for name, value in reported.items() if value}
        made = {platform: self._add_platform(repository, platform, build, labels) for platform in platforms}
        if len(made) == 1:
            return self.add(repository, tag, next(iter(made.values())))
        return self.add_index(repository, tag, made)

    def add_index(self, repository: str, tag: str, entries: Mapping[str, Manifest]) -> Manifest:
        """Make an index, which claims a platform of each entry."""
        listed = [
            {"mediaType": one.media_type, "digest": one.digest, "size": len(one.body), "platform": described(platform)}
            for platform, one in entries.items()
        ]
        return self.add(repository, tag, as_manifest({"mediaType": INDEX, "manifests": listed}))

    def labels(self, repository: str, wanted: str, platform: str = "linux/arm64") -> dict[str, str]:
        """Return the labels of an image on a platform; empty if it does not exist."""
        manifest = self.manifest(repository, wanted)
        while manifest and manifest.media_type == INDEX:
            entries = json.loads(manifest.body)["manifests"]
            digests = [entry["digest"] for entry in entries if entry.get("platform") == described(platform)]
            manifest = self.manifest(repository, digests[0]) if digests else None
        if not manifest:
            return {}
        config = json.loads(self.blobs[repository, json.loads(manifest.body)["config"]["digest"]])
        return dict((config.get("config") or {}).get("Labels") or {})

    def _add_platform(self, repository: str, platform: str, build: str, labels: Mapping[str, str]) -> Manifest:
        layer = packed("SIMULATED", f"A simulation of {repository} for {platform}. {build}\n".encode())
        config: dict[str, Any] = {
            **described(platform),
            "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer))]},
            **({"config": {"Labels": dict(labels)}} if labels else {}),
        }
        manifest = {
            "mediaType": MANIFEST,
            "config": self.add_blob(repository, as_json(config), CONFIG),
            "layers": [self.add_blob(repository, layer, LAYER)],
        }
        return self.add(repository, "", as_manifest(manifest))


def as_manifest(content: dict[str, Any]) -> Manifest:
    return Manifest(as_json({"schemaVersion": 2, **content}), content["mediaType"])


def as_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def described(platform: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))


def packed(name: str, content: bytes, *, mode: int = 0o644) -> bytes:
    """Return an archive with one file, as layers and releases are; the same bytes for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        archive.addfile(entry, io.BytesIO(content))
    made = gzip.compress(buffer.getvalue(), compresslevel=0, mtime=0)
    return made[:8] + b"\0\xff" + made[10:]  # Versions of Python and zlib differ here; variables have the digests.
