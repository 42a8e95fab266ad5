# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests and blobs of one repository. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import NamedTuple, Protocol

from .._text import received
from .auth import (
    Challenge,
    Login,
    parse_challenge,
    parse_token,
    token_url,
)
from .errors import ImageError, image_error, quoting, unexpected, words_of
from .places import Place, host_of, keeps_secrets
from .reference import Reference
from .web import Answer, Web, is_certificate_problem

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
# Codes of the distribution specification, which some registries send with another status: ECR with 400.
_DENIED = re.compile(r"\b(DENIED|UNAUTHORIZED)\b")
_EXPIRED = re.compile("expired", re.IGNORECASE)
# Docker Hub, GitLab, Harbor and quay.io, about a name or a password.
_WRONG_LOGIN = re.compile(
    r"(?:incorrect|invalid|bad|wrong|could not find) (?:\w+ )?(?:user|robot|password|credential|login|token|access)"
    r"|password or token is incorrect|invalid_grant|invalid_client",
    re.IGNORECASE,
)
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")


class Document(NamedTuple):
    """A manifest as returned by the registry."""

    body: bytes
    media_type: str
    digest: str


class Repository(Protocol):
    """The requests to a registry."""

    def manifest(self, wanted: str) -> Document:
        """Return the manifest with this tag or digest."""

    def blob(self, digest: str) -> bytes:
        """Return the blob with this digest."""


class RegistryRepository:
    """A repository in a registry."""

    def __init__(
        self, web: Web, place: Place, reference: Reference, *, login: Login, plain_http: Collection[str] = ()
    ) -> None:
        self._web, self._place, self._reference = web, place, reference
        self._plain_http = plain_http
        self._login = login
        self._authorization = ""

    def manifest(self, wanted: str) -> Document:
        """Return the manifest with this tag or digest."""
        answer = self._get(f"manifests/{wanted}", ", ".join((*INDEXES, *MANIFESTS)))
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Document(answer.body, media_type, answer.headers.get("docker-content-digest", ""))

    def blob(self, digest: str) -> bytes:
        """Return the blob with this digest."""
        return self._get(f"blobs/{digest}", "*/*").body

    def tags(self) -> list[str]:
        """Return the tags that the registry lists, which may not be all of many."""
        tags = json.loads(self._get("tags/list", "application/json").body).get("tags") or []
        return [received(str(tag)) for tag in tags]

    def _get(self, path: str, accept: str) -> Answer:
        answer = self._first(path, accept)
        if answer.status == 401 and self._authorize(answer):
            answer = self._ask(self._url(path), accept)
        if answer.status == 200:
            return answer
        if answer.status in (401, 403) or _DENIED.search(words_of(answer.body)):
            raise self._not_authorised(self._place.host, answer)
        if answer.status == 404:
            raise self._not_found(path, answer)
        raise unexpected(quoting(f"{self._place.host} responds with status {answer.status}", answer.body))

    def _first(self, path: str, accept: str) -> Answer:
        """Return the first response, over plain HTTP if a private address does not support TLS."""
        try:
            return self._ask(self._url(path), accept)
        except ImageError as error:
            if not self._place.plain_url or is_certificate_problem(error):
                raise
            self._place = self._place._replace(url=self._place.plain_url, plain_url="")
            try:
                return self._ask(self._url(path), accept)
            except ImageError:
                # It should support TLS.
                raise error from None

    def _url(self, path: str) -> str:
        return f"{self._place.url}/v2/{self._reference.repository}/{path}"

    def _ask(self, url: str, accept: str) -> Answer:
        authorization = {"Authorization": self._authorization} if self._authorization else {}
        return self._web.get(url, {"Accept": accept, **authorization})

    def _authorize(self, answer: Answer) -> bool:
        """Authenticate as the registry requires, and return whether the request should be repeated."""
        challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
        before = self._authorization
        if challenge and challenge.scheme == "bearer":
            self._authorization = f"Bearer {self._token(challenge)}"
        elif challenge and keeps_secrets(self._place.url, self._plain_http):
            self._authorization = self._login.basic
        return self._authorization != before

    def _token(self, challenge: Challenge) -> str:
        url = token_url(challenge, f"repository:{self._reference.repository}:pull")
        host = host_of(url)
        # A registry must not be able to redirect a login to an unencrypted connection.
        if not host or (self._login.basic and not keeps_secrets(url, self._plain_http)):
            raise unexpected(f"{self._place.host} requires an unencrypted token request to {host or 'no host'}")
        answer = self._web.get(url, {"Authorization": self._login.basic} if self._login.basic else {})
        if answer.status in (400, 401, 403, 404):
            raise self._not_authorised(host, answer)
        if answer.status != 200:
            raise unexpected(quoting(f"{host} responds with status {answer.status}", answer.body))
        return parse_token(host, answer.body)

    def _not_authorised(self, host: str, answer: Answer) -> ImageError:
        who = f"the login for {self._place.host}" if self._login.username else "requests without a login"
        words = words_of(answer.body)
        is_login_wrong = bool(_EXPIRED.search(words) or (self._login.username and _WRONG_LOGIN.search(words)))
        why = words if is_login_wrong else quoting("the repository is private or does not exist", answer.body)
        cause = f"{host} rejects {who}: {why}"
        if self._login.unusable:
            cause = f"{cause}, and the login is {self._login.unusable}, which cannot be used here"
        log_in = f"docker login {self._place.host}"
        remedy = f"Log in again: {log_in}" if is_login_wrong else f"Check the name. If it is correct, log in: {log_in}"
        if self._login.remedy:
            remedy += f", {self._login.remedy}"
        return image_error("IMAGE_NOT_AUTHORISED", cause, f"{remedy}.")

    def _not_found(self, path: str, answer: Answer) -> ImageError:
        kind, _slash, wanted = path.partition("/")
        what = f"no {wanted}" if kind == "manifests" else f"not the part {wanted} of the image"
        cause = f"{self._place.host} has {what} in {self._reference.repository}"
        return image_error("IMAGE_NOT_FOUND", quoting(cause, answer.body))
