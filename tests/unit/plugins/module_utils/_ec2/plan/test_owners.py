# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not certain to be the cluster's, or is not safe, is named with a remedy, and nothing is changed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import BASTION, NETWORK, PARTS, desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import MANAGED_BY, tagging_command
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import (
    problems_of,
    read_and_compare,
    result_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.text import plan_lines
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from ansible_collections.urmanac.talos.plugins.module_utils._ssh.keys import make_host_key
from tests.ec2_cluster import IMAGE, empty_aws, spec, tag_list
from tests.ec2_failures import FailingEc2

PARAMETER = "/urmanac.talos/talos-arm64/moon/bastion-host-key"
MACHINE = {"instance_type": "t4g.small", "volume_size": 30, "image": IMAGE, "start": "18:00", "stop": "23:00"}
SPEC = spec(bastion={**MACHINE, "host_key_parameter": PARAMETER}, home_schedule_enabled=True)
# Moto would launch the bastion without its interface.
MACHINES = Machines(image=IMAGE, bastion_started=False)
ONLY_ONE = ("vpc", "dhcp_options", "subnet", "internet_gateway", "route_table")


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    with empty_aws():
        yield FailingEc2()


def build(api: FailingEc2) -> dict[str, str]:
    """Build the cluster, with its host key, and return the ids by key."""
    put_host_key(api, "SecureString")
    for part in PARTS:
        ensure_cluster(api.calls_of(), SPEC, Order((part,), machines=MACHINES))
    return {item.key: item.id or "" for item in read_and_compare(api, SPEC).resources}


def put_host_key(api: FailingEc2, kind: str) -> None:
    tags = {**desired(SPEC)["ssm_parameter/bastion"].want["tags"], "SshHostKey": make_host_key("").public}
    api.clients["ssm"].put_parameter(Name=PARAMETER, Type=kind, Value="secret", Tags=tag_list(tags))


def untag(api: FailingEc2, kind: str, thing_id: str) -> None:
    """Remove the tag that says that this collection made the resource."""
    ec2, iam, ssm, scaling = (api.clients[name] for name in ("ec2", "iam", "ssm", "autoscaling"))
    group = {"ResourceId": thing_id, "ResourceType": "auto-scaling-group", "Key": "ManagedBy"}
    ways: dict[str, Callable[[], Any]] = {
        "iam_role": lambda: iam.untag_role(RoleName=thing_id, TagKeys=["ManagedBy"]),
        "instance_profile": lambda: iam.untag_instance_profile(InstanceProfileName=thing_id, TagKeys=["ManagedBy"]),
        "autoscaling_group": lambda: scaling.delete_tags(Tags=[group]),
        "ssm_parameter": lambda: ssm.remove_tags_from_resource(
            ResourceType="Parameter", ResourceId=thing_id, TagKeys=["ManagedBy"]
        ),
    }
    other = lambda: ec2.delete_tags(Resources=[thing_id], Tags=[{"Key": "ManagedBy"}])  # noqa: E731
    ways.get(kind, other)()


def test_resources_of_ours_without_the_tag_that_permissions_need_are_named_and_nothing_is_changed(
    api: FailingEc2,
) -> None:
    ids, wanted = build(api), desired(SPEC)
    for key, item in wanted.items():
        untag(api, item.kind, ids[key])
    api.calls.clear()

    found = read_and_compare(api, SPEC)
    for state in ("present", "absent"):
        with pytest.raises(Ec2Error, match="has the tags Project and Cluster of this cluster, but not ManagedBy"):
            ensure_cluster(api.calls_of(), SPEC, Order((NETWORK,), state=state, machines=MACHINES))

    remedies = [item.remedy for item in problems_of(found) if item.code == "MANAGED_BY_MISSING"]
    unnamed = [key for key, item in wanted.items() if tagging_command(item.kind, ids[key]) not in "\n".join(remedies)]
    # Moto shows the tags with which a launch template was created.
    assert unnamed == ["launch_template/bastion"]
    assert [line for line in plan_lines(SPEC, found) if line.startswith("+")] == []
    assert api.writes() == []


def test_one_resource_without_that_tag_is_a_conflict_in_the_plan(api: FailingEc2) -> None:
    ids = build(api)
    for key in ("subnet", "security_group/nodes", "eni/gateway"):
        untag(api, desired(SPEC)[key].kind, ids[key])

        found = read_and_compare(api, SPEC)

        assert [item.code for item in problems_of(found)] == ["MANAGED_BY_MISSING"]
        assert [item.key for item in found.resources if item.state == "foreign"] == [key]
        assert found.foreign_resources == ()
        api.clients["ec2"].create_tags(Resources=[ids[key]], Tags=tag_list({"ManagedBy": MANAGED_BY}))


def test_what_lacks_only_its_own_tag_is_named_as_not_certain_with_the_remedy(api: FailingEc2) -> None:
    owner = {"Project": "talos-arm64", "Cluster": "moon", "ManagedBy": MANAGED_BY, "Name": SPEC.names.bastion}
    role, iam = SPEC.iam_name, api.clients["iam"]
    iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=tag_list(owner))
    iam.create_instance_profile(InstanceProfileName=role, Tags=tag_list(owner))
    damaged = tag_list({**owner, "SshHostKey": "ssh-ed25519"})
    api.clients["ssm"].put_parameter(Name=PARAMETER, Type="SecureString", Value="secret", Tags=damaged)
    # They belong to the cluster of this name in another region.
    other = tag_list({**owner, "Region": "us-east-1"})
    iam.create_role(RoleName=SPEC.bastion_iam_name, AssumeRolePolicyDocument="{}", Tags=other)

    lines = result_of(SPEC, read_and_compare(api, SPEC), datetime.now(UTC))["uncertain"]

    named = [line.partition(" is not certain to be this cluster's: ")[::2] for line in lines]
    assert [name for name, _ in named] == [
        f"? iam_role {role}",
        f"? instance_profile {role}",
        f"? ssm_parameter {PARAMETER}",
    ]
    remedies = [tagging_command(kind, role, "Region", SPEC.region) for kind in ("iam_role", "instance_profile")]
    remedies.append(f"aws ssm delete-parameter --name {PARAMETER}")
    assert [remedy in text for (_, text), remedy in zip(named, remedies, strict=True)] == [True] * 3


