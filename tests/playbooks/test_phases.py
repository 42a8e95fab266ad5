# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of site.yml as playbooks of their own: in order they build what site.yml builds."""

from __future__ import annotations

import re

import pytest

from tests.lab.labs import Lab
from tests.playbooks.runs import Run, play

ONE_NODE = ("-e", "@examples/single_node.yml", "-e", "cluster_name=lab")
PHASES = ("preflight", "network", "bastion", "nodes", "talos", "access", "cozystack", "report")


@pytest.fixture(scope="module")
def refused(lab: Lab) -> Run:
    """Give the run of a phase on an account that holds nothing of the phase before it."""
    return play(lab, "playbooks/nodes.yml", *ONE_NODE)


@pytest.fixture(scope="module")
def phases(lab: Lab, refused: Run) -> dict[str, Run]:
    """Give the run of each phase, from an account without a cluster."""
    return {name: play(lab, f"playbooks/{name}.yml", *ONE_NODE) for name in PHASES}


def test_a_phase_that_comes_too_early_is_refused_with_the_playbook_that_it_needs(refused: Run) -> None:
    assert refused.code == 2
    assert re.search(r"do not exist\. Run\s+playbooks/network\.yml first", refused.output)


def test_the_phases_in_order_build_the_cluster(phases: dict[str, Run]) -> None:
    assert {name: run.code for name, run in phases.items()} == dict.fromkeys(PHASES, 0), phases
    assert phases["network"].changed > 0
    assert phases["talos"].changed > 0


def test_site_changes_nothing_of_what_the_phases_have_built(lab: Lab, phases: dict[str, Run]) -> None:
    run = play(lab, "playbooks/site.yml", *ONE_NODE)

    assert (run.code, run.changed) == (0, 0), run.output


def test_a_tag_of_site_is_the_phase_of_that_name(lab: Lab, phases: dict[str, Run]) -> None:
    tagged = play(lab, "playbooks/site.yml", "--tags", "network", *ONE_NODE)
    alone = play(lab, "playbooks/network.yml", *ONE_NODE)

    assert tagged.code == alone.code == 0, tagged.output
    assert tasks(tagged) == tasks(alone) != []


def tasks(run: Run) -> list[str]:
    """Return the tasks that ran, in order; Ansible validates the arguments of every role, whatever the tags."""
    names = re.findall(r"^TASK \[(.*)\]", run.output, flags=re.MULTILINE)
    return [name for name in names if "Validating arguments" not in name]
