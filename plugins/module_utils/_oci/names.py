# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find other names of a missing image. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from .._errors import CollectionError
from .._findings import Finding
from .reference import Reference

# Names under which the same image was published over time, the newest first.
FAMILIES = (
    (
        "ghcr.io/urmanac/cozystack-assets/talos/cozystack-spin-tailscale/talos",
        "ghcr.io/urmanac/talos-cozystack-spin-tailscale/talos",
    ),
    (
        "ghcr.io/urmanac/cozystack-assets/talos/cozystack-spin-only/talos",
        "ghcr.io/urmanac/talos-cozystack-spin-only/talos",
    ),
)
_SHOWN = 5
_VERSION = re.compile(r"v([0-9]+)\.([0-9]+)\.([0-9]+)(.*)")


def siblings(name: str) -> list[str]:
    """Return the older and newer names of an image."""
    return [other for family in FAMILIES if name in family for other in family if other != name]


def hint(error: Finding, reference: Reference, tags_of: Callable[[str], Sequence[str]]) -> str:
    """Return a sentence about existing alternatives to a missing image, or an empty text."""
    own = [reference.name] if error.code == "IMAGE_NOT_FOUND" else []
    found = []
    for name in [*own, *siblings(reference.name)]:
        try:
            tags = ranked(tags_of(name))
        except (CollectionError, AttributeError, TypeError, ValueError):
            # It is only a hint, so repositories that cannot be listed are skipped.
            continue
        if tags:
            found.append(f"{name} with the tags {', '.join(tags)}")
    return f"There is {' and '.join(found)}." if found else ""


def ranked(tags: Sequence[str]) -> list[str]:
    """Return the tags that are worth showing: latest, and the newest versions."""
    versions = sorted((tag for tag in tags if _VERSION.fullmatch(tag)), key=_order, reverse=True)
    others = [tag for tag in tags if not _VERSION.fullmatch(tag) and not tag.startswith("sha256-") and tag != "latest"]
    return [*versions, *(["latest"] if "latest" in tags else []), *others][:_SHOWN]


def with_hint(error: Finding, text: str) -> Finding:
    """Return the error with the alternatives in its remedy."""
    return replace(error, remedy=f"{error.remedy} {text}") if text else error


def _order(tag: str) -> tuple[int, int, int, bool, str]:
    major, minor, patch, suffix = _VERSION.findall(tag)[0]
    return int(major), int(minor), int(patch), not suffix, suffix
