# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next steps: only ways that are open, and commands that a shell reads as they are meant."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.next_steps import next_steps

NODES = [
    {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "10.10.0.101"},
    {"name": "compute-2", "role": "compute", "machine_type": "worker", "ipv4": "10.10.0.102"},
]
BASTION = {"enabled": True, "connection": "ssh", "host_key_parameter": "/moon/key", "ssh_key_name": ""}
ADDRESSES = {
    node["name"]: {"machine_type": node["machine_type"], "ipv6": f"2001:db8::{node['ipv4'][-3:]}"} for node in NODES
}
PORTS = {("nodes", "tcp/6443"), ("nodes", "tcp/50000"), ("bastion", "tcp/22")}
DASHBOARD = {"url": "https://dashboard.moon.example.com", "addresses": ["10.10.0.101"]}
REACHED = [{"node": "10.10.0.101", "reachable": True}, {"node": "10.10.0.102", "reachable": False}]
UNREACHED = [{"node": "10.10.0.101", "reachable": False}]


def rules(*ports: tuple[str, str], expired: bool = False) -> list[dict[str, Any]]:
    """Return open home access."""
    end = {"network": "2001:db8:1:2::/64", "expires": "2026-12-24T18:00:00Z", "expired": expired}
    return [{"group": group, "port": port, **end} for group, port in sorted(ports)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home with the credentials of a cluster."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "moon").mkdir()
    for name in ("talosconfig", "kubeconfig"):
        (tmp_path / "moon" / name).touch()
    return tmp_path


def steps(
    *,
    bastion: dict[str, Any] | None = None,
    instances: tuple[str, ...] = ("i-1",),
    machine: str | None = "running",
    **given: Any,
) -> dict[str, tuple[list[str], list[str]]]:
    """Return lines and commands by the title of their step; nodes that no one has reached, unless they are given."""
    cluster = {"name": "moon", "project": "talos-arm64", "region": "eu-west-1", "nodes": NODES}
    have = {"state": machine} if machine else None
    reading = {
        "endpoint": "https://ec2.eu-west-1.amazonaws.com",
        "nodes": ADDRESSES,
        "resources": {"instance/gateway": {"kind": "instance", "have": have}},
        "bastion": {"instances": list(instances), "ipv6": "2001:db8::100"},
    }
    options = {
        "kubeconfig": "~/moon/kubeconfig",
        "talosconfig": "~/moon/talosconfig",
        "context": "admin@moon",
        "user": "ec2-user",
        **given,
    }
    found = next_steps(
        cluster | {"bastion": BASTION | (bastion or {})}, reading, known_hosts="/moon/known_hosts", **options
    )
    return {step["title"]: (step["lines"], step["commands"]) for step in found}


TUNNEL = ["127.0.0.1:6443:10.10.0.101:6443", "127.0.0.1:50000:10.10.0.101:50000"]


def forwards(command: str) -> list[str]:
    """Return the ports that a command forwards, and that it does nothing else."""
    words = shlex.split(command)
    assert words[0] == "ssh"
    assert "-N" in words
    return [after for word, after in pairwise(words) if word == "-L"]


@pytest.mark.usefixtures("home")
def test_nodes_that_the_controller_has_reached_need_no_other_way() -> None:
    found = steps(observed=REACHED, asked_from_here=True, home=rules(*PORTS))

    lines, commands = found["Connect"]
    assert lines == ["The controller reaches the nodes directly."]
    assert commands == [
        "kubectl --kubeconfig ~/moon/kubeconfig --context admin@moon get nodes",
        "talosctl --talosconfig ~/moon/talosconfig --endpoints 10.10.0.101 --nodes 10.10.0.101,10.10.0.102 version",
    ]
    assert not [title for title in found if title.startswith("Connect ")]


@pytest.mark.usefixtures("home")
def test_ports_that_are_open_to_home_are_reached_over_ipv6() -> None:
    found = steps(home=rules(*PORTS))

    lines, commands = found["Connect over IPv6"]
    assert lines == ["Open to 2001:db8:1:2::/64 until 2026-12-24T18:00:00Z."]
    where = "--endpoints 2001:db8::101 --nodes 2001:db8::101,2001:db8::102"
    assert commands == [
        "kubectl --kubeconfig ~/moon/kubeconfig --context admin@moon --server https://[2001:db8::101]:6443 get nodes",
        f"talosctl --talosconfig ~/moon/talosconfig {where} version",
    ]
    assert found["Log in to the bastion"][1][0].endswith(" ec2-user@2001:db8::100")
    assert "Connect through the bastion" not in found


@pytest.mark.usefixtures("home")
def test_a_port_that_is_closed_to_home_has_no_command() -> None:
    _lines, commands = steps(home=rules(("nodes", "tcp/6443")))["Connect over IPv6"]

    assert [command.split()[0] for command in commands] == ["kubectl"]


@pytest.mark.usefixtures("home")
def test_what_does_not_answer_over_ipv6_is_said() -> None:
    tried = [{"node": "2001:db8::101", "reachable": False}]

    lines, _commands = steps(home=rules(*PORTS), observed=tried, asked_from_here=True)["Connect over IPv6"]

    assert "No node answers the controller over IPv6 now" in lines[-1]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"observed": REACHED}, id="the run has used it"),
        pytest.param({"home": rules(("bastion", "tcp/22"))}, id="its port is open"),
    ],
)
def test_where_only_the_bastion_is_open_a_tunnel_leads_to_both_apis(given: dict[str, Any]) -> None:
    _lines, (tunnel, kubectl, talosctl) = steps(**given, identity_file="/keys/moon")["Connect through the bastion"]

    assert forwards(tunnel) == TUNNEL
    assert "HostKeyAlias=talos-arm64-moon-bastion" in tunnel
    assert "IdentityFile=/keys/moon" in tunnel
    assert tunnel.endswith(" ec2-user@2001:db8::100")
    assert "--context admin@moon --server https://127.0.0.1:6443 --tls-server-name kubernetes" in kubectl
    assert talosctl.endswith("--endpoints 127.0.0.1 --nodes 10.10.0.101 version")


