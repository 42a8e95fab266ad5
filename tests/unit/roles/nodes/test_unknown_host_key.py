# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message about a machine whose host key is unknown has the whole command that shows its console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.actions import run_plays
from tests.checks.process import ROOT

TASKS = ROOT / "roles" / "nodes" / "tasks"
CLUSTER = {"region": "eu-west-1", "nodes": [{"name": "gateway", "role": "gateway", "ipv4": "192.0.2.7"}]}
FOUND = {"nodes": {"gateway": {"instance": "i-0a"}}}


@pytest.mark.parametrize(
    ("consoles", "inventory", "instance"),
    [
        pytest.param(FOUND, {}, "i-0a", id="found in AWS"),
        pytest.param({}, {"gateway": {"ec2_instance_id": "i-0b"}}, "i-0b", id="named by the inventory"),
        pytest.param({}, {}, "<instance>", id="known to neither"),
    ],
)
def test_the_command_for_the_console_is_complete(
    tmp_path: Path, consoles: dict[str, Any], inventory: dict[str, Any], instance: str
) -> None:
    (add,) = yaml.safe_load((TASKS / "boot_hosts.yml").read_text(encoding="utf-8"))
    (boot,) = yaml.safe_load((TASKS / "boot.yml").read_text(encoding="utf-8"))
    (refuse,) = (task for task in boot["block"] if "ansible.builtin.assert" in task)
    given = {
        **{"nodes_cluster": CLUSTER, "nodes_host_keys": "console", "nodes_api_host": "localhost"},
        **{"nodes_api_via": "localhost", "nodes_known_hosts": "/k", "nodes_ssh_identity_file": ""},
        **{"nodes_ssh_user": "ec2-user", "cluster_nodes_ssh_key_name": "", "__nodes_keys": {}},
        **{"__nodes_consoles": consoles, "__nodes_observed": {"nodes": [{"reachable": False}]}},
    }
    plays = [
        {"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [add]},
        {"hosts": "gateway", "gather_facts": False, "vars": given, "tasks": [refuse]},
    ]

    _code, said = run_plays(tmp_path, plays, inventory)

    command = f"aws ec2 get-console-output --latest --region eu-west-1 --instance-id {instance},"
    assert command in " ".join(said.split()), said
