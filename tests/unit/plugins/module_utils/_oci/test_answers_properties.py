# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any answer of a registry and any config.json of docker is understood or refused, without a traceback."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._oci import auth
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import ImageError, words_of
from ansible_collections.urmanac.talos.plugins.module_utils._oci.image import look_up
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.urmanac.talos.plugins.module_utils._oci.repository import MANIFESTS, Document
from ansible_collections.urmanac.talos.plugins.module_utils._oci.web import redirection
from lab.registry.store import INDEX
from tests.rare_values import texts, values

WANTED = parse_reference("ghcr.io/a/talos:v1")
PLATFORMS = st.fixed_dictionaries(
    {"os": st.just("linux") | values(), "architecture": st.sampled_from(["arm64", "amd64"]) | values()}
)


class FakeRepository:
    """Serves documents by their digests, or any of them where none has the digest."""

    def __init__(self, first: bytes, others: list[bytes]) -> None:
        self.first = first
        self.known = {digest(body): body for body in others}

    def manifest(self, wanted: str) -> Document:
        return Document(self.known.get(wanted, self.first), "", "")

    def blob(self, wanted: str) -> bytes:
        return self.known.get(wanted, self.first)


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@st.composite
def served(draw: st.DrawFn) -> FakeRepository:
    """Return a repository whose documents refer to one another, with anything in every place."""
    config = json.dumps(draw(st.fixed_dictionaries({"config": values()}) | PLATFORMS | values())).encode()
    part = st.fixed_dictionaries({"digest": st.just(digest(config)) | values(), "size": st.just(7) | values()})
    kinds = st.sampled_from([INDEX, *MANIFESTS]) | values()
    manifest = json.dumps(
        draw(
            st.fixed_dictionaries({"mediaType": kinds, "config": part | values(), "layers": st.lists(part) | values()})
        )
    ).encode()
    entry = st.fixed_dictionaries(
        {"digest": st.just(digest(manifest)) | values(), "platform": PLATFORMS | values(), "mediaType": kinds}
    )
    entries = st.lists(entry | values(), max_size=3) | values()
    index = json.dumps(draw(st.fixed_dictionaries({"manifests": entries}, optional={"mediaType": kinds}))).encode()
    return FakeRepository(draw(st.sampled_from([index, manifest]) | st.binary(max_size=9)), [config, manifest, index])


@settings(max_examples=40)
@given(repository=served())
def test_whatever_a_registry_serves_is_an_image_or_an_error(repository: FakeRepository) -> None:
    image = look_up(repository, WANTED, platform="linux/arm64")

    assert image.resolved if image.error is None else image.error.message


@settings(max_examples=60)
@given(body=values().map(lambda value: json.dumps({"errors": value, "token": value}).encode()) | st.binary(max_size=9))
def test_words_and_tokens_of_any_answer(body: bytes) -> None:
    assert isinstance(words_of(body), str)
    try:
        assert auth.parse_token("ghcr.io", body)
    except ImageError as error:
        assert "ghcr.io" in str(error)


@settings(max_examples=60)
@given(header=texts() | st.text('Bearer realm="https://a",service=\\ ', max_size=40), location=texts())
def test_any_header_of_an_answer(header: str, location: str) -> None:
    challenge = auth.parse_challenge(header)
    if challenge:
        assert auth.token_url(challenge, "repository:a:pull")
    try:
        assert redirection("https://ghcr.io/v2/", location).startswith("https:")
    except ImageError as error:
        assert "ghcr.io redirects" in str(error)


HOSTS = st.sampled_from(["ghcr.io", "https://ghcr.io/v1/", "ghcr.io/a", "https://[", ""]) | texts()
ENTRY = st.fixed_dictionaries({}, optional={name: values() for name in ("auth", "username", "identitytoken")})


@settings(max_examples=80)
@given(
    config=st.fixed_dictionaries(
        {},
        optional={
            "auths": st.dictionaries(HOSTS, ENTRY | values(), max_size=3) | values(),
            "credHelpers": st.dictionaries(HOSTS, values(), max_size=3) | values(),
            "credsStore": values(),
        },
    )
)
def test_any_config_of_docker(config: dict[str, Any]) -> None:
    login = auth.login_for(config, "ghcr.io", "a/talos")

    assert isinstance(login.basic, str)
