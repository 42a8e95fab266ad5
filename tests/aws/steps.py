# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the acceptance run, and the commands that make each."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.bastion.spec import Names
from lab.settings import REPOSITORY
from tests.aws.end_of_life import TAG, EndOfLife

RECAP = re.compile(r"changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)")
# The one place of the names, which win over those of the command line. The operator's policy allows this project.
PROJECT, CLUSTER = "talos-arm64", "acceptance"
REPLACEMENT_SECONDS = 600
CLEANING_SECONDS = 1800
OUTPUT_SHOWN = 6000


class Step(NamedTuple):
    """A step as the report has it."""

    name: str
    outcome: str
    seconds: float


class StepFailed(Exception):
    """A step that did not end as it should; the message says how it ended."""


@dataclass
class Acceptance:
    """A run: how playbooks are called, in what environment, and until when."""

    options: Sequence[str]
    environment: Mapping[str, str]
    region: str
    cluster: str
    home: str
    until: float
    log: Path
    end: EndOfLife
    steps: list[Step] = field(default_factory=list)

    @property
    def bastion(self) -> str:
        """Return the name of the bastion's group."""
        return Names(self.cluster, PROJECT, self.region, zone="", ipv4="").unique

    def run(self) -> bool:
        """Run every step, remove everything even after a failure, and return whether all succeeded."""
        try:
            for name, step in self._plan():
                self._step(name, step)
        except (StepFailed, KeyboardInterrupt):
            print("The run ends here. Everything is being removed; do not interrupt it.", flush=True)
        finally:
            self._remove()
        return all(step.outcome == "ok" for step in self.steps)

    def _plan(self) -> list[tuple[str, Callable[[], None]]]:
        site = "playbooks/site.yml"
        # For site.yml alone: as an extra variable it would open the cluster in every playbook that closes it.
        way_in = ("-e", f"access_ipv6={self.home}") if self.home else ()
        return [
            ("set the end of life", self.set_end),
            ("build", lambda: self.play(site, *way_in)),
            ("prove that the end of life covers every machine", self.prove_covered),
            ("second run changes nothing", lambda: self.play(site, *way_in, unchanged=True)),
            ("replace the bastion", self.replace_bastion),
            ("build after the replacement", lambda: self.play(site, *way_in)),
            ("open to a home", self.open_home),
            ("show the schedules", self.show_schedules),
            ("close to all homes", lambda: self.play("playbooks/remove_home_access.yml")),
            ("prove that no schedule of home access is left", self.prove_unscheduled),
            ("audit", lambda: self.play("playbooks/audit.yml")),
        ]

    def _remove(self) -> None:
        self.until = max(self.until, time.time()) + CLEANING_SECONDS
        for attempt in ("remove", "remove, second attempt"):
            with contextlib.suppress(StepFailed, KeyboardInterrupt):
                # Where nothing was built, it refuses: whether anything is left is for the proof to decide.
                self._step(attempt, lambda: self.play("playbooks/reset.yml", "-e", "reset_confirmation=yes"))
            with contextlib.suppress(StepFailed, KeyboardInterrupt):
                self._step("prove that nothing is left", self.prove_removed)
                # Only now: what could not be removed still ends.
                self._step("remove the end of life", self.remove_end)
                return

    def _step(self, name: str, step: Callable[[], None]) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {name} ...", flush=True)
        begun, outcome = time.monotonic(), "interrupted"
        try:
            step()
            outcome = "ok"
        except Exception as error:
            # Whatever it is, the report is written and everything is removed.
            kind = "" if isinstance(error, StepFailed) else f"{type(error).__name__}: "
            outcome = f"failed: {kind}{error}"
            raise StepFailed(str(error)) from error
        finally:
            self.steps.append(Step(name, outcome, round(time.monotonic() - begun, 1)))
            print(f"         {outcome} after {self.steps[-1].seconds:.0f} s", flush=True)

    def play(self, playbook: str, *more: str, unchanged: bool = False) -> None:
        """Run a playbook, which must succeed and, on request, must change nothing."""
        code, output = self.execute("ansible-playbook", playbook, *self.options, *more)
        changed = sum(int(count) for count, _failed in RECAP.findall(output))
        if code:
            # The log goes with the folder of the run.
            print(output[-OUTPUT_SHOWN:], file=sys.stderr, flush=True)
            raise StepFailed(f"{playbook} ended with {code}")
        if unchanged and changed:
            print(output[-OUTPUT_SHOWN:], file=sys.stderr, flush=True)
            raise StepFailed(f"{playbook} changed {changed} tasks")

    def execute(self, *command: str) -> tuple[int, str]:
        """Run a program of this virtual environment until the end of time, and keep what it printed."""
        program = str(Path(sys.executable).parent / command[0])
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=REPOSITORY,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=max(60.0, self.until - time.time()))
        except BaseException as error:
            # Ansible ends its own workers on SIGTERM.
            process.terminate()
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise StepFailed("the time is over") from error
            raise
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{output}\n")
        return process.returncode, output

    def client(self, service: str) -> Any:
        """Return a client of AWS."""
        return boto3.session.Session(region_name=self.region).client(service)

    def set_end(self) -> None:
        """Schedule the termination of all instances of this run, before one exists."""
        self.end.set(self.client)

    def prove_covered(self) -> None:
        """Fail if a machine of the cluster is without the tag by which its end finds it."""
        filters = self._filters()
        filters.append({"Name": "instance-state-name", "Values": ["pending", "running"]})
        found = self.client("ec2").describe_instances(Filters=filters)["Reservations"]
        machines = [instance for reservation in found for instance in reservation["Instances"]]
        mark = {"Key": TAG, "Value": self.end.run}
        without = [machine["InstanceId"] for machine in machines if mark not in machine["Tags"]]
        if without or not machines:
            raise StepFailed(f"without an end of life: {', '.join(without) or 'no machine runs'}")

    def remove_end(self) -> None:
        """Delete this schedule."""
        self.end.remove(self.client)

    def replace_bastion(self) -> None:
        """Terminate the bastion's instance and wait until its group has another one in service."""
        old = self._in_service()
        if not old:
            raise StepFailed("the bastion's group has no instance in service")
        self.client("ec2").terminate_instances(InstanceIds=sorted(old))
        until = time.monotonic() + REPLACEMENT_SECONDS
        while not self._in_service() - old:
            if time.monotonic() > until:
                raise StepFailed(f"the group has no other instance after {REPLACEMENT_SECONDS} s")
            time.sleep(2)

    def _in_service(self) -> set[str]:
        groups = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[self.bastion])
        found = [item for group in groups["AutoScalingGroups"] for item in group["Instances"]]
        return {item["InstanceId"] for item in found if item["LifecycleState"] == "InService"}

    def open_home(self) -> None:
        """Open the cluster to a home."""
        self.play("playbooks/add_home_access.yml", "-e", f"ipv6={self.unused_network()}", "-e", "expires=1h")

    def unused_network(self) -> str:
        """Return the last /64 of the VPC: it is valid on AWS, and no one gets access from it without a subnet there."""
        (vpc,) = self.client("ec2").describe_vpcs(Filters=self._filters())["Vpcs"]
        (block,) = vpc["Ipv6CidrBlockAssociationSet"]
        *_others, last = IPv6Network(block["Ipv6CidrBlock"]).subnets(new_prefix=64)
        return str(last)

    def _filters(self) -> list[dict[str, Any]]:
        tags = {"Cluster": self.cluster, "Project": PROJECT}
        return [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]

    def show_schedules(self) -> None:
        """Print what the clock does, the hours of the bastion and the end of home access: each has to be there."""
        actions = self.client("autoscaling").describe_scheduled_actions(AutoScalingGroupName=self.bastion)
        hours = {item["ScheduledActionName"] for item in actions["ScheduledUpdateGroupActions"]}
        ends = self._home_schedules()
        print("".join(f"         {name}\n" for name in sorted({*hours, *ends})), end="", flush=True)
        if hours != {f"{self.bastion}-start", f"{self.bastion}-stop"}:
            raise StepFailed("the bastion's group has no start and stop")
        if not ends:
            raise StepFailed("no schedule ends home access")

    def prove_unscheduled(self) -> None:
        """Fail if a schedule is left that would end home access."""
        left = self._home_schedules()
        if left:
            raise StepFailed(f"schedules are left: {', '.join(sorted(left))}")

    def _home_schedules(self) -> set[str]:
        schedules = self.client("scheduler").list_schedules()["Schedules"]
        return {item["Name"] for item in schedules if item["Name"].startswith(f"{self.cluster[:24]}-home-access-")}

    def prove_removed(self) -> None:
        """Have ec2_cluster_info read the account once more, in a playbook of its own."""
        code, output = self.execute("ansible-playbook", str(Path(__file__).parent / "left.yml"), *self.options)
        if code:
            raise StepFailed(f"something is left\n{output[-2000:]}")


def bastion_hours(stop: datetime) -> dict[str, str]:
    """Return variables by which the bastion's group stops it at the end, and later runs it one minute a day at most."""
    return {
        "cluster_bastion_time_zone": "Etc/UTC",
        "cluster_bastion_start": f"{stop - timedelta(minutes=1):%H:%M}",
        "cluster_bastion_stop": f"{stop:%H:%M}",
    }


def extra_variables(values: Mapping[str, object]) -> list[str]:
    """Return options of ansible-playbook that set variables."""
    return ["-e", json.dumps(values)]
