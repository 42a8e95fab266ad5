# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time, attempts and redirections have their bounds."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._networks import is_private_host
from ansible_collections.urmanac.talos.plugins.module_utils._oci.errors import ImageError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.places import (
    Place,
    check_mirrors,
    keeps_secrets,
    place_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._oci.web import Budget, redirection


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_pauses_get_longer_until_the_attempts_are_used_up() -> None:
    clock = Clock()
    budget = Budget(60, 4, clock=clock, sleep=clock.sleep)

    assert [budget.pause(attempt, "") for attempt in range(4)] == [True, True, True, False]
    assert clock.slept == [0.5, 1.0, 2.0]


def test_a_pause_is_as_long_as_the_registry_says() -> None:
    clock = Clock()

    assert Budget(60, 4, clock=clock, sleep=clock.sleep).pause(0, "7")
    assert clock.slept == [7.0]


@pytest.mark.parametrize("said", ["90", "99999999999999999999"])
def test_a_pause_longer_than_what_is_left_is_not_begun(said: str) -> None:
    clock = Clock()

    assert not Budget(60, 4, clock=clock, sleep=clock.sleep).pause(0, said)
    assert clock.slept == []


def test_a_pause_until_a_date_is_like_any_other() -> None:
    clock = Clock()

    assert Budget(60, 4, clock=clock, sleep=clock.sleep).pause(1, "Wed, 21 Oct 2026 07:28:00 GMT")
    assert clock.slept == [1.0]


def test_a_redirection_is_relative_to_where_it_comes_from() -> None:
    assert redirection("https://a.example/v2/x", "/y") == "https://a.example/y"
    assert redirection("http://10.0.0.1/v2/x", "https://b.example/y") == "https://b.example/y"


@pytest.mark.parametrize(
    "location", ["http://b.example/y", "file:///etc/passwd", "https://b.example:port/", "https://[b", "ftp://b/"]
)
def test_a_redirection_to_what_is_not_encrypted_is_refused(location: str) -> None:
    with pytest.raises(ImageError, match="redirects to a"):
        redirection("https://a.example/v2/x", location)


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        pytest.param("ghcr.io", Place("https://ghcr.io", "ghcr.io"), id="public"),
        pytest.param("docker.io", Place("https://registry-1.docker.io", "docker.io"), id="Docker Hub"),
        pytest.param("quay.io", Place("http://192.0.2.1:5052/cache", "192.0.2.1:5052"), id="mirror"),
        pytest.param(
            "10.0.0.1:5000",
            Place("https://10.0.0.1:5000", "10.0.0.1:5000", "http://10.0.0.1:5000"),
            id="private address",
        ),
        pytest.param("[::1]:5000", Place("http://[::1]:5000", "[::1]:5000"), id="IPv6 loopback"),
        pytest.param("plain.example:80", Place("http://plain.example:80", "plain.example:80"), id="named plain"),
    ],
)
def test_a_registry_is_called_at_its_place(registry: str, expected: Place) -> None:
    assert place_of(registry, {"quay.io": "http://192.0.2.1:5052/cache/"}, ["plain.example:80"]) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.1.2.3", True),
        ("fd00::1", True),
        ("8.8.8.8", False),
        ("nas", False),
    ],
)
def test_a_host_of_a_private_network_is_known_by_its_name_or_address(host: str, expected: bool) -> None:
    assert is_private_host(host) is expected


def test_a_login_goes_over_tls_or_into_a_private_network_or_to_whom_the_user_named() -> None:
    addresses = ("https://a.example", "http://10.0.0.1:5000", "http://plain.example:80", "http://a.example", "ftp://a")

    assert [keeps_secrets(url, ["plain.example:80"]) for url in addresses] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "url", ["10.0.0.1:5054", "ftp://a", "http://", "http://me" + ":secret@a", "http://a?b", "http://[a", 5]
)
def test_a_mirror_that_is_not_an_address_is_refused_without_what_it_may_hold(url: object) -> None:
    with pytest.raises(InputError, match=r"mirror of ghcr\.io") as caught:
        check_mirrors({"ghcr.io": url})  # type: ignore[dict-item]

    assert "secret" not in str(caught.value)
