# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry serves is read with distrust."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import image_error
from ansible_collections.urmanac.talos.plugins.module_utils._oci.image import Image, look_up, parse_platform
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.urmanac.talos.plugins.module_utils._oci.repository import Document
from lab.registry.store import INDEX, MANIFEST, Manifest, Store, as_manifest

ARM = "linux/arm64"
NAME = "ghcr.io/a/talos"


class FakeRepository:
    """A repository in memory."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[str] = []

    def manifest(self, wanted: str) -> Document:
        self.asked.append(wanted)
        found = self.store.manifest("a/talos", wanted)
        if found is None:
            raise image_error("IMAGE_NOT_FOUND", "not there", "Push it.")
        return Document(found.body, found.media_type, found.digest)

    def blob(self, digest: str) -> bytes:
        self.asked.append(digest)
        return self.store.blobs["a/talos", digest]


def found_in(store: Store, wanted: str = "v1", *, platform: str = ARM) -> Image:
    """Return what is found of an image."""
    separator = "@" if wanted.startswith("sha256:") else ":"
    return look_up(FakeRepository(store), parse_reference(f"{NAME}{separator}{wanted}"), platform=platform)


def code(image: Image) -> str | None:
    """Return the code of the error."""
    return image.error.code if image.error else None


def test_an_index_is_resolved_to_the_manifest_for_the_platform() -> None:
    store = Store()
    index = store.add_image("a/talos", "v1")

    image = found_in(store)

    arm = image.platforms[ARM]
    assert (image.exists, image.media_type, image.digest, image.error) == (True, INDEX, index.digest, None)
    assert list(image.platforms) == ["linux/amd64", ARM]
    assert image.resolved == f"{NAME}@{arm}"
    manifest = json.loads(store.manifests["a/talos", arm].body)
    assert image.size == manifest["config"]["size"] + manifest["layers"][0]["size"]


def test_a_manifest_alone_reports_its_platform_by_its_configuration() -> None:
    store = Store()
    manifest = store.add_image("a/talos", "v1", ["linux/arm64/v8"])

    image = found_in(store)

    assert (image.media_type, image.platform, image.error) == (MANIFEST, ARM, None)
    assert image.platforms == {ARM: manifest.digest}
    assert image.resolved == f"{NAME}@{manifest.digest}"


@pytest.mark.parametrize("single", [True, False])
def test_a_digest_is_resolved_as_a_tag_is(single: bool) -> None:
    store = Store()
    made = store.add_image("a/talos", "", [ARM] if single else [ARM, "linux/amd64"])

    image = found_in(store, made.digest)

    assert image.error is None
    assert image.resolved == f"{NAME}@{image.platforms[ARM]}"
    assert (image.resolved == f"{NAME}@{made.digest}") is single


@pytest.mark.parametrize("platforms", [["linux/amd64"], ["linux/amd64", "linux/arm/v7"]])
def test_another_platform_is_reported_with_what_there_is(platforms: list[str]) -> None:
    store = Store()
    store.add_image("a/talos", "v1", platforms)

    image = found_in(store)

    assert (code(image), image.exists, image.resolved) == ("IMAGE_NO_SUCH_PLATFORM", True, None)
    assert f"it is for {', '.join(platforms)}" in str(image.error)


def test_what_builders_attest_is_not_a_platform() -> None:
    store = Store()
    arm = store.add_image("a/talos", "", [ARM])
    entries = [
        {"digest": f"sha256:{'0' * 64}", "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": arm.digest, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {"digest": f"sha256:{'1' * 64}"},
    ]
    store.add("a/talos", "v1", as_manifest({"mediaType": INDEX, "manifests": entries}))

    assert found_in(store).platforms == {ARM: arm.digest}


def test_what_is_not_an_image_is_reported_by_its_kind() -> None:
    store = Store()
    config = store.add_blob("a/talos", b"{}", "application/vnd.cncf.helm.config.v1+json")
    store.add("a/talos", "chart", as_manifest({"mediaType": MANIFEST, "config": config, "layers": []}))
    store.add(
        "a/talos", "old", Manifest(b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+json")
    )

    assert "has no platform, so it is not an image" in str(found_in(store, "chart").error)
    assert (code(found_in(store, "old")), found_in(store, "old").exists) == ("IMAGE_UNEXPECTED_ANSWER", None)


@pytest.mark.parametrize("media_type", ["", "application/octet-stream"])
def test_a_manifest_without_media_type_is_recognized_by_its_content(media_type: str) -> None:
    store = Store()
    for tag, platforms in {"one": [ARM], "many": [ARM, "linux/amd64"]}.items():
        content = json.loads(store.add_image("a/talos", "", platforms).body)
        del content["mediaType"]
        store.add("a/talos", tag, Manifest(json.dumps(content).encode(), media_type))

    assert found_in(store, "one").media_type == MANIFEST
    assert found_in(store, "many").media_type == INDEX


def swapped(store: Store, name: str) -> None:
    """Have a manifest or blob be another one than its digest says."""
    key = ("a/talos", name)
    if key in store.blobs:
        store.blobs[key] = store.blobs[key].replace(b"arm64", b"amd64")
    else:
        store.manifests[key] = store.manifests[key]._replace(body=store.manifests[key].body + b" ")


def test_bytes_that_are_not_what_their_digest_says_are_refused() -> None:
    store = Store()
    index = store.add_image("a/talos", "v1")
    arm = json.loads(index.body)["manifests"][1]["digest"]
    single = store.add_image("a/talos", "single", [ARM], build="2")
    swapped(store, arm)
    swapped(store, json.loads(single.body)["config"]["digest"])
    pinned = store.add_image("a/talos", "", build="3").digest
    swapped(store, pinned)

    assert [code(found_in(store, wanted)) for wanted in ("v1", "single", pinned)] == ["IMAGE_BAD_DIGEST"] * 3


def test_a_tag_whose_digest_the_registry_reports_wrongly_is_refused() -> None:
    class MislabellingRegistry(FakeRepository):
        def manifest(self, wanted: str) -> Document:
            return super().manifest(wanted)._replace(digest=f"sha256:{'0' * 64}")

    store = Store()
    store.add_image("a/talos", "v1")

    assert code(look_up(MislabellingRegistry(store), parse_reference(f"{NAME}:v1"), platform=ARM)) == "IMAGE_BAD_DIGEST"


def test_other_digests_than_by_sha256_are_computed_too() -> None:
    store = Store()
    made = store.add_image("a/talos", "v1")
    digest = f"sha512:{hashlib.sha512(made.body).hexdigest()}"
    store.manifests["a/talos", digest] = made

    class By512(FakeRepository):
        def manifest(self, wanted: str) -> Document:
            return super().manifest(wanted)._replace(digest="md5:0")

    assert look_up(FakeRepository(store), parse_reference(f"{NAME}@{digest}"), platform=ARM).error is None
    assert code(look_up(By512(store), parse_reference(f"{NAME}:v1"), platform=ARM)) == "IMAGE_UNEXPECTED_ANSWER"


CONFIG: dict[str, Any] = {"digest": f"sha256:{'0' * 64}", "size": 1}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff", id="bytes"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="empty"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param({"mediaType": INDEX, "manifests": [1]}, id="entry that is a number"),
        pytest.param({"mediaType": INDEX, "manifests": 1}, id="no list"),
        pytest.param({"mediaType": MANIFEST, "config": {**CONFIG, "digest": "../../x"}}, id="path for a digest"),
        pytest.param({"mediaType": MANIFEST, "config": [1]}, id="list for a configuration"),
        pytest.param(
            {"mediaType": INDEX, "manifests": [{"digest": "x", "platform": {"os": "linux", "architecture": "arm64"}}]},
            id="index with no digest",
        ),
    ],
)
def test_a_manifest_of_any_other_form_is_an_unexpected_answer(content: Any) -> None:
    store = Store()
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    store.add("a/talos", "v1", Manifest(body, ""))

    image = found_in(store)

    assert (code(image), image.resolved) == ("IMAGE_UNEXPECTED_ANSWER", None)


def test_an_index_whose_manifest_is_gone_exists_and_cannot_be_used() -> None:
    store = Store()
    index = store.add_image("a/talos", "v1")
    del store.manifests["a/talos", json.loads(index.body)["manifests"][1]["digest"]]

    image = found_in(store)

    assert (image.exists, code(image)) == (True, "IMAGE_NOT_FOUND")
    assert found_in(store, "v2").exists is False


@pytest.mark.parametrize("text", ["arm64", "linux/", "linux/arm/v7/x", ""])
def test_an_invalid_platform_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="platform"):
        parse_platform(text)


def test_arm64_is_v8_without_saying() -> None:
    assert parse_platform("linux/arm64/v8") == parse_platform(ARM) == ARM
    assert parse_platform("linux/arm/v7") == "linux/arm/v7"


def test_the_version_and_the_labels_are_those_of_the_image_for_the_platform() -> None:
    store = Store()
    amd = store.add_image("a/talos", "", ["linux/amd64"], version="v1.12.0")
    store.add_index(
        "a/talos", "v1", {"linux/amd64": amd, ARM: store.add_image("a/talos", "", [ARM], version="v1.13.5")}
    )

    image = found_in(store)

    assert (image.version, image.labels) == ("v1.13.5", {"alpha.talos.dev/version": "v1.13.5"})


@pytest.mark.parametrize(
    ("label", "version"),
    [
        pytest.param("v1.14.0-rc.1", "v1.14.0-rc.1", id="candidate"),
        pytest.param("1.13.5", "v1.13.5", id="without v"),
        pytest.param("v1.13.5-3-gabcdef0", "v1.13.5-3-gabcdef0", id="own build"),
        pytest.param("latest; rm", None, id="no version"),
        pytest.param("", None, id="no label"),
    ],
)
def test_a_label_is_a_version_only_if_it_reads_as_one(label: str, version: str | None) -> None:
    store = Store()
    store.add_image("a/talos", "v1", [ARM], version=label)

    assert found_in(store).version == version


@pytest.mark.parametrize("built_for", ["linux/amd64", "linux/arm/v7", "windows/arm64"])
def test_case_09_index_says_arm64(built_for: str) -> None:
    store = Store()
    store.add_index("a/talos", "v1", {ARM: store.add_image("a/talos", "", [built_for])})

    image = found_in(store)

    assert (code(image), image.resolved, image.version) == ("IMAGE_NO_SUCH_PLATFORM", None, None)
    assert f"its entry for {ARM} is an image that was built for {built_for}" in str(image.error)


def test_an_index_inside_of_an_index_is_followed() -> None:
    store = Store()
    arm = store.add_image("a/talos", "", [ARM], version="v1.13.5")
    inner = store.add_index("a/talos", "", {ARM: arm})
    entries = [{"mediaType": INDEX, "digest": inner.digest, "size": len(inner.body)}]
    store.add("a/talos", "v1", as_manifest({"mediaType": INDEX, "manifests": entries}))

    image = found_in(store)

    assert (image.resolved, image.version) == (f"{NAME}@{arm.digest}", "v1.13.5")


def test_an_index_that_contains_itself_at_depth_ends() -> None:
    store = Store()
    inner = store.add_index("a/talos", "", {ARM: store.add_image("a/talos", "", [ARM])})
    for _ in range(6):
        entries = [{"mediaType": INDEX, "digest": inner.digest, "size": len(inner.body)}]
        inner = store.add("a/talos", "v1", as_manifest({"mediaType": INDEX, "manifests": entries}))

    assert code(found_in(store)) == "IMAGE_NO_SUCH_PLATFORM"
