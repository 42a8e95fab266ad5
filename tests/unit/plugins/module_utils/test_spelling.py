# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A misspelt name is one letter away from the one that was meant; others are other names."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._spelling import is_misspelt


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("expire", id="the last letter is missing"),
        pytest.param("xpires", id="the first letter is missing"),
        pytest.param("exires", id="a letter is missing"),
        pytest.param("expiress", id="a letter twice"),
        pytest.param("_expires", id="a letter more"),
        pytest.param("expures", id="another letter"),
        pytest.param("Expires", id="another case"),
        pytest.param("epxires", id="two exchanged"),
        pytest.param("expirse", id="the last two exchanged"),
    ],
)
def test_one_letter_makes_a_misspelling(name: str) -> None:
    assert is_misspelt(name, "expires")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        pytest.param("expires", "expires", id="the name itself"),
        pytest.param("expires_at_home", "expires", id="a longer name"),
        pytest.param("expiry", "expires", id="two other letters"),
        pytest.param("xepirse", "expires", id="two exchanges"),
        pytest.param("ip", "ipv6", id="two letters less"),
        pytest.param("ipv", "ipv6", id="a short name"),
        pytest.param("ipv4", "ipv6", id="another digit"),
        pytest.param("sexpire", "expires", id="one letter at the other end"),
        pytest.param("", "a", id="nothing"),
    ],
)
def test_more_makes_another_name(name: str, known: str) -> None:
    assert not is_misspelt(name, known)
    assert not is_misspelt(known, name)
