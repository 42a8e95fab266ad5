# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge the home network and the end that a user asks for. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Interface, IPv6Interface, IPv6Network
from typing import NamedTuple

from .._errors import InputError
from .._findings import Finding, failure, finding

PREFIX_MIN = 48
LONGEST = timedelta(days=30)
SHORTEST = timedelta(minutes=5)
# A run that follows at once must not move the end, or no second run would be unchanged.
_TOLERANCE = timedelta(minutes=5)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_FIND_IT = "`curl -6 https://ifconfig.co` at home tells the address; its first four groups and ::/64 are the network."
_EXAMPLES = "Write an address such as 2001:db8:1:2::5 or a network such as 2001:db8:1:2::/64."
_EXPIRES_EXAMPLES = "Write a duration such as 30m, 8h or 2d, or a time such as 2026-12-24T18:00:00Z."
_DURATION = re.compile(r"(?:(?P<days>[0-9]{1,4})d)?(?:(?P<hours>[0-9]{1,4})h)?(?:(?P<minutes>[0-9]{1,5})m)?")
_GLOBAL = IPv6Network("2000::/3")
# Examples and simulations use these, so they are refused where something would be opened in AWS, and only there.
# https://www.rfc-editor.org/rfc/rfc3849 and https://www.rfc-editor.org/rfc/rfc9637
_DOCUMENTATION = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
# https://www.iana.org/assignments/iana-ipv6-special-registry
_SPECIAL = (
    ("::/128", "IPV6_UNSPECIFIED", "is the unspecified address"),
    ("::1/128", "IPV6_LOOPBACK", "is the loopback address of every machine"),
    ("::ffff:0:0/96", "IPV6_MAPS_IPV4", "is an IPv4 address in IPv6 writing"),
    ("64:ff9b::/96", "IPV6_MAPS_IPV4", "is an IPv4 address behind NAT64"),
    ("fe80::/10", "IPV6_LINK_LOCAL", "is link-local, so it never leaves its own network segment"),
    ("fec0::/10", "IPV6_SITE_LOCAL", "is site-local, which was abolished and never leaves a site"),
    ("fc00::/7", "IPV6_UNIQUE_LOCAL", "is unique-local, so it never reaches the Internet"),
    ("2001::/23", "IPV6_RESERVED", "is reserved for protocols, such as Teredo, and no provider gives it to a home"),
    ("100::/64", "IPV6_RESERVED", "is the network for packets that are to be discarded"),
    ("2620:4f:8000::/48", "IPV6_RESERVED", "is the network of the servers that discard queries for private addresses"),
    ("ff00::/8", "IPV6_MULTICAST", "is multicast, so nothing is ever sent from it"),
)


