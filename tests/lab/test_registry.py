# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's registry simulates all registries of the internet, and has what the variables name."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._oci.inquiry import inquiry_of, look_up_all
from ansible_collections.urmanac.talos.plugins.modules import oci_image_info
from lab.registry.images import AMD64_ONLY, MISLABELLED, OLD, lab_store
from lab.settings import REGISTRY_PORT, REPOSITORY
from tests.lab.labs import DEFAULTS, Lab


def ask(lab: Lab, *images: str) -> list[dict[str, Any]]:
    """Return what the module finds through the lab's registry."""
    params = {name: option.get("default") for name, option in oci_image_info.ARGUMENT_SPEC.items()}
    params |= {"mirrors": {"ghcr.io": f"http://{lab.address(2)}:{REGISTRY_PORT}"}}
    found = look_up_all(images, inquiry_of(params, {}))
    return [oci_image_info.as_returned(image) for image in found]


def test_the_images_of_the_variables_are_there_for_arm_with_their_version(lab: Lab) -> None:
    images = DEFAULTS["cluster_images"]

    found = ask(lab, *images.values())

    assert [(image["platform"], image["version"]) for image in found] == [("linux/arm64", "v1.13.5")] * len(images)
    assert [image["error"] for image in found] == [None] * len(images)


def test_the_older_names_are_there_with_the_version_that_they_hold(lab: Lab) -> None:
    found = ask(lab, *(f"ghcr.io/{name}:latest" for name in OLD))

    assert [sorted(image["platforms"]) for image in found] == [["linux/amd64", "linux/arm64"]] * len(OLD)
    assert [image["version"] for image in found] == ["v1.11.5"] * len(OLD)


def test_an_index_that_claims_another_platform_than_that_of_its_image_is_refused(lab: Lab) -> None:
    (image,) = ask(lab, f"ghcr.io/{MISLABELLED}")

    assert image["error"]["code"] == "IMAGE_NO_SUCH_PLATFORM"
    assert "was built for linux/amd64" in image["error"]["message"]


def test_a_missing_tag_is_answered_with_the_tags_of_all_names_of_the_image(lab: Lab) -> None:
    today = DEFAULTS["cluster_images"]["compute"]

    (missing,) = ask(lab, f"{today.rpartition(':')[0]}:v9.9.9")

    assert missing["error"]["code"] == "IMAGE_NOT_FOUND"
    newest = "v1.14.0, v1.13.7, v1.13.6, v1.13.5, v1.13.5-rpi5"
    assert (
        f"{today.rpartition(':')[0]} with the tags {newest} and ghcr.io/{OLD[1]} with the tags v1.11.5, latest."
        in (missing["error"]["remedy"])
    )


def test_an_image_that_arm_cannot_run_is_there_to_be_refused(lab: Lab) -> None:
    (image,) = ask(lab, f"ghcr.io/{AMD64_ONLY}")

    assert image["error"]["code"] == "IMAGE_NO_SUCH_PLATFORM"


def test_a_tag_moves_and_faults_come_when_they_are_ordered(lab: Lab) -> None:
    name = "ghcr.io/test/mine:latest"

    before = ask(lab, name)
    lab.registry("images", repository="test/mine", tag="latest")
    first = ask(lab, name)
    lab.registry("images", repository="test/mine", tag="latest", build="2")
    second = ask(lab, name)
    lab.registry("faults", kind="status", match="test/mine", status=418)
    faulty = ask(lab, name)

    assert before[0]["error"]["code"] == "IMAGE_NOT_FOUND"
    assert first[0]["resolved"] != second[0]["resolved"]
    assert faulty[0]["error"]["code"] == "IMAGE_UNEXPECTED_ANSWER"
    assert ask(lab, name) == second


def test_the_same_lab_has_the_same_digests_tomorrow() -> None:
    assert lab_store().manifests == lab_store().manifests


def test_the_images_of_the_bastion_are_there_by_the_digests_in_the_variables_of_the_lab() -> None:
    files = (REPOSITORY / "lab" / "variables.yml", REPOSITORY / "roles" / "bastion_host" / "defaults" / "main.yml")
    here, defaults = (yaml.safe_load(path.read_text(encoding="utf-8"))["bastion_host_images"] for path in files)

    named = [reference.partition("@") for reference in here.values()]

    assert [name for name, _at, _digest in named] == [name.partition("@")[0] for name in defaults.values()]
    assert all(lab_store().manifest(_repository(name), digest) for name, _at, digest in named if digest)


def _repository(reference: str) -> str:
    return reference.partition("/")[2].rpartition(":")[0]
