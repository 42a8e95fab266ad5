# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For which release of Talos configurations are written."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.talos_contract import talos_contract
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.contract import (
    decide,
    running_versions,
    unexpected,
)


@pytest.mark.parametrize(
    ("version", "contract"),
    [
        ("v1.10.9", "v1.10"),
        ("v1.11.5", "v1.11"),
        ("v1.12.1", "v1.12"),
        ("v1.13.9", "v1.13"),
        ("v1.14.0-rc.1", "v1.14"),
        ("v1.20.0", "v1.14"),
    ],
)
def test_the_contract_follows_from_the_version_up_to_the_newest_known(version: str, contract: str) -> None:
    decided = decide({"gateway": version, "compute": version})

    assert (decided.contract, decided.problems) == (contract, ())


def test_what_is_on_record_does_not_rise_by_itself() -> None:
    assert decide({"gateway": "v1.13.5"}, recorded="v1.11").contract == "v1.11"


def test_what_the_user_sets_goes_before_the_record() -> None:
    assert decide({"gateway": "v1.13.5"}, recorded="v1.11", wanted="v1.12").contract == "v1.12"


@pytest.mark.parametrize("given", [{"wanted": "v1.13"}, {"recorded": "v1.13"}], ids=["set", "on record"])
def test_a_contract_newer_than_talos_is_refused_with_the_one_to_use(given: dict[str, str]) -> None:
    (problem,) = decide({"gateway": "v1.11.5"}, **given).problems

    assert problem.code == "CONTRACT_NEWER_THAN_TALOS"
    assert "gateway is Talos v1.11, which refuses a configuration for v1.13" in problem.message
    assert "images of" in problem.remedy
    assert "v1.13 or later" in problem.remedy


def test_a_contract_that_is_set_too_new_can_be_set_to_an_older_one() -> None:
    (problem,) = decide({"gateway": "v1.11.5"}, wanted="v1.13").problems

    assert "Set cluster_talos_contract to v1.11" in problem.remedy


def test_a_contract_on_record_decides_while_the_variable_is_empty() -> None:
    (problem,) = decide({"gateway": "v1.11.5"}, recorded="v1.13").problems

    assert "the record decides" in problem.remedy
    assert "Leave cluster_talos_contract empty" not in problem.remedy


def test_images_of_two_minor_versions_are_refused() -> None:
    (problem,) = decide({"gateway": "v1.13.5", "compute": "v1.12.1"}).problems

    assert (problem.code, "compute v1.12, gateway v1.13" in problem.message) == ("TALOS_VERSIONS_DIFFER", True)


def test_two_patches_of_one_minor_version_are_not_a_problem() -> None:
    assert decide({"gateway": "v1.13.5", "compute": "v1.13.6"}).problems == ()


def test_a_talos_that_is_too_old_is_refused() -> None:
    assert [problem.code for problem in decide({"gateway": "v1.9.5"}).problems] == ["TALOS_TOO_OLD"]


def test_a_contract_that_does_not_exist_is_refused() -> None:
    assert [problem.code for problem in decide({}, wanted="v2").problems] == ["UNKNOWN_CONTRACT"]


@pytest.mark.parametrize("versions", [{}, {"gateway": "latest"}], ids=["none", "no version"])
def test_without_a_known_version_the_contract_is_one_that_every_newer_release_takes(versions: dict[str, str]) -> None:
    decided = decide(versions)

    assert (decided.contract, decided.reason) == ("v1.13", "the default, because no version is known")


def test_a_node_of_another_version_than_its_image_is_named() -> None:
    seen = {"gateway": "v1.13.5", "compute-2": "v1.11.5", "compute-3": ""}
    nodes = [{"name": name, "role": "gateway" if name == "gateway" else "compute"} for name in seen]

    found = unexpected(seen, nodes, {"gateway": "v1.13.5", "compute": "v1.13.5"})

    assert [(one.code, one.subject) for one in found] == [("NODE_VERSION_UNEXPECTED", "compute-2")]
    assert found[0].message == "It runs Talos v1.11.5, but its image contains v1.13.5."
    assert unexpected(seen, nodes, {}) == []


def test_the_suffix_of_a_build_is_no_other_version() -> None:
    nodes = [{"name": "gateway", "role": "gateway"}]

    assert unexpected({"gateway": "v1.13.5-rpi5"}, nodes, {"gateway": "v1.13.5"}) == []
    assert unexpected({"gateway": "v1.13.5"}, nodes, {"gateway": "v1.13.5-rc.1"})


def test_patches_are_merged_as_the_oldest_of_the_nodes_merges_them() -> None:
    decided = decide({"gateway": "v1.14.0", "compute": "v1.14.1"}, recorded="v1.12")

    assert (decided.contract, decided.oldest) == ("v1.12", "v1.14")
    assert decide({}).oldest == ""


NODES = [
    {"name": name, "role": name, "ipv4": f"192.0.2.{number}"} for number, name in enumerate(["gateway", "compute"])
]


def test_a_node_that_reports_no_version_is_not_known() -> None:
    answers: list[dict[str, Any]] = [
        {"node": "192.0.2.0", "version": "v1.12.1"},
        {"node": "192.0.2.1", "version": None},
    ]

    assert running_versions(NODES, answers) == {"gateway": "v1.12.1"}


def test_what_nodes_run_goes_before_what_their_images_hold() -> None:
    images = {"gateway": {"version": "v1.13.5"}, "compute": {"reference": "registry.example.com/talos:latest"}}

    from_images = talos_contract(images, nodes=NODES)
    from_nodes = talos_contract(images, nodes=NODES, answers=[{"node": "192.0.2.0", "version": "v1.12.1"}])

    assert (from_images["contract"], from_images["unexpected"]) == ("v1.13", [])
    assert from_nodes["contract"] == "v1.12"
    assert [(one["code"], one["subject"]) for one in from_nodes["unexpected"]] == [
        ("NODE_VERSION_UNEXPECTED", "gateway")
    ]


def test_what_is_wrong_with_the_contract_is_plain_data() -> None:
    (problem,) = talos_contract({"gateway": {"version": "v1.11.5"}}, wanted="v1.13")["problems"]

    assert problem["code"] == "CONTRACT_NEWER_THAN_TALOS"
