# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the roles that make a cluster read of its comparison."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan import parts
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import (
    Comparison,
    Difference,
    Found,
    Resource,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import Existing
from tests.ec2_cluster import node, spec


def resource(key: str, *, state: str = "present", part: str = "nodes", **changes: Any) -> Resource:
    kind, _, name = key.partition("/")
    known = Resource(key, kind, f"moon-{name or kind}", f"id-{key}", state, (), {}, {}, part)
    return known._replace(**{**({} if state in ("present", "differs") else {"id": None, "have": None}), **changes})


def differing(kind: str, changed: str, *, have: Any = 50, want: Any = 100, replace: bool = True) -> Resource:
    difference = Difference(changed, have, want, replace)
    return resource(f"{kind}/gateway", state="differs", id="i-1", name="talos-gateway", differences=(difference,))


def found(kind: str, **changes: Any) -> Found:
    return Found(kind, "moon-gateway", f"{kind}-1", described=True, goes_with=None, part="nodes")._replace(**changes)


def test_a_part_has_its_own_resources_alone() -> None:
    comparison = Comparison(
        (resource("vpc", part="network"), resource("eni/gateway"), resource("instance/gateway", state="missing")),
        (found("eni"), found("vpc", part="network")),
    )

    nodes = parts.part_of(comparison, "nodes")

    assert nodes.resources == ["eni/gateway", "instance/gateway"]
    assert nodes.todo == ["instance/gateway"]
    assert nodes.found == [{"kind": "eni", "name": "moon-gateway", "id": "eni-1"}]
    assert nodes.lines == {
        "present": ["  nodes: 1 of 2 resources would be created or changed"],
        "absent": ["  nodes: would delete eni-1"],
    }


def test_a_volume_is_deleted_apart_if_no_machine_has_it() -> None:
    volumes = found("volume", goes_with="instance-1"), found("volume", id="volume-2")
    nodes = parts.part_of(Comparison((), (found("instance"), *volumes)), "nodes")

    assert [one["id"] for one in nodes.found] == ["instance-1", "volume-2"]
    assert nodes.lines["absent"] == ["  nodes: would delete instance-1", "  nodes: would delete volume-2"]


def test_a_duplicate_that_something_uses_is_not_unused() -> None:
    both = (found("eni", id="eni-1", duplicate=True), found("eni", id="eni-2", duplicate=True, unused=True))

    assert parts.part_of(Comparison((), both), "nodes").unused == ["eni-2"]


@pytest.mark.parametrize(
    ("part", "names"),
    [
        pytest.param("nodes", ["moon-subnet", "moon-nodes"], id="nodes"),
        pytest.param("bastion", ["moon-subnet"], id="bastion"),
        pytest.param("network", [], id="network"),
    ],
)
def test_what_a_part_needs_and_does_not_exist_is_named(part: str, names: list[str]) -> None:
    missing = [
        resource(key, state="missing", part="network") for key in ("subnet", "security_group/nodes", "internet_gateway")
    ]

    assert parts.part_of(Comparison(tuple(missing), ()), part).missing_needs == names


def test_what_takes_the_place_of_several_resources_is_named_once() -> None:
    taker = Existing("eni", "eni-9", "web", {}, {})
    taken = [resource(f"eni/{name}", state="foreign", taken_by=taker) for name in ("gateway", "compute-2")]

    assert parts.part_of(Comparison(tuple(taken), ()), "nodes").taken_by == ["eni-9"]


def test_what_can_be_repaired_in_place_is_left_to_the_role() -> None:
    assert (
        parts.changes_to_decide([differing("instance", "state", have="stopped", want="running", replace=False)]) == []
    )


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        pytest.param("instance", "aws ec2 terminate-instances --instance-ids i-1, then run", id="instance"),
        pytest.param("eni", "--network-interface-id i-1, then run", id="network interface"),
        pytest.param("vpc", "reset_confirmation=yes, then run", id="network"),
    ],
)
def test_what_takes_a_new_resource_is_reported_with_the_command(kind: str, command: str) -> None:
    (found,) = parts.changes_to_decide([differing(kind, "size")])

    assert (found.code, found.subject) == ("CHANGE_NEEDS_DECISION", "size of talos-gateway")
    assert "from 50 to 100" in found.message
    assert command in found.remedy


