# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For a missing image the remedy names what exists."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from ansible_collections.urmanac.talos.plugins.module_utils._oci import names
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import unexpected
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import parse_reference

NEWER, OLDER = names.FAMILIES[0]


def hint(image: str, there: dict[str, list[str]], code: str = "IMAGE_NOT_FOUND") -> str:
    """Return the hint for an image where these repositories have these tags."""

    def tags_of(name: str) -> list[str]:
        if name not in there:
            raise unexpected("no list")
        return there[name]

    return names.hint(finding(code, "image", "gone", "Look."), parse_reference(image), tags_of)


@pytest.mark.parametrize(("name", "other"), [(NEWER, OLDER), (OLDER, NEWER)])
def test_the_other_name_of_an_image_is_named_with_its_tags(name: str, other: str) -> None:
    text = hint(f"{name}:v1.13.5", {other: ["latest", "v1.11.5"]})

    assert text == f"There is {other} with the tags v1.11.5, latest."


def test_a_repository_that_lacks_the_tag_names_those_that_it_has_the_newest_first() -> None:
    tags = ["latest", "v1.9.9", "v1.13.5", "v1.13.5-rpi5", "v1.13.10", "sha256-abc.sig", "v1.14.0-rc.1", "main"]

    assert names.ranked(tags) == ["v1.14.0-rc.1", "v1.13.10", "v1.13.5", "v1.13.5-rpi5", "v1.9.9"]
    assert hint("r.example/a:v9", {"r.example/a": ["main", "latest"]}) == (
        "There is r.example/a with the tags latest, main."
    )


def test_a_refused_login_is_not_tried_again_under_the_same_name() -> None:
    there = {NEWER: ["v1.13.5"], OLDER: ["v1.11.5"]}

    assert hint(f"{NEWER}:v1", there, "IMAGE_NOT_AUTHORISED") == f"There is {OLDER} with the tags v1.11.5."


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert hint("r.example/a:v9", {}) == ""
    assert hint("r.example/a:v9", {"r.example/a": []}) == ""
