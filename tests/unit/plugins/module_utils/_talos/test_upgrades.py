# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which nodes are upgraded, to what and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.filter.outdated_nodes import FilterModule as OutdatedNodes
from ansible_collections.urmanac.talos.plugins.filter.upgrade_plan import FilterModule
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding_of, one_line

outdated_nodes = OutdatedNodes().filters()["outdated_nodes"]
upgrade_plan = FilterModule().filters()["upgrade_plan"]
TAGGED, LATEST = "registry.example.com/talos:v1.13.7", "registry.example.com/talos:latest"
PINNED, MOVED = "registry.example.com/talos@sha256:" + "a" * 64, "registry.example.com/talos@sha256:" + "b" * 64
OTHER = "registry.example.com/spin/talos@sha256:" + "a" * 64


def node(name: str, machine_type: str = "controlplane") -> dict[str, Any]:
    return {"name": name, "role": "compute", "machine_type": machine_type, "ipv4": f"192.0.2.{len(name)}"}


NODES = [node("gateway"), node("compute-2"), node("worker", "worker")]


def plan(image: str = TAGGED, given: dict[str, str] | None = None, **wanted: Any) -> dict[str, Any]:
    record = {"images": {}, "nodes": given or {}}
    made: dict[str, Any] = upgrade_plan(NODES, record, images={"compute": image}, **wanted)
    return made


def problems(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem["code"], problem["subject"]) for problem in made["problems"]]


def vague(*images: str) -> list[tuple[str, str]]:
    return [("TALOS_VERSION_UNKNOWN", image) for image in images]


def names(made: dict[str, Any]) -> list[str]:
    return [one["name"] for one in made["nodes"]]


def test_workers_come_first_and_control_planes_in_their_order() -> None:
    assert names(plan()) == ["worker", "gateway", "compute-2"]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("compute-2,worker", id="separated by commas"),
        pytest.param(["compute-2", "worker"], id="a list"),
    ],
)
def test_only_the_named_nodes_are_upgraded(wanted: Any) -> None:
    assert names(plan(names=wanted)) == ["worker", "compute-2"]


def test_a_name_that_no_node_has_is_reported() -> None:
    made = plan(names=["compute-9", "worker"])

    assert problems(made) == [("UNKNOWN_NODE_NAME", "compute-9")]
    assert "gateway, compute-2, worker" in made["problems"][0]["remedy"]


@pytest.mark.parametrize(
    ("image", "version", "expected"),
    [
        pytest.param(TAGGED, "", "v1.13.7", id="from the tag"),
        pytest.param(TAGGED, "v1.14.0", "v1.14.0", id="what the user says"),
        pytest.param(LATEST, "", "", id="not known"),
    ],
)
def test_the_version_follows_from_the_tag_unless_it_is_set(image: str, version: str, expected: str) -> None:
    assert plan(image, version=version)["nodes"][0]["version"] == expected


def other_versions(made: dict[str, Any]) -> list[str]:
    return [problem["message"] for problem in made["problems"] if problem["code"] == "IMAGE_OF_OTHER_VERSION"]


def looked_up(image: str, label: str) -> dict[str, Any]:
    return {"compute": {"reference": image, "resolved": MOVED, "version": label}}


@pytest.mark.parametrize(
    ("image", "label", "expected"),
    [
        pytest.param(LATEST, "v1.14.0", "v1.14.0", id="of a moving tag"),
        pytest.param(PINNED, "v1.14.0", "v1.14.0", id="of a digest"),
        pytest.param(TAGGED, "v1.13.6", "v1.13.6", id="other than the tag"),
        pytest.param(TAGGED, "", "v1.13.7", id="without one"),
        pytest.param(TAGGED, "main", "v1.13.7", id="that is not a version"),
    ],
)
@pytest.mark.parametrize("refresh", [True, False])
def test_the_version_is_that_of_the_label(image: str, label: str, expected: str, refresh: bool) -> None:
    made = plan(image, refresh=refresh, resolved={"compute": MOVED}, known=looked_up(image, label))

    assert (made["nodes"][0]["version"], other_versions(made)) == (expected, [])


def test_the_label_of_the_recorded_image_is_not_that_of_the_refreshed_one() -> None:
    assert plan(LATEST, refresh=True, known=looked_up(LATEST, "v1.13.7"))["nodes"][0]["version"] == ""
    assert plan(LATEST, known=looked_up(TAGGED, "v1.13.7"))["nodes"][0]["version"] == ""


@pytest.mark.parametrize(
    ("label", "messages"),
    [
        pytest.param("v1.14.0", ["It contains v1.14.0, but talos_image_version is v1.13.7."], id="another version"),
        pytest.param("v1.13.7-rpi5", [], id="another build of it"),
        pytest.param("", [], id="no label"),
    ],
)
def test_a_version_of_the_user_that_is_not_that_of_the_image_is_reported(label: str, messages: list[str]) -> None:
    made = plan(PINNED, version="v1.13.7", resolved={"compute": PINNED}, known=looked_up(PINNED, label))

    assert other_versions(made) == messages


