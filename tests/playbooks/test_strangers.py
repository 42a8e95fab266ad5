# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other owners' resources with the cluster's names or in its network stop every playbook before it changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.text import kind_word
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.spec import ClusterSpec
from tests.ec2_cluster import node, spec, tag_list
from tests.lab.labs import Lab
from tests.playbooks.runs import CONFIRMED, Run, calls, play, vpcs
from tests.strangers import NAMES, PARAMETERS, PLACES, Read, Stranger, options_of_their_vpc

SITE, RESET = "playbooks/site.yml", "playbooks/reset.yml"
PARAMETER = "/urmanac.talos/talos-arm64/lab/"
HOST_KEY = f"{PARAMETER}bastion-host-key"


def cluster(lab: Lab) -> ClusterSpec:
    """Return what of the lab's cluster decides which names and places it has."""
    bastion = {"instance_type": "t4g.small", "volume_size": 30, "image": "ami-0123", "host_key_parameter": HOST_KEY}
    return spec(
        name="lab",
        vpc_ipv4_cidr=f"{lab.network}/16",
        subnet_ipv4_cidr=f"{lab.network}/24",
        bastion_ipv4=lab.address(100),
        nodes=[node(ipv4=lab.address(101))],
        bastion=bastion,
        home_schedule_enabled=True,
        hours={"ttl": 8.0},
    )


class Scene(NamedTuple):
    """An account with strangers in it: how each is read, what that said first, and the runs of the playbooks."""

    names: dict[str, Read]
    places: dict[str, Read]
    before: dict[str, Any]
    writes: list[int]
    # It uses DHCP options of ours.
    their_vpc: str
    plan: Run
    site: Run
    reset: Run


def readings(reads: dict[str, Read]) -> dict[str, Any]:
    return {key: read() for key, read in reads.items()}


def of_ours(lab: Lab, key: str, resource_type: str) -> list[dict[str, Any]]:
    """Return the tags of a resource of ours as a call takes them that makes it."""
    return [{"ResourceType": resource_type, "Tags": tag_list(desired(cluster(lab))[key].want["tags"])}]


def make_vpc_of_ours(lab: Lab) -> str:
    """Return a VPC that an interrupted run has left."""
    made = lab.client("ec2").create_vpc(
        CidrBlock=f"{lab.network}/16",
        AmazonProvidedIpv6CidrBlock=True,
        TagSpecifications=of_ours(lab, "vpc", "vpc"),
    )
    return str(made["Vpc"]["VpcId"])


def make_options_of_ours(lab: Lab) -> str:
    """Return a set of DHCP options that an interrupted run has left."""
    made = lab.client("ec2").create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["talos.example.com"]}],
        TagSpecifications=of_ours(lab, "dhcp_options", "dhcp-options"),
    )
    return str(made["DhcpOptions"]["DhcpOptionsId"])


def make_subnet_and_group_of_ours(lab: Lab, vpc: str) -> None:
    """Make more of what an interrupted run leaves in a VPC."""
    ec2, spec_ = lab.client("ec2"), cluster(lab)
    ec2.create_subnet(VpcId=vpc, CidrBlock=spec_.subnet_ipv4_cidr, TagSpecifications=of_ours(lab, "subnet", "subnet"))
    ec2.create_security_group(
        VpcId=vpc,
        GroupName="lab-nodes",
        Description="ours",
        TagSpecifications=of_ours(lab, "security_group/nodes", "security-group"),
    )


@pytest.fixture(scope="module")
def scene(lab: Lab) -> Iterator[Scene]:
    """Give the runs of an account in which strangers have each name, and each place in a VPC of ours."""
    stranger = Stranger(lab.client, cluster(lab))
    names = {key: plant(stranger) for key, plant in NAMES.items()}
    stranger.vpc = make_vpc_of_ours(lab)
    places = {key: plant(stranger) for key, plant in PLACES.items()}
    options = {"dhcp_options": make_options_of_ours(lab)}
    their_vpc, places["tie"] = options_of_their_vpc(stranger, options)
    before, writes, runs = readings({**names, **places}), [calls(lab)], []
    for playbook, option in ((SITE, ("--check",)), (SITE, ()), (RESET, ("-e", CONFIRMED))):
        runs.append(play(lab, playbook, *option, "-e", "cluster_home_schedule_enabled=true"))
        writes.append(calls(lab))
    yield Scene(names, places, before, writes, their_vpc, *runs)


@pytest.mark.parametrize("what", PARAMETERS)
def test_a_claim_or_a_lock_of_another_owner_stops_every_playbook_and_stays(lab: Lab, what: str) -> None:
    read = PARAMETERS[what](Stranger(lab.client, cluster(lab)))
    before, writes = read(), calls(lab)

    runs = [play(lab, SITE, "--check"), play(lab, SITE), play(lab, RESET, "-e", CONFIRMED, "-e", "reset_claim=force")]

    kept, after = read(), calls(lab)
    lab.client("ssm").delete_parameter(Name=f"{PARAMETER}{what}")
    assert [(run.code != 0, "without the tags of the cluster lab (Owner=Bob)" in run.output) for run in runs] == [
        (True, True)
    ] * 3, runs[-1].output
    assert f"1. ssm_parameter {PARAMETER}{what}: " in runs[0].output
    # The reset tries to create the lock, which SSM refuses: it never overwrites one.
    assert (kept, after - writes) == (before, 1 if what == "run" else 0)


