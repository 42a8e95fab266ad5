# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines are made of the images that are on record, whatever their tags have become, until somebody upgrades them."""

from __future__ import annotations

import json
from typing import Any

from lab.registry.images import AMD64_ONLY
from tests.lab.labs import Lab
from tests.lab.test_registry import order
from tests.playbooks.runs import instances, play

ONE_NODE = ("-e", "@examples/single_node.yml", "-e", "cluster_name=lab")
REPOSITORY_OF_GATEWAY = "urmanac/talos-cozystack-spin-tailscale/talos"


def record(lab: Lab) -> dict[str, Any]:
    """Return what is kept of the images."""
    kept: dict[str, Any] = json.loads((lab.directory / "cluster" / "images.json").read_text(encoding="utf-8"))
    return kept


def test_images_that_cannot_be_used_are_refused_together_before_anything_is_made(lab: Lab) -> None:
    images = {"gateway": f"ghcr.io/{AMD64_ONLY}", "compute": "ghcr.io/urmanac/nowhere/talos:v1"}

    run = play(lab, "playbooks/site.yml", "-e", json.dumps({"cluster_images": images}))

    assert run.code != 0
    assert "Nothing was created or changed. 2 to mend first" in run.output
    assert "there is nothing for linux/arm64 in it, it is for linux/amd64" in run.output
    assert "has no v1 in urmanac/nowhere/talos" in run.output
    assert not (lab.directory / "cluster" / "images.json").exists()
    assert instances(lab) == []


def test_a_tag_that_moves_changes_nothing_until_an_upgrade_asks_for_it(lab: Lab) -> None:
    first = play(lab, "playbooks/site.yml", *ONE_NODE)
    built = record(lab)
    order(lab, "images", repository=REPOSITORY_OF_GATEWAY, tag="latest", build="2")

    second = play(lab, "playbooks/site.yml", *ONE_NODE)
    kept = record(lab)
    upgrade = play(lab, "playbooks/upgrade.yml", *ONE_NODE, "-e", "cluster_images_refresh=true")
    again = play(lab, "playbooks/upgrade.yml", *ONE_NODE, "-e", "cluster_images_refresh=true")

    runs = (first, second, upgrade, again)
    assert [run.code for run in runs] == [0] * 4, "\n".join(run.output for run in runs if run.code)
    digest = built["images"]["gateway"]["resolved"]
    assert built["nodes"] == {"gateway": digest}
    assert f"installing {digest}" in console(lab)
    assert (second.changed, kept) == (0, built)
    assert record(lab)["nodes"] == {"gateway": record(lab)["images"]["gateway"]["resolved"]} != built["nodes"]
    assert (upgrade.changed > 0, again.changed) == (True, 0)


def console(lab: Lab) -> str:
    """Return what the machine said while it turned itself into Talos."""
    (machine,) = instances(lab, Cluster="lab")
    output: str = lab.client("ec2").get_console_output(InstanceId=machine["InstanceId"])["Output"]
    return output
