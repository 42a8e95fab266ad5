# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of site.yml with images of each supported version of Talos, whose nodes refuse what their version refuses.

Each version begins without nodes and without a record of them. The network and the bastion, which know nothing of
Talos, stay, so that every run but the first only checks them.
"""

from __future__ import annotations

import json

import pytest

from tests.lab.labs import Lab
from tests.playbooks.runs import NODE, calls, play
from tests.talos_corpus import documented_patch

SITE = "playbooks/site.yml"


def image(lab: Lab, version: str, arguments: str = "") -> tuple[str, ...]:
    """Put an image of this version into the registry and return the options that build one node of it."""
    lab.registry("images", repository="urmanac/versions/talos", tag=version, version=version, cmdline=arguments)
    variables = {
        "cluster_nodes": [NODE],
        "cluster_images": {"gateway": f"ghcr.io/urmanac/versions/talos:{version}"},
    }
    return ("-e", json.dumps(variables))


@pytest.mark.parametrize(
    ("version", "contract", "arguments", "patches"),
    [
        ("v1.11.5", "v1.11", "", []),
        ("v1.12.6", "v1.12", "", []),
        ("v1.13.5", "v1.13", "", []),
        ("v1.14.0", "v1.14", "console=ttyS0", [documented_patch()]),
    ],
    ids=["v1.11", "v1.12", "v1.13", "v1.14"],
)
def test_site_yml_ends_with_a_running_cluster_of_each_version_and_the_contract_that_it_takes(
    lab: Lab, version: str, contract: str, arguments: str, patches: list[str]
) -> None:
    options = (*image(lab, version, arguments), "-e", json.dumps({"talos_patches": patches}))

    run = play(lab, SITE, *options)

    assert run.code == 0, run.output
    assert f"ARM64 Talos {version} booted through boot-to-talos, 1 of 1 nodes answer" in run.output
    assert ("The EC2 console shows no output of Talos on gateway" in run.output) is (not arguments)
    record = json.loads((lab.directory / "cluster" / "talos.json").read_text(encoding="utf-8"))
    assert record == {"contract": contract}
    # As reset.yml does it.
    gone = play(lab, "playbooks/nodes.yml", *options, "-e", "nodes_state=absent")
    assert gone.code == 0, gone.output
    assert json.loads((lab.directory / "cluster" / "talos.json").read_text(encoding="utf-8")) == {}


def configurations(lab: Lab) -> dict[str, int]:
    """Return when each configuration of a node was last written, by its file."""
    files = (lab.directory / "cluster").rglob("nodes/*.yaml")
    return {str(file): file.stat().st_mtime_ns for file in files}


def test_a_contract_that_the_image_refuses_is_refused_before_anything_is_made(lab: Lab) -> None:
    before = calls(lab)

    run = play(lab, SITE, *image(lab, "v1.11.5"), "-e", "cluster_talos_contract=v1.13")

    assert run.code != 0
    assert "gateway is Talos v1.11, which refuses a configuration for v1.13" in run.output.replace("\n", " ").replace(
        "  ", " "
    )
    assert calls(lab) == before


def test_a_node_of_another_version_than_its_image_said_is_not_configured(lab: Lab) -> None:
    options = image(lab, "v1.12.6")
    wanted = {"repository": "urmanac/versions/talos", "tag": "v1.12.6", "platforms": ["linux/arm64"]}
    made = lab.registry("images", version="v1.12.6", **wanted)
    repository = "ghcr.io/urmanac/versions/talos"
    entry = {"reference": f"{repository}:v1.12.6", "resolved": f"{repository}@{made['digest']}", "version": "v1.12.5"}
    record = lab.directory / "cluster" / "images.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    content = {"images": {"gateway": {**entry, "resolved_at": "2026-01-01T00:00:00Z"}}, "nodes": {}}
    record.write_text(json.dumps(content), encoding="utf-8")
    before = configurations(lab)

    run = play(lab, SITE, *options)

    assert run.code != 0
    assert "gateway: It runs Talos v1.12.6, but its image contains v1.12.5" in " ".join(run.output.split()), run.output
    assert configurations(lab) == before
