# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion's asset server, simulated: it serves simulations of boot-to-talos and of CozyStack's manifests."""

from __future__ import annotations

import hashlib
import http.server
from functools import partial
from pathlib import Path

import yaml

from lab.kubernetes import manifests
from lab.registry.store import packed
from lab.settings import ASSET_PORT, Settings
from lab.web import WebServer

ARCHIVE = "boot-to-talos-linux-arm64.tar.gz"
CHECKSUMS = "boot-to-talos-checksums.txt"
PROGRAM = Path(__file__).parent / "machine" / "boot_to_talos.py"


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serve files quietly; a release path and the bastion's path lead to the same files."""

    def translate_path(self, path: str) -> str:
        return super().translate_path("/" + path.rsplit("/", 1)[-1])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        pass


class AssetServer(WebServer):
    """A web server at a bastion's address; it serves what write_assets wrote."""

    def __init__(self, settings: Settings, address: str) -> None:
        handler = partial(_Handler, directory=str(settings.assets))
        self._server = http.server.ThreadingHTTPServer((address, ASSET_PORT), handler)


def write_manifests(directory: Path) -> None:
    simulated = {"cozystack-operator-talos": manifests.operator_manifest(), "cozystack-crds": manifests.definitions()}
    for name, objects in simulated.items():
        text = yaml.safe_dump_all(objects, explicit_start=True)
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        (directory / f"{name}.yaml.sha256").write_text(digest, encoding="utf-8")


def write_assets(directory: Path) -> None:
    """Write the archive and its checksums as a release of boot-to-talos has them, and the manifests."""
    directory.mkdir(parents=True, exist_ok=True)
    write_manifests(directory)
    archive = make_archive(PROGRAM.read_bytes())
    digest = hashlib.sha256(archive).hexdigest()
    (directory / ARCHIVE).write_bytes(archive)
    (directory / CHECKSUMS).write_text(f"{digest}  {ARCHIVE}\n", encoding="utf-8")
    (directory / f"{ARCHIVE}.sha256").write_text(digest, encoding="utf-8")


def make_archive(program: bytes) -> bytes:
    return packed("boot-to-talos", program, mode=0o755)
