# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WireGuard tunnel of a bastion. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv6Address
from typing import Any

from .._findings import Finding, finding

PREFIX = "bastion_host_wireguard_"
# 32 bytes in base64. wg rejects a final base64 digit with non-zero padding bits, which base64 decoders ignore.
_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_ENDPOINT = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<ipv4>[0-9.]+)):(?P<port>[0-9]{1,5})")
_OVER_IPV6 = "Write it as an address and a port, such as [2001:db8::1]:51820."


def tunnel_problems(settings: Mapping[str, Any], *, has_ipv4: bool = True) -> Iterator[Finding]:
    """Yield what keeps a tunnel from working; settings has the variables by their names without the prefix.

    A bastion on EC2 has no IPv4 address besides the tunnel with which it could reach the other end.
    """
    for name, is_right, wanted in _PARTS:
        value = str(settings.get(name) or "")
        if not is_right(value):
            found = f"{value!r} is not valid" if value else f"{PREFIX}{name} is empty"
            yield _wrong(name, f"The WireGuard tunnel cannot work: {found}.", wanted)
    endpoint = _ENDPOINT.fullmatch(str(settings.get("endpoint") or ""))
    if not has_ipv4 and endpoint and endpoint["ipv4"]:
        message = f"The bastion reaches IPv4 only through the tunnel, so it does not reach the endpoint {endpoint[0]}."
        yield _wrong("endpoint", message, _OVER_IPV6)
    yield from _key_problems(settings)


def _key_problems(settings: Mapping[str, Any]) -> Iterator[Finding]:
    in_parameter, in_file = bool(settings.get("key_parameter")), bool(settings.get("private_key"))
    if in_parameter and in_file:
        message = f"{PREFIX}key_parameter, which is for EC2, and {PREFIX}private_key are both set."
        yield _wrong("private_key", message, "Remove one of them.")
    elif not in_parameter and not in_file:
        remedy = (
            f"On EC2, set {PREFIX}key_parameter to the name of an SSM SecureString; elsewhere, set {PREFIX}private_key "
            f"to a vaulted value."
        )
        yield _wrong("key_parameter", "The private key of the WireGuard tunnel is not set.", remedy)


def _wrong(name: str, message: str, remedy: str) -> Finding:
    return finding("VARIABLE_VALUE_WRONG", PREFIX + name, message, remedy)


def _is_address(text: str) -> bool:
    try:
        return "/" in text and bool(IPv4Interface(text))
    except ValueError:
        return False


def _is_endpoint(text: str) -> bool:
    found = _ENDPOINT.fullmatch(text)
    if not found or not 0 < int(found["port"]) <= 65535:
        return False
    try:
        return bool(IPv6Address(found["ipv6"]) if found["ipv6"] else IPv4Address(found["ipv4"]))
    except AddressValueError:
        return False


# The endpoint is an address, because DNS may not work without the tunnel.
_PARTS: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("address", _is_address, "Set it to the bastion's address in the tunnel, such as 172.16.0.2/32."),
    ("public_key", lambda text: bool(_KEY.fullmatch(text)), "Set it to the public key of the other end."),
    ("endpoint", _is_endpoint, _OVER_IPV6),
)
