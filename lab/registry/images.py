# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the lab: what is published under today's names and the older ones, and what ARM cannot run."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.releases import DATA
from lab.registry.releases import add_packages, add_release
from lab.registry.store import Store, packed
from lab.settings import REPOSITORY

AMD64_ONLY = "urmanac/amd64-only/talos"
ARM64_ONLY = "urmanac/arm64-only/talos"
MISLABELLED = "urmanac/says-arm64/talos"
SERIAL = "urmanac/serial-console/talos"
# The names from before, which hold one version, and are indices.
OLD = ("urmanac/talos-cozystack-spin-tailscale/talos", "urmanac/talos-cozystack-spin-only/talos")
# Tags of the images that are published today, for arm64 alone, with the version of Talos that is in them.
_VERSIONS = ("v1.10.9", "v1.11.5", "v1.12.6", "v1.13.5", "v1.13.6", "v1.13.7", "v1.14.0")
# The builds for Raspberry Pi have tags of their own, and the same version in their label.
TAGS = {**{version: version for version in _VERSIONS}, "v1.13.5-rpi5": "v1.13.5", "latest": "v1.13.7"}
HAILORT = "ghcr.io/urmanac/cozystack-assets/talos/cozystack-spin-hailort/talos:latest"
_ARM64 = ["linux/arm64"]


@cache
def shared_store() -> Store:
    """Return the content that all registries of one lab have from the start."""
    return lab_store()


def lab_store() -> Store:
    store = Store()
    for reference in (*_defaults("cluster")["cluster_images"].values(), HAILORT):
        repository, _tag = _parts(reference)
        for tag, version in TAGS.items():
            store.add_image(repository, tag, _ARM64, build=tag, version=version)
            # Kernel and initramfs for machines that boot from the network: no installer, so no label.
            store.add_image(f"{repository.removesuffix('/talos')}/matchbox", tag, _ARM64, build=tag)
    for repository in OLD:
        for tag in ("v1.11.5", "latest"):
            store.add_image(repository, tag, build=tag, version="v1.11.5")
    for reference in _defaults("bastion_host")["bastion_host_images"].values():
        store.add_image(*_parts(reference))
    store.add_image("siderolabs/kubelet", f"v{_defaults('talos')['talos_kubernetes_version']}")
    for data in DATA.values():
        add_release(store, data.version)
    add_packages(store, "urmanac/cozystack-assets/cozystack-packages", "v1.5.1", packed("values.yaml", b""))
    store.add_image("urmanac/cozystack-assets/cozystack-operator", "v1.5.1", _ARM64)
    store.add_image(AMD64_ONLY, "latest", ["linux/amd64"], version="v1.13.6")
    store.add_image(ARM64_ONLY, "latest", _ARM64, version="v1.13.6")
    store.add_image(SERIAL, "v1.13.6", _ARM64, version="v1.13.6", cmdline="console=ttyS0")
    store.add_index(
        MISLABELLED, "latest", {"linux/arm64": store.add_image(MISLABELLED, "", ["linux/amd64"], version="v1.13.6")}
    )
    return store


def labels_of(image: str) -> dict[str, str]:
    """Return the labels of an image by its reference, through whichever of the lab's registries it is named."""
    repository, at, digest = image.partition("/")[2].partition("@")
    named, _colon, tag = repository.rpartition(":")
    return shared_store().labels(*((repository.partition(":")[0], digest) if at else (named, tag)))


def _defaults(role: str) -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))


def _parts(reference: str) -> tuple[str, str]:
    """Return repository and tag of a reference; images of the lab have digests of their own."""
    repository, _colon, tag = reference.partition("@")[0].partition("/")[2].rpartition(":")
    return repository, tag
