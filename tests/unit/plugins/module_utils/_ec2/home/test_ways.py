# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the commands that reach a cluster from home."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.home_ways import home_ways
from ansible_collections.urmanac.talos.plugins.filter.session_ways import session_ways

INTERFACES = [{"ipv6_addresses": [{"ipv6_address": "2001:db8::200"}]}]
NODES = {
    "compute-2": {"machine_type": "worker", "ipv6": "2001:db8::102"},
    "gateway": {"machine_type": "controlplane", "ipv6": "2001:db8::101"},
}


@pytest.fixture(autouse=True)
def moon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home with the credentials of a cluster."""
    monkeypatch.setenv("HOME", str(tmp_path))
    directory = tmp_path / "moon"
    directory.mkdir()
    for name in ("talosconfig", "kubeconfig"):
        (directory / name).touch()
    return directory


def lines(
    *,
    nodes: dict[str, Any] | None = None,
    instances: tuple[str, ...] = ("i-1",),
    identity_file: str = "",
    directory: str = "~/moon",
    **changes: Any,
) -> list[str]:
    """Return the lines of a cluster where every API answers."""
    bastion = {"enabled": True, "connection": "ssh", "host_key_parameter": "/moon/key", "ssh_key_name": ""}
    cluster = {"name": "moon", "project": "talos-arm64", "region": "eu-west-1", "bastion": {**bastion, **changes}}
    reading = {
        "nodes": NODES if nodes is None else nodes,
        "bastion": {"instances": list(instances), "ipv6": "2001:db8::100"},
    }
    return home_ways(
        cluster,
        reading,
        talos=[{"node": "2001:db8::102", "reachable": False}, {"node": "2001:db8::101", "reachable": True}],
        kubernetes=[{"node": "2001:db8::101", "reachable": True}],
        interfaces=INTERFACES if changes.get("enabled") == "false" else [],
        talosconfig=f"{directory}/talosconfig",
        kubeconfig=f"{directory}/kubeconfig",
        context="admin@moon",
        known_hosts="/moon/known_hosts",
        user="ec2-user",
        identity_file=identity_file,
    )


def test_commands_name_all_nodes_and_only_control_planes_as_endpoints() -> None:
    talosctl, kubectl = lines()[1:3]

    options = "--endpoints 2001:db8::101 --nodes 2001:db8::102,2001:db8::101"
    assert talosctl == f"  talosctl --talosconfig ~/moon/talosconfig {options} version"
    where = "--kubeconfig ~/moon/kubeconfig --context admin@moon --server https://[2001:db8::101]:6443"
    assert kubectl == f"  kubectl {where} get nodes"


def test_a_folder_with_spaces_stays_one_word_of_the_commands(tmp_path: Path) -> None:
    folder = tmp_path / "Ada's files"
    folder.mkdir()
    for name in ("talosconfig", "kubeconfig"):
        (folder / name).touch()

    talosctl, kubectl = (shlex.split(line) for line in lines(directory=str(folder))[1:3])

    assert (talosctl[2], kubectl[2]) == (f"{folder}/talosconfig", f"{folder}/kubeconfig")


@pytest.mark.parametrize(
    ("missing", "said", "commands"),
    [
        (["kubeconfig"], "no ~/moon/kubeconfig", ["talosctl", "ssh"]),
        (["talosconfig", "kubeconfig"], "no ~/moon/talosconfig and no ~/moon/kubeconfig", ["ssh"]),
    ],
)
def test_a_command_without_its_file_is_not_said_to_work(
    moon: Path, missing: list[str], said: str, commands: list[str]
) -> None:
    for name in missing:
        (moon / name).unlink()

    made = lines()

    assert made[:2] == [
        f"There is {said} yet: playbooks/site.yml writes it as soon as the nodes run Talos.",
        "These commands work from home now:",
    ]
    assert [line.split()[0] for line in made[2 : made.index("Checked from this controller:")]] == commands


def test_apis_that_answer_come_first() -> None:
    assert lines()[4:] == [
        "Checked from this controller:",
        "  Talos API answers: 2001:db8::101",
        "  Talos API does not answer: 2001:db8::102",
        "  Kubernetes API answers: 2001:db8::101",
    ]


def test_a_cluster_without_addresses_has_no_commands() -> None:
    without = {"gateway": {"machine_type": "controlplane", "ipv6": ""}}

    assert lines(nodes=without)[0] == "No node has an IPv6 address yet, so none can be reached."
    assert "Checked from this controller:" not in lines(nodes=without)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "HostKeyAlias=talos-arm64-moon-bastion ec2-user@2001:db8::100", id="with its host key"),
        pytest.param({"host_key_parameter": ""}, "ssh -o StrictHostKeyChecking=yes ec2-user@", id="without a key"),
        pytest.param({"enabled": "false"}, "  ssh ec2-user@2001:db8::200", id="a machine of the user's"),
        pytest.param({"connection": "ssm"}, "--region eu-west-1 --target i-1 ", id="Session Manager"),
    ],
)
def test_the_bastion_is_reached_with_its_own_options(changes: dict[str, Any], expected: str) -> None:
    assert expected in lines(**changes)[3]


@pytest.mark.parametrize("connection", ["ssh", "ssm"])
def test_the_commands_lead_to_a_running_bastion_only(connection: str) -> None:
    assert lines(connection=connection, instances=())[3].startswith("  The bastion is not running:")


def test_the_command_for_the_bastion_names_the_key_to_log_in_with() -> None:
    (command,) = (line for line in lines(identity_file="/keys/moon") if line.startswith("  ssh "))

    assert "-o IdentityFile=/keys/moon -o IdentitiesOnly=yes " in command


def test_beside_a_key_pair_the_keys_of_an_agent_are_tried_too() -> None:
    (command,) = (line for line in lines(identity_file="/keys/moon", ssh_key_name="moon") if line.startswith("  ssh "))

    assert "-o IdentityFile=/keys/moon " in command
    assert "IdentitiesOnly" not in command


def session_lines(*, instances: tuple[str, ...] = ("i-1",), **changes: Any) -> list[str]:
    """Return the lines for a home without IPv6."""
    bastion = {"enabled": True, "connection": "ssm", "host_key_parameter": "/moon/key", "ssh_key_name": ""}
    nodes = [
        {"name": "compute-2", "machine_type": "worker", "ipv4": "10.10.0.102"},
        {"name": "gateway", "machine_type": "controlplane", "ipv4": "10.10.0.101"},
    ]
    names = {"name": "moon", "project": "talos-arm64", "region": "eu-west-1", "nodes": nodes}
    return session_ways(
        {**names, "bastion": {**bastion, **changes}},
        {"nodes": NODES, "bastion": {"instances": list(instances), "ipv6": "2001:db8::100"}},
        talosconfig="~/moon/talosconfig",
        kubeconfig="~/moon/kubeconfig",
        context="admin@moon",
        known_hosts="/moon/known_hosts",
        user="ec2-user",
    )


def test_without_ipv6_a_tunnel_through_session_manager_leads_to_both_apis() -> None:
    _title, login, _title, tunnel, kubectl, talosctl = session_lines()

    assert "--target i-1 " in login and login.endswith(" ec2-user@i-1")
    forwards = [word for word in shlex.split(tunnel) if word.startswith("127.0.0.1:")]
    assert forwards == ["127.0.0.1:6443:10.10.0.101:6443", "127.0.0.1:50000:10.10.0.101:50000"]
    assert "--context admin@moon --server https://127.0.0.1:6443 --tls-server-name kubernetes" in kubectl
    assert talosctl.endswith("--endpoints 127.0.0.1 --nodes 10.10.0.101 version")


@pytest.mark.parametrize(
    ("instances", "changes"),
    [
        pytest.param((), {}, id="a stopped bastion"),
        pytest.param(("i-1",), {"connection": "ssh"}, id="SSH"),
        pytest.param(("i-1",), {"enabled": "false"}, id="a machine of the user's"),
    ],
)
def test_without_session_manager_no_tunnel_is_named(instances: tuple[str, ...], changes: dict[str, Any]) -> None:
    assert session_lines(instances=instances, **changes) == []
