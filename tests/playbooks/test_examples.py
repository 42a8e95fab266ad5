# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of each example on an empty account: with its own VPC, and nothing of the lab's variables but a registry."""

from __future__ import annotations

import base64
import json
import shlex
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from lab.settings import REPOSITORY
from tests.lab.labs import Lab, make_bucket
from tests.playbooks.runs import Run, calls, play

# A public key in the format of SSH, whose private key does not exist.
WIRE = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))
# What a user has besides the file and what its first lines say: a public key.
OWN = {
    "cluster_bastion_ssh_public_key": f"ssh-ed25519 {base64.b64encode(WIRE).decode()} ada@example.com",
}
# All others are for a build in AWS. An inventory is read in tests/unit, and a home lab has no AWS.
OTHERS = {"inventory.ec2_nodes", "netboot"}
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
    """Return images by tag in place of those by digest, which a simulated registry cannot have."""
    images = yaml.safe_load(text).get("cluster_images", {})
    if not any("@sha256:" in image for image in images.values()):
        return {}
    return {"cluster_images": {role: f"{image.partition('@')[0]}:v1.13.5" for role, image in images.items()}}


def plan(lab: Lab, example: Path, folder: Path, **variables: object) -> Run:
    """Return the plan that an example has in a lab that answers as AWS does."""
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


def test_an_example_without_a_way_to_its_images_would_be_refused(lab: Lab, tmp_path: Path) -> None:
    run = plan(lab, REPOSITORY / "examples" / "first_seed.yml", tmp_path, cluster_bastion_egress="none")

    assert run.code != 0
    assert "on IPv4-only hosts" in run.output
