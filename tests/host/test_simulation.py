# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of site.yml in the lab, with the nodes configured over a real SSH connection to the bastion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.host.bastion.login import Login
from tests.host.bastion.network import run
from tests.host.bastion.world import wait_for
from tests.shell_programs import session_programs

ROOT = Path(__file__).resolve().parents[2]
NETWORK = "127.10.0.0/16"
HOME = "2001:db8:99::/64"
GROUP = "talos-arm64-lab-bastion"
pytestmark = pytest.mark.needs("ip", "ssh", "sshd")

BUILD = """
- name: Build network and bastion
  hosts: localhost
  gather_facts: false
  roles:
    - urmanac.talos.network
    - urmanac.talos.bastion
"""
NODE = """
- name: Build a node that stays a plain Linux
  hosts: localhost
  gather_facts: false
  roles:
    - urmanac.talos.nodes
"""
BOOT = """
- name: Find the machines
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Reach the bastion
      ansible.builtin.import_role:
        name: urmanac.talos.bastion
        tasks_from: reach.yml

    - name: Find the machines
      ansible.builtin.import_role:
        name: urmanac.talos.nodes
        tasks_from: boot_connections.yml

- name: Log in to the node
  hosts: role_gateway
  gather_facts: false
  tasks:
    - name: Log in to the node
      ansible.builtin.raw: echo I am $USER
"""
LOGIN = """
- name: Log in to the bastion
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Log in to the bastion
      ansible.builtin.import_role:
        name: urmanac.talos.bastion
        tasks_from: find.yml
"""


