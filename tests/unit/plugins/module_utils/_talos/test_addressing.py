# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._talos import addressing

UKI = "talos.platform=metal console=ttyAMA0 console=tty0"


@pytest.mark.parametrize(
    ("stage", "cmdline", "way"),
    [
        pytest.param("running", UKI, addressing.LINK_CONFIG, id="configured"),
        pytest.param("maintenance", UKI, addressing.DHCP, id="unconfigured"),
        pytest.param(
            "maintenance", f"{UKI} ip=10.10.0.101::10.10.0.1:255.255.255.0::eth0:none", "kernel arguments", id="GRUB"
        ),
        pytest.param(
            "maintenance", f"{UKI} ip=10.10.0.9::10.10.0.1:255.255.255.0::eth0:none", addressing.DHCP, id="another"
        ),
    ],
)
def test_the_way_is_known_from_stage_and_kernel_arguments(stage: str, cmdline: str, way: str) -> None:
    found = addressing.addressing_of("10.10.0.101", stage=stage, cmdline=cmdline, addresses=["10.10.0.101/24"])

    assert found == (way, True)


def test_another_address_than_the_reserved_one_is_not_right() -> None:
    found = addressing.addressing_of(
        "10.10.0.101", stage="running", cmdline=UKI, addresses=["10.10.0.57/24", "fe80::1/64"]
    )

    assert not found.is_right
