# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of each example on an empty account: with its own VPC, and nothing of the lab's variables but a registry.

At the end two of them are built: both have nodes that are large enough for all of CozyStack.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog import packages
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.built import lacking, read_built
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.catalog.releases import DEFAULT
from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import (
    HELM_RELEASE,
    PACKAGE,
    PACKAGE_SOURCE,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.instance_types import SIZES
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.client import connect
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.transport import Access
from lab.settings import REPOSITORY
from tests.lab.labs import VCPUS, Lab, make_bucket, vcpu_quota
from tests.playbooks.runs import Run, calls, play

# A public key in the format of SSH, whose private key does not exist.
WIRE = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))
# What a user has besides the file and what its first lines say: a public key.
OWN = {
    "cluster_bastion_ssh_public_key": f"ssh-ed25519 {base64.b64encode(WIRE).decode()} ada@example.com",
}
# All others are for a build in AWS. An inventory is read in tests/unit, and a home lab has no AWS.
OTHERS = {"inventory.ec2_nodes", "netboot"}
SITE = "playbooks/site.yml"
WITH_COZYSTACK = ("-e", "cluster_cozystack_enabled=true")
PARTIAL = ("-e", "@examples/urmanac_arm64.yml", "-e", "@lab/urmanac_arm64.yml")
# What a new account may have.
FIRST_VCPUS = 5
EXAMPLES = sorted(path for path in (REPOSITORY / "examples").glob("*.yml") if path.stem not in OTHERS)


def given(text: str) -> dict[str, str]:
    """Return the variables of the first command of site.yml in a text, but for the files."""
    commands = [line for line in text.splitlines() if "ansible-playbook" in line and "playbooks/site.yml" in line]
    assert commands, "Name the command of playbooks/site.yml in the first lines of the example."
    command = commands[0]
    words = shlex.split(command.lstrip("#$ "), comments=True)
    values = [value for option, value in pairwise(words) if option == "-e" and not value.startswith("@")]
    return dict(value.split("=", 1) for value in values)


def tagged(text: str) -> dict[str, object]:
    """Return images and packages by tag in place of those by digest, which a simulated registry cannot have."""
    example = yaml.safe_load(text)
    images = example.get("cluster_images", {})
    if not any("@sha256:" in image for image in images.values()):
        return {}
    version, operator = example["cluster_cozystack_version"], example["cluster_cozystack_operator_image"]
    return {
        "cluster_images": {role: f"{image.partition('@')[0]}:v1.13.5" for role, image in images.items()},
        "cluster_cozystack_platform_source_ref": f"tag={version}",
        "cluster_cozystack_operator_image": f"{operator.partition('@')[0]}:{version}",
    }


def kept(lab: Lab, *path: str) -> Any:
    """Return what the run has left in a file of the cluster's."""
    return json.loads((lab.directory / "cluster").joinpath(*path).read_text(encoding="utf-8"))


def uninstall(lab: Lab) -> None:
    """Delete CozyStack from the cluster: the simulated Flux installs charts but does not upgrade them."""
    api = connect(Access(str(lab.directory / "cluster" / "secrets" / "kubeconfig")))
    # Operator and Flux first: they would make the others again.
    for kind in (kinds.DEPLOYMENT, PACKAGE_SOURCE, PACKAGE, HELM_RELEASE, kinds.DAEMON_SET, kinds.POD):
        for where in [one["metadata"] for one in api.items(kind)]:
            if where.get("namespace") != "kube-system":
                api.delete(kind, where["name"], namespace=where.get("namespace", ""))


def plan(lab: Lab, example: Path, folder: Path, **variables: object) -> Run:
    """Return the plan that an example has in a lab, whose account has a quota of 64 vCPUs instead of the first 5."""
    registry = f"http://{lab.network.rpartition('.')[0]}.2:5054"
    text = example.read_text(encoding="utf-8")
    own = {**OWN, **given(text), **tagged(text)}
    values = {**own, "cluster_images_mirrors": {"ghcr.io": registry}, "cluster_directory": str(folder), **variables}
    return play(lab, "playbooks/site.yml", "--check", "--diff", variables=(f"@{example}", json.dumps(values)))


def test_there_is_an_example_of_each_kind() -> None:
    names = {path.stem for path in (REPOSITORY / "examples").glob("*.yml")}

    assert {*OTHERS, "aws", "first_seed"} <= names


def test_the_example_of_a_home_lab_needs_nothing_but_its_host(lab: Lab) -> None:
    run = play(lab, "playbooks/netboot.yml", variables=(f"@{REPOSITORY / 'examples' / 'netboot.yml'}",))

    # The variables are checked before.
    assert "Nothing was changed: the inventory has no host bastion" in " ".join(run.output.split())