class Simulation:
    """A lab whose bastion is logged in to over SSH, and a home from which playbooks run."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
        self.lab("up")
        endpoint = f"http://127.0.0.1:{environment['LAB_PORT']}"
        keys = {"aws_access_key_id": "lab-not-a-real-key", "aws_secret_access_key": "nothing-worth-hiding-0123456789"}
        session = boto3.session.Session(region_name="eu-west-1", **keys)
        self.ec2 = session.client("ec2", endpoint_url=endpoint)
        self.groups = session.client("autoscaling", endpoint_url=endpoint)
        self.login = Login(folder / "lab", "127.10.0.100", self.ec2)

    def ask_over_session_manager(self, command: str) -> tuple[int, str]:
        """Run a command on the bastion as the inventory reaches it through Session Manager."""
        inventory = {
            "plugin": "urmanac.talos.ec2_nodes",
            "cluster": "lab",
            "regions": ["eu-west-1"],
            "bastion_connection": "ssm",
            "known_hosts": str(self.folder / "lab" / "cluster" / "known_hosts"),
            "identity_file": str(self.folder / "key"),
            "compose": {"ansible_user": "'ec2-user'"},
        }
        file = self.folder / "session.ec2_nodes.yml"
        file.write_text(json.dumps(inventory))
        words = ["ansible", "-i", str(file), "bastion", "-m", "ansible.builtin.raw", "-a", command]
        done = subprocess.run(
            [sys.executable, "-m", "lab", "run", "--", *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def known_hosts(self) -> str:
        """Return what known_hosts contains of the bastion's host key."""
        return (self.folder / "lab" / "cluster" / "known_hosts").read_text()

    def lab(self, *words: str) -> None:
        """Call the lab."""
        done = subprocess.run(
            [sys.executable, "-m", "lab", *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def play(
        self, playbook: str, *options: str, when: str = "", do: Callable[[], None] | None = None, **more: Any
    ) -> tuple[int, str]:
        """Run a playbook as from home, and do something when it prints a line with these words."""
        given = {
            "cluster_api_via": "bastion",
            "cluster_bastion_ssh_public_key": str(self.folder / "key.pub"),
            "access_ipv6": HOME,
            # With an own interpreter the libraries are expected there, so nothing is installed from PyPI.
            "ansible_python_interpreter": sys.executable,
            **more,
        }
        given = {name: value for name, value in given.items() if value is not None}
        command = [sys.executable, "-m", "lab", "run", "--", "ansible-playbook", "-e", "@lab/variables.yml"]
        process = subprocess.Popen(
            [*command, "-e", json.dumps(given), playbook, *options],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            with (self.folder / "playbooks.log").open("a") as log:
                log.write(line)
            if do and when in line:
                do()
                do = None
        assert do is None, f"{when} was never said: {''.join(said[-40:])}"
        process.stdout.close()
        return process.wait(), "".join(said)

    def replace(self) -> None:
        """End the machine: the group starts another one at the same addresses."""
        before = self.login.machine
        self.ec2.terminate_instances(InstanceIds=[before])
        assert wait_for(lambda: self.login.machine not in ("", before), 60), "the group started no other machine"

    def stop_for_the_night(self) -> None:
        """Do what the schedule of the group does at its stop."""
        self.groups.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=0)
        assert wait_for(lambda: self.login.machine == "", 60), "the machine still runs"


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    """Give a lab that is up, and a bastion as soon as a playbook makes one."""
    own = {"LAB_DIRECTORY": str(tmp_path / "lab"), "LAB_NETWORK": NETWORK, "LAB_PORT": "5510"}
    session_programs(tmp_path / "programs")
    # A user's environment that asks for no checks: the product overrules it, and the steps with another host key, which
    # have to be refused, would pass if it did not.
    careless = {
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
    }
    path = f"{tmp_path / 'programs'}:{os.environ['PATH']}"
    found = Simulation(tmp_path, {**os.environ, **own, **careless, "PATH": path, "ANSIBLE_NOCOLOR": "1"})
    try:
        with found.login.watching():
            yield found
    finally:
        found.lab("down")


def test_site_yml_works_over_ssh_with_a_replaced_machine_and_on_the_next_day(
    simulation: Simulation, tmp_path: Path, note: Callable[[str], None]
) -> None:
    code, said = simulation.play("playbooks/site.yml", when="TASK [urmanac.talos.nodes : ", do=simulation.replace)
    assert code == 0, said
    assert_cozystack_was_tried_from_the_bastion(said)
    first_known = simulation.known_hosts

    simulation.stop_for_the_night()
    # The command of every later day names no network: what the first one opened is still open.
    code, said = simulation.play("playbooks/site.yml", access_ipv6=None)
    assert code == 0, said
    assert_cozystack_was_tried_from_the_bastion(said)

    # Three machines, each with host keys of its own by cloud-init, and one that all of them showed.
    login = simulation.login
    assert simulation.known_hosts == first_known
    assert len(login.own_keys) == 3
    assert len(set(login.own_keys.values())) == 3
    assert set(login.shown_keys.values()) == {first_known.split()[2]}
    assert all(login.sessions.values()), login.sessions
    note(f"site.yml over SSH, checked host key {first_known.strip()}")
    for machine, sessions in login.sessions.items():
        own, shown = login.own_keys[machine][-12:], login.shown_keys[machine][-12:]
        note(f"  {machine}: cloud-init made ...{own}, it showed ...{shown}; SSH connections: {sessions}")

    playbook = tmp_path / "login.yml"
    playbook.write_text(LOGIN)
    login.show_another_key()
    code, said = simulation.play(str(playbook), bastion_wait_timeout=5)
    assert code != 0
    assert "host key differs from the one in" in " ".join(said.split())
    note("  a machine with another host key at the same address: refused")
    note("  CozyStack, installed and watched from the bastion in both runs: blocked by its images for amd64 alone")


def assert_cozystack_was_tried_from_the_bastion(said: str) -> None:
    """Require what a default build ends with: a Kubernetes of three nodes, and CozyStack blocked by its images."""
    for name in ("install | Apply the operator and the platform", "wait | Wait until CozyStack is ready or blocked"):
        (done,) = re.findall(rf"TASK \[urmanac\.talos\.cozystack : {re.escape(name)}\] .*\n((?:.+\n)+)", said)
        assert re.search(r"^(ok|changed): \[localhost -> bastion\(", done, re.MULTILINE), done
    report = said.partition("TEST RESULTS - 3 Nodes ARM64 CozyStack")[2]
    assert "✅ Kubernetes: 3 nodes registered" in report
    assert re.search(r"❌ CozyStack install: .* is blocked - ARCH_UNSUPPORTED_IMAGES: 1 image ", report), report


def test_session_manager_leads_to_the_bastion_and_its_host_key_is_checked(
    simulation: Simulation, tmp_path: Path, note: Callable[[str], None]
) -> None:
    build, login = tmp_path / "build.yml", tmp_path / "login.yml"
    build.write_text(BUILD + LOGIN)
    login.write_text(LOGIN)

    code, said = simulation.play(str(build), cluster_bastion_connection="ssm", access_ipv6="")
    assert code == 0, said
    code, said = simulation.ask_over_session_manager("echo I am $USER")
    assert (code, "I am ec2-user" in said) == (0, True), said
    note(f"through Session Manager, host key checked: {sum(simulation.login.sessions.values())} SSH connections")

    simulation.login.show_another_key()
    code, said = simulation.play(str(login), bastion_wait_timeout=5, cluster_bastion_connection="ssm")
    assert code != 0
    assert "host key differs from the one in" in " ".join(said.split()), said
    code, said = simulation.ask_over_session_manager("echo I am $USER")
    assert code != 0
    assert "HOST IDENTIFICATION HAS CHANGED" in said, said
    note("  a machine with another host key, by playbook and by inventory: refused")


def test_a_node_that_boots_by_ssh_is_known_by_its_console_and_a_stranger_is_refused(
    simulation: Simulation, tmp_path: Path, note: Callable[[str], None]
) -> None:
    build, boot = tmp_path / "build.yml", tmp_path / "boot.yml"
    build.write_text(BUILD + NODE)
    boot.write_text(BOOT)
    gateway = {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "127.10.0.101"}
    given: dict[str, Any] = {"cluster_boot_method": "ssh", "cluster_nodes": [gateway]}
    node = Login(tmp_path / "lab", gateway["ipv4"], simulation.ec2)

    with node.watching():
        code, said = simulation.play(str(build), **given)
        assert code == 0, said
        code, said = simulation.play(str(boot), "-vv", **given)
        assert code == 0, said
        assert "I am ec2-user" in said
        assert f"{node.machine} ssh-ed25519 {node.own_keys[node.machine]}" in simulation.known_hosts
        note(f"a node that boots by SSH, known by its console: {node.sessions[node.machine]} SSH connections")

        node.show_another_key()
        code, said = simulation.play(str(boot), **given)
    assert code != 0
    assert "HOST IDENTIFICATION HAS CHANGED" in said, said
    note("  a stranger at its address: refused")
