# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration and state of the Tailscale extension. Private to urmanac.talos: may change at any time.

Messages never contain the auth key or a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

from .._findings import Finding, finding

EXTENSION: Final = "tailscale"
SERVICE: Final = "ext-tailscale"
LINK: Final = "tailscale0"
_AUTH_KEY: Final = re.compile(r"tskey-auth-[A-Za-z0-9]+-[A-Za-z0-9]+")
ANY_KEY: Final = re.compile(r"\btskey-[\w-]+")
_HOSTNAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_KEY: Final = "cluster_tailscale_auth_key"
_SUBJECT: Final = "node"
_SWITCHES: Final = {"TS_USERSPACE": "userspace", "TS_AUTH_ONCE": "auth_once"}
_LOGGED_IN: Final = re.compile(r"startup complete, waiting for shutdown|switching ipn state \w+ -> running", re.I)
_REFUSED: Final = re.compile(
    r"(invalid key: .*|backend error: .*|failed to auth tailscale: .*|to authenticate, visit.*)", re.I
)
_ERRORS: Final = re.compile(r"(?:backend error|received error): *", re.I)


class Observed(NamedTuple):
    """Tailscale data of a node; state is that of the service, None without the service."""

    has_extension: bool
    state: str | None
    addresses: Sequence[str]
    log: Sequence[str]


def problems(nodes: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[Finding]:
    """Return all problems of the Tailscale variables."""
    if not settings["enabled"]:
        return []
    hostname = str(settings["hostname"])
    found = [*_gateway_problems(nodes), *_key_problems(str(settings["auth_key"] or ""))]
    found += [_route_problem(route) for route in settings["routes"] if not _is_network(route)]
    if hostname and not _HOSTNAME.fullmatch(hostname):
        variable = "cluster_tailscale_hostname"
        found.append(finding("TAILSCALE_HOSTNAME", variable, f"{variable} is {hostname!r}, no host name"))
    return found


def _gateway_problems(nodes: Iterable[Mapping[str, Any]]) -> Iterable[Finding]:
    gateways = [str(node["name"]) for node in nodes if node["role"] == "gateway"]
    if not gateways:
        message = "no node has the role gateway, and Tailscale runs on that one only"
        yield finding("TAILSCALE_NO_GATEWAY", "cluster_nodes", message)
    if len(gateways) > 1:
        message = (
            f"{', '.join(gateways)} all have the role gateway; two routers for the same networks take turns failing"
        )
        yield finding("TAILSCALE_SECOND_GATEWAY", "cluster_nodes", message)


def _key_problems(key: str) -> Iterable[Finding]:
    if not key:
        yield finding("TAILSCALE_NO_KEY", _KEY, "no auth key is given")
    elif not _AUTH_KEY.fullmatch(key):
        yield finding("TAILSCALE_NOT_AN_AUTH_KEY", _KEY, f"{_kind_of(key)}, not an auth key (tskey-auth-…)")


def _kind_of(key: str) -> str:
    for prefix, kind in (("tskey-client-", "an OAuth client secret"), ("tskey-api-", "an API access token")):
        if key.startswith(prefix):
            return f"what is given is {kind}"
    if key.strip() != key or key.strip("\"'") != key:
        return "what is given has blanks or quotes around it"
    return "what is given is not a whole key" if key.startswith("tskey-") else "what is given is something else"


def _route_problem(route: Any) -> Finding:
    variable = "cluster_tailscale_routes"
    return finding("TAILSCALE_ROUTE", variable, f"{variable} has {route!r}, which is not a network")


def _is_network(route: Any) -> bool:
    try:
        return "/" in str(route) and bool(ip_network(str(route)))
    except ValueError:
        return False


def extension(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the extension's configuration document."""
    switches = {name: "true" if settings[key] else "false" for name, key in _SWITCHES.items()}
    values = {
        "TS_AUTHKEY": str(settings["auth_key"] or ""),
        "TS_HOSTNAME": str(settings["hostname"] or ""),
        "TS_ROUTES": ",".join(map(str, settings["routes"])),
        **switches,
        "TS_EXTRA_ARGS": " ".join(map(str, settings["extra_args"])),
    }
    return {"name": EXTENSION, "environment": [f"{name}={value}" for name, value in values.items() if value]}


def missing_because(observed: Observed) -> Finding | None:
    """Return why the node is not in the tailnet, or None; a warning means that it may still join."""
    if not observed.has_extension:
        return finding("TAILSCALE_NO_EXTENSION", _SUBJECT, "its image does not have the extension tailscale")
    if observed.state != "Running":
        return _not_running(observed.state)
    return None if observed.addresses else _not_logged_in(observed.log)


def state_of(problem: Finding | None) -> str:
    """Return connected, waiting or failed."""
    if problem is None:
        return "connected"
    return "failed" if problem.blocks else "waiting"


def status_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status that a node has reported, or waiting, with the reason why it has reported none."""
    if answer.get("tailscale"):
        return dict(answer["tailscale"])
    cause = answer.get("error") or (answer.get("missing") or {}).get("tailscale") or "no answer"
    return {"state": "waiting", "addresses": [], "problem": finding("TAILSCALE_UNKNOWN", _SUBJECT, cause).as_dict()}


def _not_running(state: str | None) -> Finding:
    reported = f"its service {SERVICE} is {state}" if state else f"it has no service {SERVICE} yet"
    message = f"{reported}: it waits for its configuration document or for its dependencies"
    return finding("TAILSCALE_SERVICE_WAITING", _SUBJECT, message)


def _not_logged_in(log: Sequence[str]) -> Finding | None:
    """Return the state by the last log lines: a failed login may succeed at the next try."""
    for line in reversed(log):
        if _LOGGED_IN.search(line):
            return None
        refused = _REFUSED.search(line)
        if refused:
            return finding("TAILSCALE_LOGIN_REFUSED", _SUBJECT, _cause(refused[1], log))
    return finding("TAILSCALE_NO_LOGIN", _SUBJECT, "its log shows no login yet")


def _cause(text: str, log: Sequence[str]) -> str:
    """Return why the login failed: the log lines before the exit are more specific than the exit itself."""
    reported = [found[1] for line in log if (found := _REFUSED.search(line)) and "invalid key" in found[1].lower()]
    return ANY_KEY.sub("(redacted)", _ERRORS.sub("", reported[-1] if reported else text))
