# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CozyStack's images are built for, asked of a simulated registry over HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.packages import all_packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.references import (
    FILE_MAX,
    references,
    registries_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.fit import Machine, Request
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.outlook import look_ahead, result
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.names import STOCK
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from ansible_collections.urmanac.talos.plugins.modules import cozystack_images_info
from lab.registry.releases import add_packages, add_release
from lab.registry.server import Fault, Registry
from tests.bastion_image import layer

DIGEST = f"sha256:{'a' * 64}"
PACKAGES = "cozystack/cozystack/cozystack-packages"
OWN = "ghcr.io/urmanac/cozystack-assets/"
# The forms in which upstream's packages name images, one file each.
FORMS = {
    "one text": (f"image: {STOCK}cozystack-api:v1.6.2@{DIGEST}\n", f"{STOCK}cozystack-api:v1.6.2@{DIGEST}"),
    "in quotes": (f'image: "{STOCK}backup-controller:v1@{DIGEST}"\n', f"{STOCK}backup-controller:v1@{DIGEST}"),
    "an argument": (f"  - --migrate-image={STOCK}kamaji:v1.6.2\n", f"{STOCK}kamaji:v1.6.2"),
    "with a tag": (
        f"image:\n  repository: {STOCK}linstor-csi\n  tag: v1.6.2@{DIGEST}\n",
        f"{STOCK}linstor-csi:v1.6.2@{DIGEST}",
    ),
    "with a digest": (
        f'image:\n  repository: {STOCK}cilium\n  tag: v1.6.2\n  digest: "{DIGEST}"\n',
        f"{STOCK}cilium:v1.6.2@{DIGEST}",
    ),
    "the registry apart": (
        "registry:\n  address: ghcr.io/cozystack/cozystack\n  imagePullSecrets: []\n"
        f"images:\n  kubeovn:\n    repository: kubeovn\n    tag: v1.15.0@{DIGEST}\n",
        f"{STOCK}kubeovn:v1.15.0@{DIGEST}",
    ),
}


def packed(files: Mapping[str, str]) -> bytes:
    """Return an archive as Flux pushes it."""
    return layer({name: text.encode() for name, text in files.items()}).content


@pytest.fixture
def registry() -> Iterator[Registry]:
    simulated = Registry("127.0.0.1", 0)
    simulated.start()
    yield simulated
    simulated.stop()


def ask(registry: Registry, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in cozystack_images_info.ARGUMENT_SPEC.items()}
    mirrors = {"ghcr.io": f"http://{registry.host}"}
    return cozystack_images_info.found(
        {**params, "mirrors": mirrors, "timeout": 5, **options}, {"HOME": "/nonexistent"}
    )


