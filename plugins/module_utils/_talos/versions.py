# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of Talos and the upgrades between them. Private to urmanac.talos: may change at any time.

Talos tests and documents upgrades from one minor version to the next. Its own check (UpgradeableFrom in
pkg/machinery/compatibility of siderolabs/talos) accepts a step of two minor versions as well, and refuses three: v1.14
can be installed on v1.12 and v1.13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .._oci.errors import ImageError
from .._oci.reference import Reference, parse_reference

# The supported minor versions.
OLDEST, NEWEST = (1, 10), (1, 14)

# The oldest and newest minor version of Kubernetes 1 that a version of Talos supports.
KUBERNETES: Mapping[tuple[int, int], tuple[int, int]] = {
    (1, 10): (28, 33),
    (1, 11): (29, 34),
    (1, 12): (30, 35),
    (1, 13): (31, 36),
    (1, 14): (32, 37),
}
KUBERNETES_OLDEST = (1, KUBERNETES[OLDEST][0], 0)

# Pre-releases in their order; the release itself comes last.
_STAGES = ("alpha", "beta", "rc", "")
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-(alpha|beta|rc)\.(\d+))?(?![\w.])", re.ASCII)
# A tag that names a version, also one without the numbers of a release.
_TAG = re.compile(r"v[0-9].*")


class Version(NamedTuple):
    """The numbers of a version, comparable in the order of releases.

    Other suffixes do not count: a custom build such as v1.13.6-3-gabcdef0 equals its version.
    """

    major: int
    minor: int
    patch: int
    stage: int = len(_STAGES) - 1
    number: int = 0


def parse(text: str) -> Version | None:
    """Return the numbers of a version such as v1.13.7 or v1.14.0-rc.1, None for other text."""
    found = _VERSION.match(text)
    if not found:
        return None
    major, minor, patch, stage, number = found.groups(default="")
    return Version(int(major), int(minor), int(patch), _STAGES.index(stage), int(number or 0))


def is_same_version(one: str, other: str) -> bool:
    """Return whether two versions are equal, ignoring build suffixes: v1.13.5-rpi5 equals v1.13.5."""
    parsed = parse(one)
    return one == other or (parsed is not None and parsed == parse(other))


def parsed_image(image: str) -> Reference | None:
    """Return the parts of a reference; the look-up reports invalid ones."""
    try:
        return parse_reference(image)
    except ImageError:
        return None


def tag_version(image: str) -> str:
    """Return the version that the tag of an image names, empty if it names none."""
    parsed = parsed_image(image)
    return parsed.tag if parsed and _TAG.fullmatch(parsed.tag) else ""


def upgrade_problem(before: str, after: str) -> str:
    """Return why an upgrade from one version to another is refused, with the remedy; empty if it is not.

    A development build may have a version without numbers; its upgrade is not refused.
    """
    old, new = parse(before), parse(after)
    if new is None:
        return f"{after} is not a Talos version such as v1.13.7"
    if old is None:
        return ""
    pair = f"{before} -> {after}"
    if new < old:
        return f"{pair}: this is a downgrade. Choose an image of {before} or newer"
    if new.major != old.major:
        return f"{pair}: this is another major version. Follow the upgrade notes of Talos {after}"
    between = [f"v{new.major}.{minor}.x" for minor in range(old.minor + 1, new.minor)]
    return f"{pair}: upgrade to {', then to '.join(between)} first" if between else ""


def upgrade_problems(before: Mapping[str, str], after: str) -> list[str]:
    """Return upgrade_problem of each node that has one, with the node's name before it."""
    found = ((node, upgrade_problem(version, after)) for node, version in before.items())
    return [f"{node}: {problem}" for node, problem in found if problem]