@pytest.mark.parametrize("kind", ["vpc", "iam_role", "instance_profile", "autoscaling_group", "ssm_parameter"])
def test_the_command_that_sets_a_tag_is_one_of_the_aws_cli(kind: str) -> None:
    words = shlex.split(tagging_command(kind, "name-or-id"))

    assert words[:2] == [
        "aws",
        {"vpc": "ec2", "autoscaling_group": "autoscaling", "ssm_parameter": "ssm"}.get(kind, "iam"),
    ]
    assert "name-or-id" in " ".join(words)
    assert f"Key=ManagedBy,Value={MANAGED_BY}" in " ".join(words)


def make_second(api: FailingEc2, kind: str, vpc: str) -> str:
    """Make another resource of a kind with the cluster's tags and a name of its own."""
    ec2 = api.clients["ec2"]
    options = [{"Key": "domain-name", "Values": ["example.com"]}]
    ways: dict[str, Callable[[], str]] = {
        "vpc": lambda: ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"],
        "dhcp_options": lambda: ec2.create_dhcp_options(DhcpConfigurations=options)["DhcpOptions"]["DhcpOptionsId"],
        "subnet": lambda: ec2.create_subnet(VpcId=vpc, CidrBlock="10.10.9.0/24")["Subnet"]["SubnetId"],
        "internet_gateway": lambda: ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
        "route_table": lambda: ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"],
    }
    made = ways[kind]()
    ec2.create_tags(Resources=[made], Tags=tag_list({**desired(SPEC)[kind].want["tags"], "Name": "of-ada"}))
    return made


