# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers that build the same cluster at the same time: one wins, the other is refused with the reason."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from lab.settings import REPOSITORY
from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, SECONDS, Run, command, instances, play, surroundings, vpcs

SITE = "playbooks/site.yml"
CLAIM = "/urmanac.talos/talos-arm64/lab/claim"
NODE = {
    "name": "gateway",
    "role": "gateway",
    "machine_type": "controlplane",
    "ipv4": "{{ cluster_subnet_ipv4_cidr | ansible.utils.nthhost(101) }}",
}
ONE_NODE = ("-e", json.dumps({"cluster_nodes": [NODE]}))


class Controller(NamedTuple):
    """A controller with a directory of its own, and its run."""

    directory: Path
    process: subprocess.Popen[str]

    def end(self) -> Run:
        """Wait for the end of its run."""
        output, _ = self.process.communicate(timeout=SECONDS)
        return Run(self.process.returncode, output)


def begin(lab: Lab, directory: Path, *options: str) -> Controller:
    """Begin a run of site.yml from a controller that keeps its files in this directory."""
    process = subprocess.Popen(
        command(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={directory}", *options),
        cwd=REPOSITORY,
        env=surroundings(lab),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Controller(directory, process)


def race(lab: Lab, *directories: Path, phases: str) -> tuple[Controller, Run, Run]:
    """Run these phases of one controller per directory at once; return the winner, its run and the refused run."""
    controllers = [begin(lab, directory, "--tags", phases) for directory in directories]
    runs = {controller: controller.end() for controller in controllers}
    outputs = "\n\n".join(run.output for run in runs.values())
    winners = [controller for controller, run in runs.items() if run.code == 0]
    assert len(winners) == 1, outputs
    (loser,) = set(runs) - set(winners)
    return winners[0], runs[winners[0]], runs[loser]


def assert_refused(run: Run) -> None:
    assert "belongs to another controller" in run.output
    assert ", since 20" in run.output
    assert re.search(r"TASK \[urmanac\.talos\.(network|nodes) : (?!Validating)", run.output) is None


def test_of_two_controllers_one_builds_the_cluster_and_the_other_is_refused(lab: Lab, tmp_path: Path) -> None:
    _winner, _won, refused = race(lab, tmp_path / "one", tmp_path / "two", phases="preflight,network,bastion,nodes")

    assert_refused(refused)
    assert len(vpcs(lab, Cluster="lab")) == 1
    assert len(instances(lab, Cluster="lab", Node="gateway")) == 1


def test_of_two_controllers_before_a_node_in_maintenance_one_gets_it(lab: Lab, tmp_path: Path) -> None:
    lab.client("ssm").delete_parameter(Name=CLAIM)
    (machine,) = instances(lab, Cluster="lab", Node="gateway")
    lab.client("ec2").terminate_instances(InstanceIds=[machine["InstanceId"]])

    winner, _won, refused = race(lab, tmp_path / "one", tmp_path / "two", phases="nodes,talos")

    assert_refused(refused)
    again = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={winner.directory}", "--tags", "nodes,talos")
    assert again.code == 0, again.output
    assert again.changed == 0


def test_a_second_run_from_the_same_directory_is_refused_while_the_first_one_works(lab: Lab, tmp_path: Path) -> None:
    refused_anyway = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={tmp_path / 'elsewhere'}")
    assert_refused(refused_anyway)
    first = begin(lab, tmp_path)
    until = time.monotonic() + SECONDS
    while not (tmp_path / ".run.json").exists():
        assert time.monotonic() < until
        time.sleep(0.05)

    second = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={tmp_path}")

    first.end()
    assert second.code != 0
    assert "another run (site.yml, process" in second.output
    assert second.changed == 0


def test_a_reset_by_another_controller_needs_to_be_forced(lab: Lab, tmp_path: Path) -> None:
    directory = ("-e", f"cluster_directory={tmp_path}")

    refused = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED)

    assert refused.code != 0
    assert "belongs to another controller" in refused.output
    assert len(instances(lab, Cluster="lab", Node="gateway")) == 1
    forced = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED, "-e", "reset_claim=force")
    assert forced.code == 0, forced.output
    assert instances(lab, Cluster="lab") == []
    assert lab.client("ssm").describe_parameters(Filters=[{"Key": "Name", "Values": [CLAIM]}])["Parameters"] == []