class Refusal(InputError):
    """Input that must not open anything; problem is the same for programs."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(failure("open home access", problem))
        self.problem = problem


class End(NamedTuple):
    """When home access ends, and by how much an end that is already set may differ without being moved."""

    at: datetime
    tolerance: timedelta


def parse_home_network(text: str) -> IPv6Network:
    """Return the one home network that may be opened, or raise Refusal."""
    for problem in _text_problems(text):
        raise Refusal(problem)
    interface = _interface(text.strip())
    for problem in network_problems(interface):
        raise Refusal(problem)
    return interface.network


def documentation_problems(text: str) -> Iterator[Finding]:
    """Yield why a home network that may be opened in a lab is none in AWS: no packet comes from there."""
    try:
        network = parse_home_network(text)
    except Refusal:
        return
    if any(network.subnet_of(example) for example in _DOCUMENTATION):
        message = f"{network} is for documentation, and no one has an address of it"
        yield _problem("IPV6_DOCUMENTATION", message, f"Give the network of your home. {_FIND_IT}")


def _problem(code: str, message: str, remedy: str) -> Finding:
    return finding(code, "ipv6", message, remedy)


def _text_problems(text: str) -> Iterator[Finding]:
    plain = text.strip()
    if not plain:
        yield _problem("IPV6_EMPTY", "no network was given", f"{_EXAMPLES} {_FIND_IT}")
    if re.search(r"[\s,;]", plain):
        message = f"{_quoted(plain)} is more than one network"
        yield _problem("IPV6_SEVERAL", message, "Give one network and run it again for the next one.")
    if "%" in plain:
        message = f"{_quoted(plain)} has a zone after its %, which only its own machine knows"
        yield _problem("IPV6_ZONE", message, f"Leave the zone out and give a global address. {_FIND_IT}")
    if _is_ipv4(plain):
        yield _problem("IPV4_NOT_ALLOWED", f"{plain} is IPv4, and nodes have no IPv4 that home could reach", _FIND_IT)


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
        message = f"{_quoted(text)} is no IPv6 address and no IPv6 network"
        raise Refusal(_problem("IPV6_INVALID", message, _EXAMPLES)) from error


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def network_problems(interface: IPv6Interface) -> Iterator[Finding]:
    """Yield why a network must not be opened, the gravest reason first."""
    network = interface.network
    if network.prefixlen == 0:
        remedy = f"Give the home network itself, /{PREFIX_MIN} or narrower. {_FIND_IT}"
        yield _problem("IPV6_EVERYWHERE", f"{network} is the whole Internet", remedy)
    for cidr, code, why in _SPECIAL:
        if network.subnet_of(IPv6Network(cidr)):
            yield _problem(code, f"{interface} {why}", f"Give the global address of home. {_FIND_IT}")
    if network.prefixlen < PREFIX_MIN:
        remedy = f"Give /{PREFIX_MIN} or narrower; a home has a /56 or a /64, and one machine of it a /128. {_FIND_IT}"
        yield _problem(
            "IPV6_TOO_WIDE", f"{network} is wider than /{PREFIX_MIN}, which is more than any home has", remedy
        )
    if not network.subnet_of(_GLOBAL):
        yield _problem("IPV6_NOT_GLOBAL", f"{interface} is no global unicast address", f"{_EXAMPLES} {_FIND_IT}")
    if interface.ip != network.network_address:
        message = f"{interface} has bits set behind its prefix"
        yield _problem(
            "IPV6_HOST_BITS", message, f"Write {network} for the network or {interface.ip} for the one address."
        )


def parse_expires(text: str, now: datetime) -> End:
    """Return the end that a duration or a time with its zone means, or raise Refusal."""
    plain = text.strip()
    duration = _duration(plain)
    at = now + duration if duration is not None else _time(plain)
    for problem in _end_problems(plain, at, now):
        raise Refusal(problem)
    tolerance = min(_TOLERANCE, duration / 10) if duration is not None else timedelta(0)
    return End(at.astimezone(UTC).replace(microsecond=0), tolerance)


def _expires_problem(code: str, message: str, remedy: str) -> Finding:
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
        raise Refusal(_expires_problem("EXPIRES_INVALID", message, _EXPIRES_EXAMPLES)) from error
    if at.tzinfo is None:
        remedy = f"Put Z (UTC) or an offset such as +01:00 behind it. {_EXPIRES_EXAMPLES}"
        raise Refusal(_expires_problem("EXPIRES_WITHOUT_ZONE", f"{_quoted(text)} does not say in which zone", remedy))
    return at


def _end_problems(text: str, at: datetime, now: datetime) -> Iterator[Finding]:
    if at <= now:
        yield _expires_problem("EXPIRES_PAST", f"{_quoted(text)} is over already", _EXPIRES_EXAMPLES)
    if at - now > LONGEST:
        message = f"{_quoted(text)} is more than {LONGEST.days} days away"
        yield _expires_problem("EXPIRES_TOO_LATE", message, f"Choose at most {LONGEST.days}d and open it again then.")
    if at - now < SHORTEST:
        remedy = f"Choose {SHORTEST.seconds // 60}m or more."
        yield _expires_problem("EXPIRES_TOO_SOON", f"{_quoted(text)} is over before anybody could use it", remedy)


def time_text(at: datetime) -> str:
    """Return a time as tags hold it and people read it."""
    return at.astimezone(UTC).strftime(_TIME_FORMAT)


def time_of(text: str) -> datetime | None:
    """Return the time that a tag holds, or None if it holds none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
