# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs for tests: each with its own directory, network and port, independent of the user's lab."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import yaml

from lab import processes
from lab.settings import ACCESS_KEY_ID, REGION, REGISTRY_PORT, REPOSITORY, SECRET_ACCESS_KEY

DEFAULTS: dict[str, Any] = yaml.safe_load((REPOSITORY / "roles/cluster/defaults/main.yml").read_text(encoding="utf-8"))
AMI_PARAMETER: str = DEFAULTS["cluster_ami_parameter"]
# By this the lab's log distinguishes the calls of tests from those of playbooks.
TEST_AGENT = "urmanac.talos-tests"
# As AWS sets them for a new bucket.
BLOCKS = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
# The quota of running on-demand instances of the usual families, and what the lab's account may have of them.
VCPUS, _USUAL_VCPUS = "L-1216C47A", 64
_RESERVED: list[socket.socket] = []


@dataclass(frozen=True)
class Lab:
    """A lab and the ways to use it."""

    directory: Path
    network: str
    port: int
    environment: dict[str, str]

    @property
    def endpoint(self) -> str:
        """Return its AWS endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def address(self, number: int) -> str:
        """Return an address in the first /24 of its network."""
        return self.network.rpartition(".")[0] + f".{number}"

    def command(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run python -m lab with arguments."""
        return subprocess.run(
            [sys.executable, "-m", "lab", *arguments],
            cwd=REPOSITORY,
            env=self.environment | (environment or {}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def client(self, service: str) -> Any:
        """Return a boto3 client that knows only this lab."""
        return _client(self.endpoint, service)

    def ask(self, path: str, *, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        """Call one of the lab's own paths."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.endpoint}{path}", data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response)

    def registry(self, what: str, **wanted: Any) -> Any:
        """Have the registry make one of its images, or one of its faults, and return what it answers."""
        url = f"http://{self.address(2)}:{REGISTRY_PORT}/lab/{what}"
        with urllib.request.urlopen(url, data=json.dumps(wanted).encode(), timeout=10) as response:
            return json.loads(response.read() or b"null")

    def fault(self, **fault: Any) -> None:
        """Order a fault."""
        self.ask("/lab/faults", method="POST", body=fault)


@contextlib.contextmanager
def vcpu_quota(lab: Lab, vcpus: int) -> Iterator[None]:
    """Have the lab's account allow another number of vCPUs for a while."""
    lab.ask("/lab/account", method="POST", body={"quotas": {VCPUS: vcpus}})
    try:
        yield
    finally:
        lab.ask("/lab/account", method="POST", body={"quotas": {VCPUS: _USUAL_VCPUS}})


@cache
def _client(endpoint: str, service: str) -> Any:
    """Return the one client of a service in a lab: each takes a moment to be made, and all threads may use it."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, user_agent_extra=TEST_AGENT),
    )


def free_port() -> int:
    """Return a random unused port below the kernel's range of ephemeral ports."""
    for port in random.sample(range(20000, 32000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("a hundred ports are all in use")


def free_network() -> str:
    """Return a loopback network in which no program listens, reserved while this test run lasts."""
    for number in random.sample(range(20, 250), 230):
        network = ipaddress.IPv4Network(f"127.{number}.0.0/16")
        if _reserve(number) and not processes.port_conflicts(network, [], 0):
            return str(network)
    raise AssertionError("in every loopback network a program listens")


def _reserve(number: int) -> bool:
    """Return whether the network is this process' own now, by a name that the kernel gives to one alone."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0urmanac.talos lab 127.{number}")
    except OSError:
        mark.close()
        return False
    _RESERVED.append(mark)
    return True


def make_lab(directory: Path, **environment: str) -> Lab:
    """Return a lab that is not up yet."""
    network, port = free_network(), free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LAB_"))}
    place = {"LAB_DIRECTORY": str(directory / "lab"), "LAB_NETWORK": network, "LAB_PORT": str(port)}
    quick = {"LAB_BOOT_SECONDS": "0.05"}
    return Lab(directory / "lab", network.partition("/")[0], port, kept | place | quick | environment)


@contextlib.contextmanager
def running_lab(directory: Path, **environment: str) -> Iterator[Lab]:
    """Give a lab that is up, and end it."""
    made = make_lab(directory, **environment)
    up = made.command("up")
    assert up.returncode == 0, up.stderr
    try:
        yield made
    finally:
        made.command("down")


@dataclass(frozen=True)
class Network:
    """The ids of a network that tests put things into."""

    vpc: str
    subnet: str
    group: str
    ipv6: str


def eventually(read: Callable[[], Any], holds: Callable[[Any], bool], *, seconds: float = 60) -> Any:
    """Return the first reading for which the condition holds; fail with the last one."""
    until = time.monotonic() + seconds
    while True:
        value = read()
        if holds(value):
            return value
        assert time.monotonic() < until, f"after {seconds} s still: {value}"
        time.sleep(0.05)


def make_bucket(s3: Any, name: str) -> None:
    """Make a bucket that may hold the state of clusters, as a new one in AWS with versioning."""
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCKS)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def boot_bastion(lab: Lab, subnet: str) -> str:
    """Return the id of a machine at the bastion's address, once the simulations of its services answer."""
    ec2 = lab.client("ec2")
    image = lab.client("ssm").get_parameter(Name=AMI_PARAMETER)["Parameter"]["Value"]
    where = {"SubnetId": subnet, "PrivateIpAddress": lab.address(100)}
    script = "#!/bin/sh\n# Made by urmanac.talos\n"
    kind = {"ImageId": image, "InstanceType": "t4g.small", "MinCount": 1, "MaxCount": 1}
    identity: str = ec2.run_instances(**where, **kind, UserData=script)["Instances"][0]["InstanceId"]
    eventually(lambda: ec2.get_console_output(InstanceId=identity).get("Output", ""), lambda t: "answer now" in t)
    return identity
