# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each kind of resource: one that another owner has created with our name is refused and not changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.kinds import KINDS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import BASTION, NETWORK, NODES, PARTS, desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import cluster_tags, owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import Existing, existing_of, reading_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.owners import (
    conflict_problems,
    conflicting_resource,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.parts import part_of
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import (
    problems_of,
    read_and_compare,
    result_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.text import kind_word, plan_lines, tie_text
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from lab.settings import REPOSITORY
from tests.ec2_cluster import IMAGE, aws_with_images, empty_aws, spec, tag_list
from tests.ec2_failures import FailingEc2
from tests.operator_policy import named_in_code
from tests.strangers import (
    BESIDE,
    BOB,
    FOREIGN_KINDS,
    JOINS,
    MADE_BY,
    NAMES,
    PARAMETERS,
    PARTS_OF_OTHERS,
    PLACES,
    Join,
    Plant,
    Read,
    Stranger,
    address_on_our_bastion,
    address_on_our_interface,
    everything_of,
    gateway_in_their_vpc,
    interface_on_their_machine,
    our_address_on_their_interface,
    table_of_our_subnet,
    their_machine_in_our_group,
    their_options_of_our_vpc,
)

MACHINE = {"instance_type": "t4g.small", "volume_size": 30, "image": IMAGE, "start": "18:00", "stop": "23:00"} | {
    "host_key_parameter": "/urmanac.talos/talos-arm64/moon/bastion-host-key"
}
SPEC = spec(bastion=MACHINE, home_schedule_enabled=True, hours={"ttl": 8.0})
NOW = datetime.now(UTC)
# Moto would launch the bastion without its interface.
MACHINES = Machines(image=IMAGE, bastion_started=False)


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    with empty_aws():
        yield FailingEc2()


def stranger_in(api: FailingEc2) -> Stranger:
    return Stranger(lambda service: api.clients[service], SPEC, IMAGE)


def build(api: FailingEc2, *parts: str) -> None:
    for part in parts:
        ensure_cluster(api.calls_of(), SPEC, Order((part,), machines=MACHINES))


def remove(api: FailingEc2) -> None:
    for part in reversed(PARTS):
        ensure_cluster(api.calls_of(), SPEC, Order((part,), state="absent"))


def vpc_of_ours(api: FailingEc2) -> str:
    """Return a VPC that an interrupted run has left."""
    ec2 = api.clients["ec2"]
    vpc: str = ec2.create_vpc(CidrBlock=SPEC.vpc_ipv4_cidr, AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=tag_list(desired(SPEC)["vpc"].want["tags"]))
    return vpc


def assert_refused_and_kept(api: FailingEc2, key: str, read: Read) -> None:
    """Check that the plan and the part refuse the thing alone, that nothing is changed, and that it stays."""
    before, resource = read(), desired(SPEC)[key]
    api.calls.clear()

    found = read_and_compare(api, SPEC)
    with pytest.raises(Ec2Error, match=rf"Failed to create {resource.kind} .*Owner=Bob"):
        build(api, resource.part)

    lines = [line for line in plan_lines(SPEC, found) if f" {kind_word(resource.kind)} {resource.name}:" in f"{line}:"]
    assert [item.key for item in found.resources if item.state == "foreign"] == [key]
    assert [("NAME_TAKEN", "Owner=Bob" in item.message) for item in conflict_problems(found.resources)] == [
        ("NAME_TAKEN", True)
    ]
    assert [line[:1] for line in lines] == ["x"]
    assert api.writes() == []
    assert read() == before


@pytest.mark.parametrize(("key", "plant"), NAMES.items(), ids=NAMES.keys())
def test_a_name_that_others_have_is_refused(api: FailingEc2, key: str, plant: Plant) -> None:
    read = plant(stranger_in(api))

    assert_refused_and_kept(api, key, read)


@pytest.mark.parametrize(("key", "plant"), NAMES.items(), ids=NAMES.keys())
def test_a_removal_leaves_what_has_only_our_name(api: FailingEc2, key: str, plant: Plant) -> None:
    read = plant(stranger_in(api))
    before = read()
    api.calls.clear()

    remove(api)

    assert (read(), api.writes()) == (before, [])


def plant_role(stranger: Stranger) -> Read:
    return stranger.role(SPEC.iam_name.upper())


def plant_profile(stranger: Stranger) -> Read:
    return stranger.profile(SPEC.iam_name.upper())


def plant_group(stranger: Stranger) -> Read:
    return stranger.security_group("NODES")


@pytest.mark.parametrize(
    ("key", "plant"),
    [
        pytest.param("iam_role/node", plant_role, id="role"),
        pytest.param("instance_profile/node", plant_profile, id="instance profile"),
        pytest.param("security_group/nodes", plant_group, id="security group"),
    ],
)
def test_a_name_that_differs_in_upper_and_lower_case_only_is_taken(api: FailingEc2, key: str, plant: Plant) -> None:
    stranger = stranger_in(api)
    stranger.vpc = vpc_of_ours(api)
    read = plant(stranger)

    assert_refused_and_kept(api, key, read)


@pytest.mark.parametrize(("key", "plant"), PLACES.items(), ids=PLACES.keys())
def test_a_place_that_others_have_is_refused_and_its_network_is_not_removed(
    api: FailingEc2, key: str, plant: Plant
) -> None:
    stranger = stranger_in(api)
    if key.startswith("eni/"):
        build(api, NETWORK)
        resources = {item.key: item.id for item in read_and_compare(api, SPEC).resources}
        stranger.vpc, stranger.subnet_id = resources["vpc"] or "", resources["subnet"] or ""
    else:
        stranger.vpc = vpc_of_ours(api)
    read = plant(stranger)
    before = read()

    assert_refused_and_kept(api, key, read)

    with pytest.raises(Ec2Error, match=r"Failed to remove the network: .* and not managed by it \(Owner=Bob"):
        remove(api)
    assert (read(), api.writes()) == (before, [])


@pytest.mark.parametrize("second", [False, True], ids=["first address", "second address"])
@pytest.mark.parametrize(("key", "ipv4"), [("eni/gateway", SPEC.nodes[0].ipv4), ("eni/bastion", SPEC.bastion_ipv4)])
def test_an_address_of_ours_that_an_interface_of_another_owner_has_is_refused(
    api: FailingEc2, key: str, ipv4: str, second: bool
) -> None:
    build(api, NETWORK)
    stranger = stranger_in(api)
    stranger.subnet_id = next(item.id or "" for item in read_and_compare(api, SPEC).resources if item.key == "subnet")

    read = stranger.eni_with(ipv4) if second else stranger.eni("theirs", ipv4)

    assert_refused_and_kept(api, key, read)


@pytest.mark.parametrize("second", [False, True], ids=["a stray", "a second address of the bastion"])
def test_an_address_that_another_interface_of_ours_has_is_refused_before_anything_is_made(
    api: FailingEc2, second: bool
) -> None:
    build(api, NETWORK, BASTION)
    ec2, ids = api.clients["ec2"], {item.key: item.id or "" for item in read_and_compare(api, SPEC).resources}
    address, holder = SPEC.nodes[0].ipv4, ids["eni/bastion"]
    if second:
        ec2.assign_private_ip_addresses(NetworkInterfaceId=holder, PrivateIpAddresses=[address])
    else:
        tags = [{"ResourceType": "network-interface", "Tags": tag_list({**owner_tags(SPEC), "Name": "moon-old"})}]
        made = ec2.create_network_interface(SubnetId=ids["subnet"], PrivateIpAddress=address, TagSpecifications=tags)
        holder = made["NetworkInterface"]["NetworkInterfaceId"]
    api.calls.clear()

    found = read_and_compare(api, SPEC)
    with pytest.raises(Ec2Error, match=rf"eni moon-gateway: {holder} \(\S+\) of this cluster has its place"):
        build(api, NODES)

    assert [(problem.code, problem.subject) for problem in problems_of(found)] == [
        ("ADDRESS_OR_NAME_IN_USE", "eni moon-gateway")
    ]
    line = f"x network interface moon-gateway: {holder} has its name or address and belongs to this cluster too"
    assert line in plan_lines(SPEC, found)
    assert api.writes() == []


def test_an_address_in_a_prefix_of_another_interface_is_taken() -> None:
    wanted = desired(SPEC)
    record = {"PrivateIpAddress": "10.10.0.4", "PrivateIpAddresses": [{"PrivateIpAddress": "10.10.0.4"}]}
    empty = {"SubnetId": "", "Groups": (), "SourceDestCheck": True, "MacAddress": "", "NetworkInterfaceId": "eni-1"}

    def taker(prefix: str) -> Existing | None:
        prefixes = [{"Ipv4Prefix": prefix}]
        other = existing_of(reading_of("eni"), {**record, **empty, "Ipv4Prefixes": prefixes}, SPEC)
        return conflicting_resource(wanted["eni/gateway"], {}, wanted, [other])

    assert (taker("10.10.0.96/28") is None, taker("10.10.0.112/28") is None) == (False, True)


@pytest.mark.parametrize(("kind", "plant"), FOREIGN_KINDS.items(), ids=FOREIGN_KINDS.keys())
def test_a_foreign_resource_is_named_before_anything_is_deleted(api: FailingEc2, kind: str, plant: Plant) -> None:
    stranger = stranger_in(api)
    stranger.vpc = vpc_of_ours(api)
    read = plant(stranger)
    before = read()
    api.calls.clear()

    with pytest.raises(
        Ec2Error, match=rf"the network: {kind_word(kind)} \S+ is in the network of the cluster and not managed by it"
    ):
        remove(api)

    # A NAT gateway is in a subnet, and has an interface there.
    assert kind in [foreign.kind for foreign in read_and_compare(api, SPEC).foreign_resources]
    assert (read(), api.writes()) == (before, [])


class Forgetful(Stranger):
    """Another owner who puts the cluster's tags on resources that no playbook makes."""

    def tagged(self, kind: str, name: str = "") -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": tag_list({**BOB, **owner_tags(SPEC)})}]


# Moto's DescribeTags has another word for NAT gateways than AWS, and playbooks make route tables.
@pytest.mark.parametrize("kind", sorted(FOREIGN_KINDS.keys() - {"route_table", "natgateway"}))
def test_what_no_playbook_makes_is_named_before_anything_is_deleted_also_with_our_tags(
    api: FailingEc2, kind: str
) -> None:
    stranger = Forgetful(lambda service: api.clients[service], SPEC, IMAGE)
    stranger.vpc = vpc_of_ours(api)
    FOREIGN_KINDS[kind](stranger)
    api.calls.clear()

    with pytest.raises(
        Ec2Error, match=rf"{kind_word(kind)} \S+ is in the network of the cluster and has its tags, but no playbook"
    ):
        remove(api)
    found = read_and_compare(api, SPEC)

    assert api.writes() == []
    assert kind in [item.kind for item in found.unmade]
    assert "no playbook creates" in repr(result_of(SPEC, found, NOW)["foreign_resources"])


# A user may copy the tags that name a cluster; only this collection says that it made something.
@pytest.mark.parametrize("named", [{}, cluster_tags(SPEC)], ids=["without our tags", "with the cluster's name"])
def test_copies_of_our_volume_that_others_made_stay(api: FailingEc2, named: dict[str, str]) -> None:
    build(api, NETWORK, NODES)
    ec2, ids = api.clients["ec2"], resources_of_ours(api)
    tags = [{"ResourceType": "snapshot", "Tags": tag_list({**BOB, **named})}]
    copied = ec2.create_snapshot(VolumeId=ids["volume"], TagSpecifications=tags)
    image = ec2.create_image(InstanceId=ids["instance/gateway"], Name="theirs")["ImageId"]

    def read() -> tuple[Any, Any]:
        snapshots = ec2.describe_snapshots(SnapshotIds=[copied["SnapshotId"]])["Snapshots"]
        return snapshots, ec2.describe_images(ImageIds=[image])["Images"]

    before = read()

    remove(api)

    assert read() == before
    assert read_and_compare(api, SPEC).found == ()


@pytest.mark.parametrize(("tags", "part"), [({}, NODES), ({"Node": "gateway"}, NODES), ({"Node": BASTION}, BASTION)])
def test_a_volume_of_ours_that_no_machine_has_is_shown_and_deleted(
    api: FailingEc2, tags: dict[str, str], part: str
) -> None:
    volume = volume_of_ours(api, **tags)
    shown = part_of(read_and_compare(api, SPEC), part).found
    api.calls.clear()

    outcome = ensure_cluster(api.calls_of(), SPEC, Order((part,), state="absent"))
    again = ensure_cluster(api.calls_of(), SPEC, Order((part,), state="absent"))

    assert [item["id"] for item in shown] == [volume]
    assert (outcome.lines, again.changed) == ((f"deleted volume {volume}",), False)
    assert api.writes() == ["delete_volume"]


def test_what_may_be_there_any_number_of_times_is_neither_used_nor_removed() -> None:
    with aws_with_images():
        api = FailingEc2()
        stranger = stranger_in(api)
        readings = {kind: plant(stranger) for kind, plant in BESIDE.items()}
        before = {kind: read() for kind, read in readings.items()}

        build(api, *PARTS)
        states = {item.key: item.state for item in read_and_compare(api, SPEC).resources}
        remove(api)

        assert {key for key, state in states.items() if state != "present"} == {"ssm_parameter/bastion"}
        assert {kind: read() for kind, read in readings.items()} == before


def volume_of_ours(api: FailingEc2, **more: str) -> str:
    """Return a volume of ours that no machine has."""
    tags = [{"ResourceType": "volume", "Tags": tag_list({**owner_tags(SPEC), **more})}]
    place = {"AvailabilityZone": SPEC.availability_zone, "Size": 1}
    volume: str = api.clients["ec2"].create_volume(**place, TagSpecifications=tags)["VolumeId"]
    return volume


def resources_of_ours(api: FailingEc2) -> dict[str, str]:
    """Return the ids of ours by key, with the group of the nodes, and a volume of ours that no machine has."""
    ids = {item.key: item.id or "" for item in read_and_compare(api, SPEC).resources}
    return {**ids, "nodes": ids["security_group/nodes"], "volume": volume_of_ours(api)}


def refusal_of_removal(api: FailingEc2, part: str) -> str:
    with pytest.raises(Ec2Error) as caught:
        ensure_cluster(api.calls_of(), SPEC, Order((part,), state="absent"))
    return str(caught.value)


def test_everything_of_other_owners_that_is_joined_with_ours_is_named_before_anything_is_deleted() -> None:
    with aws_with_images():
        api = FailingEc2()
        build(api, *PARTS)
        clean = read_and_compare(api, SPEC, all_ties=True).ties
        stranger, ours = stranger_in(api), resources_of_ours(api)
        joined = [(kind, how, other, *join(stranger, ours)) for kind, how, other, join in JOINS]
        before = [read() for *_tie, read in joined]
        api.calls.clear()

        ties = read_and_compare(api, SPEC, all_ties=True).ties
        # By our tags, by our name, and all of them once for the ties.
        assert api.calls.count("describe_auto_scaling_groups") == 3
        refusals = "\n".join(refusal_of_removal(api, part) for part in (NODES, BASTION, NETWORK))

        assert clean == ()
        found = [(tie.ours.kind, tie.how, tie.other.kind, tie.other.id) for tie in ties]
        assert sorted(found) == sorted(tuple(tie) for *tie, _read in joined)
        assert {tie.other.tags.get("Owner") for tie in ties} == {"Bob"}
        assert [tie for tie in ties if f"{tie_text(tie)}. {tie.remedy}" not in refusals] == []
        assert api.writes() == []
        assert [read() for *_tie, read in joined] == before


def test_a_launch_configuration_that_names_ours_is_named_before_anything_is_deleted(api: FailingEc2) -> None:
    build(api, NETWORK)
    ours = {item.key: item.id or "" for item in read_and_compare(api, SPEC).resources}
    api.clients["autoscaling"].create_launch_configuration(
        LaunchConfigurationName="theirs",
        ImageId=IMAGE,
        InstanceType="m7g.large",
        SecurityGroups=[ours["security_group/nodes"]],
        IamInstanceProfile=ours["instance_profile/node"],
    )
    api.calls.clear()

    refusal = refusal_of_removal(api, NETWORK)

    for what in (f"security group moon-nodes ({ours['security_group/nodes']})", f"instance profile {SPEC.iam_name}"):
        assert f"{what} is named by launch configuration theirs, which is not managed by this cluster" in refusal
    assert api.writes() == []


@pytest.mark.parametrize(
    "join",
    [
        pytest.param(gateway_in_their_vpc, id="gateway"),
        pytest.param(interface_on_their_machine, id="interface"),
        pytest.param(our_address_on_their_interface, id="our address"),
        pytest.param(address_on_our_bastion, id="their address"),
        pytest.param(address_on_our_interface, id="their address on a node"),
        pytest.param(table_of_our_subnet, id="route table"),
        pytest.param(their_options_of_our_vpc, id="DHCP options"),
        pytest.param(their_machine_in_our_group, id="machine in the group"),
    ],
)
def test_a_build_does_not_take_what_others_hold(api: FailingEc2, join: Join) -> None:
    build(api, *PARTS)
    _other, read = join(stranger_in(api), resources_of_ours(api))
    before = read()
    api.calls.clear()

    found = read_and_compare(api, SPEC)
    with pytest.raises(Ec2Error, match=r"Failed to use .* is not managed by this cluster \(Owner=Bob\)"):
        build(api, NETWORK, NODES, BASTION)

    assert [problem.code for problem in problems_of(found)] == ["USED_BY_FOREIGN_RESOURCE"]
    assert len([line for line in plan_lines(SPEC, found) if line.startswith("x ")]) == 1
    assert (read(), api.writes()) == (before, [])


def described(api: FailingEc2, project: str) -> dict[str, Any]:
    """Return how AWS describes everything of a project's cluster."""
    return everything_of(lambda service: api.clients[service], project, SPEC.name, "node", "bastion", "home-access")


def test_a_cluster_of_the_same_name_in_another_project_is_made_and_removed_beside_ours() -> None:
    other = replace(SPEC, project="spare")
    with aws_with_images():
        api = FailingEc2()
        build(api, *PARTS)
        before = described(api, SPEC.project)

        for part in PARTS:
            ensure_cluster(api.calls_of(), other, Order((part,), machines=MACHINES))
        both = described(api, SPEC.project), described(api, other.project)
        for part in reversed(PARTS):
            ensure_cluster(api.calls_of(), other, Order((part,), state="absent"))

        assert both[0] == described(api, SPEC.project) == before
        assert all(both[1].values()) and all(before.values())
        # Moto keeps the tags of an address that was released.
        assert {found.kind for found in read_and_compare(api, other).found} <= {"vpc_elastic_ip"}


def test_there_is_a_stranger_of_every_kind_that_is_made() -> None:
    keys = {*NAMES, *PLACES, *BESIDE}
    described = {key for key in desired(SPEC) if key.partition("/")[0] in {*KINDS, "ssm_parameter"}}

    assert {key.partition("/")[0] for key in described} <= {key.partition("/")[0] for key in keys}
    assert set(KINDS) <= {key.partition("/")[0] for key in keys}
    # What has a name of its own in the account or the region is refused for each name.
    unique = {"iam_role", "instance_profile", "launch_template", "autoscaling_group", "ssm_parameter", "schedule_group"}
    assert {key for key in described if key.partition("/")[0] in unique} == set(NAMES)


def test_there_is_a_stranger_of_what_every_creating_call_makes() -> None:
    begin = ("Allocate", "Create", "Import", "Put", "Request", "Run")
    named = {name for permission in named_in_code() if (name := permission.partition(":")[2]).startswith(begin)}

    # The state of a cluster, in a bucket: test_ec2_state.py and test_shared_state.py put other files there.
    assert named == {*MADE_BY, *PARTS_OF_OTHERS, "PutObject"}


def test_there_is_a_stranger_of_every_parameter_that_is_not_a_resource() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "plugins" / "module_utils").rglob("*.py")]

    named = {name for text in texts for name in re.findall(r"\{parameter_prefix\(project, name\)\}([\w-]+)", text)}

    assert named == set(PARAMETERS)
