# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up many images in parallel. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from .._options import check_numbers
from .auth import Login, login_for, read_docker_config
from .errors import ImageError
from .image import Image, look_up, parse_platform
from .names import hint, with_hint
from .places import check_mirrors, keeps_secrets, place_of
from .reference import Reference, parse_reference
from .repository import RegistryRepository
from .web import Budget, Web

_AT_ONCE = 8
# The argument specification that modules for registries share; the doc fragment oci describes it.
REGISTRY_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "mirrors": {"type": "dict", "default": {}},
    "docker_config": {"type": "path"},
    "timeout": {"type": "float", "default": 30},
    "attempts": {"type": "int", "default": 4},
}


class Inquiry(NamedTuple):
    """How images are looked up."""

    platform: str
    mirrors: Mapping[str, str]
    plain_http: Collection[str]
    docker_config: Mapping[str, Any]
    timeout: float
    attempts: int


def inquiry_of(params: Mapping[str, Any], environment: Mapping[str, str]) -> Inquiry:
    """Return how to ask by a module's options; refuse options that cannot be used."""
    check_numbers(params)
    check_mirrors(params["mirrors"])
    folder = environment.get("DOCKER_CONFIG") or f"{environment.get('HOME', '')}/.docker"
    return Inquiry(
        platform=parse_platform(params["platform"]),
        mirrors=params["mirrors"],
        plain_http=params["plain_http"],
        docker_config=read_docker_config(params["docker_config"] or f"{folder}/config.json"),
        timeout=params["timeout"],
        attempts=params["attempts"],
    )


def look_up_all(images: Sequence[str], inquiry: Inquiry) -> list[Image]:
    """Return each image in the given order; a failure does not affect the others."""
    unique = list(dict.fromkeys(images))
    if not unique:
        return []
    with ThreadPoolExecutor(min(len(unique), _AT_ONCE)) as pool:
        found = dict(zip(unique, pool.map(lambda image: look_up_one(image, inquiry), unique)))  # noqa: B905  strict needs Python 3.10
    return [found[image] for image in images]


def look_up_one(image: str, inquiry: Inquiry) -> Image:
    """Return an image under its requested name."""
    try:
        reference = parse_reference(image)
    except ImageError as error:
        return Image(image, error=error.problem.about(image))
    web = Web(Budget(inquiry.timeout, inquiry.attempts))
    found = look_up(repository_of(web, reference, inquiry), reference, platform=inquiry.platform)._replace(image=image)
    if found.error and found.error.code in ("IMAGE_NOT_FOUND", "IMAGE_NOT_AUTHORISED"):
        text = hint(found.error, reference, lambda name: repository_of(web, parse_reference(name), inquiry).tags())
        return found._replace(error=with_hint(found.error, text))
    return found


def repository_of(web: Web, reference: Reference, inquiry: Inquiry) -> RegistryRepository:
    """Return the client for the repository of a reference."""
    place = place_of(reference.registry, inquiry.mirrors, inquiry.plain_http)
    may_log_in = keeps_secrets(place.url, inquiry.plain_http)
    login = login_for(inquiry.docker_config, place.host, reference.repository) if may_log_in else Login()
    return RegistryRepository(web, place, reference, login=login, plain_http=inquiry.plain_http)
