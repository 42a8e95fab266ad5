# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of CozyStack's images are built for arm64, and what depends on those that are not.

Private to urmanac.talos: may change at any time. Upstream does not release them for arm64, and a custom build may lack
some: its charts then use upstream's images, which containerd pulls and whose programs crash at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._errors import InputError
from ..names import OPERATOR
from .packages import Package, all_packages

# The key for all images that are not listed.
OTHERS = "others"


class Built(NamedTuple):
    """The architectures of images: of some by name, and of all others."""

    others: bool = False
    named: Mapping[str, bool] = {}

    def has(self, image: str) -> bool:
        """Return whether an image is built for arm64."""
        return self.named.get(image, self.others)


class Lacking(NamedTuple):
    """Images that are not built for arm64 with their releases, and all releases that never become ready."""

    images: Mapping[str, tuple[str, ...]]
    releases: tuple[str, ...]


def read_built(given: Any, version: str) -> Built:
    """Return the parsed option: true or false for all, or a mapping of names to true or false."""
    if not isinstance(given, Mapping):
        return Built(_is_true(given))
    known = {image for package in all_packages(version).values() for image in package.images}
    strange = sorted(set(map(str, given)) - known - {OTHERS})
    if strange:
        names = ", ".join(sorted(known))
        raise InputError(f"Failed to read images_arm64: CozyStack has no image {', '.join(strange)}, only {names}.")
    named = {str(name): _is_true(value) for name, value in given.items() if name != OTHERS}
    return Built(_is_true(given.get(OTHERS, False)), named)


def _is_true(value: Any) -> bool:
    """Return a boolean from YAML or from the command line."""
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise InputError(f"Failed to read images_arm64: {value!r} is neither true nor false.") from None


def lacking(packages: Sequence[Package], built: Built) -> Lacking:
    """Return the missing images of these packages, and the releases that depend on them."""
    missing = {image for package in packages for image in package.images if not built.has(image)}
    images = {image: tuple(_users(image, packages)) for image in sorted(missing)}
    return Lacking(images, tuple(_hanging(packages, missing)) if missing else ())


def _users(image: str, packages: Iterable[Package]) -> Iterator[str]:
    """Yield the releases that run an image, or the package if none of its releases lists it."""
    for package in packages:
        own = [release.name for release in package.releases if image in release.images]
        yield from own or ([package.name] if image in package.images else [])


def _hanging(packages: Sequence[Package], missing: set[str]) -> Iterator[str]:
    """Yield the releases that run a missing image, and those that wait for one that does."""
    stuck: set[str] = set()
    if any(package.name == OPERATOR and not missing.isdisjoint(package.images) for package in packages):
        yield from (release.name for package in packages for release in package.releases)
        return
    for package in _in_order(packages):
        waits = not stuck.isdisjoint(package.depends_on)
        broken: set[str] = set()
        for release in package.releases:
            if waits or not missing.isdisjoint(release.images) or not broken.isdisjoint(release.depends_on):
                broken.add(release.name)
                yield release.name
        if waits or broken:
            stuck.add(package.name)


def _in_order(packages: Sequence[Package]) -> list[Package]:
    """Return the packages in dependency order."""
    left = {package.name: package for package in packages}
    ordered: list[Package] = []
    while left:
        ready = [one for one in left.values() if left.keys().isdisjoint(one.depends_on)] or list(left.values())
        ordered += ready
        for one in ready:
            del left[one.name]
    return ordered
