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
    all_packages,
    close,
    installed,
    profile_disabled,
    unknown,
    unmet,
)
from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from tests.checks.process import ROOT

# Whoever wrote it read the sources of CozyStack without tools/cozystack_data.py.
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


@pytest.mark.parametrize("profile", PROFILES)
def test_no_package_of_a_profile_waits_for_one_that_it_leaves_out(profile: str) -> None:
    assert unmet(profile_disabled(profile)) == {}


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
    with pytest.raises(InputError, match="Take one of full, novirt, core, slim"):
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
