# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a Talos node got its address. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# The ways, in the words of a report.
LINK_CONFIG = "LinkConfig"
DHCP = "DHCP from the interface in EC2"
KERNEL_ARGUMENTS = "kernel arguments"
# Why addresses do not come by the way that the first seed describes.
WHY_NOT = "ip= arguments are not used: on UEFI, as on every Graviton, Talos since 1.10 drops kernel arguments"


class Addressing(NamedTuple):
    """How a node got its address, and whether it is the reserved one."""

    way: str
    is_right: bool


def addressing_of(ipv4: str, *, stage: str, cmdline: str, addresses: Sequence[str]) -> Addressing:
    """Return the addressing by kernel arguments and addresses; a configured node has the collection's LinkConfig."""
    given = [word for word in cmdline.split() if word.startswith("ip=")]
    is_right = ipv4 in [address.partition("/")[0] for address in addresses]
    if stage != "maintenance":
        return Addressing(LINK_CONFIG, is_right)
    by_arguments = any(word.removeprefix("ip=").split(":")[0] == ipv4 for word in given)
    return Addressing(KERNEL_ARGUMENTS if by_arguments else DHCP, is_right)