def test_the_first_command_of_the_readme_is_that_of_the_example() -> None:
    readme, example = (REPOSITORY / name for name in ("README.md", "examples/aws.yml"))
    on_aws = readme.read_text(encoding="utf-8").partition("## On AWS")[2]

    assert given(on_aws) == given(example.read_text(encoding="utf-8")) == {"access_ipv6": "2001:db8:1:2::/64"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_needs_nothing_but_credentials(lab: Lab, tmp_path: Path, example: Path) -> None:
    # The first lines of the example say how to make the bucket.
    if address := yaml.safe_load(example.read_text(encoding="utf-8")).get("cluster_state"):
        make_bucket(lab.client("s3"), urlsplit(address).netloc)
    before = calls(lab)

    run = plan(lab, example, tmp_path)

    assert run.code == 0, run.output
    assert "to create, 0 to change, 0 present, 0 not described" in run.output
    assert "$ Elastic IP of the bastion: $0.005 an hour" in run.output
    # A cluster that is removed after each use has no such month.
    assert ("around the clock, $3.65 a month" in run.output) is (example.stem != "small_bill")
    assert "could not be looked up" not in run.output
    # big.yml is for a user's own build, so its registry is a placeholder.
    assert ("This host name is reserved for examples" in run.output) is (example.stem == "big")
    assert calls(lab) == before


def test_the_plan_of_a_new_account_is_printed_before_what_its_quota_lacks(lab: Lab, tmp_path: Path) -> None:
    with vcpu_quota(lab, FIRST_VCPUS):
        run = plan(lab, REPOSITORY / "examples" / "first_seed.yml", tmp_path)

    shown, _, refused = run.output.partition("Problems to fix first: 1\n")
    assert run.code != 0
    assert "to create, 0 to change, 0 present, 0 not described" in shown
    assert "$ Elastic IP of the bastion: $0.005 an hour" in shown
    assert "8 more are needed, 0 are in use, and the quota is 5." in refused
    assert f"--quota-code {VCPUS} --desired-value 8" in refused


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_that_a_new_account_cannot_build_says_which_quota_it_needs(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    nodes = len(values.get("cluster_nodes", range(3)))
    needed = nodes * SIZES[values.get("cluster_instance_type", "t4g.medium")].vcpus + SIZES["t4g.small"].vcpus

    # The others are passed after the variables of a cluster.
    expected = [str(needed)] if needed > FIRST_VCPUS and "cluster_name" in values else []
    assert re.findall(r"quota of (\d+) vCPUs, and a new account has 5", text) == expected


def test_an_example_without_a_way_to_its_images_would_be_refused(lab: Lab, tmp_path: Path) -> None:
    run = plan(lab, REPOSITORY / "examples" / "first_seed.yml", tmp_path, cluster_bastion_egress="none")

    assert run.code != 0
    assert "on IPv4-only hosts" in run.output


@pytest.fixture(scope="module")
def large(lab: Lab) -> Run:
    """Give the run of site.yml with nodes that are large enough for all of CozyStack, as README has it."""
    return play(lab, SITE, *WITH_COZYSTACK, "-e", "@examples/big.yml")


def test_all_of_cozystack_is_ready_on_the_example_of_large_nodes(lab: Lab, large: Run) -> None:
    assert large.code == 0, large.output
    result = kept(lab, "cozystack", "result.json")
    releases = result["account"]["releases"]
    assert (result["outcome"], result["profile"], result["expect"]) == ("ready", "full", "ready")
    assert releases["ready"] == releases["present"] == releases["expected"] > 80
    assert f"✅ CozyStack install: {DEFAULT} (profile full) is ready" in large.output


def test_the_published_build_ends_blocked_by_the_images_that_it_lacks(lab: Lab, large: Run) -> None:
    example = yaml.safe_load((REPOSITORY / "examples" / "urmanac_arm64.yml").read_text(encoding="utf-8"))
    version = example["cluster_cozystack_version"]
    built = read_built(example["cluster_cozystack_images_arm64"], version)
    missing = lacking(packages.installed(packages.disabled_by(packages.Choice(version=version)), version), built)
    uninstall(lab)

    # The nodes of both examples have the same size, so those of the other one remain.
    remaining = ("-e", "cluster_name=big", "-e", "cozystack_blocked_after=20", "--tags", "cozystack,report")
    run = play(lab, SITE, *WITH_COZYSTACK, *PARTIAL, *remaining)

    assert run.code == 0, run.output
    result = kept(lab, "cozystack", "result.json")
    assert result["outcome"] == "blocked"
    verdict = result["account"]["verdicts"][0]
    assert verdict["code"] == "ARCH_UNSUPPORTED_IMAGES"
    assert {name for name in built.named if name in verdict["message"]} == set(missing.images)
    waiting = result["account"]["releases"]["not_ready"]
    assert {one["name"] for one in waiting} == set(missing.releases), waiting
    heading = "❌ CozyStack install: v1.5.1 (profile full) is blocked - ARCH_UNSUPPORTED_IMAGES: 3 images are not built"
    assert heading in run.output
