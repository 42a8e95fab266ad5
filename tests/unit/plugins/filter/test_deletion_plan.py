# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that list what the deletion of a cluster deletes."""

from __future__ import annotations

from ansible_collections.urmanac.talos.plugins.filter.deletion_plan import FilterModule

deletion_plan = FilterModule().filters()["deletion_plan"]
VPC = {"part": "network", "kind": "vpc", "name": "moon", "id": "vpc-0a"}
KEY = {"part": None, "kind": "key_pair", "name": "lab-gateway", "id": "key-0a"}


def test_what_no_playbook_deletes_is_listed_and_not_counted() -> None:
    assert deletion_plan([KEY, VPC], "moon", "eu-west-1")["lines"] == [
        "Cluster moon in eu-west-1: 1 to delete",
        "",
        "  - vpc moon vpc-0a",
        "  ? key_pair lab-gateway key-0a has its tags, but no playbook creates or deletes it",
    ]


def test_without_resources_the_other_clusters_are_named() -> None:
    others = [{"name": "mars", "project": "home"}, {"name": "sun", "project": "work"}]

    plan = deletion_plan([], "moon", "eu-west-1", others)

    named = "Clusters of this collection in this region: mars (project home), sun (project work)."
    assert plan["others"] == named
    assert plan["lines"] == ["Cluster moon in eu-west-1: 0 to delete", f"It has no resources. {named}"]


def test_a_region_without_clusters_is_said_to_be_empty() -> None:
    assert deletion_plan([], "moon", "eu-west-1")["others"] == "No cluster of this collection exists in this region."
