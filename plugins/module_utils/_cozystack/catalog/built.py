# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of CozyStack's images are built for arm64, and what hangs on those that are not.

Private to urmanac.talos: may change at any time. Upstream releases none of them for arm64, and an own build may lack
some: its charts then name upstream's, which containerd pulls, and whose program dies as soon as it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._errors import InputError
from .packages import OPERATOR, Package, all_packages

# The word for all images that are not named.
OTHERS = "others"


class Built(NamedTuple):
    """What is known of the images: of some by name, and of all others."""

    others: bool = False
    named: Mapping[str, bool] = {}

    def has(self, image: str) -> bool:
        """Tell whether an image is built for arm64."""
        return self.named.get(image, self.others)


class Lacking(NamedTuple):
    """Images that are not built for arm64 with the releases that run them, and all releases that never get ready."""

    images: Mapping[str, tuple[str, ...]]
    releases: tuple[str, ...]


def read_built(given: Any, version: str) -> Built:
    """Return what an option says: true or false for all, or a mapping of names to true or false."""
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
    """Return what a value of YAML or of the command line means."""
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise InputError(f"Failed to read images_arm64: {value!r} is neither true nor false.") from None


def lacking(packages: Sequence[Package], built: Built) -> Lacking:
    """Return which images of these packages are missing, and what cannot be completed without them."""
    missing = {image for package in packages for image in package.images if not built.has(image)}
    images = {image: tuple(_users(image, packages)) for image in sorted(missing)}
    return Lacking(images, tuple(_hanging(packages, missing)) if missing else ())


def _users(image: str, packages: Iterable[Package]) -> Iterator[str]:
    """Yield the releases that run an image; the package where none of its releases names it."""
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
    """Return the packages, each after all that it depends on."""
    left = {package.name: package for package in packages}
    ordered: list[Package] = []
    while left:
        ready = [one for one in left.values() if left.keys().isdisjoint(one.depends_on)] or list(left.values())
        ordered += ready
        for one in ready:
            del left[one.name]
    return ordered