@pytest.mark.usefixtures("home")
def test_session_manager_needs_no_open_port() -> None:
    found = steps(bastion={"connection": "ssm"})

    tunnel = found["Connect through Session Manager"][1][0]
    assert forwards(tunnel) == TUNNEL
    assert "aws ssm start-session --region eu-west-1 --target i-1" in tunnel
    assert found["Log in to the bastion"][1][0].endswith(" ec2-user@i-1")


@pytest.mark.usefixtures("home")
def test_your_own_bastion_is_reached_as_the_inventory_says() -> None:
    own = {"ansible_host": "192.0.2.7", "ansible_user": "ada", "ansible_port": 2222, "inventory_hostname": "bastion"}
    found = steps(bastion={"enabled": False}, instances=(), own_bastion=own)

    assert forwards(found["Connect through your bastion"][1][0]) == TUNNEL
    assert found["Log in to your bastion"][1] == ["ssh -o StrictHostKeyChecking=yes -p 2222 ada@192.0.2.7"]


TAILNET = {"state": "connected", "addresses": ["100.64.0.1"], "problem": None}
GATEWAY = {"node": "10.10.0.101", "reachable": True, "tailscale": TAILNET}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("gateway", "routes", "shown"),
    [
        pytest.param(GATEWAY, ["10.10.0.0/24"], True, id="connected"),
        pytest.param({**GATEWAY, "tailscale": {**TAILNET, "state": "failed"}}, ["10.10.0.0/24"], False, id="failed"),
        pytest.param(GATEWAY, ["10.244.0.0/16"], False, id="a route to other addresses"),
        pytest.param(REACHED[0], [], False, id="not enabled"),
    ],
)
def test_the_tailnet_is_a_way_where_the_gateway_is_in_it(
    gateway: dict[str, Any], routes: list[str], shown: bool
) -> None:
    found = steps(observed=[gateway], tailscale_routes=routes)

    assert ("Connect over Tailscale" in found) is shown
    assert (
        not shown
        or "kubectl --kubeconfig ~/moon/kubeconfig --context admin@moon get nodes" in found["Connect over Tailscale"][1]
    )


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"observed": UNREACHED, "asked_from_here": True}, id="no answer"),
        pytest.param({"home": rules(*PORTS, expired=True)}, id="expired"),
        pytest.param({"bastion": {"enabled": False}}, id="without a bastion"),
        pytest.param({"bastion": {"connection": "ssm"}, "instances": ()}, id="a stopped bastion"),
        pytest.param({"home": rules(("bastion", "tcp/22")), "instances": ()}, id="a stopped bastion with an open port"),
    ],
)
def test_where_no_way_is_open_the_command_that_opens_one_is_shown(given: dict[str, Any]) -> None:
    found = steps(**given)

    assert "add_home_access" in found["Connect"][1][0]
    assert not [title for title in found if title.startswith(("Connect ", "Log in"))]


