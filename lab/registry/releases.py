# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's releases as they are published: packages that Flux fetches, and images for amd64 alone."""

from __future__ import annotations

import gzip
import io
import tarfile

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import all_packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.references import STOCK
from lab.registry.store import MANIFEST, Store, as_manifest

_FLUX = "application/vnd.cncf.flux"


def add_release(store: Store, version: str) -> None:
    """Add the packages of a release, and the images that they name."""
    names = sorted({image for package in all_packages(version).values() for image in package.images})
    host_path = STOCK.partition("/")[2]
    for name in names:
        store.add_image(f"{host_path}{name}", version, ["linux/amd64"])
    text = "".join(f"- image: {STOCK}{name}:{version}\n" for name in names)
    repository = f"{host_path}cozystack-packages"
    layer = store.add_blob(repository, _packed("core/platform/values.yaml", text), f"{_FLUX}.content.v1.tar+gzip")
    config = store.add_blob(repository, b"{}", f"{_FLUX}.config.v1+json")
    store.add(repository, version, as_manifest({"mediaType": MANIFEST, "config": config, "layers": [layer]}))


def _packed(name: str, text: str) -> bytes:
    body, member = io.BytesIO(), tarfile.TarInfo(name)
    member.size = len(text)
    with tarfile.open(fileobj=body, mode="w") as archive:
        archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(body.getvalue(), mtime=0)