@pytest.mark.parametrize("key", [*NAMES, *PLACES])
def test_the_plan_refuses_each_stranger_with_its_owner_and_does_not_plan_to_make_it(
    lab: Lab, scene: Scene, key: str
) -> None:
    resource = desired(cluster(lab))[key]
    title = f"{kind_word(resource.kind)} {resource.name}"

    lines = [line.strip() for line in scene.plan.output.splitlines()]

    planned = [line for line in lines if line[1:].startswith(f" {title}:")]
    assert [line[0] for line in planned] == ["x"], scene.plan.output
    assert "Owner=Bob" in planned[0]
    refused = f"NAME_TAKEN: {resource.kind} {resource.name}:"
    assert refused in scene.plan.output
    assert refused in scene.site.output


def test_no_playbook_changes_anything_where_strangers_are_in_the_way(scene: Scene) -> None:
    assert 0 not in (scene.plan.code, scene.site.code, scene.reset.code)
    assert len(set(scene.writes)) == 1
    assert readings({**scene.names, **scene.places}) == scene.before


def test_a_reset_names_all_that_others_have_in_the_network_before_it_deletes_anything(scene: Scene) -> None:
    assert "resources that do not belong to the cluster lab use its resources" in scene.reset.output
    # Ansible prints a message twice.
    tie = rf"DHCP options lab-dhcp \(dopt-\w+\) are used by VPC {scene.their_vpc}, which is not managed by this cluster"
    assert re.search(rf"{tie} \(Owner=Bob\)", scene.reset.output)
    said = " ".join(scene.reset.output.split())
    foreign = r"FOREIGN_RESOURCE_IN_NETWORK: (\w+) ((?:subnet|igw|sg|eni)-[0-9a-f]+): [^)]*\(Owner=Bob"
    named = set(re.findall(foreign, said))
    assert sorted(kind for kind, _id in named) == sorted(key.partition("/")[0] for key in PLACES)


def test_a_reset_that_a_policy_stops_names_the_permission_and_the_next_one_ends_empty(lab: Lab, scene: Scene) -> None:
    leave(lab, scene)
    (ours,) = vpcs(lab, Project="talos-arm64")
    make_subnet_and_group_of_ours(lab, ours["VpcId"])
    lab.fault(kind="refuse", action="DeleteSubnet", code="UnauthorizedOperation", message="No policy allows it.")

    # This controller has no secrets of the cluster, which has no claim.
    named = ("-e", CONFIRMED, "-e", f"reset_claim={ours['VpcId']}")
    first = play(lab, RESET, *named)
    left = groups_of_ours(lab), vpcs(lab, Project="talos-arm64")
    second = play(lab, RESET, *named)

    assert first.code != 0
    assert "Failed to delete subnet lab-subnet (ec2:DeleteSubnet in " in first.output
    assert "Allow ec2:DeleteSubnet to the identity in use" in first.output
    assert left == ([], [ours])
    assert second.code == 0, second.output
    assert "All resources of lab in" in second.output
    assert vpcs(lab, Project="talos-arm64") == []
    assert readings(scene.names) == {key: scene.before[key] for key in scene.names}


def test_a_reset_deletes_a_volume_of_ours_and_names_what_no_playbook_makes(lab: Lab, scene: Scene) -> None:
    leave(lab, scene)
    ec2 = lab.client("ec2")
    ours = tag_list({"Project": "talos-arm64", "Cluster": "lab", "ManagedBy": "urmanac.talos", "Name": "lab-gateway"})
    tagged = {kind: [{"ResourceType": kind, "Tags": ours}] for kind in ("volume", "key-pair")}
    zone = cluster(lab).availability_zone
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=tagged["volume"])["VolumeId"]
    pair = ec2.create_key_pair(KeyName="ours", TagSpecifications=tagged["key-pair"])["KeyPairId"]

    run = play(lab, RESET, "-e", CONFIRMED)
    left = ec2.describe_volumes(VolumeIds=[], Filters=[{"Name": "volume-id", "Values": [volume]}])["Volumes"]
    ec2.delete_key_pair(KeyName="ours")

    shown, _, proof = run.output.partition("Verify that everything is deleted")
    assert run.code == 0, run.output
    assert f"- volume lab-gateway {volume}" in shown
    assert f"? key_pair lab-gateway {pair} has its tags, but no playbook creates or deletes it" in shown
    assert f"These have its tags and stay, because no playbook makes them: {pair}." in " ".join(proof.split())
    assert left == []


def groups_of_ours(lab: Lab) -> list[dict[str, Any]]:
    """Return our security groups."""
    ours = [{"Name": "tag:Project", "Values": ["talos-arm64"]}]
    found: list[dict[str, Any]] = lab.client("ec2").describe_security_groups(Filters=ours)["SecurityGroups"]
    return found


def leave(lab: Lab, scene: Scene) -> None:
    """Take what the strangers have in the network out of it, and have their VPC use other options."""
    ec2 = lab.client("ec2")
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=scene.their_vpc)
    theirs = [{"Name": "tag:Owner", "Values": ["Bob"]}]
    for eni in ec2.describe_network_interfaces(Filters=theirs)["NetworkInterfaces"]:
        ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    for group in ec2.describe_security_groups(Filters=theirs)["SecurityGroups"]:
        ec2.delete_security_group(GroupId=group["GroupId"])
    for subnet in ec2.describe_subnets(Filters=theirs)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for gateway in ec2.describe_internet_gateways(Filters=theirs)["InternetGateways"]:
        (attached,) = gateway["Attachments"]
        named = {"InternetGatewayId": gateway["InternetGatewayId"]}
        ec2.detach_internet_gateway(**named, VpcId=attached["VpcId"])
        ec2.delete_internet_gateway(**named)
