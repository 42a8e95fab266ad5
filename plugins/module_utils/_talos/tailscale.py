# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Tailscale extension needs, and what it made of it. Private to urmanac.talos: may change at any time.

No message here ever holds the key, or a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

EXTENSION: Final = "tailscale"
SERVICE: Final = "ext-tailscale"
LINK: Final = "tailscale0"
_AUTH_KEY: Final = re.compile(r"tskey-auth-[A-Za-z0-9]+-[A-Za-z0-9]+")
_ANY_KEY: Final = re.compile(r"\btskey-[\w-]+")
_HOSTNAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NEW_KEY: Final = (
    "Make an auth key in Tailscale's admin console (Settings, Keys), and give it as cluster_tailscale_auth_key in a "
    "vaulted file or as the environment variable TS_AUTHKEY."
)
_SWITCHES: Final = {"TS_USERSPACE": "userspace", "TS_AUTH_ONCE": "auth_once"}
_LOGGED_IN: Final = re.compile(r"startup complete, waiting for shutdown|switching ipn state \w+ -> running", re.I)
_REFUSED: Final = re.compile(
    r"(invalid key: .*|backend error: .*|failed to auth tailscale: .*|to authenticate, visit.*)", re.I
)
_ERRORS: Final = re.compile(r"(?:backend error|received error): *", re.I)


class Problem(NamedTuple):
    """Something that keeps Tailscale from being configured."""

    code: str
    message: str
    remedy: str


class Observed(NamedTuple):
    """What a node shows of Tailscale; state is that of the service, nothing where there is none."""

    has_extension: bool
    state: str | None
    addresses: Sequence[str]
    log: Sequence[str]


class Verdict(NamedTuple):
    """Whether a node is in the tailnet: connected, waiting or failed, and then why and what to do."""

    state: str
    cause: str = ""
    remedy: str = ""


def problems(nodes: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with what was asked for, in one list."""
    if not settings["enabled"]:
        return []
    hostname = str(settings["hostname"])
    found = [*_gateway_problems(nodes), *_key_problems(str(settings["auth_key"] or ""))]
    found += [_route_problem(route) for route in settings["routes"] if not _is_network(route)]
    if hostname and not _HOSTNAME.fullmatch(hostname):
        remedy = "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end."
        found.append(Problem("TAILSCALE_HOSTNAME", f"cluster_tailscale_hostname is {hostname!r}, no host name", remedy))
    return found


def _gateway_problems(nodes: Iterable[Mapping[str, Any]]) -> Iterable[Problem]:
    gateways = [str(node["name"]) for node in nodes if node["role"] == "gateway"]
    if not gateways:
        remedy = "Give one node in cluster_nodes the role gateway, or set cluster_tailscale_enabled to false."
        yield Problem(
            "TAILSCALE_NO_GATEWAY", "no node has the role gateway, and Tailscale runs on that one only", remedy
        )
    if len(gateways) > 1:
        message = (
            f"{', '.join(gateways)} all have the role gateway; two routers for the same networks take turns failing"
        )
        yield Problem("TAILSCALE_SECOND_GATEWAY", message, "Leave the role gateway to one node in cluster_nodes.")


def _key_problems(key: str) -> Iterable[Problem]:
    if not key:
        yield Problem("TAILSCALE_NO_KEY", "no auth key is given", _NEW_KEY)
    elif not _AUTH_KEY.fullmatch(key):
        yield Problem("TAILSCALE_NOT_AN_AUTH_KEY", f"{_kind_of(key)}, no auth key (tskey-auth-…)", _NEW_KEY)


def _kind_of(key: str) -> str:
    for prefix, kind in (("tskey-client-", "an OAuth client secret"), ("tskey-api-", "an API access token")):
        if key.startswith(prefix):
            return f"what is given is {kind}"
    if key.strip() != key or key.strip("\"'") != key:
        return "what is given has blanks or quotes around it"
    return "what is given is no whole key" if key.startswith("tskey-") else "what is given is something else"


def _route_problem(route: Any) -> Problem:
    remedy = "Write networks with a prefix and no host bits, such as 10.10.0.0/24."
    return Problem("TAILSCALE_ROUTE", f"cluster_tailscale_routes has {route!r}, which is no network", remedy)


def _is_network(route: Any) -> bool:
    try:
        return "/" in str(route) and bool(ip_network(str(route)))
    except ValueError:
        return False


def extension(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the document that configures the extension."""
    switches = {name: "true" if settings[key] else "false" for name, key in _SWITCHES.items()}
    values = {
        "TS_AUTHKEY": str(settings["auth_key"] or ""),
        "TS_HOSTNAME": str(settings["hostname"] or ""),
        "TS_ROUTES": ",".join(map(str, settings["routes"])),
        **switches,
        "TS_EXTRA_ARGS": " ".join(map(str, settings["extra_args"])),
    }
    return {"name": EXTENSION, "environment": [f"{name}={value}" for name, value in values.items() if value]}


def verdict(observed: Observed) -> Verdict:
    """Return whether the node is in the tailnet, and the cause when it is not."""
    if not observed.has_extension:
        remedy = "Set the gateway's image in cluster_images to one with the extension, and run playbooks/upgrade.yml."
        return Verdict("failed", "its image does not have the extension tailscale", remedy)
    if observed.state != "Running":
        return _verdict_on_service(observed.state)
    if observed.addresses:
        return Verdict("connected")
    return _verdict_on_log(observed.log)


def _verdict_on_service(state: str | None) -> Verdict:
    reported = f"its service {SERVICE} is {state}" if state else f"it has no service {SERVICE} yet"
    remedy = "Run playbooks/site.yml, which gives the node that document."
    return Verdict("waiting", f"{reported}: it waits for its configuration document, or for what it depends on", remedy)


def _verdict_on_log(log: Sequence[str]) -> Verdict:
    """Judge from what was logged last: a login may fail, and work at the next try."""
    for line in reversed(log):
        if _LOGGED_IN.search(line):
            return Verdict("connected")
        refused = _REFUSED.search(line)
        if refused:
            return Verdict("failed", _cause(refused[1], log), _NEW_KEY)
    return Verdict("waiting", "it has logged no login so far", "Look whether the node reaches the internet.")


def _cause(text: str, log: Sequence[str]) -> str:
    """Return why the login failed; how a program ended tells less than what it said before."""
    reported = [found[1] for line in log if (found := _REFUSED.search(line)) and "invalid key" in found[1].lower()]
    return _ANY_KEY.sub("(redacted)", _ERRORS.sub("", reported[-1] if reported else text))
