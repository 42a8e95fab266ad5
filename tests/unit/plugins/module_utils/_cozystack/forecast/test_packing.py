# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of placing pods on nodes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.forecast.packing import (
    Node,
    Packing,
    Pod,
    best_scored,
    first,
    pack,
    pack_tightly,
)

PODS = st.builds(
    Pod,
    name=st.uuids().map(str),
    workload=st.sampled_from(["a", "b", "c"]),
    cpu=st.integers(0, 1200),
    memory=st.integers(0, 1500),
    control_plane=st.booleans(),
    spread=st.booleans(),
    tolerates=st.booleans(),
    ports=st.sampled_from([(), (80,), (80, 443)]),
)
NODES = st.builds(
    Node,
    name=st.uuids().map(str),
    cpu=st.integers(0, 4000),
    memory=st.integers(0, 4000),
    pods=st.integers(0, 8),
    control_plane=st.booleans(),
    schedulable=st.booleans(),
)
LISTS = st.lists(PODS, max_size=20)


def names(packing: Packing) -> set[str]:
    """Return the pods that wait."""
    return {pod.name for pod, _reasons in packing.pending}


@given(pods=LISTS, nodes=st.lists(NODES, max_size=4), choose=st.sampled_from([best_scored, first]))
def test_no_node_is_ever_given_more_than_it_offers(pods: list[Pod], nodes: list[Node], choose: object) -> None:
    packing = pack(pods, nodes, choose=choose)  # type: ignore[arg-type]

    for node in packing.nodes:
        assert sum(pod.cpu for pod in node.placed) == node.used[0] <= max(node.cpu, 0)
        assert sum(pod.memory for pod in node.placed) == node.used[1] <= max(node.memory, 0)
        assert len(node.placed) <= node.pods


@given(pods=LISTS, nodes=st.lists(NODES, max_size=4))
def test_every_pod_is_placed_once_or_waits(pods: list[Pod], nodes: list[Node]) -> None:
    packing = pack(pods, nodes)

    placed = [pod.name for node in packing.nodes for pod in node.placed]
    assert sorted([*placed, *names(packing)]) == sorted(pod.name for pod in pods)


@given(pods=LISTS, nodes=st.lists(NODES, max_size=4))
def test_rules_hold_for_all_that_is_placed(pods: list[Pod], nodes: list[Node]) -> None:
    for node in pack(pods, nodes).nodes:
        apart = [pod.workload for pod in node.placed if pod.spread]
        ports = [port for pod in node.placed for port in pod.ports]
        assert len(apart) == len(set(apart))
        assert len(ports) == len(set(ports))
        assert node.control_plane or not any(pod.control_plane for pod in node.placed)
        assert node.schedulable or not node.control_plane or all(pod.tolerates for pod in node.placed)


@given(pods=LISTS, nodes=st.lists(NODES, max_size=4))
def test_a_pod_waits_only_if_every_node_lacks_something_for_it(pods: list[Pod], nodes: list[Node]) -> None:
    for _pod, reasons in pack(pods, nodes).pending:
        assert set(reasons) == {node.name for node in nodes}
        assert all(reasons.values())


@given(pods=LISTS, nodes=st.lists(NODES, max_size=4), more=NODES)
def test_adding_a_node_never_makes_it_worse(pods: list[Pod], nodes: list[Node], more: Node) -> None:
    before = pack(pods, nodes, choose=first)
    after = pack(pods, [*nodes, more], choose=first)

    assert names(after) <= names(before)


@pytest.mark.parametrize(
    ("pod", "node", "missing"),
    [
        pytest.param(Pod("p", "w", memory=101), Node("n", 1000, 100), ("memory",), id="memory"),
        pytest.param(Pod("p", "w", cpu=1001), Node("n", 1000, 100), ("cpu",), id="processor time"),
        pytest.param(Pod("p", "w"), Node("n", 1000, 100, pods=0), ("pods",), id="pods"),
        pytest.param(Pod("p", "w"), Node("n", 1000, 100, schedulable=False), ("taint",), id="taint"),
        pytest.param(Pod("p", "w", control_plane=True), Node("n", 9, 9, control_plane=False), ("node",), id="label"),
        pytest.param(Pod("p", "w", node="m"), Node("n", 1000, 100), ("node",), id="another node's"),
    ],
)
def test_what_is_missing_is_reported(pod: Pod, node: Node, missing: Sequence[str]) -> None:
    assert pack([pod], [node]).pending == ((pod, {"n": missing}),)


def test_a_pod_that_requests_nothing_fits_on_a_full_node() -> None:
    full = pack([Pod("big", "w", cpu=1000, memory=100)], [Node("n", 1000, 100)]).nodes

    assert pack([Pod("small", "v")], full).pending == ()


def test_the_scheduler_spreads_where_packing_would_make_room() -> None:
    nodes = [Node("a", 1000, 1000), Node("b", 1000, 1000)]
    pods = [Pod(f"half-{index}", f"w{index}", cpu=500, memory=500) for index in (1, 2)]
    pods.append(Pod("whole", "w", cpu=1000, memory=1000))

    assert names(pack(pods, nodes)) == {"whole"}
    assert names(pack_tightly(pods, nodes)) == set()


def test_pinned_pods_come_first_in_a_tight_packing() -> None:
    pods = [Pod("large", "w", cpu=900), Pod("pinned", "d", cpu=200, node="a")]

    packing = pack_tightly(pods, [Node("a", 1000, 1000)])

    assert names(packing) == {"large"}