def test_without_its_file_no_command_is_shown(home: Path) -> None:
    (home / "moon" / "kubeconfig").unlink()

    found = steps(observed=REACHED, asked_from_here=True, report="~/moon/report.html")

    assert [command.split()[0] for command in found["Connect"][1]] == ["talosctl"]
    assert found["Files"][0] == [
        "talosconfig: ~/moon/talosconfig",
        "report:      ~/moon/report.html",
        "There is no kubeconfig yet: playbooks/site.yml writes it as soon as the nodes run Talos.",
    ]


def test_a_folder_with_spaces_stays_one_word(home: Path) -> None:
    folder = home / "Ada's $(moon)"
    folder.mkdir()
    (folder / "kubeconfig").touch()

    found = steps(observed=REACHED, asked_from_here=True, kubeconfig=f"{folder}/kubeconfig")

    assert shlex.split(found["Connect"][1][0])[2] == f"{folder}/kubeconfig"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("given", "url", "address"),
    [
        pytest.param(
            {"observed": REACHED, "asked_from_here": True}, "https://dashboard.moon.example.com", "10.10.0.101"
        ),
        pytest.param({"observed": REACHED}, "https://dashboard.moon.example.com:8443", "127.0.0.1", id="tunnel"),
    ],
)
def test_the_dashboard_is_opened_by_the_way_that_leads_to_it(given: dict[str, Any], url: str, address: str) -> None:
    lines, commands = steps(**given, dashboard=DASHBOARD)["Open the dashboard"]

    assert lines[0].endswith(url)
    assert lines[1].endswith(f"{address} dashboard.moon.example.com")
    assert [forwards(command) for command in commands] == ([["127.0.0.1:8443:10.10.0.101:443"]] if commands else [])


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "dashboard", [{}, {"url": "", "addresses": []}, {**DASHBOARD, "addresses": ["$(reboot)"]}], ids=str
)
def test_a_dashboard_without_a_usable_address_has_no_step(dashboard: dict[str, Any]) -> None:
    assert "Open the dashboard" not in steps(observed=REACHED, asked_from_here=True, dashboard=dashboard)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("machine", "present", "absent"),
    [
        pytest.param("running", "Stop for the night", "Build the nodes", id="running"),
        pytest.param("stopped", "Start again", "Stop for the night", id="stopped"),
        pytest.param(None, "Build the nodes", "Start again", id="no nodes"),
    ],
)
def test_the_playbooks_are_those_that_do_something_now(machine: str | None, present: str, absent: str) -> None:
    found = steps(machine=machine)

    assert present in found
    assert absent not in found
    assert ("Connect" in found) is (machine == "running")
    assert found[present][0][0].startswith("Run this and the following commands in the folder ")
    assert found["Remove everything"][1][0].endswith("-e reset_confirmation=yes")


def test_a_line_break_in_a_text_begins_no_command() -> None:
    found = steps(report="/moon\nreboot")

    assert "report:      /moon reboot" in found["Files"][0]
