# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to images mean what docker and containerd mean by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import ImageError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import Reference, digest_of, parse_reference

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
COMPONENT = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
REGISTRY = st.from_regex(
    r"([a-z0-9]{1,10}\.[a-z]{2,5}|localhost|192\.0\.2\.[1-9]|\[2001:db8::[1-9]\])(:[1-9][0-9]{0,3})?", fullmatch=True
)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nginx", Reference("docker.io", "library/nginx", "latest", ""), id="short name"),
        pytest.param("nginx:1.29", Reference("docker.io", "library/nginx", "1.29", ""), id="short name with a tag"),
        pytest.param("user/app", Reference("docker.io", "user/app", "latest", ""), id="name of a user"),
        pytest.param("index.docker.io/nginx", Reference("docker.io", "library/nginx", "latest", ""), id="old name"),
        pytest.param("localhost/app", Reference("localhost", "app", "latest", ""), id="this machine"),
        pytest.param("host:5000/app", Reference("host:5000", "app", "latest", ""), id="port and no tag"),
        pytest.param("10.10.0.100:5054/a/b:c", Reference("10.10.0.100:5054", "a/b", "c", ""), id="port and tag"),
        pytest.param("[::1]:5000/app:v1", Reference("[::1]:5000", "app", "v1", ""), id="IPv6"),
        pytest.param(f"ghcr.io/a@{DIGEST}", Reference("ghcr.io", "a", "", DIGEST), id="digest"),
        pytest.param(f"ghcr.io/a:v1@{DIGEST}", Reference("ghcr.io", "a", "v1", DIGEST), id="tag and digest"),
    ],
)
def test_what_is_left_out_is_filled_in_as_docker_does(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("", "not a repository", id="nothing"),
        pytest.param("ghcr.io/", "not a repository", id="registry alone"),
        pytest.param("ghcr.io/Talos", "'Talos' is not a repository", id="capitals"),
        pytest.param("ghcr.io/a..b", "not a repository", id="two dots"),
        pytest.param("ghcr.io/a/../b", "not a repository", id="path upwards"),
        pytest.param("ghcr.io/a:", "'' is not a tag", id="empty tag"),
        pytest.param("ghcr.io/a:-x", "'-x' is not a tag", id="tag with a dash first"),
        pytest.param(f"ghcr.io/a:{'x' * 129}", "is not a tag", id="long tag"),
        pytest.param("ghcr.io/a@sha256:abc", "is not a digest", id="short digest"),
        pytest.param(f"ghcr.io/a@{DIGEST.upper()}", "is not a digest", id="digest in capitals"),
        pytest.param("ghcr.io/a@", "is not a digest", id="empty digest"),
        pytest.param("docker://ghcr.io/a", "begins like a URL", id="scheme"),
        pytest.param("ghcr.io:99999/a", "is not a registry", id="port"),
        pytest.param("user:password@ghcr.io/a", "is not a digest", id="login"),
        pytest.param(f"ghcr.io/{'a' * 250}", "too long", id="long name"),
        pytest.param("ghcr.io/a b", "not a repository", id="space"),
        pytest.param("ghcr.io/a\n", "not a repository", id="line end"),
    ],
)
def test_what_is_not_a_reference_is_reported_with_its_fault(text: str, cause: str) -> None:
    with pytest.raises(ImageError, match="is not an image reference") as caught:
        parse_reference(text)

    assert caught.value.problem.code == "IMAGE_INVALID_REFERENCE"
    assert cause in caught.value.problem.message


@given(registry=REGISTRY, path=st.lists(COMPONENT, min_size=1, max_size=4), tag=TAG | st.just(""), pinned=st.booleans())
def test_every_reference_in_full_is_its_own_parts(registry: str, path: list[str], tag: str, pinned: bool) -> None:
    reference = Reference(registry, "/".join(path), tag, DIGEST if pinned else "")

    parsed = parse_reference(str(reference))

    assert parsed == (reference if tag or pinned else reference._replace(tag="latest"))
    assert parse_reference(str(parsed)) == parsed


@given(text=st.text(max_size=60) | st.text(alphabet="aA0.:/@-_[]%\n", max_size=60))
def test_any_text_is_a_reference_in_full_or_refused(text: str) -> None:
    try:
        parsed = parse_reference(text)
    except ImageError as error:
        assert error.problem.code == "IMAGE_INVALID_REFERENCE"
        return
    assert parse_reference(str(parsed)) == parsed
    assert "/../" not in f"/{parsed.repository}/"


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        pytest.param("ghcr.io/moon/talos@sha256:abc", "sha256:abc", id="digest"),
        pytest.param("ghcr.io/moon/talos:v1.13.7@sha256:abc", "sha256:abc", id="tag and digest"),
        pytest.param("ghcr.io/moon/talos:v1.13.7", "", id="tag"),
        pytest.param("https://ada@images.example.com/metal-arm64.raw.xz", "", id="URL with a user"),
    ],
)
def test_the_digest_of_a_reference_is_what_it_names(text: str, digest: str) -> None:
    assert digest_of(text) == digest
