# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URL of a registry, and where credentials may be sent. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from .._errors import InputError
from .._networks import is_loopback_host, is_private_host
from .._urls import split_url
from .reference import DOCKER_HUB, DOCKER_HUB_API


class Place(NamedTuple):
    """A registry's address, the name of its login, and an alternative address if TLS fails."""

    url: str
    host: str
    plain_url: str = ""


def place_of(registry: str, mirrors: Mapping[str, str], plain_http: Collection[str]) -> Place:
    """Return where to request images of a registry: only at its mirror, if one is set."""
    if registry in mirrors:
        return Place(mirrors[registry].rstrip("/"), urlsplit(mirrors[registry]).netloc)
    host = DOCKER_HUB_API if registry == DOCKER_HUB else registry
    name = split_url(f"//{registry}").hostname or ""
    if registry in plain_http or is_loopback_host(name):
        return Place(f"http://{host}", registry)
    # As boot-to-talos does: a private registry may or may not have a certificate.
    return Place(f"https://{host}", registry, plain_url=f"http://{host}" if is_private_host(name) else "")


def check_mirrors(mirrors: Mapping[str, str]) -> None:
    """Fail for mirrors with invalid addresses."""
    for registry, url in mirrors.items():
        host = host_of(str(url))
        if not host or "@" in host or "?" in str(url):
            raise InputError(
                f"Failed to use a mirror of {registry}: its address does not have the form http://192.0.2.1:5054. "
                f"Correct it, and set logins in docker's config.json instead."
            )


def keeps_secrets(url: str, plain_http: Collection[str]) -> bool:
    """Return whether a login may be sent there: over TLS, in a private network, or if the user allowed it."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return parts.scheme == "https"
    return parts.netloc in plain_http or is_private_host(parts.hostname or "")


def host_of(url: str) -> str:
    """Return the host of a URL with its port, empty if it is not an HTTP URL."""
    parts = split_url(url)
    return parts.netloc if parts.scheme in ("http", "https") and parts.hostname else ""


def origin(url: str) -> tuple[str, str, int]:
    """Return the origin that two URLs must share for a login to be sent after a redirect."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
