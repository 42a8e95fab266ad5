# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of the cluster that do not agree with each other are found."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.plugin_utils._variables import of_cluster
from tests.variables import NODE, judged

NODES = [NODE, {"name": "worker", "role": "compute", "machine_type": "worker", "ipv4": "10.10.0.102"}]


@pytest.mark.parametrize("name", of_cluster.ENDPOINTS)
@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        pytest.param("https://10.10.0.101:6443", "", id="a control plane"),
        pytest.param("https://192.0.2.1", "", id="outside of the VPC"),
        pytest.param("https://moon.example.com", "", id="a name"),
        pytest.param("https://10.10.0.77:6443", "of no control plane", id="no node"),
        pytest.param("https://10.10.0.102:6443", "of no control plane", id="a worker"),
        pytest.param("https://10.10.0.101:6444", "on port 6443, not on 6444", id="another port"),
        pytest.param("https://10.10.0.101", "on port 6443, not on 443", id="no port"),
        pytest.param("http://10.10.0.101:6443", "does not begin with https://", id="no TLS"),
    ],
)
def test_an_endpoint_in_the_vpc_is_the_api_server_of_a_control_plane(name: str, endpoint: str, said: str) -> None:
    given = {name: endpoint, "cluster_nodes": NODES, "cluster_vpc_ipv4_cidr": "10.10.0.0/16"}

    found = judged(given).problems

    assert [one.subject for one in found] == [name] * bool(said)
    assert all(said in one.message and "https://10.10.0.101:6443" in one.remedy for one in found)


def test_an_endpoint_with_a_port_that_does_not_exist_is_one_problem() -> None:
    given = {"cluster_endpoint": "https://10.10.0.101:99999", "cluster_vpc_ipv4_cidr": "10.10.0.0/16"}

    (found,) = judged({**given, "cluster_nodes": NODES}).problems

    assert found.subject == "cluster_endpoint"
    assert "port" in found.message


@pytest.mark.parametrize(
    ("given", "count"),
    [
        pytest.param({}, 0, id="other files"),
        pytest.param({"talos_kubeconfig": "/srv/moon/kubeconfig"}, 0, id="the same content"),
        pytest.param({"cluster_talosconfig": "/srv/moon/kubeconfig"}, 2, id="both configurations"),
        pytest.param({"cluster_bastion_known_hosts": "/srv/moon/../moon/kubeconfig"}, 2, id="the host keys"),
        pytest.param({"cluster_secrets_directory": "/srv", "cluster_kubeconfig": "/srv/secrets.yaml"}, 1, id="secrets"),
        pytest.param({"cluster_directory": "/srv", "cluster_kubeconfig": "/srv/images.json"}, 1, id="a record"),
    ],
)
def test_files_with_different_content_are_different_files(given: dict[str, Any], count: int) -> None:
    everything = {"cluster_kubeconfig": "/srv/moon/kubeconfig", **given}

    found = list(of_cluster.file_problems(everything, everything))

    assert len(found) == count
    assert all("cannot be in one file" in one.message for one in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--accept-dns=false", "--login-server", "https://moon.example.com"], "", id="arguments"),
        pytest.param(["--foo bar"], "It has blanks", id="two in one"),
        pytest.param(["--authkey=hunter2"], "cluster_tailscale_auth_key", id="a key"),
        pytest.param(["-advertise-routes=10.0.0.0/8"], "cluster_tailscale_routes", id="routes"),
    ],
)
def test_an_argument_of_tailscale_is_one_that_the_collection_does_not_set(arguments: list[str], said: str) -> None:
    settings: dict[str, Any] = {
        **dict.fromkeys(("enabled", "auth_key", "hostname", "routes", "userspace", "auth_once")),
        "extra_args": [],
    }
    found = [
        *judged({"cluster_tailscale_extra_args": arguments}).problems,
        *judged({"talos_tailscale": {**settings, "extra_args": arguments}}).problems,
    ]

    assert len(found) == 2 * bool(said)
    assert all(said in f"{one.message} {one.remedy}" and "hunter2" not in str(one) for one in found)


BUDGET = {"cluster_budget_email": "me@example.com"}


@pytest.mark.parametrize(
    ("given", "subjects"),
    [
        pytest.param({"cluster_budget_per_month": 20}, [], id="an amount"),
        pytest.param({"cluster_cost_per_month_max": "20"}, [], id="the limit of the forecast"),
        pytest.param({}, ["cluster_budget_per_month"], id="no amount"),
        pytest.param(
            {"cluster_budget_per_month": 0, "cluster_cost_per_month_max": 20}, ["cluster_budget_per_month"], id="0"
        ),
        pytest.param(
            {
                "cluster_budget_per_month": 20,
                "cluster_budget_actual_percents": [],
                "cluster_budget_forecasted_percents": [],
            },
            ["cluster_budget_actual_percents and cluster_budget_forecasted_percents"],
            id="no percentage",
        ),
        pytest.param(
            {"cluster_budget_per_month": 20, "cluster_budget_actual_percents": list(range(10, 110, 10))},
            ["cluster_budget_actual_percents and cluster_budget_forecasted_percents"],
            id="too many percentages",
        ),
    ],
)
def test_a_budget_with_an_address_needs_an_amount_and_percentages(given: dict[str, Any], subjects: list[str]) -> None:
    assert [one.subject for one in judged({**BUDGET, **given}).problems] == subjects


def test_without_an_address_there_is_no_budget_to_check() -> None:
    assert judged({"cluster_budget_per_month": 0, "cluster_budget_actual_percents": []}).problems == ()
