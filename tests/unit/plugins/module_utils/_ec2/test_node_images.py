# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes get the image that is on record, and what keeps an image from being used is reported when it matters."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter import images_outcome, images_to_look_up

OUTCOME = images_outcome.FilterModule().filters()["images_outcome"]
TO_LOOK_UP = images_to_look_up.FilterModule().filters()["images_to_look_up"]
NOW, EARLIER = "2026-11-22T02:00:00Z", "2026-11-01T02:00:00Z"
DIGEST, OTHER = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
NODES = [{"role": "gateway"}, {"role": "compute"}, {"role": "compute"}]
IMAGES = {"gateway": "r.example/gateway:latest", "compute": "r.example/compute:latest", "unused": "r.example/unused"}


def entry(reference: str, digest: str = DIGEST, at: str = EARLIER) -> dict[str, str]:
    """Return what is on record of an image."""
    return {"reference": reference, "resolved": f"{reference.rpartition(':')[0]}@{digest}", "resolved_at": at}


def answer(reference: str, *, digest: str = DIGEST, error: str = "") -> dict[str, Any]:
    """Return the result of the module for an image."""
    if error:
        problem = {"code": error, "message": "it is so", "remedy": "Do this."}
        return {"image": reference, "resolved": None, "error": problem}
    return {"image": reference, "resolved": entry(reference, digest)["resolved"], "error": None}


RECORD = {"images": {role: entry(IMAGES[role]) for role in ("gateway", "compute")}}


def outcome(record: dict[str, Any], *found: dict[str, Any], images: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what the filter makes of it."""
    made: dict[str, Any] = OUTCOME(NODES, images or IMAGES, record, found, now=NOW)
    return made


def test_only_the_images_of_roles_that_are_used_are_looked_up_each_once() -> None:
    assert TO_LOOK_UP(NODES, IMAGES, {}) == [IMAGES["gateway"], IMAGES["compute"]]
    assert TO_LOOK_UP(NODES, {"gateway": "a", "compute": "a"}, {}) == ["a"]
    assert TO_LOOK_UP([{"role": "captain"}, {"role": "gateway"}], IMAGES, {}) == [IMAGES["gateway"]]


def test_what_is_on_record_is_looked_up_again_only_if_it_is_asked_for_or_changed() -> None:
    changed = {**IMAGES, "compute": "r.example/compute:v2"}

    assert TO_LOOK_UP(NODES, IMAGES, RECORD) == []
    assert TO_LOOK_UP(NODES, IMAGES, RECORD, refresh=True) == [IMAGES["gateway"], IMAGES["compute"]]
    assert TO_LOOK_UP(NODES, changed, RECORD) == ["r.example/compute:v2"]


def test_a_disk_image_is_in_no_registry() -> None:
    images = {"gateway": "https://r.example/talos.raw.xz", "compute": IMAGES["compute"]}

    made = outcome(RECORD, images=images)

    assert TO_LOOK_UP(NODES, images, RECORD) == []
    assert made["resolved"] == {"gateway": images["gateway"], "compute": RECORD["images"]["compute"]["resolved"]}
    assert list(made["images"]) == ["compute"]


def test_resolved_images_are_recorded_beside_existing_ones() -> None:
    made = outcome({"images": {"gateway": entry(IMAGES["gateway"])}}, answer(IMAGES["compute"]))

    assert made["images"] == {
        "gateway": entry(IMAGES["gateway"]),
        "compute": entry(IMAGES["compute"], at=NOW),
    }
    assert made["resolved"] == {role: f"r.example/{role}@{DIGEST}" for role in ("gateway", "compute")}
    assert (made["problems"], made["unknown"]) == ([], [])
    assert made["lines"][0] == f"  image of gateway: {IMAGES['gateway']} is {DIGEST} since {EARLIER}"


def test_a_refresh_that_finds_the_same_changes_nothing_on_record() -> None:
    found = [answer(IMAGES["gateway"]), answer(IMAGES["compute"], digest=OTHER)]

    made = outcome(RECORD, *found)

    assert made["images"] == {
        "gateway": entry(IMAGES["gateway"]),
        "compute": entry(IMAGES["compute"], OTHER, NOW),
    }


@pytest.mark.parametrize(
    "error",
    [
        "IMAGE_NOT_FOUND",
        "IMAGE_NOT_AUTHORISED",
        "IMAGE_NO_SUCH_PLATFORM",
        "IMAGE_BAD_DIGEST",
        "IMAGE_INVALID_REFERENCE",
    ],
)
def test_an_image_that_cannot_be_used_is_a_problem_with_its_remedy(error: str) -> None:
    made = outcome(RECORD, answer(IMAGES["compute"], error=error))

    assert made["problems"] == [
        {
            "code": error,
            "severity": "error",
            "subject": "image of compute",
            "message": f"{IMAGES['compute']} cannot be used: it is so.",
            "remedy": "Do this.",
            "evidence": {"role": "compute"},
        }
    ]
    assert list(made["resolved"]) == ["gateway"]


@pytest.mark.parametrize("error", ["IMAGE_UNREACHABLE", "IMAGE_RATE_LIMITED", "IMAGE_UNEXPECTED_ANSWER"])
def test_an_image_of_which_nothing_could_be_learned_is_distinguished(error: str) -> None:
    made = outcome({}, answer(IMAGES["gateway"]), answer(IMAGES["compute"], error=error))

    assert made["problems"] == []
    assert [(problem["code"], problem["evidence"]) for problem in made["unknown"]] == [(error, {"role": "compute"})]
    assert made["lines"][-1] == f"? image of compute: {IMAGES['compute']} could not be looked up: it is so."
    assert list(made["resolved"]) == ["gateway"]


def test_a_digest_that_cannot_be_looked_up_is_used_as_it_is_and_not_recorded() -> None:
    images = {"gateway": f"r.example/a@{DIGEST}", "compute": f"r.example/b@{DIGEST}"}
    found = [answer(images["gateway"], error="IMAGE_UNREACHABLE"), answer(images["compute"], error="IMAGE_NOT_FOUND")]

    made = outcome({}, *found, images=images)

    assert made["resolved"] == {"gateway": images["gateway"]}
    assert (made["images"], made["unknown"]) == ({}, [])
    assert [problem["subject"] for problem in made["problems"]] == ["image of compute"]
    assert made["lines"][0].startswith("? image of gateway")


@pytest.mark.parametrize("images", [{"gateway": IMAGES["gateway"]}, {"gateway": IMAGES["gateway"], "compute": None}])
def test_a_role_without_an_image_is_a_problem(images: dict[str, str]) -> None:
    made = outcome(RECORD, images=images)

    assert [(problem["code"], problem["remedy"]) for problem in made["problems"]] == [
        ("IMAGE_NOT_NAMED", "Set it in cluster_images.compute.")
    ]
    assert TO_LOOK_UP(NODES, images, {}) == [IMAGES["gateway"]]


def test_the_version_and_the_platform_of_an_image_are_kept_and_shown() -> None:
    found = [
        {**answer(IMAGES[role]), "version": "v1.13.5", "platform": "linux/arm64"} for role in ("gateway", "compute")
    ]

    made = outcome({}, *found)

    assert made["images"]["gateway"] == {
        **entry(IMAGES["gateway"], at=NOW),
        "version": "v1.13.5",
        "platform": "linux/arm64",
    }
    assert f"is Talos v1.13.5, {DIGEST} since {NOW}" in made["lines"][0]