def test_another_credit_mode_is_reported_with_the_command_that_needs_no_new_machine() -> None:
    wanted = differing("instance", "cpu_credits", have="standard", want="unlimited", replace=False)

    (found,) = parts.changes_to_decide([wanted])

    assert found.remedy.endswith("--instance-credit-specification InstanceId=i-1,CpuCredits=unlimited")


def test_a_launch_template_takes_another_credit_mode_without_a_person() -> None:
    assert parts.changes_to_decide([differing("launch_template", "cpu_credits", replace=False)]) == []


def test_every_difference_of_every_resource_is_reported_at_once() -> None:
    assert len(parts.changes_to_decide([differing("instance", name) for name in ("type", "volume_size")])) == 2


def test_a_node_has_the_first_address_of_its_interface() -> None:
    have = {"mac": "0a:00:00:00:00:01", "ipv6": ["2001:db8::101", "2001:db8::102"]}
    comparison = Comparison((resource("eni/gateway", have=have), resource("instance/gateway", state="missing")), ())

    assert parts.nodes_of(spec(), comparison)["gateway"] == {
        **{"machine_type": "controlplane", "interface": "id-eni/gateway", "instance": None},
        **{"mac": "0a:00:00:00:00:01", "ipv6": "2001:db8::101"},
    }


@pytest.mark.parametrize("have", [pytest.param(None, id="no interface yet"), pytest.param({"ipv6": []}, id="no IPv6")])
def test_addresses_that_ec2_has_not_reported_yet_are_empty(have: dict[str, Any] | None) -> None:
    comparison = Comparison((resource("eni/gateway", have=have), resource("instance/gateway")), ())

    gateway = parts.nodes_of(spec(), comparison)["gateway"]

    assert (gateway["mac"], gateway["ipv6"]) == ("", "")


def test_nodes_are_in_the_order_of_the_description() -> None:
    names = ["compute-2", "gateway"]
    comparison = Comparison(
        tuple(resource(f"{kind}/{name}") for kind in ("eni", "instance") for name in sorted(names, reverse=True)), ()
    )

    assert list(parts.nodes_of(spec(nodes=[node(name) for name in names]), comparison)) == names


def test_the_bastion_has_the_machines_of_its_group_and_no_others() -> None:
    group = resource("autoscaling_group/bastion", part="bastion", have={"desired_capacity": 1})
    interface = resource("eni/bastion", part="bastion", have={"ipv6": ["2001:db8::100"]})
    machines = (found("instance", name="moon-bastion", id="i-1"), found("instance", id="i-2"))

    bastion = parts.bastion_of(spec(), Comparison((interface, group), machines))

    assert bastion == {"ipv6": "2001:db8::100", "instances": ["i-1"], "instances_wanted": 1, "group": "moon-bastion"}


def test_nothing_is_known_of_a_bastion_that_is_not_described() -> None:
    bastion = parts.bastion_of(spec(), Comparison((), ()))

    assert bastion == {"ipv6": "", "instances": [], "instances_wanted": None, "group": ""}


@pytest.mark.parametrize(
    ("resources", "existing", "expected"),
    [
        pytest.param((), (), "", id="neither described nor there"),
        pytest.param((resource("iam_role/access", part="access", have={"arn": "arn:1"}),), (), "arn:1", id="there"),
        pytest.param(
            (resource("iam_role/access", state="missing", part="access"),),
            (),
            "talos-arm64-moon-home-access",
            id="not made yet",
        ),
        pytest.param(
            (), (found("iam_role", part="access"),), "talos-arm64-moon-home-access", id="not described any more"
        ),
    ],
)
def test_the_role_that_closes_home_access_is_known_as_far_as_it_can_be(
    resources: tuple[Resource, ...], existing: tuple[Found, ...], expected: str
) -> None:
    assert parts.schedule_role_of(spec(), Comparison(resources, existing)) == expected
