# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers at once: one builds the cluster, and the others are refused with the reason.

Controllers of two projects, whose clusters have one name, do not see each other.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.secrets import ensure_pending_bundle
from lab.settings import REGION, REPOSITORY
from tests.lab.labs import Lab
from tests.playbooks.runs import (
    CONFIRMED,
    ONE_NODE,
    RUN_LOCK,
    SECONDS,
    Run,
    calls,
    command,
    instances,
    play,
    play_and_kill,
    surroundings,
    vpcs,
)
from tests.strangers import everything_of

SITE = "playbooks/site.yml"
CLAIM = "/urmanac.talos/talos-arm64/lab/claim"
# The machines of the lab share the loopback of one computer, so a second cluster needs a subnet of its own.
SPARE = (
    *("-e", "cluster_project=spare"),
    *("-e", '{cluster_subnet_ipv4_cidr: "{{ cluster_vpc_ipv4_cidr | ansible.utils.ipsubnet(24, 1) }}"}'),
)
# What makes something in AWS.
BUILD = "preflight,network,bastion,nodes"
REFUSED = re.compile(r"(belongs to another controller, [^,]+|another run \(site\.yml, process \d+ [^,]+), since 20")


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


def race(lab: Lab, phases: str, *directories: Path, options: tuple[str, ...] = ()) -> tuple[Controller, list[Run]]:
    """Run these phases of one controller per directory at once; return the winner and the refused runs."""
    controllers = [begin(lab, directory, "--tags", phases, *options) for directory in directories]
    runs = {controller: controller.end() for controller in controllers}
    outputs = "\n\n".join(run.output for run in runs.values())
    winners = [controller for controller, run in runs.items() if run.code == 0]
    assert len(winners) == 1, outputs
    return winners[0], [run for controller, run in runs.items() if controller is not winners[0]]


def assert_refused(run: Run) -> None:
    """Check that a run was refused with who works on the cluster, and since when, before it changed anything."""
    assert REFUSED.search(run.output), run.output
    assert re.search(r"TASK \[urmanac\.talos\.(network|nodes) : (?!Validating)", run.output) is None


def assert_one_wins(
    lab: Lab, phases: str, *directories: Path, options: tuple[str, ...] = (), project: str
) -> Controller:
    """Run a controller for each directory at once and return the winner, which made everything once."""
    winner, refused = race(lab, phases, *directories, options=options)
    for run in refused:
        assert_refused(run)
    # By the run with the same directory, or with the same secrets, if that one lives, otherwise by the claim.
    assert any("another run (site.yml, process" in run.output for run in refused)
    assert len(vpcs(lab, Project=project)) == 1
    assert len(instances(lab, Project=project, Node="gateway")) == 1
    assert working(lab, project) == []
    return winner


def working(lab: Lab, project: str) -> list[str]:
    """Return the parameter in SSM that says that a run works on the cluster, if there is one."""
    wanted = {"Key": "Name", "Values": [f"/urmanac.talos/{project}/lab/run"]}
    return [item["Name"] for item in lab.client("ssm").describe_parameters(Filters=[wanted])["Parameters"]]


def with_secrets(directory: Path, source: Path | None = None) -> Path:
    """Return a controller's directory with secrets of its own, or with a copy of another one's."""
    if source:
        shutil.copytree(source / "secrets", directory / "secrets")
    else:
        ensure_pending_bundle(directory / "secrets" / "secrets.yaml")
    return directory


HERE, OWN_PROCESS = "{{ ansible_playbook_python }}", str(Path(sys.executable).with_name("python3"))


@pytest.mark.parametrize(
    ("interpreter", "then"),
    [
        pytest.param(OWN_PROCESS, {"ansible.builtin.meta": "noop"}, id="success"),
        pytest.param(HERE, {"ansible.builtin.fail": {}}, id="a failed task"),
        pytest.param(HERE, {"ansible.builtin.ping": {}, "delegate_to": "nowhere"}, id="a host that cannot be reached"),
    ],
)
def test_a_run_leaves_no_lock_however_it_ends(lab: Lab, tmp_path: Path, interpreter: str, then: dict[str, Any]) -> None:
    before = calls(lab)

    run = play(lab, *locking(tmp_path, then, interpreter))

    assert (run.code == 0) is ("ansible.builtin.meta" in then), run.output
    assert "WARNING" not in run.output
    assert (calls(lab) - before, working(lab, "ends")) == (RUN_LOCK, [])


@pytest.mark.parametrize("directory", ["one", "two"])
def test_the_lock_of_a_killed_run_stops_neither_its_own_controller_nor_another_directory(
    lab: Lab, tmp_path: Path, directory: str
) -> None:
    play_and_kill(lab, *locking(tmp_path / "one", {"ansible.builtin.wait_for": {"timeout": 60}}), after=1)
    left = working(lab, "ends")

    run = play(lab, *locking(tmp_path / directory, {"ansible.builtin.meta": "noop"}))

    assert left != []
    assert run.code == 0, run.output
    assert working(lab, "ends") == []


def locking(directory: Path, then: dict[str, Any], interpreter: str = HERE) -> tuple[str, ...]:
    """Return a playbook, and its options, that takes the lock for a run in a directory, and then does something."""
    lock = {"name": "lab", "project": "ends", "region": REGION, "directory": str(directory)}
    tasks = [{"urmanac.talos.ec2_run_lock": lock}, {"urmanac.talos.ec2_run_lock": {**lock, "state": "renewed"}}, then]
    hosts = f'localhost ansible_connection=local ansible_python_interpreter="{interpreter}"\n'
    hosts += "nowhere ansible_host=127.0.0.1 ansible_port=1\n"
    directory.mkdir(exist_ok=True)
    (directory / "hosts").write_text(hosts, encoding="utf-8")
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (directory / "play.yml").write_text(yaml.safe_dump(book), encoding="utf-8")
    return str(directory / "play.yml"), "-i", str(directory / "hosts")