def test_two_of_a_kind_of_which_a_cluster_has_one_are_both_named_and_nothing_is_changed(api: FailingEc2) -> None:
    ids = build(api)
    seconds = {kind: make_second(api, kind, ids["vpc"]) for kind in ONLY_ONE}
    api.calls.clear()

    problems = problems_of(read_and_compare(api, SPEC))
    with pytest.raises(Ec2Error, match="both have the tags of this cluster, which has one"):
        ensure_cluster(api.calls_of(), SPEC, Order((NETWORK,), machines=MACHINES))

    assert [item.code for item in problems] == ["DUPLICATE_RESOURCE"] * len(ONLY_ONE)
    for item, (kind, second) in zip(problems, seconds.items(), strict=True):
        assert f"{ids[kind]} ({desired(SPEC)[kind].name}) and {second} (of-ada) both" in item.message
        assert f"aws ec2 delete-tags --resources {second} --tags Key=Cluster" in item.remedy
    assert api.writes() == []

    # A run that was interrupted leaves duplicates, which have the same name.
    for kind, second in seconds.items():
        api.clients["ec2"].create_tags(Resources=[second], Tags=tag_list({"Name": desired(SPEC)[kind].name}))
    assert problems_of(read_and_compare(api, SPEC)) == []


def test_a_host_key_that_is_not_encrypted_is_a_change_of_type_and_refused(api: FailingEc2) -> None:
    build(api)
    api.clients["ssm"].delete_parameter(Name=PARAMETER)
    put_host_key(api, "String")

    found = read_and_compare(api, SPEC)

    (problem,) = problems_of(found)
    lines = plan_lines(SPEC, found)
    assert problem.code == "HOST_KEY_NOT_ENCRYPTED"
    assert f"--auto-scaling-group-name {SPEC.names.unique} --desired-capacity 0" in problem.remedy
    assert f"aws ssm delete-parameter --name {PARAMETER}" in problem.remedy
    assert "    type: String -> SecureString" in lines


@pytest.mark.parametrize(("name", "argument"), [("by-hand", "by-hand"), ("start by hand", "'start by hand'")])
def test_a_scheduled_action_of_another_owner_is_named_once_and_kept_by_a_removal(
    api: FailingEc2, name: str, argument: str
) -> None:
    build(api)
    group = {"AutoScalingGroupName": SPEC.names.unique}
    action = {"ScheduledActionName": name, "Recurrence": "0 0 * * *", "DesiredCapacity": 1}
    api.clients["autoscaling"].put_scheduled_update_group_action(**group, **action)
    api.calls.clear()

    found = read_and_compare(api, SPEC)
    with pytest.raises(Ec2Error, match=f"Auto Scaling group {SPEC.names.unique} has scheduled action {name}, which is"):
        ensure_cluster(api.calls_of(), SPEC, Order((BASTION,), state="absent"))

    (remedy,) = [tie.remedy for tie in found.ties]
    assert f"--auto-scaling-group-name {SPEC.names.unique} --scheduled-action-name {argument}" in remedy
    assert problems_of(found) == []
    assert len([line for line in plan_lines(SPEC, found) if name in line]) == 1
    assert api.writes() == []


def test_a_main_route_table_of_another_owner_is_named_before_its_vpc_is_deleted(api: FailingEc2) -> None:
    ids, ec2 = build(api), api.clients["ec2"]
    main = [{"Name": "vpc-id", "Values": [ids["vpc"]]}, {"Name": "association.main", "Values": ["true"]}]
    (of_aws,) = ec2.describe_route_tables(Filters=main)["RouteTables"]
    theirs = ec2.create_route_table(VpcId=ids["vpc"])["RouteTable"]["RouteTableId"]
    ec2.create_tags(Resources=[theirs], Tags=tag_list({"Owner": "Bob"}))
    # A tag policy may tag the table of AWS.
    ec2.create_tags(Resources=[of_aws["RouteTableId"]], Tags=tag_list({"CostCenter": "1"}))
    before = [foreign.id for foreign in read_and_compare(api, SPEC).foreign_resources]
    ec2.delete_tags(Resources=[of_aws["RouteTableId"]], Tags=[{"Key": "CostCenter"}])

    association = of_aws["Associations"][0]["RouteTableAssociationId"]
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=theirs)

    assert before == [theirs]
    assert theirs in [foreign.id for foreign in read_and_compare(api, SPEC).foreign_resources]