@pytest.mark.parametrize(
    ("image", "wanted", "is_vague"),
    [
        pytest.param(TAGGED, {}, False, id="a version as tag"),
        pytest.param(LATEST, {}, True, id="a moving tag"),
        pytest.param(TAGGED + "@sha256:" + "a" * 64, {}, False, id="a version as tag with a digest"),
        pytest.param(PINNED, {}, False, id="a digest before its label is looked up"),
        pytest.param(PINNED, {"resolved": {"compute": PINNED}}, True, id="a digest without a version"),
        pytest.param(PINNED, {"version": "v1.13.7"}, False, id="a digest with a version"),
        pytest.param(LATEST, {"version": "v1.13.7"}, True, id="a moving tag with a version"),
        pytest.param(LATEST, {"version": "v1.13.7", "refresh": True}, False, id="a refreshed tag with a version"),
        pytest.param(LATEST, {"refresh": "true"}, True, id="a refreshed tag"),
    ],
)
def test_an_image_that_can_be_another_one_tomorrow_is_vague(image: str, wanted: dict[str, Any], is_vague: bool) -> None:
    assert problems(plan(image, **wanted)) == (vague(image) if is_vague else [])


def test_what_is_wrong_is_listed_once() -> None:
    roles = [{**one, "role": one["name"]} for one in NODES]
    record: dict[str, Any] = {"images": {}, "nodes": {}}

    made = upgrade_plan(roles, record, images=dict.fromkeys(("gateway", "compute-2", "worker"), LATEST))

    assert problems(made) == vague(LATEST)
    assert problems(plan(names=["compute-9", "compute-9", "worker"])) == [("UNKNOWN_NODE_NAME", "compute-9")]


@pytest.mark.parametrize(("label", "expected"), [("v1.13.7", []), ("", [PINNED]), ("main", [PINNED])])
def test_a_digest_is_clear_if_its_label_names_a_version(label: str, expected: list[str]) -> None:
    made = plan(PINNED, resolved={"compute": PINNED}, known=looked_up(PINNED, label))

    assert problems(made) == vague(*expected)


def test_the_label_of_a_tag_does_not_make_it_clear() -> None:
    made = plan(LATEST, resolved={"compute": MOVED}, known=looked_up(LATEST, "v1.14.0"))

    assert problems(made) == vague(LATEST)


def test_a_refreshed_tag_will_do_for_nodes_whose_images_are_on_record() -> None:
    given = {one["name"]: PINNED for one in NODES}

    assert problems(plan(LATEST, given, refresh=True)) == []
    assert problems(plan(LATEST, given)) == vague(LATEST)
    assert problems(plan(LATEST, {"gateway": PINNED}, refresh=True, names=["gateway"])) == []


def test_only_a_node_that_was_given_another_image_is_forced() -> None:
    made = plan(LATEST, {"gateway": PINNED, "worker": MOVED}, refresh=True, resolved={"compute": MOVED})

    assert [one["image"] for one in made["nodes"]] == [MOVED] * 3
    assert {one["name"]: one["force"] for one in made["nodes"]} == {
        "worker": False,
        "gateway": True,
        "compute-2": False,
    }


@pytest.mark.parametrize(
    ("given", "resolved", "expected"),
    [
        pytest.param(PINNED, MOVED, (MOVED, True), id="another digest"),
        pytest.param(OTHER, PINNED, (PINNED, True), id="another repository"),
        pytest.param(PINNED, PINNED, (PINNED, False), id="its digest"),
        pytest.param(TAGGED, PINNED, (PINNED, False), id="its tag"),
        pytest.param(OTHER, "", (TAGGED, True), id="another repository, not looked up"),
        pytest.param(PINNED, "", (TAGGED, False), id="its repository, not looked up"),
        pytest.param(TAGGED + "-rpi5", PINNED, (PINNED, True), id="another tag"),
    ],
)
def test_a_node_with_another_image_of_the_same_version_is_forced(
    given: str, resolved: str, expected: tuple[str, bool]
) -> None:
    made = plan(TAGGED, {"gateway": given}, resolved={"compute": resolved} if resolved else {})

    forced = {one["name"]: (one["image"], one["force"]) for one in made["nodes"]}
    assert forced["gateway"] == expected
    assert not forced["worker"][1]


def test_a_registry_that_only_the_record_names_is_not_another_repository() -> None:
    given = {"gateway": "docker.io/siderolabs/talos@sha256:" + "a" * 64}

    made = plan("siderolabs/talos:v1.13.7", given)

    assert [one["force"] for one in made["nodes"] if one["name"] == "gateway"] == [False]


