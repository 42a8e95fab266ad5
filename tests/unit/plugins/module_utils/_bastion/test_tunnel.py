# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WireGuard tunnel is judged before the bastion is made, by the same rules on every host."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.bastion_tunnel_problems import bastion_tunnel_problems
from ansible_collections.urmanac.talos.plugins.module_utils._bastion.tunnel import tunnel_problems

WG = shutil.which("wg")
TUNNEL: dict[str, Any] = {
    "address": "172.16.0.2/32",
    "public_key": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    "endpoint": "[2001:db8::1]:51820",
    "key_parameter": "/talos/wireguard",
    "private_key": False,
}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        pytest.param({}, [], id="complete"),
        pytest.param({"endpoint": "192.0.2.1:51820"}, [], id="over IPv4"),
        pytest.param({"endpoint": "192.0.2.256:51820"}, ["endpoint"], id="no address"),
        pytest.param({"endpoint": "[2001:db8::1]:0"}, ["endpoint"], id="no port"),
        pytest.param({"endpoint": "2001:db8::1"}, ["endpoint"], id="without a port"),
        pytest.param({"public_key": TUNNEL["public_key"][:-2] + "9="}, ["public_key"], id="bits are left over"),
        pytest.param({"public_key": TUNNEL["public_key"][1:]}, ["public_key"], id="no 32 bytes"),
        pytest.param({"address": "172.16.0.2"}, ["address"], id="without a prefix"),
        pytest.param({"address": "fd00::2/128"}, ["address"], id="IPv6"),
        pytest.param({"address": "", "public_key": "", "endpoint": ""}, ["address", "public_key", "endpoint"], id="no"),
        pytest.param({"key_parameter": "", "private_key": True}, [], id="key in a file"),
        pytest.param({"private_key": True}, ["private_key"], id="two keys"),
        pytest.param({"key_parameter": ""}, ["key_parameter"], id="no key"),
    ],
)
def test_what_keeps_a_tunnel_from_working_is_reported_by_its_variable(given: dict[str, Any], names: list[str]) -> None:
    found = bastion_tunnel_problems({**TUNNEL, **given})

    assert [problem["subject"] for problem in found] == [f"bastion_host_wireguard_{name}" for name in names]


@pytest.mark.skipif(WG is None, reason="wireguard-tools is not installed")
@pytest.mark.parametrize("last", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
def test_a_key_is_accepted_that_wg_accepts(last: str) -> None:
    key = f"{TUNNEL['public_key'][:-2]}{last}="

    # It reads a private key as it reads a public one.
    done = subprocess.run([str(WG), "pubkey"], input=key, text=True, capture_output=True, check=False)

    assert (bastion_tunnel_problems({**TUNNEL, "public_key": key}) == []) is (done.returncode == 0)


def test_an_endpoint_over_ipv4_is_out_of_reach_without_another_ipv4_address() -> None:
    (problem,) = tunnel_problems({**TUNNEL, "endpoint": "192.0.2.1:51820"}, has_ipv4=False)

    assert "does not reach the endpoint 192.0.2.1:51820" in problem.message
    assert "[2001:db8::1]:51820" in problem.remedy
