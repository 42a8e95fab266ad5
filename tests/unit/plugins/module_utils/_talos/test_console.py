# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the console of EC2 shows of Talos, by a node's kernel arguments."""

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos import console
from lab.talos.kernel import command_line

NAMES = {"192.0.2.101": "gateway", "192.0.2.102": "compute-2", "192.0.2.103": "compute-3"}
PLAIN = command_line((1, 13))
SERIAL = command_line((1, 13), "console=ttyS0")


def seen(*arguments: str | None) -> list[dict[str, str | None]]:
    return [{"node": address, "cmdline": of} for address, of in zip(NAMES, arguments, strict=False)]


def test_nodes_that_write_elsewhere_are_warned_of_together_with_the_remedy() -> None:
    assert console.silent_console_lines(seen(PLAIN, SERIAL, PLAIN), NAMES) == [
        "? The EC2 console shows no output of Talos on gateway, compute-3: its kernel writes to ttyAMA0 and tty0, not "
        "to ttyS0.",
        "? Images made with this line in the profile of Talos' imager have a serial console: "
        "customization: {extraKernelArgs: [console=ttyS0]}",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([SERIAL, SERIAL], id="serial consoles"),
        pytest.param(["console=tty0 console=ttyS0,115200n8"], id="one with settings"),
        pytest.param([None], id="a node that does not report it"),
        pytest.param([], id="no nodes"),
    ],
)
def test_nothing_is_warned_of_without_a_reason(arguments: list[str | None]) -> None:
    assert console.silent_console_lines(seen(*arguments), NAMES) == []


def test_a_node_without_any_console_is_silent_too() -> None:
    assert "writes to no console" in console.silent_console_lines(seen("talos.platform=metal"), NAMES)[0]


def test_a_console_of_another_port_is_not_that_of_ec2() -> None:
    assert not console.is_shown("console=ttyS01 xconsole=ttyS0")
