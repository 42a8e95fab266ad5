# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's reason for a refusal is passed on, and private registries are called with TLS first."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._oci.auth import Login
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import ImageError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.places import place_of
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.urmanac.talos.plugins.module_utils._oci.repository import RegistryRepository
from ansible_collections.urmanac.talos.plugins.module_utils._oci.web import Answer, unreachable

EXPIRED = "Your Authorization Token has expired. Please run 'aws ecr get-login-password' to fetch a new one."
FOUND = Answer(200, {"content-type": "application/json"}, b"{}")


ANONYMOUS = Login()


class FakeWeb:
    """Answers by the scheme of an address: with an answer, or by failing."""

    def __init__(self, **answers: Answer | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append(url.partition("/v2/")[0])
        answer = self.answers[url.partition(":")[0]]
        if isinstance(answer, Exception):
            raise unreachable(url, answer) from answer
        return answer


def refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status, {}, json.dumps({"errors": [{"code": code, "message": message}]}).encode())


def repository(web: FakeWeb, image: str, login: Login = ANONYMOUS) -> RegistryRepository:
    reference = parse_reference(image)
    return RegistryRepository(web, place_of(reference.registry, {}, ()), reference, login=login)  # type: ignore[arg-type]


def refused(answer: Answer, login: Login = ANONYMOUS) -> ImageError:
    with pytest.raises(ImageError) as raised:
        repository(FakeWeb(https=answer), "registry.example/lib/talos:v1", login).manifest("v1")
    return raised.value


def test_case_13_registry_says_why() -> None:
    problem = refused(refusal(400, "DENIED", EXPIRED), Login("AWS", "old")).problem

    assert problem.code == "IMAGE_NOT_AUTHORISED"
    assert EXPIRED in problem.message
    assert problem.remedy == "Log in again: docker login registry.example."


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "UNAUTHORIZED", "IMAGE_NOT_AUTHORISED"),
        (403, "DENIED", "IMAGE_NOT_AUTHORISED"),
        (404, "NAME_UNKNOWN", "IMAGE_NOT_FOUND"),
        (418, "UNSUPPORTED", "IMAGE_UNEXPECTED_ANSWER"),
    ],
)
def test_a_registrys_own_words_are_shown_whatever_the_status(status: int, code: str, expected: str) -> None:
    problem = refused(refusal(status, code, "because of the moon")).problem

    assert problem.code == expected
    assert f"{code}: because of the moon" in problem.message


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"errors": 5}', b'{"errors": [1]}', b"\xff", b'{"errors": [{}]}', b'{"errors": [{"code": null}]}'],
)
def test_a_body_without_words_is_not_an_error_of_its_own(body: bytes) -> None:
    assert refused(Answer(418, {}, body)).problem.message.endswith("responds with status 418")


REALM = 'Bearer realm="https://token.example/auth",service="registry.example"'


class TokenWeb(FakeWeb):
    """A registry that requires a token, and a token server that answers with a refusal."""

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        known = url.startswith("https://registry.example/")
        return Answer(401, {"www-authenticate": REALM}, b"") if known else super().get(url, headers)


@pytest.mark.parametrize(
    ("body", "words", "remedy"),
    [
        pytest.param({"details": "incorrect username or password"}, "incorrect username or", "Log in again", id="Hub"),
        pytest.param(
            {"error": "invalid_grant", "error_description": "The user was removed"},
            "invalid_grant; The user was removed",
            "Log in again",
            id="OAuth 2.0",
        ),
        pytest.param(
            {"message": "HTTP Basic: Access denied. The provided password or token is incorrect"},
            "Access denied",
            "Log in again",
            id="GitLab",
        ),
        pytest.param(
            {"errors": [{"code": "UNAUTHORIZED", "message": "Invalid Username or Password"}]},
            "Invalid Username",
            "Log in again",
            id="as a registry",
        ),
        pytest.param(
            {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]},
            "requested access to the resource is denied",
            "Check the name",
            id="no right",
        ),
    ],
)
def test_the_words_of_a_token_server_are_shown(body: dict[str, Any], words: str, remedy: str) -> None:
    answer = Answer(401, {}, json.dumps(body).encode())
    asked = repository(TokenWeb(https=answer), "registry.example/lib/talos:v1", Login("ada", "moon"))

    with pytest.raises(ImageError) as raised:
        asked.manifest("v1")

    problem = raised.value.problem
    assert problem.code == "IMAGE_NOT_AUTHORISED"
    assert words in problem.message
    assert problem.remedy.startswith(remedy)


def test_the_plain_text_of_a_proxy_is_shown_and_a_page_is_not() -> None:
    said = refused(Answer(403, {}, b"Blocked by the\n policy of moon.example")).problem.message

    assert "(Blocked by the policy of moon.example)" in said
    assert "html" not in refused(Answer(403, {}, b"<html><body>Blocked</body></html>")).problem.message


def test_an_image_is_not_a_refusal_whatever_words_its_configuration_has() -> None:
    found = Answer(200, {}, b'{"message": "DENIED"}')

    assert repository(FakeWeb(https=found), "registry.example/lib/talos:v1").blob("sha256:0") == found.body


def test_case_14_private_registry_with_tls() -> None:
    web = FakeWeb(https=FOUND, http=ConnectionResetError("reset"))

    repository(web, "192.168.1.10:5000/lib/talos:v1").manifest("v1")

    assert web.asked == ["https://192.168.1.10:5000"]


def test_a_private_registry_without_tls_is_asked_by_plain_http_from_then_on() -> None:
    web = FakeWeb(https=ssl.SSLError("wrong version number"), http=FOUND)
    asked = repository(web, "192.168.1.10:5000/lib/talos:v1")

    asked.manifest("v1")
    asked.blob("sha256:0")

    assert web.asked == ["https://192.168.1.10:5000", *["http://192.168.1.10:5000"] * 2]


@pytest.mark.parametrize(
    ("image", "error"),
    [
        pytest.param("192.168.1.10:5000/a/b:v1", ssl.SSLCertVerificationError("self-signed"), id="not trusted"),
        pytest.param("registry.example/a/b:v1", ssl.SSLError("wrong version number"), id="on the internet"),
    ],
)
def test_no_other_registry_is_called_without_encryption(image: str, error: Exception) -> None:
    web = FakeWeb(https=error, http=FOUND)

    with pytest.raises(ImageError, match="over https"):
        repository(web, image).manifest("v1")

    assert {url.partition(":")[0] for url in web.asked} == {"https"}


def test_a_registry_that_does_not_answer_at_all_is_reported_by_its_scheme() -> None:
    web = FakeWeb(https=OSError("no route"), http=OSError("no route"))

    with pytest.raises(ImageError, match=r"192.168.1.10:5000 cannot be reached over https: no route"):
        repository(web, "192.168.1.10:5000/a/b:v1").manifest("v1")


def test_this_machine_is_asked_by_plain_http_at_once() -> None:
    web = FakeWeb(http=FOUND)

    repository(web, "127.0.0.1:5000/a/b:v1").manifest("v1")

    assert web.asked == ["http://127.0.0.1:5000"]
