# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated Session Manager: the inventory's ProxyCommand connects to the bastion, and refuses what AWS refuses."""

from __future__ import annotations

import json
import shlex
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from lab.machine.aws import PLUGIN
from lab.settings import REGION, REPOSITORY
from tests.ec2_cluster import OWNER, spec
from tests.lab.labs import Lab, Network, eventually
from tests.shell_programs import session_programs

TAGS = {**OWNER, "Node": "bastion", "Role": "bastion"}
BASTION = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123"}
POOR = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}
AGENT = """#!/bin/sh
# Made by urmanac.talos
echo '{"Agent": {"UseDualStackEndpoint": true}}' > "${LAB_ROOT:-}/etc/amazon/ssm/amazon-ssm-agent.json"
"""
INVENTORY = {
    "plugin": "urmanac.talos.ec2_nodes",
    "cluster": "moon",
    "regions": [REGION],
    "bastion_connection": "ssm",
    "known_hosts": "/nowhere/known_hosts",
}


class Echo(socketserver.BaseRequestHandler):
    """Answers with what it is sent, which a real sshd would not do."""

    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data.upper())


def make_profile(lab: Lab, name: str, policy: dict[str, Any]) -> None:
    """Make an instance profile whose role has the policy."""
    iam = lab.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def start(lab: Lab, network: Network, image: str, number: int, *, profile: str, script: str = AGENT) -> str:
    """Return the id of a machine that has run its user-data."""
    ec2 = lab.client("ec2")
    given = {"ImageId": image, "InstanceType": "t4g.small", "MinCount": 1, "MaxCount": 1, "UserData": script}
    where = {"SubnetId": network.subnet, "PrivateIpAddress": lab.address(number)}
    tags = [{"Key": key, "Value": value} for key, value in (TAGS if number == 100 else {}).items()]
    specification = [{"ResourceType": "instance", "Tags": tags or [{"Key": "Name", "Value": "other"}]}]
    (made,) = ec2.run_instances(
        **given, **where, TagSpecifications=specification, IamInstanceProfile={"Name": profile}
    )["Instances"]
    identity: str = made["InstanceId"]
    eventually(lambda: ec2.get_console_output(InstanceId=identity).get("Output", ""), lambda text: "exit code" in text)
    return identity


