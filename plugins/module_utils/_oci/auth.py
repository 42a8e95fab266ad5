# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins, and the tokens of registries. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from .._errors import InputError
from .errors import unexpected
from .reference import DOCKER_HUB_NAMES

_CHALLENGE = re.compile(r'(\w+) +((?:\w+=(?:"(?:[^"\\]|\\.)*"|[^",\s]+)(?:\s*,\s*(?=\w+=))?)+)')
_PARAMETER = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))')
_TOKEN = re.compile(r"[\x21-\x7e]+")
_WITHOUT_HELPER = 'with a DOCKER_CONFIG whose config.json names neither "credsStore" nor "credHelpers"'
_BY_NAME = "with a user name and a password or access token (docker login --username NAME HOST)"


class Login(NamedTuple):
    """The login for a registry; unusable is why an existing login cannot be used, remedy what to use instead."""

    username: str = ""
    password: str = ""
    unusable: str = ""
    remedy: str = ""

    @property
    def basic(self) -> str:
        """Return the header's value, empty without a login."""
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class Challenge(NamedTuple):
    """The authentication that a registry requires."""

    scheme: str
    realm: str
    service: str
    scope: str


def read_docker_config(path: str) -> dict[str, Any]:
    """Return docker's config.json; a missing file counts as empty."""
    try:
        config = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # Not the text of the error: that of a parser may quote what it has read.
        raise InputError(
            f"Failed to read the logins in {path}: it is not valid JSON. Log in again.", code="FILE_INVALID"
        ) from error
    return config if isinstance(config, dict) else {}


def login_for(config: Mapping[str, Any], host: str, repository: str = "") -> Login:
    """Return the login that docker's config.json has for a repository, or else for its registry.

    Tools such as podman keep logins for a part of a registry; the longest part counts.
    """
    names = DOCKER_HUB_NAMES if host in DOCKER_HUB_NAMES else (host,)
    auths = _mapping(config.get("auths"))
    parts = {key.rstrip("/").lower(): entry for key, entry in auths.items() if "://" not in key and "/" in key}
    entries = {_key(key): entry for key, entry in auths.items() if key.rstrip("/").lower() not in parts}
    for name in _paths(names, repository):
        if parts.get(name):
            return _login(parts[name])
    for entry in (entries[name] for name in names if entries.get(name)):
        return _login(entry)
    helpers = {_key(key): helper for key, helper in _mapping(config.get("credHelpers")).items()}
    for helper in (helpers[name] for name in names if name in helpers):
        return Login(unusable=f"docker's credential helper {helper!r}", remedy=_WITHOUT_HELPER)
    if config.get("credsStore") and any(name in entries for name in names):
        return Login(unusable=f"docker's credential store {config['credsStore']!r}", remedy=_WITHOUT_HELPER)
    return Login()


def _paths(hosts: Iterable[str], repository: str) -> Iterator[str]:
    """Yield the parts of registries that contain a repository, the longest first."""
    steps = repository.split("/") if repository else []
    for length in range(len(steps), 0, -1):
        yield from ("/".join((host, *steps[:length])).lower() for host in hosts)


def _key(key: str) -> str:
    try:
        return (urlsplit(key).netloc if "://" in key else key.partition("/")[0]).lower()
    except ValueError:
        # An address with unbalanced brackets is not that of a registry.
        return key


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _login(entry: Any) -> Login:
    if not isinstance(entry, dict):
        return Login(unusable="an entry that is not a mapping")
    if entry.get("identitytoken"):
        return Login(unusable="an identity token, which only docker can exchange for a password", remedy=_BY_NAME)
    if entry.get("username"):
        return Login(str(entry["username"]), str(entry.get("password", "")))
    if entry.get("auth"):
        try:
            username, colon, password = base64.b64decode(str(entry["auth"])).decode().partition(":")
        except ValueError:
            username, colon, password = "", "", ""
        return Login(username, password.rstrip("\0")) if colon else Login(unusable="an auth that is not base64")
    return Login(unusable="a token for which docker itself is needed", remedy=_BY_NAME)


def parse_challenge(header: str) -> Challenge | None:
    """Return what WWW-Authenticate requires; a token takes precedence over a password."""
    found = {}
    for scheme, parameters in _CHALLENGE.findall(header):
        values = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(parameters)}
        found[scheme.lower()] = Challenge(
            scheme.lower(), *(values.get(key, "") for key in ("realm", "service", "scope"))
        )
    return found.get("bearer") or found.get("basic")


def token_url(challenge: Challenge, scope: str) -> str:
    """Return the URL of the token."""
    query = {"service": challenge.service, "scope": challenge.scope or scope}
    joint = "&" if "?" in challenge.realm else "?"
    return challenge.realm + joint + urlencode({name: value for name, value in query.items() if value})


def parse_token(host: str, body: bytes) -> str:
    """Return the token in a response."""
    try:
        answer = json.loads(body)
        token = answer.get("token") or answer.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise unexpected(f"{host} responds without a token")
    return token
