# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins are found as docker finds them, and registries are answered as they ask."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.auth import (
    Challenge,
    Login,
    login_for,
    parse_challenge,
    parse_token,
    read_docker_config,
    token_url,
)
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import ImageError

PASSWORD = ":".join(("pass", "word"))
AUTH = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
ME = Login("me", PASSWORD)


@pytest.mark.parametrize(
    ("config", "host", "expected"),
    [
        pytest.param({}, "ghcr.io", Login(), id="nothing"),
        pytest.param({"auths": {"ghcr.io": {"auth": AUTH}}}, "ghcr.io", ME, id="base64"),
        pytest.param({"auths": {"ghcr.io": {"username": "me", "password": PASSWORD}}}, "ghcr.io", ME, id="plain"),
        pytest.param({"auths": {"https://GHCR.io/v2/": {"auth": AUTH}}}, "ghcr.io", ME, id="as an address"),
        pytest.param({"auths": {"https://index.docker.io/v1/": {"auth": AUTH}}}, "docker.io", ME, id="Docker Hub"),
        pytest.param({"auths": {"ghcr.io": {"auth": AUTH}}}, "ghcr.io:5000", Login(), id="another port"),
        pytest.param({"auths": {"ghcr.io": {"auth": AUTH}}}, "evil.example", Login(), id="another host"),
        pytest.param({"auths": {"ghcr.io": {}}}, "ghcr.io", Login(), id="empty"),
        pytest.param({"auths": {}, "credsStore": "desktop"}, "ghcr.io", Login(), id="a store without the registry"),
    ],
)
def test_a_login_is_the_one_for_this_very_registry(config: dict[str, Any], host: str, expected: Login) -> None:
    assert login_for(config, host) == expected


@pytest.mark.parametrize(
    ("config", "why"),
    [
        pytest.param({"auths": {"ghcr.io": {}}, "credsStore": "desktop"}, "store 'desktop'", id="store"),
        pytest.param({"credHelpers": {"ghcr.io": "gcloud"}}, "helper 'gcloud'", id="helper"),
        pytest.param({"auths": {"ghcr.io": {"identitytoken": "x"}}}, "only docker can exchange", id="identity token"),
        pytest.param({"auths": {"ghcr.io": {"auth": "%%%"}}}, "not base64", id="no base64"),
        pytest.param({"auths": {"ghcr.io": {"auth": "bWU="}}}, "not base64", id="no password"),
    ],
)
def test_a_login_that_cannot_be_used_says_why(config: dict[str, Any], why: str) -> None:
    login = login_for(config, "ghcr.io")

    assert login.basic == ""
    assert why in login.unusable


def test_a_file_that_is_not_json_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"auths": hunter2', encoding="utf-8")

    with pytest.raises(InputError, match="not valid JSON") as caught:
        read_docker_config(str(path))

    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_missing_or_holds_no_object_gives_no_login(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")

    assert read_docker_config(str(tmp_path / "none.json")) == {}
    assert read_docker_config(str(tmp_path / "list.json")) == {}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(
            'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push"',
            Challenge("bearer", "https://ghcr.io/token", "ghcr.io", "repository:a/b:pull,push"),
            id="bearer",
        ),
        pytest.param('bearer Realm="https://r"', Challenge("bearer", "https://r", "", ""), id="other case"),
        pytest.param(
            'Basic realm="Registry, of \\"mine\\""', Challenge("basic", 'Registry, of \\"mine\\"', "", ""), id="basic"
        ),
        pytest.param('Basic realm="x", Bearer realm="https://r"', Challenge("bearer", "https://r", "", ""), id="both"),
        pytest.param("Negotiate", None, id="another"),
        pytest.param("", None, id="none"),
    ],
)
def test_a_challenge_is_read(header: str, expected: Challenge | None) -> None:
    assert parse_challenge(header) == expected


def test_a_token_is_asked_for_with_the_scope_that_the_registry_names() -> None:
    named = token_url(Challenge("bearer", "https://r/t?x=1", "s", "repository:a:pull"), "ours")
    unnamed = token_url(Challenge("bearer", "https://r/t", "", ""), "ours")

    assert named == "https://r/t?x=1&service=s&scope=repository%3Aa%3Apull"
    assert unnamed == "https://r/t?scope=ours"


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_a_token_has_two_names(name: str) -> None:
    assert parse_token("r", json.dumps({name: "abc"}).encode()) == "abc"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a\\r\\nX-Evil: 1"}', b"[" * 100_000])
def test_what_is_not_a_token_is_reported(body: bytes) -> None:
    with pytest.raises(ImageError, match="responds without a token"):
        parse_token("r", body)


def test_case_11_login_by_identity_token() -> None:
    # As `az acr login` writes it: a user name without a password stands beside the token.
    entry = {"auth": base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode(), "identitytoken": "eyJ0eXAi"}

    login = login_for({"auths": {"registry.example": entry}}, "registry.example")

    assert (login.basic, login.password) == ("", "")
    assert "an identity token" in login.unusable
    assert "docker login --username" in login.remedy


@pytest.mark.parametrize(
    ("repository", "user"),
    [
        pytest.param("team/talos", "team", id="the part that it lies in"),
        pytest.param("team/sub/talos", "sub", id="the longest part"),
        pytest.param("other/talos", "all", id="the registry"),
        pytest.param("team2/talos", "all", id="another part whose name begins so"),
    ],
)
def test_a_login_for_a_part_of_a_registry_goes_before_that_of_the_registry(repository: str, user: str) -> None:
    keys = {"registry.example": "all", "registry.example/team": "team", "registry.example/team/sub": "sub"}
    auths = {key: {"username": name, "password": PASSWORD} for key, name in keys.items()}

    assert login_for({"auths": auths}, "registry.example", repository).username == user
