# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every host that a role adds for SSH is checked by its host key, whatever the user's environment says."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import yaml
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.arguments import (
    FIRST_ARGUMENTS,
    ssh_arguments,
)
from tests.checks.files import mappings
from tests.checks.process import ROOT

# What the filters of the roles return for a host whose key is known.
CHECKING = ssh_arguments("/cluster/known_hosts", "the-cluster")
FILTERED = {"ansible_ssh_args": f"{FIRST_ARGUMENTS} {CHECKING}"}
CARELESS = {
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
}


def added() -> dict[str, dict[str, Any]]:
    """Return the variables of each host that a role adds with an address, by the file of the task."""
    tasks = {path: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob("roles/*/tasks/*.yml")}
    hosts = ((path, task.get("ansible.builtin.add_host")) for path, found in tasks.items() for task in mappings(found))
    return {str(path.relative_to(ROOT)): host for path, host in hosts if host and "ansible_host" in host}


def options(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of the ssh that Ansible calls, of each the first value, which is the one that ssh uses."""
    made = {name: FILTERED.get(name, CHECKING) for name, value in variables.items() if "{{" in str(value)}
    given = {**variables, **made}
    connection = connection_loader.get("ssh", PlayContext(), None)
    connection.set_options(var_options={**given, "inventory_hostname": "host", "ansible_host": "192.0.2.1"})
    words = [word.decode() for word in connection._build_command("ssh", "ssh", "192.0.2.1")]
    pairs = [value.split("=", 1) for flag, value in pairwise(words) if flag == "-o"]
    return {name: value.strip('"') for name, value in reversed(pairs)}


def test_the_roles_add_the_bastion_and_the_nodes_that_boot_by_ssh() -> None:
    assert set(added()) == {"roles/bastion/tasks/find_add.yml", "roles/nodes/tasks/boot_hosts.yml"}


@pytest.mark.parametrize("file", added())
def test_the_check_of_a_host_key_cannot_be_turned_off(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CARELESS.items():
        monkeypatch.setenv(name, value)

    found = options(added()[file])

    assert found["StrictHostKeyChecking"] == "yes"
    assert found["UserKnownHostsFile"] == "/cluster/known_hosts"
    assert options({})["StrictHostKeyChecking"] == "no", "this environment turns the check of other hosts off"


@pytest.mark.parametrize("file", added())
def test_a_task_does_not_wait_for_hours_for_a_machine_that_disappeared(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that is gone sends no end of the connection, and a firewall ends one that is silent during a long task.
    # A user could set this with these arguments, but the arguments of a role replace them.
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-o ServerAliveInterval=30")

    found = options(added()[file])

    assert 0 < int(found["ServerAliveInterval"]) * int(found["ServerAliveCountMax"]) <= 60
