# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack as site.yml installs it: blocked where it was foretold, by the same causes, and ready where it fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lab.labs import Lab
from tests.playbooks.runs import Run, play

SITE = "playbooks/site.yml"
ENABLED = ("-e", "cluster_cozystack_enabled=true")
OWN = {
    "cluster_cozystack_enabled": True,
    "cluster_cozystack_profile": "slim",
    "cluster_cozystack_expect": "ready",
    "cluster_cozystack_images_arm64": True,
    "cluster_cozystack_operator_image": "registry.example.com/cozystack/cozystack-operator:v1.6.2-arm64",
    "cluster_cozystack_platform_source_url": "oci://registry.example.com/cozystack/cozystack-packages",
    "cluster_cozystack_platform_source_ref": "tag=v1.6.2-arm64",
}


@pytest.fixture(scope="module")
def built(lab: Lab) -> Run:
    """Give the run with the defaults: three t4g.medium, the released images, all of the platform."""
    return play(lab, SITE, *ENABLED)


def kept(lab: Lab, *path: str) -> Any:
    """Return what the run has left in a file of the cluster's."""
    return json.loads(lab.directory.joinpath("cluster", *path).read_text())


def test_small_machines_end_blocked_by_what_was_foretold(lab: Lab, built: Run) -> None:
    assert built.code == 0, built.output
    result = kept(lab, "cozystack", "result.json")
    foretold = {line.split()[1].rstrip(":") for line in built.output.splitlines() if line[:2] in ("! ", "? ")}
    assert (result["outcome"], result["account"]["phase"]) == ("blocked", "operator")
    assert {"ARCH_UNSUPPORTED_IMAGES", "INSUFFICIENT_MEMORY", "KVM_MISSING"} <= foretold
    assert set(result["account"]["codes"]) == foretold
    assert result["account"]["verdicts"][0]["code"] == "ARCH_UNSUPPORTED_IMAGES"
    assert result["smoke_tests"]["virtual_machine"]["code"] == "KVM_MISSING"
    [kvm] = [one for one in result["account"]["outlook"] if one["code"] == "KVM_MISSING"]
    assert kvm["evidence"]["instance_types"] == ["t4g.medium"]
    assert kept(lab, "report", "report.json")["cozystack"]["outcome"] == "blocked"


def test_a_second_run_changes_nothing(lab: Lab, built: Run) -> None:
    run = play(lab, SITE, *ENABLED)

    assert run.code == 0, run.output
    assert run.changed == 0


def test_an_own_build_of_a_smaller_profile_ends_ready(lab: Lab, built: Run) -> None:
    run = play(lab, SITE, "-e", json.dumps(OWN))

    assert run.code == 0, run.output
    result, looks = kept(lab, "cozystack", "result.json"), kept(lab, "cozystack", "releases.json")["looks"]
    releases = result["account"]["releases"]
    assert (result["outcome"], releases["ready"]) == ("ready", releases["expected"])
    assert [look["ready"] for look in looks] == sorted(look["ready"] for look in looks)
    assert looks[-1]["ready"] == releases["expected"]
    assert result["smoke_tests"]["spin"]["outcome"] == "passed"