def outdated(image: str, *, runs: str = "", given: str = TAGGED, **known: str) -> list[str]:
    """Return the lines for one node that runs a version and was given an image."""
    answers = [{"node": "192.0.2.7", "version": runs or None}]
    images = {"compute": {"reference": image, **known}} if known else {}
    found = outdated_nodes(NODES[:1], {"compute": image}, known=images, given={"gateway": given}, answers=answers)
    return as_lines(found)


def as_lines(found: list[dict[str, Any]]) -> list[str]:
    """Return findings as the plan prints them."""
    assert {one["code"] for one in found} <= {"NODE_IMAGE_OUTDATED"}
    return [one_line(finding_of(one), "subject") for one in found]


def test_a_node_of_an_older_version_than_its_image_is_named_with_the_upgrade() -> None:
    assert outdated(TAGGED.replace("7", "8"), runs="v1.13.7") == [
        "gateway: It runs Talos v1.13.7, but its image in cluster_images contains v1.13.8. "
        "playbooks/upgrade.yml upgrades it."
    ]


def test_a_digest_with_a_label_is_promised() -> None:
    (line,) = outdated(MOVED, runs="v1.13.7", version="v1.13.8", resolved=MOVED)

    assert line.endswith("contains v1.13.8. playbooks/upgrade.yml upgrades it.")


@pytest.mark.parametrize(
    ("given", "way"),
    [
        pytest.param(TAGGED, "upgrades it only with -e cluster_images_refresh=true", id="on record"),
        pytest.param("", "refuses it", id="not on record"),
    ],
)
def test_an_image_whose_tag_names_no_version_is_not_promised(given: str, way: str) -> None:
    (line,) = outdated(LATEST, runs="v1.13.7", given=given, version="v1.13.8", resolved=MOVED)

    assert f"contains v1.13.8. playbooks/upgrade.yml {way}, because no tag names a version." in line


@pytest.mark.parametrize(
    ("before", "way"),
    [
        pytest.param("v1.13.6", "playbooks/upgrade.yml upgrades it.", id="a later patch"),
        pytest.param("v1.13.7-rpi5", "playbooks/upgrade.yml upgrades it.", id="another build"),
        pytest.param(
            "v1.14.0", "v1.14.0 -> v1.13.7: this is a downgrade. Choose an image of v1.14.0 or newer.", id="back"
        ),
        pytest.param("v1.11.5", "v1.11.5 -> v1.13.7: upgrade to v1.12.x first.", id="a skipped minor version"),
    ],
)
@pytest.mark.parametrize("is_labelled", [True, False])
@pytest.mark.parametrize("is_digest", [True, False])
def test_the_version_on_record_reports_whether_an_upgrade_is_refused(
    before: str, way: str, is_labelled: bool, is_digest: bool
) -> None:
    reference = f"registry.example.com/talos:{before}"
    label = {"version": before} if is_labelled else {}
    recorded = {"compute": {"reference": reference, "resolved": PINNED, **label}}
    given = {"gateway": PINNED if is_digest else reference}

    (line,) = as_lines(outdated_nodes(NODES[:1], {"compute": TAGGED}, given=given, recorded=recorded))

    assert line.endswith(f"cluster_images is {TAGGED}. {way}")


def test_another_build_of_the_version_that_runs_is_no_other_version() -> None:
    assert outdated(TAGGED + "-rpi5", runs="v1.13.7", given="") == []
    assert len(outdated(TAGGED + "-rc.1", runs="v1.13.7", given="")) == 1


def test_an_image_that_no_upgrade_leads_to_is_named_with_the_reason() -> None:
    (line,) = outdated(TAGGED, runs="v1.14.0")

    assert line.endswith(
        "contains v1.13.7. v1.14.0 -> v1.13.7: this is a downgrade. Choose an image of v1.14.0 or newer."
    )


def test_where_no_version_is_known_the_image_that_the_node_was_given_is_compared() -> None:
    assert outdated(TAGGED, given=PINNED) == [
        f"gateway: It was created from {PINNED}, but cluster_images is {TAGGED}. playbooks/upgrade.yml upgrades it, "
        "unless that is a downgrade or skips a minor version."
    ]


@pytest.mark.parametrize("given", [TAGGED, PINNED, ""])
def test_a_node_on_its_image_is_not_named(given: str) -> None:
    assert outdated(TAGGED, runs="v1.13.7", given=given, resolved=PINNED) == []


def test_what_was_looked_up_of_another_image_does_not_count() -> None:
    answers = [{"node": "192.0.2.7", "version": "v1.13.7"}]
    known = {"compute": {"reference": LATEST, "resolved": PINNED, "version": "v1.13.8"}}

    assert outdated_nodes(NODES[:1], {"compute": TAGGED}, known=known, answers=answers) == []


def test_a_node_that_is_to_be_made_is_not_named() -> None:
    given = {one["name"]: PINNED for one in NODES}
    existing = {"gateway": {"instance": "i-1"}, "compute-2": {"instance": None}}

    (found,) = outdated_nodes(NODES, {"compute": TAGGED}, given=given, existing=existing)

    assert found["subject"] == "gateway"
