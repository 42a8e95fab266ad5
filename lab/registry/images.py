# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the lab: those that the roles' variables name, and one that ARM cannot run."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from lab.registry.store import Store
from lab.settings import REPOSITORY

AMD64_ONLY = "urmanac/amd64-only/talos"
ARM64_ONLY = "urmanac/arm64-only/talos"
# latest is what the variables name; the others are for upgrades.
TAGS = ("latest", "v1.13.6", "v1.13.7")


@cache
def shared_store() -> Store:
    """Return what all registries of one lab have, whatever was added to it."""
    return lab_store()


def lab_store() -> Store:
    """Return what the registries have; no two of them have a repository of the same name."""
    store = Store()
    for reference in _defaults("cluster")["cluster_images"].values():
        repository, tag = _parts(reference)
        for name in dict.fromkeys((tag, *TAGS)):
            store.add_image(repository, name, build=name)
    for reference in _defaults("bastion_host")["bastion_host_images"].values():
        store.add_image(*_parts(reference))
    store.add_image(AMD64_ONLY, "latest", ["linux/amd64"])
    store.add_image(ARM64_ONLY, "latest", ["linux/arm64"])
    return store


def _defaults(role: str) -> dict[str, Any]:
    text = (REPOSITORY / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _parts(reference: str) -> tuple[str, str]:
    """Return repository and tag of a reference."""
    repository, _colon, tag = reference.partition("/")[2].rpartition(":")
    return repository, tag
