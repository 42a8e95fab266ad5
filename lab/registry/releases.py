# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's releases as they are published: packages that Flux fetches, and images for amd64 alone."""

from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import all_packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.names import STOCK
from lab.registry.store import MANIFEST, Store, as_manifest, packed

_FLUX = "application/vnd.cncf.flux"


def add_release(store: Store, version: str) -> None:
    """Add the packages of a release, and the images that they name."""
    names = sorted({image for package in all_packages(version).values() for image in package.images})
    host_path = STOCK.partition("/")[2]
    for name in names:
        store.add_image(f"{host_path}{name}", version, ["linux/amd64"])
    text = "".join(f"- image: {STOCK}{name}:{version}\n" for name in names)
    add_packages(store, f"{host_path}cozystack-packages", version, packed("core/platform/values.yaml", text.encode()))


def add_packages(store: Store, repository: str, tag: str, archive: bytes) -> None:
    """Add an archive as `flux push artifact` does."""
    layers = [store.add_blob(repository, archive, f"{_FLUX}.content.v1.tar+gzip")]
    config = store.add_blob(repository, b"{}", f"{_FLUX}.config.v1+json")
    store.add(repository, tag, as_manifest({"mediaType": MANIFEST, "config": config, "layers": layers}))
