# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of stopping the machines of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import BASTION, NODES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from tests.ec2_bad_day import BadDay
from tests.ec2_cluster import IMAGE, Builder, aws_with_images, empty_aws, node, spec
from tests.strangers import Stranger, their_machine_in_our_group

MACHINE = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123456789abcdef0"}
SPEC = spec(bastion=MACHINE, nodes=[node(), node("two", ipv4="10.10.0.102")])
GROUP = "talos-arm64-moon-bastion"


@pytest.fixture
def built() -> Iterator[BadDay]:
    """Give an account with a cluster whose nodes run."""
    with empty_aws():
        api = BadDay()
        Builder(api, SPEC).build()
        api.calls.clear()
        yield api


def stop(api: BadDay, *parts: str, **changes: Any) -> Outcome:
    return ensure_cluster(api.calls_of(), SPEC, Order(parts, state="stopped", **changes))


def states(api: BadDay) -> list[str]:
    found = api.clients["ec2"].describe_instances()["Reservations"]
    return sorted(item["State"]["Name"] for reservation in found for item in reservation["Instances"])


def start_bastion(api: BadDay) -> None:
    """Have the group launch its instance, with the tags that the real template gives to it."""
    scaling, tags = api.clients["autoscaling"], [{"Key": key, "Value": of} for key, of in owner_tags(SPEC).items()]
    scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=1)
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    (machine,) = group["Instances"]
    api.clients["ec2"].create_tags(Resources=[machine["InstanceId"]], Tags=tags)


def test_the_nodes_are_stopped_and_a_second_run_changes_nothing(built: BadDay) -> None:
    planned = stop(built, NODES, check_mode=True)
    before = states(built)
    outcome, again = stop(built, NODES), stop(built, NODES)

    assert (planned.changed, before) == (True, ["running", "running"])
    assert [line.partition(" (")[0] for line in planned.lines] == [
        "would stop instance moon-gateway",
        "would stop instance moon-two",
    ]
    assert (outcome.changed, states(built)) == (True, ["stopped", "stopped"])
    assert [line.partition(" (")[0] for line in outcome.lines] == [
        "stopped instance moon-gateway",
        "stopped instance moon-two",
    ]
    assert (again.changed, again.lines) == (False, ())
    assert built.writes() == ["stop_instances"]


def test_an_interrupted_stop_goes_on_with_those_that_run(built: BadDay) -> None:
    ec2 = built.clients["ec2"]
    filters = [{"Name": "tag:Node", "Values": ["two"]}]
    (found,) = ec2.describe_instances(Filters=filters)["Reservations"]
    ec2.stop_instances(InstanceIds=[found["Instances"][0]["InstanceId"]])

    outcome = stop(built, NODES)

    assert [line.partition(" (")[0] for line in outcome.lines] == ["stopped instance moon-gateway"]
    assert states(built) == ["stopped", "stopped"]


def test_a_lost_answer_stops_them_all_the_same(built: BadDay) -> None:
    built.lost["stop_instances"] = 1

    assert stop(built, NODES).changed
    assert states(built) == ["stopped", "stopped"]


def test_they_are_started_by_the_next_build(built: BadDay) -> None:
    stop(built, NODES)

    outcome = ensure_cluster(built.calls_of(), SPEC, Order((NODES,)))

    assert sorted(line.rpartition(": ")[2] for line in outcome.lines) == ["started", "started"]
    assert states(built) == ["running", "running"]


def test_the_bastion_is_ended_by_its_group_alone(built: BadDay) -> None:
    nothing = stop(built, BASTION)
    scaling = built.clients["autoscaling"]
    group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]

    assert (nothing.changed, group["DesiredCapacity"]) == (False, 0)
    assert built.writes() == []


def test_the_bastion_is_stopped_after_the_nodes_because_they_reach_the_internet_through_it() -> None:
    with aws_with_images():
        api = BadDay()
        Builder(api, SPEC).build()
        start_bastion(api)
        api.calls.clear()

        outcome = stop(api, NODES, BASTION)

        stopped = api.calls.index("set_desired_capacity")
        assert api.writes() == ["stop_instances", "set_desired_capacity"]
        assert "describe_instances" in api.calls[api.calls.index("stop_instances") : stopped]
        assert [line.partition(" (")[0] for line in outcome.lines][-1] == f"stopped Auto Scaling group {GROUP}"


def test_a_cluster_that_was_removed_has_nothing_to_stop() -> None:
    with empty_aws():
        api = BadDay()

        assert stop(api, NODES, BASTION).changed is False
        assert api.writes() == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_group_with_an_instance_of_another_owner_is_not_stopped(check_mode: bool) -> None:
    with aws_with_images():
        api = BadDay()
        Builder(api, SPEC).build()
        stranger = Stranger(lambda service: api.clients[service], SPEC, IMAGE)
        machine, _read = their_machine_in_our_group(stranger, {"autoscaling_group/bastion": GROUP})
        api.calls.clear()

        with pytest.raises(Ec2Error, match=rf"Failed to stop .*contains instance {machine}.*Owner=Bob.*ttl-bastion"):
            stop(api, NODES, BASTION, check_mode=check_mode)

        assert (api.writes(), states(api)) == ([], ["running"] * 3)
