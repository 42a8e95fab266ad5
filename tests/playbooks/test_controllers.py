# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers at once: one builds the cluster, and the others are refused with the reason.

Controllers of two projects, whose clusters have one name, do not see each other.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lab.settings import REPOSITORY
from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, SECONDS, Run, command, instances, play, surroundings, vpcs
from tests.strangers import everything_of

SITE = "playbooks/site.yml"
CLAIM = "/urmanac.talos/talos-arm64/lab/claim"
NODE = {
    "name": "gateway",
    "role": "gateway",
    "machine_type": "controlplane",
    "ipv4": "{{ cluster_subnet_ipv4_cidr | ansible.utils.nthhost(101) }}",
}
# The machines of the lab share the loopback of one computer, so a second cluster needs a subnet of its own.
SPARE = (
    *("-e", "cluster_project=spare"),
    *("-e", '{cluster_subnet_ipv4_cidr: "{{ cluster_vpc_ipv4_cidr | ansible.utils.ipsubnet(24, 1) }}"}'),
)
# What makes something in AWS.
BUILD = "preflight,network,bastion,nodes"
REFUSED = re.compile(r"(belongs to another controller, [^,]+|another run \(site\.yml, process \d+ on [^,]+), since 20")
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


def race(lab: Lab, phases: str, *directories: Path) -> tuple[Controller, list[Run]]:
    """Run these phases of one controller per directory at once; return the winner and the refused runs."""
    controllers = [begin(lab, directory, "--tags", phases) for directory in directories]
    runs = {controller: controller.end() for controller in controllers}
    outputs = "\n\n".join(run.output for run in runs.values())
    winners = [controller for controller, run in runs.items() if run.code == 0]
    assert len(winners) == 1, outputs
    return winners[0], [run for controller, run in runs.items() if controller is not winners[0]]


def assert_refused(run: Run) -> None:
    """Check that a run was refused with who works on the cluster, and since when, before it changed anything."""
    assert REFUSED.search(run.output), run.output
    assert re.search(r"TASK \[urmanac\.talos\.(network|nodes) : (?!Validating)", run.output) is None


def assert_one_wins(lab: Lab, phases: str, one: Path, two: Path) -> Controller:
    """Run two controllers with one directory and a third one with another; return the winner."""
    winner, refused = race(lab, phases, one, one, two)
    for run in refused:
        assert_refused(run)
    # By the run with the same directory if that one lives, otherwise by the claim.
    assert any("another run (site.yml, process" in run.output for run in refused)
    assert len(vpcs(lab, Project="talos-arm64")) == 1
    assert len(instances(lab, Project="talos-arm64", Node="gateway")) == 1
    return winner


def test_of_three_controllers_one_builds_the_cluster_and_the_others_are_refused(lab: Lab, tmp_path: Path) -> None:
    assert_one_wins(lab, BUILD, tmp_path / "one", tmp_path / "two")


@pytest.fixture(scope="module")
def ours(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """Give the one of three controllers that got a node in maintenance mode."""
    lab.client("ssm").delete_parameter(Name=CLAIM)
    (machine,) = instances(lab, Node="gateway")
    lab.client("ec2").terminate_instances(InstanceIds=[machine["InstanceId"]])
    directory = tmp_path_factory.mktemp("again")
    return assert_one_wins(lab, "nodes,talos", directory / "one", directory / "two")


def described(lab: Lab, project: str) -> dict[str, Any]:
    """Return how AWS describes everything of a project's cluster."""
    return everything_of(lab.client, project, "lab", "node", "bastion")


def test_clusters_of_one_name_in_two_projects_do_not_change_each_other(
    lab: Lab, ours: Controller, tmp_path: Path
) -> None:
    before = described(lab, "talos-arm64")

    theirs = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={tmp_path}", *SPARE, "--tags", BUILD)
    built = described(lab, "talos-arm64"), described(lab, "spare")
    again = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={ours.directory}", "--tags", "network,nodes,talos")

    assert (theirs.code, again.code) == (0, 0), theirs.output + again.output
    assert again.changed == 0
    assert all(before.values())
    assert all(built[1].values())
    assert built == (before, described(lab, "spare"))
    assert described(lab, "talos-arm64") == before


def test_a_reset_by_another_controller_needs_to_be_forced_and_leaves_the_other_project(
    lab: Lab, ours: Controller, tmp_path: Path
) -> None:
    spare = described(lab, "spare")
    directory = ("-e", f"cluster_directory={tmp_path}")

    refused = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED)

    assert refused.code != 0
    assert "belongs to another controller" in refused.output
    assert len(instances(lab, Project="talos-arm64", Node="gateway")) == 1
    forced = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED, "-e", "reset_claim=force")
    assert forced.code == 0, forced.output
    assert instances(lab, Project="talos-arm64") == []
    assert vpcs(lab, Project="talos-arm64") == []
    assert described(lab, "spare") == spare
    assert lab.client("ssm").describe_parameters(Filters=[{"Key": "Name", "Values": [CLAIM]}])["Parameters"] == []
