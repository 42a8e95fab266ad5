# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the home network and the end that a user requests. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface, IPv6Interface, IPv6Network
from typing import NamedTuple

from ..._errors import InputError
from ..._findings import Finding, failure, finding, meaning_of, remedy_of

PREFIX_MIN = 48
LONGEST = timedelta(days=30)
SHORTEST = timedelta(minutes=5)
# An immediate second run must not move the end, or no second run would be unchanged.
_TOLERANCE = timedelta(minutes=5)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_DURATION = re.compile(r"(?:(?P<days>[0-9]{1,4})d)?(?:(?P<hours>[0-9]{1,4})h)?(?:(?P<minutes>[0-9]{1,5})m)?")
# The addresses of the internet.
GLOBAL = IPv6Network("2000::/3")
# Examples and simulations use these, so they are rejected only if rules would be created in AWS.
# https://www.rfc-editor.org/rfc/rfc3849 and https://www.rfc-editor.org/rfc/rfc9637
_DOCUMENTATION = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
# Without words of their own they have the meaning of their code.
# https://www.iana.org/assignments/iana-ipv6-special-registry
_SPECIAL = (
    ("::/128", "IPV6_UNSPECIFIED", ""),
    ("::1/128", "IPV6_LOOPBACK", ""),
    ("::ffff:0:0/96", "IPV6_MAPS_IPV4", "is an IPv4-mapped IPv6 address"),
    ("::/96", "IPV6_MAPS_IPV4", "is an IPv4-compatible IPv6 address, which is obsolete"),
    ("64:ff9b::/96", "IPV6_MAPS_IPV4", "is an IPv4 address behind NAT64"),
    ("64:ff9b:1::/48", "IPV6_MAPS_IPV4", "is an IPv4 address behind the NAT64 of a single network"),
    ("2002::/16", "IPV6_MAPS_IPV4", "is an IPv4 address behind 6to4, which is obsolete and not assigned to homes"),
    ("3ffe::/16", "IPV6_RESERVED", "was used by the 6bone test network, which ended in 2006"),
    ("5f00::/16", "IPV6_RESERVED", "is reserved for segment routing identifiers, which are not addresses of hosts"),
    ("fe80::/10", "IPV6_LINK_LOCAL", ""),
    ("fec0::/10", "IPV6_SITE_LOCAL", ""),
    ("fc00::/7", "IPV6_UNIQUE_LOCAL", ""),
    ("2001::/23", "IPV6_RESERVED", "is reserved for protocols such as Teredo, and not assigned to homes"),
    ("100::/64", "IPV6_RESERVED", "is the discard-only network"),
    ("100:0:0:1::/64", "IPV6_RESERVED", "is the dummy IPv6 prefix"),
    ("2620:4f:8000::/48", "IPV6_RESERVED", "is the network of the AS112 DNS servers"),
    ("ff00::/8", "IPV6_MULTICAST", ""),
)


