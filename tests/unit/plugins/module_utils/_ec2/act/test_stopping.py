# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of stopping the machines of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.ec2.models import ec2_backends

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.stopping import diff_of_stop
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import BASTION, NODES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from tests.ec2_cluster import ACCOUNT, IMAGE, aws_with_images, empty_aws, node, spec
from tests.ec2_failures import FailingEc2, built
from tests.strangers import Stranger, their_machine_in_our_group

MACHINE = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123456789abcdef0"}
SPEC = spec(bastion=MACHINE, nodes=[node(), node("two", ipv4="10.10.0.102")])
GROUP = "talos-arm64-moon-bastion"


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    """Give an account with a cluster whose nodes run."""
    with built(SPEC) as api:
        yield api


def stop(api: FailingEc2, *parts: str, **changes: Any) -> Outcome:
    return ensure_cluster(api.calls_of(), SPEC, Order(parts, state="stopped", **changes))


def states(api: FailingEc2) -> list[str]:
    found = api.clients["ec2"].describe_instances()["Reservations"]
    return sorted(item["State"]["Name"] for reservation in found for item in reservation["Instances"])


def start_bastion(api: FailingEc2) -> None:
    """Have the group launch its instance, with the tags that the real template gives to it."""
    scaling, tags = api.clients["autoscaling"], [{"Key": key, "Value": of} for key, of in owner_tags(SPEC).items()]
    scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=1)
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
    (machine,) = group["Instances"]
    api.clients["ec2"].create_tags(Resources=[machine["InstanceId"]], Tags=tags)


def test_the_nodes_are_stopped_and_a_second_run_changes_nothing(api: FailingEc2) -> None:
    planned = stop(api, NODES, check_mode=True)
    before = states(api)
    outcome, again = stop(api, NODES), stop(api, NODES)

    assert (planned.changed, before) == (True, ["running", "running"])
    assert [line.partition(" (")[0] for line in planned.lines] == [
        "would stop instance moon-gateway",
        "would stop instance moon-two",
    ]
    assert (outcome.changed, states(api)) == (True, ["stopped", "stopped"])
    assert [line.partition(" (")[0] for line in outcome.lines] == [
        "stopped instance moon-gateway",
        "stopped instance moon-two",
    ]
    assert (again.changed, again.lines) == (False, ())
    assert api.writes() == ["stop_instances"]


def test_an_interrupted_stop_goes_on_with_those_that_run(api: FailingEc2) -> None:
    ec2 = api.clients["ec2"]
    filters = [{"Name": "tag:Node", "Values": ["two"]}]
    (found,) = ec2.describe_instances(Filters=filters)["Reservations"]
    ec2.stop_instances(InstanceIds=[found["Instances"][0]["InstanceId"]])

    outcome = stop(api, NODES)

    assert [line.partition(" (")[0] for line in outcome.lines] == ["stopped instance moon-gateway"]
    assert states(api) == ["stopped", "stopped"]


def test_nodes_of_an_interrupted_stop_are_waited_for_before_the_bastion_is_stopped(api: FailingEc2) -> None:
    start_bastion(api)
    for machine in ec2_backends[ACCOUNT][SPEC.region].all_instances():
        if {"key": "aws:autoscaling:groupName", "value": GROUP} not in machine.get_tags():
            machine._state.name, machine._state.code = "stopping", 64

    outcome = stop(api, NODES, BASTION)
    diff = diff_of_stop(outcome.stopped)

    assert [line.partition(" (")[0] for line in outcome.lines] == [
        "stopped instance moon-gateway",
        "stopped instance moon-two",
        f"stopped Auto Scaling group {GROUP}",
    ]
    assert list(diff["before"].values()) == ["stopping", "stopping", "running"]
    assert list(diff["after"].values()) == ["stopped", "stopped", "stopped"]
    assert api.writes() == ["stop_instances", "set_desired_capacity"]


def test_a_lost_answer_stops_them_nevertheless(api: FailingEc2) -> None:
    api.lost["stop_instances"] = 1

    assert stop(api, NODES).changed
    assert states(api) == ["stopped", "stopped"]


def test_they_are_started_by_the_next_build(api: FailingEc2) -> None:
    stop(api, NODES)

    outcome = ensure_cluster(api.calls_of(), SPEC, Order((NODES,)))

    assert sorted(line.rpartition(": ")[2] for line in outcome.lines) == ["started", "started"]
    assert states(api) == ["running", "running"]


def desired_capacity(api: FailingEc2) -> int:
    """Return how many bastions the group should have."""
    groups = api.clients["autoscaling"].describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
    return int(groups["AutoScalingGroups"][0]["DesiredCapacity"])


def test_the_bastion_is_ended_by_its_group_alone_and_a_second_run_changes_nothing(api: FailingEc2) -> None:
    start_bastion(api)
    planned, before = stop(api, BASTION, check_mode=True), desired_capacity(api)
    nothing = api.writes()
    outcome, again = stop(api, BASTION), stop(api, BASTION)

    assert (planned.lines, before, nothing) == ((f"would stop Auto Scaling group {GROUP}",), 1, [])
    assert (outcome.lines, desired_capacity(api)) == ((f"stopped Auto Scaling group {GROUP}",), 0)
    assert (again.changed, again.lines) == (False, ())
    assert api.writes() == ["set_desired_capacity"]


def test_the_bastion_is_stopped_after_the_nodes_because_they_reach_the_internet_through_it() -> None:
    with built(SPEC, aws_with_images) as api:
        start_bastion(api)
        api.calls.clear()

        outcome = stop(api, NODES, BASTION)

        stopped = api.calls.index("set_desired_capacity")
        assert api.writes() == ["stop_instances", "set_desired_capacity"]
        assert "describe_instances" in api.calls[api.calls.index("stop_instances") : stopped]
        assert [line.partition(" (")[0] for line in outcome.lines][-1] == f"stopped Auto Scaling group {GROUP}"


def test_a_node_whose_name_ends_in_bastion_is_a_node() -> None:
    described = spec(nodes=[node(), node("ex-bastion", ipv4="10.10.0.102")])
    with built(described) as api:
        calls = api.calls_of()
        removed = ensure_cluster(calls, described, Order((BASTION,), state="absent"))
        ensure_cluster(calls, described, Order((NODES,), state="stopped"))

        assert (removed.changed, states(api)) == (False, ["stopped", "stopped"])


def test_a_cluster_that_was_removed_has_nothing_to_stop() -> None:
    with empty_aws():
        api = FailingEc2()

        assert stop(api, NODES, BASTION).changed is False
        assert api.writes() == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_group_with_an_instance_of_another_owner_is_not_stopped(check_mode: bool) -> None:
    with built(SPEC, aws_with_images) as api:
        stranger = Stranger(lambda service: api.clients[service], SPEC, IMAGE)
        machine, _read = their_machine_in_our_group(stranger, {"autoscaling_group/bastion": GROUP})
        api.calls.clear()

        with pytest.raises(Ec2Error, match=rf"Failed to stop .*contains instance {machine}.*Owner=Bob.*ttl-bastion"):
            stop(api, NODES, BASTION, check_mode=check_mode)

        assert (api.writes(), states(api)) == ([], ["running"] * 3)
