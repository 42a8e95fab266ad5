# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of whose machine the host of the inventory is that a cluster is reached through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.actions import run_plays
from tests.checks.process import ROOT

FILES = [f"{ROOT}/roles/{role}/{kind}/main.yml" for role in ("cluster", "bastion") for kind in ("defaults", "vars")]
NAMES = ("cluster_bastion_is_ours", "preflight_own_bastion", "__bastion_is_described")
PLAYBOOK = [
    {
        "name": "Say whose it is",
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [*FILES, f"{ROOT}/roles/preflight/defaults/main.yml"],
        "tasks": [
            {
                "name": "Say whose it is",
                "ansible.builtin.debug": {"msg": " ".join(f"{name}={{{{ {name} | bool }}}}" for name in NAMES)},
            }
        ],
    }
]
FROM_EC2_NODES = {"ec2_instance_id": "i-0a", "ec2_role": "bastion", "ansible_host": "2001:db8::100"}
WITH_KNOWN_HOSTS = {
    **FROM_EC2_NODES,
    "ansible_ssh_common_args": "-o UserKnownHostsFile=/moon/known_hosts",
    "ec2_bastion_connection": "ssh",
}


@pytest.mark.parametrize(
    ("hosts", "ours", "described"),
    [
        pytest.param({}, True, False, id="not in the inventory"),
        pytest.param(
            {"bastion": {"ec2_role": "bastion", "__bastion_added": True, "ansible_ssh_common_args": "-o A=b"}},
            True,
            False,
            id="added",
        ),
        pytest.param({"bastion": FROM_EC2_NODES}, True, False, id="from ec2_nodes"),
        pytest.param(
            {"bastion": {**FROM_EC2_NODES, "ansible_ssh_common_args": "-o ControlPath=none"}},
            True,
            False,
            id="from ec2_nodes with arguments of the user's own",
        ),
        pytest.param({"bastion": WITH_KNOWN_HOSTS}, True, True, id="from ec2_nodes with known_hosts"),
        pytest.param({"bastion": {"ansible_host": "jump.example"}}, False, True, id="the user's"),
        pytest.param({"bastion": {"ec2_role": None}}, False, True, id="an instance of the user's"),
    ],
)
def test_a_bastion_that_the_plugin_names_is_the_clusters(
    tmp_path: Path, hosts: dict[str, Any], ours: bool, described: bool
) -> None:
    _code, said = run_plays(tmp_path, PLAYBOOK, hosts)

    values = f"cluster_bastion_is_ours={ours} preflight_own_bastion={not ours} __bastion_is_described={described}"
    assert values in said, said


def test_arguments_of_the_users_own_come_behind_the_check_of_the_host_key(tmp_path: Path) -> None:
    (*_, add) = yaml.safe_load((ROOT / "roles/bastion/tasks/find_add.yml").read_text(encoding="utf-8"))
    assert "ansible.builtin.add_host" in add
    given = {
        "bastion_api_host": "bastion",
        "cluster_reading": {"bastion": {"ipv6": "2001:db8::100"}},
        "cluster_bastion_user": "ec2-user",
        "__bastion_ssh_arguments": "-o StrictHostKeyChecking=yes",
    }
    show = {"ansible.builtin.debug": {"msg": "said: {{ hostvars.bastion.ansible_ssh_common_args }}."}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [add, add, show]}
    hosts = {"bastion": {"ansible_ssh_common_args": "-o ControlPath=none -o StrictHostKeyChecking=no"}}

    _code, said = run_plays(tmp_path, [play], hosts)

    wanted = "-o StrictHostKeyChecking=yes -o ControlPath=none -o StrictHostKeyChecking=no"
    assert f"said: {wanted}." in said, said
