# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the addresses, names and images among the options of talos_config. Private: may change at any time.

Talos takes most of the wrong ones, and the node then does not work. The others have ended in errors of Python.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from ..._errors import InputError
from ..._findings import Finding, finding
from ..._oci.errors import ImageError
from ..._oci.reference import parse_reference
from .. import versions
from .contract import release

_LABEL: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST: Final = rf"{_LABEL}(\.{_LABEL})*"
# Names in the DNS may have underscores, and end with a dot.
_SERVER: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")


class Rule(NamedTuple):
    """What a value has to be, as a function that raises ValueError for others, and in words."""

    read: Callable[[str], Any]
    wanted: str
    required: bool = False


def _matching(pattern: str) -> Callable[[str], Any]:
    def read(text: str) -> None:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)

    return read


def _image(text: str) -> None:
    try:
        parse_reference(text)
    except ImageError as error:
        raise ValueError(text) from error


def _talos(text: str) -> None:
    found = release(text)
    if found is None or found[0] != versions.OLDEST[0] or found < versions.OLDEST:
        raise ValueError(text)


def _kubernetes(text: str) -> None:
    if versions.parse(text) is None:
        raise ValueError(text)


def _server(text: str) -> None:
    # Talos also takes clocks such as /dev/ptp0.
    if not (text.startswith("/dev/") or _SERVER.fullmatch(text)):
        ipaddress.ip_address(text)


_IPV4: Final = Rule(ipaddress.IPv4Address, "an IPv4 address, such as 192.0.2.101")
_IPV6: Final = Rule(ipaddress.IPv6Address, "an IPv6 address, such as 2001:db8::1")
_SUBNET: Final = Rule(partial(ipaddress.ip_network, strict=False), "a network, such as 10.244.0.0/16")
_IMAGE: Final = Rule(_image, "the reference of an image, such as ghcr.io/siderolabs/installer:v1.13.6")
_NAMES: Final = Rule(_matching(r"[^\s/]*"), "a name or an address")
_OLDEST: Final = "v{}.{}".format(*versions.OLDEST)
CLUSTER: Final = {
    # The name of a context, admin@NAME, in kubeconfig.
    "name": Rule(_matching(r"[^\s/:@]+"), "a name without spaces, slashes, colons and @", required=True),
    "kubernetes_version": Rule(_kubernetes, "a version of Kubernetes, such as 1.35.0", required=True),
    "talos_version": Rule(_talos, f"a version of Talos from {_OLDEST} on, such as v1.14"),
    "pod_subnets": _SUBNET,
    "service_subnets": _SUBNET,
    "cert_sans": _NAMES,
    "install_disk": Rule(_matching("/dev/.+"), "the path of a disk, such as /dev/sda"),
    "install_image": _IMAGE,
}
NETWORK: Final = {
    "subnet_ipv4_cidr": Rule(ipaddress.IPv4Network, "an IPv4 network, such as 192.0.2.0/24"),
    "gateway_ipv4": _IPV4,
    "ipv6_gateway": _IPV6,
    "nameservers": Rule(ipaddress.ip_address, "an IP address, such as 192.0.2.53"),
    "time_servers": Rule(_server, "a host name or an address"),
}
NODE: Final = {
    "ipv4": _IPV4,
    "ipv6": Rule(ipaddress.IPv6Interface, "an IPv6 address, such as 2001:db8::101/64"),
    "hostname": Rule(_matching(_HOST), "a host name of letters, digits and hyphens"),
    "link": Rule(_matching(r"[^\s/]+"), "the name of a link, such as eth0"),
    "install_image": _IMAGE,
    "cert_sans": _NAMES,
}


def check(params: Mapping[str, Any]) -> None:
    """Raise for all options that cannot be what they should be."""
    found = [
        *_problems("cluster", CLUSTER, params["cluster"]),
        *_problems("network", NETWORK, params["network"] or {}),
        *(
            problem
            for number, node in enumerate(params["nodes"])
            for problem in _problems(f"nodes[{number}]", NODE, node)
        ),
    ]
    if found:
        causes = "\n".join(f"- {problem.subject}: {problem.message}" for problem in found)
        raise InputError(f"Failed to read the options:\n{causes}", problems=found)


def _problems(part: str, rules: Mapping[str, Rule], given: Mapping[str, Any]) -> Iterator[Finding]:
    for name, rule in rules.items():
        value = given.get(name)
        for text in value if isinstance(value, list) else [value] if value or (rule.required and value == "") else []:
            try:
                rule.read(text)
            except ValueError:
                yield finding("INPUT_INVALID", f"{part}.{name}", f"{text!r} is not {rule.wanted}.", "Correct it.")
