# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of talos_config that are not addresses, names or images are refused in one list, without a traceback."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import options

NODE = {"name": "gateway", "ipv4": "192.0.2.101", "ipv6": "2001:db8::101", "link": "", "hostname": None}


def params(**changes: dict[str, Any]) -> dict[str, Any]:
    cluster = {"install_image": "ghcr.io/siderolabs/installer:v1.13.6", "install_disk": "", "cert_sans": ["moon", ""]}
    network = {"subnet_ipv4_cidr": "192.0.2.0/24", "gateway_ipv4": "", "nameservers": ["192.0.2.53", "2001:db8::53"]}
    servers = {"time_servers": ["/dev/ptp0", "time.example.com", "2001:db8::1"]}
    given: dict[str, dict[str, Any]] = {"cluster": cluster, "network": {**network, **servers}, "nodes": NODE}
    merged = {part: {**values, **changes.get(part, {})} for part, values in given.items()}
    return {**merged, "nodes": [merged["nodes"]]}


def test_right_values_are_taken_with_and_without_a_network() -> None:
    options.check(params())
    options.check({**params(), "network": None})


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        pytest.param("network", "time_servers", ["pool.ntp.org.", "ntp_1.example.com"], id="names in the DNS"),
        pytest.param("nodes", "hostname", "moon-1.example.com", id="a name with its domain"),
        pytest.param("cluster", "pod_subnets", ["10.244.0.1/16"], id="bits that Talos cuts off"),
        pytest.param("cluster", "talos_version", "v1.14", id="a minor version"),
        pytest.param("cluster", "talos_version", "v1.15.0-alpha.1", id="a version that is newer than the known ones"),
    ],
)
def test_unusual_values_that_talos_takes_are_taken(part: str, name: str, value: Any) -> None:
    options.check(params(**{part: {name: value}}))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        pytest.param("network", "subnet_ipv4_cidr", "ten", id="no network"),
        pytest.param("network", "subnet_ipv4_cidr", "192.0.2.1/24", id="bits behind the prefix"),
        pytest.param("network", "gateway_ipv4", "2001:db8::1", id="a gateway of IPv6"),
        pytest.param("network", "ipv6_gateway", "192.0.2.1", id="a gateway of IPv4"),
        pytest.param("network", "nameservers", ["dns.example.com"], id="the name of a name server"),
        pytest.param("network", "time_servers", [""], id="an empty time server"),
        pytest.param("nodes", "ipv4", "192.0.2.300", id="no address"),
        pytest.param("nodes", "ipv6", "2001:db8::/129", id="no prefix"),
        pytest.param("nodes", "hostname", "-moon", id="no host name"),
        pytest.param("nodes", "hostname", "a" * 64, id="a label of 64 characters"),
        pytest.param("nodes", "link", "eth 0", id="no link"),
        pytest.param("nodes", "install_image", "https://ghcr.io/a", id="a URL for an image"),
        pytest.param("cluster", "install_image", "a b", id="no image"),
        pytest.param("cluster", "name", "", id="no name"),
        pytest.param("cluster", "name", "admin@moon", id="the name of a context"),
        pytest.param("cluster", "kubernetes_version", "", id="no version of Kubernetes"),
        pytest.param("cluster", "kubernetes_version", "1.35", id="a minor version of Kubernetes"),
        pytest.param("cluster", "talos_version", "v9.9", id="another major version of Talos"),
        pytest.param("cluster", "talos_version", "v1.9.0", id="a version of Talos that is too old"),
        pytest.param("cluster", "talos_version", "latest", id="no version of Talos"),
        pytest.param("cluster", "install_disk", "nvme0n1", id="a disk without its path"),
        pytest.param("cluster", "pod_subnets", ["pods"], id="no network of pods"),
        pytest.param("cluster", "service_subnets", ["10.96.0.0/33"], id="no network of services"),
        pytest.param("cluster", "cert_sans", ["a b"], id="no name"),
    ],
)
def test_a_wrong_value_is_refused_with_its_option_and_what_it_should_be(part: str, name: str, value: Any) -> None:
    with pytest.raises(InputError) as raised:
        options.check(params(**{part: {name: value}}))

    (problem,) = raised.value.problems
    assert problem.subject == f"{'nodes[0]' if part == 'nodes' else part}.{name}"
    assert repr(value[0] if isinstance(value, list) else value) in problem.message


def test_all_wrong_values_are_in_one_list() -> None:
    with pytest.raises(InputError) as raised:
        options.check(params(network={"gateway_ipv4": "a"}, nodes={"ipv4": "b", "ipv6": "c"}))

    assert [problem.subject for problem in raised.value.problems] == [
        "network.gateway_ipv4",
        "nodes[0].ipv4",
        "nodes[0].ipv6",
    ]
