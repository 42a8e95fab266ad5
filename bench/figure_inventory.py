# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory ec2_nodes against amazon.aws.aws_ec2 and bare boto3, all reading one canned answer; and its cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.environment import BIN, ROOT, clean
from bench.measure import CannotRun, Figure, Usage, compare, cpu, interleaved, memory, run

INSTANCES = 3000
OURS = {
    "plugin": "urmanac.talos.ec2_nodes",
    "cluster": "bench",
    "regions": ["eu-west-1"],
}
# The same hosts, addresses and groups.
PEER = {
    "plugin": "amazon.aws.aws_ec2",
    "regions": ["eu-west-1"],
    "filters": {"tag:Cluster": "bench", "tag:ManagedBy": "urmanac.talos", "instance-state-name": "running"},
    "hostnames": ["tag:Node", "instance-id"],
    "compose": {"ansible_host": "private_ip_address"},
    "keyed_groups": [
        {"key": "tags.Role", "prefix": "role"},
        {"key": "tags.MachineType", "prefix": "machine_type"},
    ],
}
BARE = """
import json, sys, boto3
pages = boto3.client("ec2").get_paginator("describe_instances").paginate()
instances = [i for page in pages for reservation in page["Reservations"] for i in reservation["Instances"]]
json.dump(instances, sys.stdout, default=str)
"""


def figures(directory: Path, *, repetitions: int) -> Iterator[Figure]:
    """Yield CPU time and memory against the peers, and the network calls at a cache hit."""
    with canned_ec2() as url:
        environment = clean(directory, AWS_ENDPOINT_URL=url)
        runs = {
            "ours": inventory_run(directory / "ours.ec2_nodes.yml", OURS, environment),
            "aws_ec2": inventory_run(directory / "peer.aws_ec2.yml", PEER, environment),
            "bare": partial(run, [sys.executable, "-c", BARE], environment=environment, output=directory / "bare.json"),
        }
        usages = interleaved(runs, repetitions=repetitions)
        check_same_hosts(directory)
        yield from compared(usages)
        yield cache_hit(directory, environment, url)


def compared(usages: dict[str, list[Usage]]) -> Iterator[Figure]:
    """Yield our usage against both peers'."""
    ours, peer, bare = (usages[name] for name in ("ours", "aws_ec2", "bare"))
    peers = {"aws_ec2": f"amazon.aws.aws_ec2, {INSTANCES} instances", "bare": "bare boto3 describe + JSON dump"}
    values = [list(cpu(ours)), list(cpu(peer)), list(cpu(bare))]
    yield compare("inventory_cpu", "s", values[0], values[1], against=peers["aws_ec2"], goal=0.4)
    yield compare("inventory_memory", "MB", list(memory(ours)), list(memory(peer)), against=peers["aws_ec2"], goal=0.5)
    yield compare("inventory_cpu_bare", "s", values[0], values[2], against=peers["bare"], goal=2)


def cache_hit(directory: Path, environment: dict[str, str], url: str) -> Figure:
    """Return the network calls of a second run with a cache, divided by those of the first."""
    options = {
        **OURS,
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(directory / "cache"),
    }
    cached = inventory_run(directory / "cached.ec2_nodes.yml", options, environment)
    counts = [calls(url)]
    for _turn in range(2):
        cached()
        counts.append(calls(url))
    filling, hitting = counts[1] - counts[0], counts[2] - counts[1]
    if not filling:
        raise CannotRun("the run that fills the cache made no call at all")
    return compare("inventory_cache_hit", "calls", [hitting], [filling], against="the run that fills the cache", goal=0)


def inventory_run(path: Path, options: dict[str, Any], environment: dict[str, str]) -> partial[Usage]:
    """Write an inventory file and return what lists it."""
    path.write_text(json.dumps(options), encoding="utf-8")
    command: list[str | Path] = [BIN / "ansible-inventory", "--inventory", path, "--list"]
    return partial(run, command, environment=environment, output=path.with_suffix(".json"))


def check_same_hosts(directory: Path) -> None:
    """Raise unless both plugins found the same hosts at the same addresses; else they are not comparable."""
    found = [hosts_and_addresses(directory / name) for name in ("ours.ec2_nodes.json", "peer.aws_ec2.json")]
    if found[0] != found[1] or f'"{INSTANCES} ' not in f'"{found[0]}':
        raise CannotRun(f"the inventories differ: {found[0]} and {found[1]}")


def hosts_and_addresses(path: Path) -> str:
    """Return the number of hosts and a digest of their addresses, worked out in a process of its own to stay small."""
    script = """
import hashlib, json, sys
hosts = json.load(open(sys.argv[1]))["_meta"]["hostvars"]
addresses = sorted((name, json.dumps(variables["ansible_host"])) for name, variables in hosts.items())
print(len(hosts), hashlib.sha256(repr(addresses).encode()).hexdigest())
"""
    return subprocess.check_output([sys.executable, "-c", script, path], text=True).strip()


def calls(url: str) -> int:
    """Return how many calls the simulation of EC2 has answered."""
    with urlopen(url) as answer:  # noqa: S310  a URL that the simulation itself printed
        return int(answer.read())


@contextmanager
def canned_ec2() -> Iterator[str]:
    """Serve the canned answer in a process of its own and yield its URL."""
    command = [sys.executable, "-m", "bench.canned", str(INSTANCES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            assert process.stdout  # noqa: S101  for the type checker: it is a pipe
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
