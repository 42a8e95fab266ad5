# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the lab: those that the collection's variables name, and one that ARM cannot run."""

from __future__ import annotations

import yaml

from lab.registry.store import Store
from lab.settings import REPOSITORY

AMD64_ONLY = "urmanac/amd64-only/talos"
ARM64_ONLY = "urmanac/arm64-only/talos"
# latest is what the variables name; the others are for upgrades.
TAGS = ("latest", "v1.13.6", "v1.13.7")


def lab_store() -> Store:
    """Return what a cache of ghcr.io would have."""
    defaults = yaml.safe_load((REPOSITORY / "roles" / "cluster" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    store = Store()
    for reference in defaults["cluster_images"].values():
        repository, _colon, tag = reference.partition("/")[2].rpartition(":")
        for name in dict.fromkeys((tag, *TAGS)):
            store.add_image(repository, name, build=name)
    store.add_image(AMD64_ONLY, "latest", ["linux/amd64"])
    store.add_image(ARM64_ONLY, "latest", ["linux/arm64"])
    return store
