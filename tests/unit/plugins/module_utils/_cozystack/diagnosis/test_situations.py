# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis of clusters with the data of real ones."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.modules.cozystack_info import look
from tests.cozystack_cluster import FakeApi, waiting_pod
from tests.cozystack_situations import AWAY, SITUATIONS, Situation, pending_claim


def seen(situation: Situation) -> dict[str, Any]:
    """Return the account of a cluster in which nothing moves any more."""
    return look(FakeApi(dict(situation.objects), logs=dict(situation.logs)), settled=True)


@pytest.mark.parametrize("situation", [pytest.param(one, id=one.name.replace(" ", "-")) for one in SITUATIONS])
def test_the_cause_has_its_code_its_words_and_a_remedy(situation: Situation) -> None:
    found = seen(situation)

    verdict = next((one for one in found["verdicts"] if one["code"] == situation.code), None)
    assert verdict is not None, found["verdicts"]
    assert situation.words in verdict["message"]
    assert situation.remedy in verdict["remedy"]
    assert (verdict["severity"] == "error") == situation.blocks
    assert verdict["evidence"].get("waits", "") == situation.waits
    assert situation.source


@pytest.mark.parametrize("situation", [pytest.param(one, id=one.name.replace(" ", "-")) for one in SITUATIONS])
def test_what_is_known_stands_alone_and_not_beside_a_deadline(situation: Situation) -> None:
    found = seen(situation)

    assert [one["code"] for one in found["verdicts"]] == [situation.code, *situation.also]


@pytest.mark.parametrize("situation", [pytest.param(one, id=one.name.replace(" ", "-")) for one in SITUATIONS])
def test_faults_that_nothing_waits_for_are_warnings_behind_the_others(situation: Situation) -> None:
    verdicts = seen(situation)["verdicts"]

    blocking = [one["severity"] == "error" for one in verdicts]
    assert blocking == sorted(blocking, reverse=True)
    assert [one for one in verdicts if one["severity"] == "error" and one["evidence"].get("waits") == ""] == []


def test_there_are_many_situations_and_no_two_are_the_same() -> None:
    assert len(SITUATIONS) >= 40
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS)


def test_a_claim_without_a_reason_is_named_beside_one_with_its_reason() -> None:
    (situation,) = (one for one in SITUATIONS if one.name == "a volume that LINSTOR has no place for")
    claims = [*situation.objects[kinds.CLAIM], pending_claim("silent")]

    found = seen(situation._replace(objects={**situation.objects, kinds.CLAIM: claims}))

    reason, others = (one["message"] for one in found["verdicts"])
    assert "ProvisioningFailed" in reason
    assert "waits for volumes (cozy-linstor/data-linstor-0, cozy-linstor/silent)" in others


def test_case_23_pod_waits_for_mount() -> None:
    (situation,) = (one for one in SITUATIONS if "k-admin-kubeconfig" in one.words)

    messages = [one["message"] for one in seen(situation)["verdicts"]]

    assert any('secret "k-admin-kubeconfig" not found' in message for message in messages)
    assert not any("context deadline exceeded" in message for message in messages)


@pytest.mark.parametrize("situation", [pytest.param(one, id=one.name.replace(" ", "-")) for one in AWAY])
def test_pods_that_fit_a_node_which_takes_none_need_no_other_node(situation: Situation) -> None:
    nodes, shortage = seen(situation)["nodes"], seen(situation)["verdicts"][-1]
    away = [one["name"] for one in nodes if not one["ready"] or one["taints"]]

    is_missed = len(situation.also) > 0
    assert (f"The pods fit on {', '.join(away)}" in shortage["remedy"]) == is_missed
    assert ("ore nodes" in shortage["remedy"]) != is_missed


def test_pods_that_are_too_large_for_the_lost_node_need_larger_ones() -> None:
    (situation,) = (one for one in AWAY if one.name == "a lost node, while the others have too little memory")
    (waiting,) = deepcopy(situation.objects[kinds.POD])
    waiting["spec"]["containers"][0]["resources"]["requests"] = {"cpu": "10m", "memory": "8Gi"}

    shortage = seen(situation._replace(objects={**situation.objects, kinds.POD: [waiting]}))["verdicts"][-1]

    assert "larger instance type or more nodes" in shortage["remedy"]


