# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the packages and profiles that the collection ships."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import (
    OPERATOR,
    PROFILES,
    VERSION,
    Choice,
    all_packages,
    close,
    disabled_by,
    installed,
    profile_disabled,
    unknown,
    unmet,
)
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.releases import (
    DATA,
    data_of,
    has_data,
)
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from tests.checks.process import ROOT

# Its author read the sources of CozyStack without tools/cozystack_data.py.
READ_BY_HAND = ROOT / "tests" / "packages_by_hand.json"


@pytest.mark.parametrize(
    ("profile", "packages", "releases"),
    [("full", 75, 89), ("novirt", 63, 74), ("core", 37, 48), ("slim", 30, 39)],
)
def test_a_profile_has_as_many_packages_and_releases_as_upstream_makes_of_it(
    profile: str, packages: int, releases: int
) -> None:
    left = [package for package in installed(profile_disabled(profile)) if package.name != OPERATOR]

    assert (len(left), sum(len(package.releases) for package in left)) == (packages, releases)


VERSIONS = [data.version for data in DATA.values()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("profile", PROFILES)
def test_no_package_of_a_profile_waits_for_one_that_it_leaves_out(profile: str, version: str) -> None:
    assert unmet(profile_disabled(profile, version), version) == {}
    assert unmet(disabled_by(Choice(profile, version=version)), version) == {}


def test_packages_that_a_version_adds_are_left_out_with_what_they_need() -> None:
    added = "cozystack.computeplane-application"

    assert (added in profile_disabled("novirt", "v1.7.0"), added in profile_disabled("novirt", "v1.6.2")) == (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("version", "taken", "has"),
    [
        ("v1.5.1", "v1.5.4", True),
        ("v1.6.0", "v1.6.2", True),
        ("1.7.0-rc.1", "v1.7", True),
        ("v1.8.0", "v1.7", False),
        ("v1.4.6", "v1.5.4", False),
        ("v0.38.3", "v1.5.4", False),
        ("main", "v1.7", False),
    ],
)
def test_a_version_takes_the_data_of_its_minor_version_or_of_the_one_before(
    version: str, taken: str, has: bool
) -> None:
    assert (data_of(version).version, has_data(version)) == (taken, has)


def test_what_is_asked_for_by_name_is_not_left_out() -> None:
    assert "cozystack.metallb" in disabled_by(Choice())
    assert "cozystack.metallb" not in disabled_by(Choice(metallb=True))
    assert "cozystack.velero" not in disabled_by(Choice("slim", enabled=("cozystack.velero",)))


def test_every_profile_leaves_out_what_the_larger_one_does() -> None:
    sizes = [set(profile_disabled(profile)) for profile in PROFILES]

    assert all(larger < smaller for larger, smaller in pairwise(sizes))


def test_what_waits_for_a_disabled_package_is_named_and_goes_with_it() -> None:
    assert unmet(["cozystack.velero"]) == {"cozystack.backupstrategy-controller": ("cozystack.velero",)}
    assert close(["velero"]) == ("cozystack.backupstrategy-controller", "cozystack.velero")


def test_the_operator_cannot_be_disabled() -> None:
    assert installed([f"cozystack.{OPERATOR}"])[0].name == OPERATOR


def test_a_name_that_no_package_has_is_reported() -> None:
    assert unknown(["cozystack.velero", "cozystack.valero"]) == ("cozystack.valero",)


def test_an_unknown_profile_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match="Use one of full, novirt, core, slim"):
        profile_disabled("tiny")


def test_the_graph_is_the_one_that_was_read_by_hand() -> None:
    by_hand = json.loads(READ_BY_HAND.read_text(encoding="utf-8"))
    packages = by_hand["packages"]

    ours = {
        f"cozystack.{name}": {
            "variant": package.variant,
            "depends_on": [f"cozystack.{needed}" for needed in package.depends_on],
            "releases": [release.name for release in package.releases],
        }
        for name, package in all_packages().items()
        if name != OPERATOR
    }
    assert VERSION in by_hand["source"]
    assert ours == packages