@pytest.fixture(scope="module")
def first(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """Give the one of three controllers that built a cluster in an empty account."""
    directory = tmp_path_factory.mktemp("first")
    one, two = directory / "one", directory / "two"
    return assert_one_wins(lab, BUILD, one, one, two, project="talos-arm64")


def test_one_of_three_controllers_builds_the_cluster_and_the_others_are_refused(first: Controller) -> None:
    assert (first.directory / "secrets" / "secrets.pending.yaml").exists()


@pytest.fixture(scope="module")
def ours(lab: Lab, first: Controller, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """Give the one of three controllers with the same secrets that got a node in maintenance mode."""
    (machine,) = instances(lab, Project="talos-arm64", Node="gateway")
    lab.client("ec2").terminate_instances(InstanceIds=[machine["InstanceId"]])
    directory = tmp_path_factory.mktemp("again")
    one, two = (with_secrets(directory / name, first.directory) for name in ("one", "two"))
    return assert_one_wins(lab, "nodes,talos", one, one, two, project="talos-arm64")


@pytest.fixture(scope="module")
def spare(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """Give the one of two controllers with the same secrets that built a second cluster from nothing."""
    directory = tmp_path_factory.mktemp("spare")
    one = with_secrets(directory / "one")
    two = with_secrets(directory / "two", one)
    return assert_one_wins(lab, BUILD, one, two, options=SPARE, project="spare")


def test_one_of_two_directories_with_the_same_secrets_builds_the_cluster(spare: Controller) -> None:
    assert (spare.directory / "secrets" / "secrets.pending.yaml").exists()


def described(lab: Lab, project: str) -> dict[str, Any]:
    """Return how AWS describes everything of a project's cluster."""
    return everything_of(lab.client, project, "lab", "node", "bastion")


def test_clusters_of_one_name_in_two_projects_do_not_change_each_other(
    lab: Lab, ours: Controller, spare: Controller
) -> None:
    before = described(lab, "talos-arm64"), described(lab, "spare")

    theirs = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={spare.directory}", *SPARE, "--tags", BUILD)
    again = play(lab, SITE, *ONE_NODE, "-e", f"cluster_directory={ours.directory}", "--tags", "network,nodes,talos")

    assert (theirs.code, again.code) == (0, 0), theirs.output + again.output
    assert (theirs.changed, again.changed) == (0, 0)
    assert all(all(found.values()) for found in before)
    assert (described(lab, "talos-arm64"), described(lab, "spare")) == before


def test_without_its_claim_a_cluster_is_refused_to_all_controllers_and_claimed_again_by_its_own_on_request(
    lab: Lab, ours: Controller, tmp_path: Path
) -> None:
    lab.client("ssm").delete_parameter(Name=CLAIM)
    others = ("-e", f"cluster_directory={tmp_path}")
    before = described(lab, "talos-arm64")

    refused = [
        play(lab, SITE, *ONE_NODE, *others, "--tags", "network"),
        play(lab, SITE, *ONE_NODE, *others, "--tags", "network"),
        play(lab, "playbooks/reset.yml", *ONE_NODE, *others, "-e", CONFIRMED),
        play(lab, "playbooks/upgrade.yml", *ONE_NODE, *others),
        play(lab, "playbooks/converge_bastion.yml", *ONE_NODE, *others),
        play(lab, "playbooks/add_home_access.yml", *ONE_NODE, *others, "-e", "ipv6=2001:db8:1:2::/64"),
    ]
    mine = (SITE, *ONE_NODE, "-e", f"cluster_directory={ours.directory}", "--tags", "network")
    refused.append(play(lab, *mine))
    (vpc,) = vpcs(lab, Project="talos-arm64")
    owner = play(lab, *mine, "-e", f"cluster_claim_existing={vpc['VpcId']}")

    for run in refused:
        assert run.code != 0
        assert re.search(r"already exists \(instance i-\w+ since 20", run.output), run.output
    assert list(tmp_path.rglob("secrets*.yaml")) == []
    assert described(lab, "talos-arm64") == before
    assert owner.code == 0, owner.output
    assert lab.client("ssm").get_parameter(Name=CLAIM)["Parameter"]["Version"] == 1


def test_a_reset_by_another_controller_needs_to_be_forced_and_leaves_the_other_project(
    lab: Lab, ours: Controller, spare: Controller, tmp_path: Path
) -> None:
    theirs = described(lab, "spare")
    directory = ("-e", f"cluster_directory={tmp_path}")

    refused = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED)

    assert refused.code != 0
    assert "belongs to another controller" in refused.output
    assert len(instances(lab, Project="talos-arm64", Node="gateway")) == 1
    unnamed = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED, "-e", "reset_claim=force")
    assert unnamed.code != 0
    assert "belongs to another controller" in unnamed.output
    assert len(instances(lab, Project="talos-arm64", Node="gateway")) == 1
    (named,) = set(re.findall(r"reset_claim=([0-9a-f]{64})", re.sub(r"\s+", " ", refused.output)))
    forced = play(lab, "playbooks/reset.yml", *ONE_NODE, *directory, "-e", CONFIRMED, "-e", f"reset_claim={named}")
    assert forced.code == 0, forced.output
    assert instances(lab, Project="talos-arm64") == []
    assert vpcs(lab, Project="talos-arm64") == []
    assert described(lab, "spare") == theirs
    assert working(lab, "talos-arm64") == []
    assert lab.client("ssm").describe_parameters(Filters=[{"Key": "Name", "Values": [CLAIM]}])["Parameters"] == []