def _shortage_beside_a_cordoned_node(message: str, *, pods: int, slots: str) -> dict[str, Any]:
    """Return the finding of pods without a node, while a cordoned one has this number of slots."""
    (situation,) = (one for one in AWAY if one.name == "a cordoned node, while the others have too little memory")
    waiting = [waiting_pod(f"linstor-controller-{index}", message) for index in range(pods)]
    first, *others = deepcopy(situation.objects[kinds.NODE])
    first["status"]["allocatable"]["pods"] = slots
    objects = {**situation.objects, kinds.POD: waiting, kinds.NODE: [first, *others]}
    return seen(situation._replace(objects=objects))["verdicts"][-1]


@pytest.mark.parametrize(
    ("message", "pods", "slots", "fits"),
    [
        pytest.param("1 node(s) were unschedulable, 2 Too many pods.", 2, "2", True, id="slots"),
        pytest.param("1 node(s) were unschedulable, 2 Too many pods.", 2, "1", False, id="too-few-slots"),
        pytest.param("1 node(s) were unschedulable, 2 Insufficient memory.", 51, "512", True, id="all-fit"),
        pytest.param("1 node(s) were unschedulable, 2 Insufficient memory.", 52, "512", False, id="all-but-one-fit"),
        pytest.param("1 node(s) were unschedulable, 2 Insufficient ephemeral-storage.", 1, "512", False, id="disk"),
    ],
)
def test_a_cluster_is_large_enough_if_all_pods_fit(message: str, pods: int, slots: str, fits: bool) -> None:
    shortage = _shortage_beside_a_cordoned_node(f"0/3 nodes are available: {message}", pods=pods, slots=slots)

    assert shortage["evidence"]["pods"] == pods
    assert ("The cluster is large enough" in shortage["remedy"]) == fits


@pytest.mark.parametrize(
    ("memory", "pods", "fits"),
    [
        pytest.param("2Gi", 2, True, id="each-on-a-node-of-its-own"),
        pytest.param("2Gi", 3, False, id="more-than-nodes-that-have-room"),
        pytest.param("4Gi", 1, False, id="larger-than-any-of-them"),
    ],
)
def test_a_pod_does_not_fit_on_the_sum_of_several_nodes(memory: str, pods: int, fits: bool) -> None:
    (situation,) = (one for one in AWAY if one.name == "a cordoned node, while the others have too little memory")
    first, second, third = deepcopy(situation.objects[kinds.NODE])
    second["spec"]["taints"] = first["spec"]["taints"]
    said = "0/3 nodes are available: 1 Insufficient memory, 2 node(s) were unschedulable."
    requests = {"cpu": "10m", "memory": memory}
    waiting = [waiting_pod(f"linstor-controller-{index}", said, requests=requests) for index in range(pods)]

    objects = {**situation.objects, kinds.POD: waiting, kinds.NODE: [first, second, third]}
    shortage = seen(situation._replace(objects=objects))["verdicts"][-1]

    assert shortage["code"] == "INSUFFICIENT_MEMORY"
    assert ("The cluster is large enough" in shortage["remedy"]) == fits


def test_all_pods_that_a_cordoned_node_does_not_take_are_counted() -> None:
    (situation,) = (one for one in AWAY if one.name == "a cordoned node, while the others have too little memory")
    said = "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory."
    waiting = [waiting_pod(f"linstor-controller-{index}", said) for index in range(60)]

    cordoned = seen(situation._replace(objects={**situation.objects, kinds.POD: waiting}))["verdicts"][0]

    assert (cordoned["code"], cordoned["evidence"]["pods"]) == ("NODE_CORDONED", 60)
    assert "60 pods cannot use it, the first cozy-linstor/linstor-controller-0" in cordoned["message"]


def test_nodes_that_could_not_be_read_are_called_so() -> None:
    (situation,) = (one for one in SITUATIONS if one.name == "exit 255 without a message, and the log")
    waiting = waiting_pod("virt-launcher", "0/3 nodes are available: 3 Insufficient devices.kubevirt.io/kvm.")
    objects = {**situation.objects, kinds.NODE: [], kinds.POD: [*situation.objects[kinds.POD], waiting]}

    messages = {one["code"]: one["message"] for one in seen(situation._replace(objects=objects))["verdicts"]}

    assert "not built for the nodes, which could not be read: ghcr.io" in messages["ARCH_UNSUPPORTED_IMAGES"]
    assert messages["KVM_MISSING"].endswith("(the nodes could not be read)")
