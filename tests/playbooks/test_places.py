# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks work from where users call them, and the layout of the first seed builds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key
from lab.settings import REPOSITORY
from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, instances, play

PLAN = ("--check", "--diff")
GALAXY = (sys.executable, "-m", "ansible", "galaxy", "collection")
# By force, because the user may have installed the collection for good.
OPTIONS = ("--force", "--no-deps", "--offline")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder into which the collection was installed from its tarball."""
    folder = tmp_path_factory.mktemp("installed")
    galaxy(folder, "build", str(REPOSITORY), "--output-path", str(folder))
    (tarball,) = folder.glob("*.tar.gz")
    galaxy(folder, "install", str(tarball), *OPTIONS, "--collections-path", str(folder))
    return folder


def galaxy(folder: Path, *arguments: str) -> None:
    """Run ansible-galaxy collection outside of the checkout, whose ansible.cfg finds it installed already."""
    subprocess.run([*GALAXY, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        pytest.param("site", 0, "Plan: 24 to create", id="site"),
        pytest.param("reset", 2, "Nothing was deleted: eu-west-1 has no resources of a cluster lab", id="reset"),
    ],
)
def test_an_installed_collection_has_its_playbooks(
    lab: Lab, installed: Path, name: str, code: int, expected: str
) -> None:
    path = (f"ANSIBLE_COLLECTIONS_PATH={installed}",)

    run = play(lab, f"urmanac.talos.{name}", *PLAN, folder=installed, environment=path)

    assert run.code == code, run.output
    assert expected in " ".join(run.output.split())


def test_the_layout_of_the_first_seed_builds(lab: Lab) -> None:
    # Its addresses are not on loopback, so the lab's machines cannot start; the boot method ssh does not wait for them.
    key = json.dumps({"cluster_bastion_ssh_public_key": make_host_key("ada@example.com").public})
    first_seed = ("-e", "@examples/first_seed.yml", "-e", "cluster_boot_method=ssh", "-e", key)

    run = play(lab, "playbooks/site.yml", *first_seed)

    assert run.code == 0, run.output
    assert "24 of 24 resources as described" in run.output
    built = instances(lab, Cluster="first-seed")
    assert sorted(item["PrivateIpAddress"] for item in built) == [f"10.20.13.{number}" for number in range(140, 144)]
    assert play(lab, "playbooks/reset.yml", *first_seed, "-e", CONFIRMED).code == 0
