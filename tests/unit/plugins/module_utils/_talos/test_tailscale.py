# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the checks of Tailscale's settings, its configuration, and the diagnosis of a node."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import client, machine
from ansible_collections.urmanac.talos.plugins.module_utils._talos.tailscale import (
    Observed,
    extension,
    missing_because,
    problems,
    state_of,
)
from tests.fake_credentials import tailscale_key
from tests.talos_nodes import Cluster, configured, machines, own_address

KEY = tailscale_key("kTESTCNTRL-" + "x" * 32)
GATEWAY = {"name": "gateway", "role": "gateway"}
COMPUTE = {"name": "compute-2", "role": "compute"}
STARTED = "boot: 2026/01/02 03:04:05 Startup complete, waiting for shutdown signal"
REFUSED = "2026/01/02 03:04:05 Received error: invalid key: API key kTESTCNTRL not valid"


def settings(**changes: Any) -> dict[str, Any]:
    given = {"enabled": True, "auth_key": KEY, "routes": ["10.10.0.0/24", "2001:db8::/64"], "hostname": "moon-gateway"}
    return {**given, "userspace": False, "auth_once": True, "extra_args": [], **changes}


def codes(nodes: list[dict[str, str]], **changes: Any) -> list[str]:
    return [problem.code for problem in problems(nodes, settings(**changes))]


def test_one_gateway_with_an_auth_key_is_fine() -> None:
    assert codes([GATEWAY, COMPUTE]) == []


def test_what_is_off_is_not_judged() -> None:
    assert codes([], enabled=False, auth_key="") == []


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    found = codes([COMPUTE], auth_key="", routes=["10.10.0.1/24"], hostname="Moon_Gateway")

    assert found == ["TAILSCALE_NO_GATEWAY", "TAILSCALE_NO_KEY", "TAILSCALE_ROUTE", "TAILSCALE_HOSTNAME"]


def test_a_second_gateway_is_refused_by_name() -> None:
    (problem,) = problems([GATEWAY, {"name": "other", "role": "gateway"}], settings())

    assert problem.code == "TAILSCALE_SECOND_GATEWAY"
    assert "gateway, other" in problem.message


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        pytest.param(KEY.replace("auth", "client"), "an OAuth client secret", id="client secret"),
        pytest.param(KEY.replace("auth", "api"), "an API access token", id="API token"),
        pytest.param(f'"{KEY}"', "quotes", id="quotes"),
        pytest.param(f"{KEY}\n", "blanks", id="newline"),
        pytest.param(tailscale_key(""), "not a whole key", id="cut short"),
        pytest.param("x" * 48, "something else", id="something else"),
        pytest.param(f"{KEY} --ssh", "not a whole key", id="with arguments"),
    ],
)
def test_a_key_that_is_not_an_auth_key_is_refused_without_being_printed(key: str, cause: str) -> None:
    (problem,) = problems([GATEWAY], settings(auth_key=key))

    assert problem.code == "TAILSCALE_NOT_AN_AUTH_KEY"
    assert cause in problem.message
    assert "x" * 32 not in str(problem)


@pytest.mark.parametrize("route", ["10.10.0.1", "10.10.0.1/24", "everything", "", 7])
def test_a_route_that_is_not_a_network_is_refused(route: Any) -> None:
    assert codes([GATEWAY], routes=[route]) == ["TAILSCALE_ROUTE"]


def test_the_extension_gets_what_is_configured() -> None:
    made = extension(settings(userspace=True, extra_args=["--accept-dns=false", "--ssh"]))

    assert made == {
        "name": "tailscale",
        "environment": [
            f"TS_AUTHKEY={KEY}",
            "TS_HOSTNAME=moon-gateway",
            "TS_ROUTES=10.10.0.0/24,2001:db8::/64",
            "TS_USERSPACE=true",
            "TS_AUTH_ONCE=true",
            "TS_EXTRA_ARGS=--accept-dns=false --ssh",
        ],
    }


@pytest.mark.parametrize(
    ("observed", "state", "cause"),
    [
        pytest.param(Observed(False, None, [], []), "failed", "does not have the extension", id="no extension"),
        pytest.param(Observed(True, None, [], []), "waiting", "has no service", id="no service yet"),
        pytest.param(Observed(True, "Waiting", [], []), "waiting", "its configuration document", id="no document"),
        pytest.param(Observed(True, "Running", ["100.64.0.7/32"], []), "connected", "", id="address"),
        pytest.param(Observed(True, "Running", [], [STARTED]), "connected", "", id="login in the log"),
        pytest.param(Observed(True, "Running", [], [REFUSED, STARTED]), "connected", "", id="refused once, then not"),
        pytest.param(Observed(True, "Running", [], [STARTED, REFUSED]), "failed", "invalid key: API key", id="refused"),
        pytest.param(
            Observed(True, "Running", [], [REFUSED, "failed to auth tailscale: exit status 1"]),
            *("failed", "invalid key: API key"),
            id="ended after it was refused",
        ),
        pytest.param(
            Observed(True, "Running", [], ["To authenticate, visit:"]),
            "failed",
            "To authenticate, visit",
            id="key ignored",
        ),
        pytest.param(
            Observed(True, "Running", [], ["boot: Starting"]),
            "waiting",
            "its log shows no login yet",
            id="just started",
        ),
    ],
)
def test_the_cause_is_reported_for_a_node_that_is_not_in_the_tailnet(
    observed: Observed, state: str, cause: str
) -> None:
    problem = missing_because(observed)

    assert state_of(problem) == state
    assert cause in (problem.message if problem else "")
    assert bool(problem and problem.remedy) is (state != "connected")


def test_a_key_in_the_log_is_not_printed() -> None:
    problem = missing_because(Observed(True, "Running", [], [f"backend error: invalid key: {KEY} is unknown"]))

    assert problem and "x" * 32 not in str(problem)


@pytest.mark.parametrize(
    ("image", "changes", "states"),
    [
        pytest.param("talos-tailscale", {}, ["waiting", "connected", "waiting"], id="link"),
        pytest.param("talos-tailscale", {"userspace": True}, ["waiting", "connected", "waiting"], id="user space"),
        pytest.param("talos-tailscale", {"auth_key": f"{KEY}invalid"}, ["waiting", "failed", "waiting"], id="bad key"),
        pytest.param("talos-plain", {}, ["failed", "failed", "failed"], id="image without it"),
    ],
)
def test_a_node_reports_before_with_and_after_its_document(
    tmp_path: Path, image: str, changes: dict[str, Any], states: list[str]
) -> None:
    """The document comes and goes without a reboot."""

    async def scenario() -> list[str]:
        cluster, found = Cluster(), []
        place = own_address(1)
        document = {"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", **extension(settings(**changes))}
        plain = cluster.config()
        both = plain + b"---\n" + yaml.safe_dump(document).encode()
        async with machines(tmp_path, [place], image=f"registry.example.com/{image}:v1.13.6") as nodes:
            await configured(nodes, cluster)
            for config in (plain, both, plain):
                async with client.connected(place, cluster.access()) as connection:
                    await machine.apply(connection, config)
                    found.append((await machine.tailscale(connection))["state"])
        return found

    assert asyncio.run(scenario()) == states