@pytest.fixture(scope="module")
def machines(lab: Lab, network: Network, image: str) -> dict[str, str]:
    """Give the ids of a bastion, of a machine without permissions and of one without a way to AWS."""
    lab.ask("/lab/account", method="POST", body={"unknown_profile_uses": 0})
    make_profile(lab, "bastion", dict(desired(spec(bastion=BASTION))["iam_role/bastion"].want["policy"]))
    make_profile(lab, "poor", {"Version": "2012-10-17", "Statement": [POOR]})
    return {
        "bastion": start(lab, network, image, 100, profile="bastion"),
        "poor": start(lab, network, image, 110, profile="poor"),
        "ipv4 only": start(lab, network, image, 111, profile="bastion", script="#!/bin/sh\n# Made by urmanac.talos\n"),
        "unknown": "i-0123456789abcdef0",
    }


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the simulated commands."""
    folder = tmp_path_factory.mktemp("programs")
    session_programs(folder)
    return folder


@pytest.fixture(scope="module")
def port(lab: Lab, machines: dict[str, str]) -> Iterator[int]:
    """Give a port of the bastion where a program answers."""
    with socketserver.ThreadingTCPServer((lab.address(100), 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def run(lab: Lab, path: Path, *command: str, send: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in an environment with the simulated commands, in which AWS is the lab."""
    inner = ("env", f"PATH={path}:/usr/bin:/bin", *command)
    return subprocess.run(
        [sys.executable, "-m", "lab", "run", "--", *inner],
        cwd=REPOSITORY,
        env=lab.environment,
        input=send,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def session(target: str, document: str = "AWS-StartSSHSession", parameters: str = "portNumber=22") -> tuple[str, ...]:
    """Return the command that starts a session."""
    words = ("aws", "ssm", "start-session", "--region", REGION, "--target", target)
    return (*words, "--document-name", document, "--parameters", parameters)


def proxy_command(lab: Lab, folder: Path) -> str:
    """Return the command that the inventory gives ssh."""
    file = folder / "moon.ec2_nodes.yml"
    file.write_text(json.dumps(INVENTORY))
    inventory = str(Path(sys.executable).parent / "ansible-inventory")
    listed = lab.command("run", "--", inventory, "-i", str(file), "--host", "bastion")
    words = shlex.split(json.loads(listed.stdout)["ansible_ssh_common_args"])
    return next(word for word in words if word.startswith("ProxyCommand=")).partition("=")[2]


def test_the_inventory_leads_to_the_port_of_the_bastion(lab: Lab, port: int, path: Path, tmp_path: Path) -> None:
    command = proxy_command(lab, tmp_path).replace("%p", str(port))

    done = run(lab, path, "sh", "-c", command, send="hello")

    assert (done.returncode, done.stdout) == (0, "HELLO"), done.stderr


@pytest.mark.parametrize(
    ("machine", "more", "refusal"),
    [
        pytest.param("unknown", (), "TargetNotConnected", id="unknown machine"),
        pytest.param("poor", (), "does not allow what the agent calls", id="a role without permissions"),
        pytest.param("ipv4 only", (), "not configured to use IPv6", id="an agent without a way to AWS"),
        pytest.param("bastion", ("AWS-StartShell",), "InvalidDocument", id="unknown document"),
        pytest.param("bastion", ("AWS-StartSSHSession", "port=22"), "InvalidParameters", id="unknown parameter"),
        pytest.param("bastion", ("AWS-StartSSHSession", "portNumber=0"), "InvalidParameters", id="no port"),
        pytest.param("bastion", ("AWS-StartSSHSession", "portNumber=9"), "Connection to destination port", id="closed"),
    ],
)
def test_what_aws_refuses_is_refused(
    lab: Lab, machines: dict[str, str], path: Path, machine: str, more: tuple[str, ...], refusal: str
) -> None:
    done = run(lab, path, *session(machines[machine], *more))

    assert done.returncode != 0
    assert refusal in done.stderr
    assert "[lab, simulated" in done.stderr


def test_without_the_plugin_the_session_is_ended_and_the_plugin_named(
    lab: Lab, machines: dict[str, str], path: Path, tmp_path: Path
) -> None:
    (tmp_path / "aws").symlink_to(path / "aws")

    done = run(lab, tmp_path, *session(machines["bastion"]))

    assert not (tmp_path / PLUGIN).exists()
    assert "SessionManagerPlugin is not found" in done.stderr
    assert lab.ask("/lab/calls")[-1]["action"] == "TerminateSession"


def test_the_simulated_aws_command_knows_sessions_only(lab: Lab, path: Path) -> None:
    done = run(lab, path, "aws", "ec2", "describe-instances")

    assert done.returncode == 252
    assert "knows `aws ssm start-session` only" in done.stderr


@pytest.mark.parametrize(
    ("machine", "name", "code", "says"),
    [
        pytest.param("poor", "/moon/note", 0, "readable", id="allowed"),
        pytest.param("bastion", "/moon/note", 254, "AccessDeniedException", id="another parameter than its role names"),
        pytest.param("poor", "/moon/none", 254, "ParameterNotFound", id="no such parameter"),
    ],
)
def test_a_machine_reads_the_parameters_that_its_role_allows(
    lab: Lab, machines: dict[str, str], tmp_path: Path, machine: str, name: str, code: int, says: str
) -> None:
    lab.client("ssm").put_parameter(Name="/moon/note", Value="readable", Type="String", Overwrite=True)
    (tmp_path / "run/lab").mkdir(parents=True)
    (tmp_path / "run/lab/endpoint").write_text(lab.endpoint)
    (tmp_path / "run/lab/instance").write_text(machines[machine])
    words = (
        "ssm",
        "get-parameter",
        "--cli-connect-timeout",
        "5",
        "--region",
        REGION,
        "--name",
        name,
        "--query",
        "Parameter.Value",
        "--output",
        "text",
    )

    command = [sys.executable, "-IS", str(REPOSITORY / "lab/machine/aws.py"), "aws", *words, "--output", "text"]
    done = subprocess.run(command, env={"LAB_ROOT": str(tmp_path)}, capture_output=True, text=True, check=False)

    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr
