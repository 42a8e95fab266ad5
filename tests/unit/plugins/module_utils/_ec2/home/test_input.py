# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.input import (
    Refusal,
    parse_expires,
    parse_home_network,
    time_of,
    time_text,
)

NOW = datetime(2026, 12, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        pytest.param("2001:db8:1:2::/64", "2001:db8:1:2::/64", id="a network"),
        pytest.param("2001:db8:1::/48", "2001:db8:1::/48", id="the widest"),
        pytest.param("2001:db8:1:2::5", "2001:db8:1:2::5/128", id="one address"),
        pytest.param("2001:db8:1:2::5/128", "2001:db8:1:2::5/128", id="one address with its prefix"),
        pytest.param("2001:0DB8:0001:0002:0000:0000:0000:0000/64", "2001:db8:1:2::/64", id="in long writing"),
        pytest.param("  2001:db8:1:2::/64\n", "2001:db8:1:2::/64", id="with blanks around it"),
        pytest.param("2a02:908:1234:5600::/56", "2a02:908:1234:5600::/56", id="a /56"),
    ],
)
def test_a_home_network_is_taken_in_its_shortest_writing(text: str, network: str) -> None:
    assert str(parse_home_network(text)) == network


def test_host_bits_are_answered_with_the_network_and_the_address() -> None:
    with pytest.raises(Refusal, match=r"Write 2001:db8:1:2::/64 for the network or 2001:db8:1:2::5 for the single"):
        parse_home_network("2001:db8:1:2::5/64")


def test_a_refusal_is_not_longer_than_a_person_reads() -> None:
    with pytest.raises(Refusal) as refusal:
        parse_home_network("x" * 5000)

    assert len(str(refusal.value)) < 300


@given(number=st.integers(0, 2**128 - 1), prefix=st.integers(0, 128))
def test_an_accepted_network_is_exact_narrow_and_global(number: int, prefix: int) -> None:
    text = f"{IPv6Network((number >> (128 - prefix) << (128 - prefix), prefix))}"

    try:
        network = parse_home_network(text)
    except Refusal:
        return

    assert str(network) == text
    assert network.prefixlen >= 48
    assert network.subnet_of(IPv6Network("2000::/3"))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("30m", NOW + timedelta(minutes=30), id="minutes"),
        pytest.param("8h", NOW + timedelta(hours=8), id="hours"),
        pytest.param("2d", NOW + timedelta(days=2), id="days"),
        pytest.param("1d12h30m", NOW + timedelta(days=1, hours=12, minutes=30), id="days, hours and minutes"),
        pytest.param("30d", NOW + timedelta(days=30), id="the longest"),
        pytest.param("2026-12-24T18:00:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC), id="a time in UTC"),
        pytest.param("2026-12-24T19:00+01:00", datetime(2026, 12, 24, 18, tzinfo=UTC), id="a time elsewhere"),
    ],
)
def test_an_end_is_a_duration_or_a_time(text: str, at: datetime) -> None:
    assert parse_expires(text, NOW).at == at


def test_only_a_duration_has_a_tolerance() -> None:
    assert parse_expires("8h", NOW).tolerance == timedelta(minutes=5)
    assert parse_expires("10m", NOW).tolerance == timedelta(minutes=1)
    assert parse_expires("2026-12-24T18:00:00Z", NOW).tolerance == timedelta(0)


@pytest.mark.parametrize("text", ["", "soon", "2026-12-24T18:00:00"])
def test_a_tag_that_holds_no_time_gives_none(text: str) -> None:
    assert time_of(text) is None


def test_a_time_survives_its_tag() -> None:
    assert time_of(time_text(NOW)) == NOW