class Refusal(InputError):
    """Invalid input, for which no rule must be opened; problem is the same for programs."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(failure("open home access", problem), problems=[problem])
        self.problem = problem


class End(NamedTuple):
    """The end of home access, and the tolerance within which an existing end is not moved."""

    at: datetime
    tolerance: timedelta


def parse_home_network(text: str) -> IPv6Network:
    """Return the valid home network, or raise Refusal."""
    for problem in _text_problems(text):
        raise Refusal(problem)
    interface = _interface(text.strip())
    for problem in network_problems(interface):
        raise Refusal(problem)
    return interface.network


def documentation_problems(text: str) -> Iterator[Finding]:
    """Yield a problem for a network that is valid in a lab only: no packets come from it in AWS."""
    try:
        network = parse_home_network(text)
    except Refusal:
        return
    if _is_documentation(network):
        message = f"{network} is reserved for documentation, so no host has an address in it"
        yield _problem("IPV6_DOCUMENTATION", message)


def _is_documentation(network: IPv6Network) -> bool:
    return any(network.subnet_of(example) for example in _DOCUMENTATION)


def _problem(code: str, message: str | None = None, remedy: str | None = None) -> Finding:
    return finding(code, "ipv6", message, remedy)


def _about(what: object, code: str, remedy: str | None = None) -> Finding:
    """Return a problem whose message is the meaning of its code, about what the user has written."""
    meaning = meaning_of(code).split(" ", 2)[2].rstrip(".")
    return _problem(code, f"{what} {meaning}", remedy)


def _text_problems(text: str) -> Iterator[Finding]:
    plain = text.strip()
    if not plain:
        yield _problem("IPV6_EMPTY")
    if re.search(r"[\s,;]", plain):
        yield _about(_quoted(plain), "IPV6_SEVERAL")
    if "%" in plain:
        yield _about(_quoted(plain), "IPV6_ZONE")
    if _is_ipv4(plain):
        yield _about(plain, "IPV4_NOT_ALLOWED")


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Interface(text)
    except ValueError:
        return False
    return True


def _interface(text: str) -> IPv6Interface:
    try:
        return IPv6Interface(text)
    except ValueError as error:
        raise Refusal(_about(_quoted(text), "IPV6_INVALID")) from error


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def network_problems(interface: IPv6Interface) -> Iterator[Finding]:
    """Yield why a network is not allowed, the most severe reason first."""
    network = interface.network
    if network.prefixlen == 0:
        yield _about(network, "IPV6_ENTIRE_INTERNET")
    for cidr, code, why in _SPECIAL:
        if network.subnet_of(IPv6Network(cidr)):
            yield _problem(code, f"{interface} {why}") if why else _about(interface, code)
    if network.prefixlen < PREFIX_MIN:
        size = f"Use /{PREFIX_MIN} or smaller; a home usually has a /56 or a /64, and one host a /128."
        remedy = f"{size} {remedy_of('IPV6_TOO_WIDE')}"
        yield _problem("IPV6_TOO_WIDE", f"{network} is larger than /{PREFIX_MIN}, the maximum for a home", remedy)
    if not network.subnet_of(GLOBAL) or not (network.is_global or _is_documentation(network)):
        yield _about(interface, "IPV6_NOT_GLOBAL")
    if interface.ip != network.network_address:
        remedy = f"Write {network} for the network or {interface.ip} for the single address."
        yield _about(interface, "IPV6_HOST_BITS", remedy)


def parse_expires(text: str, now: datetime) -> End:
    """Return the end for a duration or a time with a zone, or raise Refusal."""
    plain = text.strip()
    duration = _duration(plain)
    at = now + duration if duration is not None else _time(plain)
    for problem in _end_problems(plain, at, now):
        raise Refusal(problem)
    tolerance = min(_TOLERANCE, duration / 10) if duration is not None else timedelta(0)
    return End(at.astimezone(UTC).replace(microsecond=0), tolerance)


def _expires_problem(code: str, message: str, remedy: str | None = None) -> Finding:
    return finding(code, "expires", message, remedy)


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if not match or not text:
        return None
    return timedelta(**{unit: int(number) for unit, number in match.groupdict().items() if number})


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{_quoted(text)} is neither a duration nor a time" if text else "the end is empty"
        raise Refusal(_expires_problem("EXPIRES_INVALID", message)) from error
    if at.tzinfo is None:
        raise Refusal(_expires_problem("EXPIRES_WITHOUT_ZONE", f"{_quoted(text)} has no time zone"))
    return at


def _end_problems(text: str, at: datetime, now: datetime) -> Iterator[Finding]:
    if at <= now:
        yield _expires_problem("EXPIRES_PAST", f"{_quoted(text)} is in the past")
    if at - now > LONGEST:
        message = f"{_quoted(text)} is more than {LONGEST.days} days away"
        yield _expires_problem(
            "EXPIRES_TOO_LATE", message, f"Use at most {LONGEST.days}d, and open home access again later."
        )
    if at - now < SHORTEST:
        remedy = f"Use at least {SHORTEST.seconds // 60}m."
        yield _expires_problem("EXPIRES_TOO_SOON", f"{_quoted(text)} is too soon to be useful", remedy)


def time_text(at: datetime) -> str:
    """Return a time in the format of tags and messages."""
    return at.astimezone(UTC).strftime(_TIME_FORMAT)


def time_of(text: str) -> datetime | None:
    """Return the time in a tag, or None if it contains none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
