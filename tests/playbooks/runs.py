# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook in a lab, and what they left behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lab import processes
from lab.settings import REGISTRY_PORT, REPOSITORY
from tests.lab.labs import Lab

VARIABLES = f"@{REPOSITORY / 'lab' / 'variables.yml'}"
WITHOUT_COZYSTACK = "cluster_cozystack_enabled=false"
LAB_VARIABLES = (VARIABLES, WITHOUT_COZYSTACK)
CONFIRMED = "reset_confirmation=yes"
# The one node of a cluster whose nodes do not matter.
NODE = {
    "name": "gateway",
    "role": "gateway",
    "machine_type": "controlplane",
    "ipv4": "{{ cluster_subnet_ipv4_cidr | ansible.utils.nthhost(101) }}",
}
ONE_NODE = ("-e", json.dumps({"cluster_nodes": [NODE]}))
RECAP = re.compile(r"changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)")
SECONDS = 600


class Run(NamedTuple):
    """A finished run; output holds errors as well."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """Return how many tasks changed something, by the recap."""
        return sum(int(changed) for changed, _failed in RECAP.findall(self.output))


def command(
    lab: Lab,
    playbook: str,
    *options: str,
    environment: tuple[str, ...] = (),
    variables: tuple[str, ...] = LAB_VARIABLES,
) -> list[str]:
    """Return the command line that runs a playbook in the lab; environment is as env(1) takes it.

    Without CozyStack, which takes as long as all else, unless the options ask for it.
    """
    extra = [part for value in with_place(lab, variables) for part in ("-e", value)]
    inner = ("env", *environment, "ansible-playbook", *extra, playbook, *options)
    return [sys.executable, "-m", "lab", "run", "--", *inner]


def play(
    lab: Lab,
    playbook: str,
    *options: str,
    folder: Path = REPOSITORY,
    environment: tuple[str, ...] = (),
    variables: tuple[str, ...] = LAB_VARIABLES,
) -> Run:
    """Run a playbook to its end."""
    done = subprocess.run(
        command(lab, playbook, *options, environment=environment, variables=variables),
        cwd=folder,
        env=surroundings(lab),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Run(done.returncode, done.stdout)


def with_place(lab: Lab, variables: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lab's variables and what they look up in the environment, which each task does again many times."""
    place = {
        "lab_directory": str(lab.directory),
        "cluster_directory": str(lab.directory / "cluster"),
        "cluster_vpc_ipv4_cidr": f"{lab.network}/16",
        "cluster_subnet_ipv4_cidr": f"{lab.network}/24",
        "cluster_images_mirrors": {"ghcr.io": f"http://{lab.address(2)}:{REGISTRY_PORT}"},
    }
    return (*variables, json.dumps(place)) if variables == LAB_VARIABLES else variables


def surroundings(lab: Lab) -> dict[str, str]:
    """Return the environment of a user in whose shell the lab's folder is on Python's path."""
    return lab.environment | {"PYTHONPATH": str(REPOSITORY), "ANSIBLE_NOCOLOR": "1"}


# A run that changes nothing still writes down that it works on the cluster, and deletes that at its end.
RUN_LOCK = 2


def calls(lab: Lab) -> int:
    """Return how many calls have changed something in the lab."""
    count: int = lab.ask("/lab/status")["mutating_calls"]
    return count


def play_and_kill(lab: Lab, playbook: str, *options: str, after: int) -> None:
    """Start a run and kill all of it after a number of changing calls."""
    begun = calls(lab)
    play_until(lab, playbook, *options, reached=lambda: calls(lab) - begun >= after)


def play_until(lab: Lab, playbook: str, *options: str, reached: Callable[[], bool]) -> None:
    """Start a run and kill all of it when it has reached a point."""
    until = time.monotonic() + SECONDS
    run = subprocess.Popen(
        command(lab, playbook, *options),
        cwd=REPOSITORY,
        env=surroundings(lab),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not reached():
            assert run.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < until, "the run does not reach the point"
            time.sleep(0.02)
    finally:
        # Ansible's workers are in sessions of their own, and one that outlives the others waits for ever.
        for pid in (run.pid, *processes.descendants(run.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.wait()


def vpcs(lab: Lab, **tags: str) -> list[dict[str, Any]]:
    """Return the VPCs with these tags."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    found: list[dict[str, Any]] = lab.client("ec2").describe_vpcs(Filters=filters)["Vpcs"]
    return found


def instances(lab: Lab, **tags: str) -> list[dict[str, Any]]:
    """Return the instances with these tags that are not terminated."""
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    reservations = lab.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [
        instance
        for reservation in reservations
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]
