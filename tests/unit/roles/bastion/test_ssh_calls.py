# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the roles call ssh: with which key, and only with the programs that it needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key
from tests.checks.process import ROOT, TOOLS, capture
from tests.shell_programs import program

PLAYBOOK = f"""
- name: Show the key
  hosts: localhost
  gather_facts: false
  vars_files: {ROOT}/roles/cluster/defaults/main.yml
  tasks:
    - name: Show the key
      ansible.builtin.debug:
        msg: The key is {{{{ cluster_bastion_ssh_identity_file }}}}.
"""


def shown(folder: Path, *words: str) -> str:
    """Return the output of a playbook that reads the variable."""
    playbook = folder / "playbook.yml"
    playbook.write_text(PLAYBOOK)
    given = json.dumps({"cluster_bastion_ssh_public_key": str(folder / "moon.pub")})
    code, said = capture([TOOLS / "ansible-playbook", playbook, "-e", given, *words])
    assert code == 0, said
    return said


@pytest.mark.parametrize("words", [("--private-key", "/mine"), ("-e", "ansible_ssh_private_key_file=/mine")])
def test_a_private_key_that_the_user_names_comes_first(tmp_path: Path, words: tuple[str, str]) -> None:
    (tmp_path / "moon.pub").write_text(make_host_key("").public)

    assert "The key is /mine." in shown(tmp_path, *words)


def test_otherwise_it_is_the_private_key_of_the_public_one(tmp_path: Path) -> None:
    (tmp_path / "moon.pub").write_text(make_host_key("").public)
    (tmp_path / "moon").write_text("the private key")

    assert f"The key is {tmp_path / 'moon'}." in shown(tmp_path)


@pytest.mark.parametrize(
    ("names", "first"),
    [
        pytest.param(("id_rsa.pub", "id_ecdsa.pub", "id_ed25519.pub"), "id_ed25519.pub", id="all"),
        pytest.param(("id_rsa.pub", "id_ecdsa.pub"), "id_ecdsa.pub", id="two"),
        pytest.param(("id_rsa.pub",), "id_rsa.pub", id="one"),
        pytest.param((), "", id="none"),
    ],
)
def test_the_public_key_of_the_bastion_is_the_first_that_the_user_has(
    tmp_path: Path, names: tuple[str, ...], first: str
) -> None:
    (tmp_path / ".ssh").mkdir()
    for name in names:
        (tmp_path / ".ssh" / name).write_text(make_host_key("").public)
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(PLAYBOOK.replace("cluster_bastion_ssh_identity_file", "cluster_bastion_ssh_public_key"))

    code, said = capture([TOOLS / "ansible-playbook", playbook], extra={"HOME": str(tmp_path)})

    assert code == 0, said
    assert f"The key is {tmp_path / '.ssh' / first if first else ''}." in said


REACH = f"""
- name: Reach the bastion
  hosts: localhost
  gather_facts: false
  vars:
    bastion_cluster: {{name: moon, bastion: {{connection: ssm}}}}
  tasks:
    - name: Name it as the inventory would
      ansible.builtin.include_tasks: {ROOT}/roles/bastion/tasks/find_add.yml
"""


def test_a_bastion_behind_session_manager_is_not_reached_for_without_its_programs(tmp_path: Path) -> None:
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(REACH)
    program(tmp_path / "ssh")

    code, output = capture([TOOLS / "ansible-playbook", playbook], extra={"PATH": str(tmp_path)})

    said = " ".join(output.split())
    assert code != 0
    assert "CONNECTION_PROGRAM_MISSING: The build logs in to the bastion" in said
    assert "not installed on the controller: aws and session-manager-plugin" in said
    assert "set cluster_bastion_connection to ssh" in said
