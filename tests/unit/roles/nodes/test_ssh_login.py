# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user-data of nodes that boot by SSH, executed in a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.console import host_keys
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key

TEMPLATE = Path(__file__).resolve().parents[4] / "roles" / "nodes" / "templates" / "ssh_login.sh.j2"
PUBLIC = make_host_key("ada's key").public
HOST_KEY = make_host_key("root@ip-10-10-0-101").public
VARIABLES = {"nodes_ssh_public_key": PUBLIC, "nodes_ssh_user": "ec2-user", "nodes_console": ""}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Give the root of a machine for which cloud-init has made a host key."""
    (tmp_path / "home" / "ec2-user").mkdir(parents=True)
    (tmp_path / "etc" / "ssh").mkdir(parents=True)
    (tmp_path / "etc" / "ssh" / "ssh_host_ed25519_key.pub").write_text(f"{HOST_KEY}\n")
    return tmp_path


def boot(machine: Path, **variables: str) -> str:
    """Return the machine's output at its first boot."""
    templar = Templar(loader=DataLoader(), variables={**VARIABLES, **variables})
    script = machine / "user-data"
    script.write_text(templar.template(trust_as_template(TEMPLATE.read_text(encoding="utf-8"))), encoding="utf-8")
    return run(machine, "/bin/sh", str(script))


def run(machine: Path, *command: str) -> str:
    """Return the script of a fake command of the machine."""
    environment = {"PATH": "/usr/bin:/bin", "LAB_ROOT": str(machine)}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=30).stdout


def test_a_machine_says_its_host_key_in_the_words_that_are_read(machine: Path) -> None:
    said = boot(machine)

    assert host_keys(said) == [" ".join(HOST_KEY.split(" ")[:2])]


def test_every_boot_says_it_again(machine: Path) -> None:
    said = boot(machine)

    (program,) = (machine / "var" / "lib" / "cloud" / "scripts" / "per-boot").iterdir()
    assert run(machine, str(program)) == said


def test_the_given_key_may_log_in_and_is_there_once(machine: Path) -> None:
    boot(machine)
    boot(machine)

    keys = machine / "home" / "ec2-user" / ".ssh" / "authorized_keys"
    assert keys.read_text() == f"{PUBLIC}\n"
    assert keys.stat().st_mode & 0o777 == 0o600


def test_without_a_key_nothing_is_authorized(machine: Path) -> None:
    boot(machine, nodes_ssh_public_key="")

    assert not (machine / "home" / "ec2-user" / ".ssh").exists()