def foreseen(found: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the forecast for the images that were found."""
    machines = tuple(Machine(f"node-{index}", "controlplane", "t4g.2xlarge") for index in range(3))
    built = cozystack_images_info.read_built(found["images_arm64"], version)
    forecast = result(look_ahead(Request(machines, version=version, built=built), SIZES))
    (verdict,) = (one for one in forecast["verdicts"] if one["code"] == "ARCH_UNSUPPORTED_IMAGES")
    return verdict


@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_which_packages_name_images_is_read(form: str) -> None:
    text, expected = FORMS[form]

    found = references(packed({"system/any/values.yaml": text}), registries_of(""))

    assert found == {expected.rpartition("/")[2].partition(":")[0]: (expected,)}


def test_images_of_other_owners_and_of_no_version_are_not_looked_up() -> None:
    files = {
        "system/a/values.yaml": f"image: quay.io/cilium/cilium:v1\nrepository: {STOCK}kilo\nother: x\n",
        "system/b/README.md": f"image: {STOCK}kamaji:v1\n",
        "system/c/values.yaml": f"image: evil.example/{STOCK}kamaji:v1\n",
        "system/d/values.yaml": f"image: {STOCK}kamaji:v1\n" + "#" * FILE_MAX,
    }

    assert references(packed(files), registries_of("")) == {}


def test_the_released_images_are_known_to_be_for_another_architecture(registry: Registry) -> None:
    add_release(registry.store, "v1.6.2")

    found = ask(registry, images_arm64={"others": True, "cilium": True})

    assert found["notes"] == []
    assert set(found["known"]) == set(found["images_arm64"]) - {"others"}
    assert not any(found["images_arm64"][name] for name in found["known"])
    verdict = foreseen(found, "v1.6.2")
    assert verdict["message"].startswith("CozyStack v1.6.2 is released for amd64 alone")


def test_a_partial_build_names_what_it_lacks_whatever_was_stated(registry: Registry) -> None:
    version, lacking = "v1.5.1", {"cozystack-ui", "token-proxy"}
    names = {image for package in all_packages(version).values() for image in package.images}
    add_release(registry.store, version)
    files = {}
    for name in names:
        registry.store.add_image(f"urmanac/cozystack-assets/{name}", version, ["linux/arm64"])
        files[f"system/{name}/values.yaml"] = f"image: {STOCK if name in lacking else OWN}{name}:{version}\n"
    add_packages(registry.store, "urmanac/cozystack-assets/cozystack-packages", version, packed(files))

    found = ask(
        registry,
        version=version,
        operator_image=f"{OWN}cozystack-operator:{version}",
        platform_source_url=f"oci://{OWN}cozystack-packages",
        platform_source_ref=f"tag={version}",
        images_arm64=True,
    )

    assert {name for name in found["known"] if not found["images_arm64"][name]} == lacking
    assert set(foreseen(found, version)["evidence"]["images"]) == lacking


def test_only_the_images_of_the_profile_are_asked_for(registry: Registry) -> None:
    add_release(registry.store, "v1.6.2")

    full, slim = (set(ask(registry, profile=profile)["images"]) for profile in ("full", "slim"))

    assert slim < full


def test_where_the_registry_has_no_packages_what_was_stated_counts_and_a_note_says_so(registry: Registry) -> None:
    found = ask(registry, images_arm64={"others": True, "cilium": False})

    assert found["images_arm64"] == {"others": True, "cilium": False}
    assert [note["code"] for note in found["notes"]] == ["IMAGES_UNCHECKED"]
    assert "cozystack-packages" in found["notes"][0]["message"]


def test_an_image_that_cannot_be_asked_for_is_not_judged(registry: Registry) -> None:
    add_release(registry.store, "v1.6.2")
    registry.faults = [Fault("status", "cozystack/cozystack/cilium/manifests", count=9, status=429)]

    found = ask(registry, images_arm64=True)

    assert "cilium" not in found["known"]
    assert found["images_arm64"]["others"] is True
    assert "cilium" in found["notes"][0]["message"]


def test_a_registry_that_is_away_is_a_note(registry: Registry) -> None:
    found = ask(registry, mirrors={"ghcr.io": "http://127.0.0.1:9"}, attempts=1)

    assert [note["code"] for note in found["notes"]] == ["IMAGES_UNCHECKED"]


def test_packages_that_are_not_an_archive_are_a_note(registry: Registry) -> None:
    add_packages(registry.store, PACKAGES, "v1.6.2", b"no archive")

    (note,) = ask(registry)["notes"]

    assert "not a readable archive" in note["message"]


def test_packages_from_git_are_not_read(registry: Registry) -> None:
    (note,) = ask(registry, platform_source_url="https://example.com/x.git", platform_source_ref="branch=main")["notes"]

    assert "example.com/x.git" in note["message"]


def test_packages_that_were_changed_on_the_way_are_a_note(registry: Registry) -> None:
    add_release(registry.store, "v1.6.2")
    registry.faults = [Fault("corrupt", "cozystack-packages/blobs")]

    found = ask(registry)

    assert "has the digest" in found["notes"][0]["message"]
    assert found["known"] == []


def test_a_release_that_the_registry_does_not_have_is_a_problem(registry: Registry) -> None:
    found = ask(registry, version="v1.6.99")

    (problem,) = found["problems"]
    assert (problem["code"], problem["subject"]) == ("IMAGE_NOT_FOUND", "cluster_cozystack_version")
    assert "neither the packages nor the operator of CozyStack v1.6.99" in problem["message"]


def test_a_release_whose_packages_alone_are_missing_is_a_note(registry: Registry) -> None:
    add_release(registry.store, "v1.6.2")
    registry.store.add_image("cozystack/cozystack/cozystack-operator", "v1.6.99", ["linux/amd64"])

    found = ask(registry, version="v1.6.99")

    assert (found["problems"], len(found["notes"])) == ([], 1)


def test_packages_and_an_operator_of_the_user_that_do_not_exist_are_problems(registry: Registry) -> None:
    add_release(registry.store, "v1.6.2")

    own = {"platform_source_url": f"oci://{OWN}cozystack-packages", "platform_source_ref": "tag=none"}
    (packages,) = ask(registry, **own)["problems"]
    (operator,) = ask(registry, operator_image=f"{OWN}cozystack-operator:none", version="v1.6.2")["problems"]

    assert packages["subject"] == "cluster_cozystack_platform_source_url"
    assert f"{OWN}cozystack-packages:none" in packages["message"]
    assert (operator["code"], operator["subject"]) == ("IMAGE_NOT_FOUND", "cluster_cozystack_operator_image")


def test_a_registry_that_does_not_answer_is_a_note_and_no_problem(registry: Registry) -> None:
    registry.faults = [Fault("status", "manifests", count=99, status=503)]

    found = ask(registry, version="v1.6.99", attempts=1)

    assert (found["problems"], len(found["notes"])) == ([], 1)
