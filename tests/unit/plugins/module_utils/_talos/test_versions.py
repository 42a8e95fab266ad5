# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which version to which a node is upgraded."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos.versions import (
    is_same_version,
    tag_version,
    upgrade_problem,
    upgrade_problems,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("v1.13.6", "v1.13.6", id="same version"),
        pytest.param("v1.13.6", "v1.13.10", id="later patch, compared as numbers"),
        pytest.param("v1.9.5", "v1.10.0", id="next minor, compared as numbers"),
        pytest.param("v1.13.9", "v1.14.0-rc.1", id="next minor, before its release"),
        pytest.param("v1.14.0-rc.1", "v1.14.0", id="from before the release to it"),
        pytest.param("v1.14.0-alpha.2", "v1.14.0-beta.0", id="from alpha to beta"),
        pytest.param("v1.14.0-beta.1", "v1.14.0-rc.0", id="from beta to candidate"),
        pytest.param("v1.14.0-rc.9", "v1.14.0-rc.10", id="next candidate, compared as numbers"),
        pytest.param("v1.13.6-3-gabcdef0", "v1.13.6", id="a build of its own"),
        pytest.param("1.13.6", "v1.14.0", id="without the v"),
        pytest.param("dev", "v1.14.0", id="a node whose version has no numbers"),
    ],
)
def test_the_next_minor_version_and_later_patches_are_taken(before: str, after: str) -> None:
    assert upgrade_problem(before, after) == ""


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        pytest.param("v1.12.6", "v1.14.0", "upgrade to v1.13.x first", id="one skipped"),
        pytest.param("v1.11.5", "v1.14.0", "upgrade to v1.12.x, then to v1.13.x first", id="two skipped"),
        pytest.param("v1.14.0", "v1.13.9", "this is a downgrade. Choose an image of v1.14.0 or newer", id="minor back"),
        pytest.param(
            "v1.13.10", "v1.13.9", "this is a downgrade. Choose an image of v1.13.10 or newer", id="patch back"
        ),
        *(
            pytest.param(before, after, f"this is a downgrade. Choose an image of {before} or newer", id=f"to {after}")
            for before, after in (
                ("v1.14.0", "v1.14.0-rc.1"),
                ("v1.14.0-rc.1", "v1.14.0-beta.2"),
                ("v1.14.0-beta.0", "v1.14.0-alpha.3"),
                ("v1.14.0-rc.10", "v1.14.0-rc.9"),
            )
        ),
        pytest.param(
            "v1.14.0", "v2.0.0", "this is another major version. Follow the upgrade notes of Talos v2.0.0", id="major"
        ),
    ],
)
def test_another_step_is_refused_with_the_way_to_go(before: str, after: str, cause: str) -> None:
    assert upgrade_problem(before, after) == f"{before} -> {after}: {cause}"


@pytest.mark.parametrize("after", ["latest", "v1.13", "v1.13.7.1", "v1.13.7x", ""])
def test_what_is_not_a_version_is_refused(after: str) -> None:
    assert upgrade_problem("v1.13.6", after) == f"{after} is not a Talos version such as v1.13.7"


def test_only_the_nodes_with_a_problem_are_named() -> None:
    found = upgrade_problems({"192.0.2.101": "v1.13.6", "192.0.2.102": "v1.12.6"}, "v1.14.0")

    assert found == ["192.0.2.102: v1.12.6 -> v1.14.0: upgrade to v1.13.x first"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("v1.13.5", "v1.13.5-rpi5", True, id="another build"),
        pytest.param("v1.13.5", "v1.13.5-rc.1", False, id="before its release"),
        pytest.param("v1.13.5", "v1.13.6", False, id="a later patch"),
        pytest.param("dev", "dev", True, id="no numbers"),
        pytest.param("dev", "next", False, id="no numbers, not the same"),
    ],
)
def test_builds_of_one_version_are_the_same_version(one: str, other: str, expected: bool) -> None:
    assert is_same_version(one, other) is expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("ghcr.io/u/talos:v1.13.7", "v1.13.7", id="a version"),
        pytest.param("ghcr.io/u/talos:v1.13.7@sha256:" + "a" * 64, "v1.13.7", id="with a digest"),
        pytest.param("ghcr.io/u/talos:vanilla", "", id="a word with a v"),
        pytest.param("localhost:5000/talos", "", id="a port"),
        pytest.param("not an image", "", id="no reference"),
    ],
)
def test_only_a_tag_with_a_v_and_a_number_names_a_version(image: str, expected: str) -> None:
    assert tag_version(image) == expected
