# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested values of AWS calls for all kinds of resources. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

# With this prefix an SSM parameter names an image.
BY_PARAMETER = "resolve:ssm:"


def texts_in(value: Any) -> Iterator[str]:
    """Return every text in a value, those in lists and mappings included, but not the keys of mappings."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        yield from (text for item in value for text in texts_in(item))
    elif isinstance(value, str):
        yield value


def plain_policy(value: Any, *, without: Collection[str] = ()) -> Any:
    """Return a normalized policy: IAM accepts and returns a single item with or without a list around it."""
    if isinstance(value, Mapping):
        return {key: plain_policy(item, without=without) for key, item in value.items() if key not in without}
    if isinstance(value, list):
        items = sorted((plain_policy(item, without=without) for item in value), key=repr)
        return items[0] if len(items) == 1 else items
    return value


def ipv6_of(interface: Mapping[str, Any]) -> list[str]:
    """Return the IPv6 addresses of a network interface, its primary one first; EC2 returns them in no fixed order."""
    entries = sorted(interface.get("Ipv6Addresses") or (), key=lambda item: not item.get("IsPrimaryIpv6"))
    return [str(item["Ipv6Address"]) for item in entries]


def port_text(record: Mapping[str, Any]) -> str:
    """Return protocol and ports of a rule as text."""
    protocol, first, last = record["IpProtocol"], record.get("FromPort", -1), record.get("ToPort", -1)
    if protocol == "-1":
        return "all"
    if first == -1:
        return str(protocol)
    return f"{protocol}/{first}" + ("" if first == last else f"-{last}")


def words_in(value: Any) -> set[str]:
    """Return the words of all texts in a nested value, such as the ids that it names."""
    return {word for text in texts_in(value) for word in text.split(" ")}
