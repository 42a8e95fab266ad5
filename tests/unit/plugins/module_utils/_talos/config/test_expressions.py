# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions that no parser of CEL accepts are found, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.expressions import is_expression


@pytest.mark.parametrize(
    "text",
    [
        *("true", "!system_disk", "disk.transport == 'nvme' && !system_disk", "disk.size > 10u * GiB"),
        *('mac(link.permanent_addr) == "02:00:00:00:00:01"', "'/dev/sda' in disk.symlinks", "-1 < disk.size"),
        *('glob("enp*", link.name) || link.driver in ["ena", "igb",]', "a ? b : c", "[]", "f()", "{'a': 1, 'b': [2]}"),
        *("disk.model.matches(r'^Sam\\d+$')", '"""a "b" c""" == disk.serial', "volume.name == 'it\\'s'"),
        *("(disk.size >= 0x10u)\n  && (disk.rotational == false) // spinning", "disk.`a-b` == b'x'", "1.5e-3 < .5"),
        *("disk.?bus_path.orValue('') == 'a'", r"disk.model == r'\'", r'rb"\" != b"a"', "r'' == ''"),
        *("Disk{size: 1}.size == 1", "a[?0].b", "!(!a)", "disk.symlinks.exists(s, s.startsWith('/dev/disk/by-id/'))"),
    ],
)
def test_an_expression_of_cel_is_accepted(text: str) -> None:
    assert is_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        *("disk.transport = 'nvme'", "disk.transport == 'nvme", "(disk.size > 10u", "disk.size > 10u)", "disk.size >"),
        *(
            "&& system_disk",
            "!system_disk and disk.rotational",
            "disk.size > 10GiB",
            "disk.transport == nvme disk",
            "!",
        ),
        *("f(a,)", "(]", "[1, 2)", "a & b", "a | b", "not system_disk", "a b", "'a' 'b'", "()", "a !b", "disk.", " "),
        *('"a\nb"', "disk.size > 10 u", "a ? : b", "== a", "#", "a; b", "$HOME", "?a", "a ?? b", "r'a", "r'a''"),
    ],
)
def test_what_no_parser_accepts_is_found(text: str) -> None:
    assert not is_expression(text)


@given(st.text("ab1.'\"()[]{}!&|=<> ?:,\\in-", max_size=12))
def test_no_text_ends_the_check_with_an_error(text: str) -> None:
    assert is_expression(text) in (True, False)
