# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a user describes is judged, and the order in which it is written does not matter."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import parse_spec, problems
from ansible_collections.urmanac.talos.plugins.module_utils._findings import Finding
from tests.rare_values import texts
from tools.wrong_inputs import CLUSTER, DESCRIPTIONS

NODE: dict[str, Any] = CLUSTER["nodes"][0]  # type: ignore[index]
NETWORKS = st.sampled_from(["10.10.0.0/16", "10.10.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "ten"])
ADDRESSES = st.sampled_from(["10.10.0.101", "10.10.0.102", "10.10.0.0", "10.10.0.255", "::1", ""]) | texts()
NUMBERS = st.sampled_from([-1, 0, 1, 3, 20, 16384, 16385, 2**64])


def of(name: str) -> st.SearchStrategy[Any]:
    """Return values of the right type for a property of a cluster: Ansible refuses those of another."""
    right = st.just(CLUSTER[name])
    if isinstance(CLUSTER[name], int):
        return right | NUMBERS
    if name == "tags":
        return st.dictionaries(texts(), texts(), max_size=3)
    known = st.sampled_from(DESCRIPTIONS.get(name, ("moon",)))
    return right | known | (NETWORKS if "cidr" in name else ADDRESSES)


def nodes() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return nodes that collide with one another, and with the bastion."""
    node = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["gateway", "moon", "bastion"]) | texts(),
            "role": st.sampled_from(["gateway", "compute", "captain"]),
            "machine_type": st.sampled_from(["controlplane", "worker", ""]),
            "ipv4": st.sampled_from(["10.10.0.100", "10.10.0.101"]) | ADDRESSES,
        },
        optional={"volume_size": NUMBERS | st.none(), "data_volume_size": NUMBERS, "instance_type": texts()},
    )
    return st.lists(node, max_size=5)


CLUSTERS = st.fixed_dictionaries({**{name: of(name) for name in CLUSTER if name != "nodes"}, "nodes": nodes()})


def counted(found: list[Finding]) -> Counter[tuple[str, str, str]]:
    return Counter((one.code, one.message, one.remedy) for one in found)


@settings(max_examples=100)
@given(cluster=CLUSTERS, random=st.randoms(use_true_random=False))
def test_a_description_is_judged_the_same_in_every_order(cluster: dict[str, Any], random: Random) -> None:
    other = dict(random.sample(list(cluster.items()), len(cluster)))
    other["tags"] = dict(random.sample(list(cluster["tags"].items()), len(cluster["tags"])))
    other["nodes"] = random.sample(cluster["nodes"], len(cluster["nodes"]))

    found = problems(parse_spec(cluster))

    assert counted(problems(parse_spec(other))) == counted(found)
    assert all(one.message and one.remedy for one in found)
