# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that makes something of a cluster: its answer is lost, or the run ends right after it.

The next run has to end with one of each, and a removal with nothing. The lab refuses what AWS refuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.comparison import Comparison
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.current import read_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.owners import conflict_problems
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import read_and_compare
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from tests.lab.cluster_runs import (
    CREATING,
    NODES,
    REPAIRING,
    SETTING,
    SPEC,
    STAGES,
    TABLE,
    Ended,
    FaultyApi,
    assert_one_of_each,
    build,
    is_creating,
    left_empty,
    remove,
)
from tests.lab.labs import Lab
from tests.operator_policy import named_in_code


@pytest.fixture
def api(lab: Lab) -> Iterator[FaultyApi]:
    yield from left_empty(FaultyApi(lab))


def test_a_second_run_makes_no_writing_call(api: FaultyApi) -> None:
    assert_one_of_each(api, build(api))
    assert read_and_compare(api, SPEC, all_ties=True).ties == ()
    api.writes.clear()

    build(api)

    assert api.writes == []


def test_a_data_volume_is_made_encrypted_and_tagged_and_goes_with_its_node(lab: Lab, api: FaultyApi) -> None:
    (have,) = (one.have for one in build(api).resources if one.key == "instance/compute-2")
    assert have

    volume = lab.client("ec2").describe_volumes(VolumeIds=[have["data_volume"]])["Volumes"][0]
    (attached,) = volume["Attachments"]
    tags = {tag["Key"]: tag["Value"] for tag in volume["Tags"]}
    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (20, "gp3", True)
    assert (attached["Device"], attached["DeleteOnTermination"]) == ("/dev/sdf", True)
    assert (tags["Cluster"], tags["ManagedBy"]) == (SPEC.name, "urmanac.talos")
    assert (have["data_volume_size"], have["data_volume_encrypted"]) == (20, True)

    remove(api)

    filters = [{"Name": "tag:Cluster", "Values": [SPEC.name]}]
    assert lab.client("ec2").describe_volumes(Filters=filters)["Volumes"] == []


def test_a_volume_of_ours_that_outlives_its_node_is_deleted(lab: Lab, api: FaultyApi) -> None:
    node_id = next(str(one.id) for one in build(api).resources if one.key == "instance/compute-2")
    ec2 = lab.client("ec2")
    tags = [{"Key": key, "Value": value} for key, value in owner_tags(SPEC).items()]
    made = ec2.create_volume(
        AvailabilityZone=SPEC.availability_zone, Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )["VolumeId"]
    # What is attached by hand is kept when its machine ends.
    ec2.attach_volume(VolumeId=made, InstanceId=node_id, Device="/dev/sdg")

    left = remove(api).found

    assert left == ()
    assert api.writes.count("delete_volume") == 1
    assert ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": [made]}])["Volumes"] == []


def test_lost_answers_of_all_calls_leave_one_of_each(api: FaultyApi) -> None:
    api.lost = Counter(dict.fromkeys((*CREATING, *SETTING), 1))

    cluster = build(api)

    assert +api.lost == Counter()
    assert_one_of_each(api, cluster)


def test_every_call_of_ours_that_makes_something_is_in_the_table() -> None:
    named = {name.partition(":")[2] for name in named_in_code()}

    # The bucket of the state is not part of a cluster: test_ec2_state.py loses the answers of its writes.
    assert {name for name in named if is_creating(name)} == TABLE | {"PutObject"}


def damage(lab: Lab, cluster: Comparison) -> None:
    """Change what only a run that repairs makes again: a template, an address, a profile's use, a rule, and tags."""
    ec2, ids = lab.client("ec2"), {item.key: str(item.id) for item in cluster.resources}
    template = {"LaunchTemplateId": ids["launch_template/bastion"], "SourceVersion": "$Latest"}
    ec2.create_launch_template_version(**template, LaunchTemplateData={"InstanceType": "t4g.nano"})
    eni = f"eni/{NODES[0]['name']}"
    addresses = next(item.have or {} for item in cluster.resources if item.key == eni)["ipv6"]
    ec2.unassign_ipv6_addresses(NetworkInterfaceId=ids[eni], Ipv6Addresses=addresses)
    machine = [{"Name": "instance-id", "Values": [ids[f"instance/{NODES[0]['name']}"]]}]
    (used,) = ec2.describe_iam_instance_profile_associations(Filters=machine)["IamInstanceProfileAssociations"]
    ec2.disassociate_iam_instance_profile(AssociationId=used["AssociationId"])
    group = ids["security_group/nodes"]
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=found["IpPermissionsEgress"])
    ec2.create_tags(Resources=[ids["vpc"]], Tags=[{"Key": "Owner", "Value": "Bob"}])
    scaling = {"ResourceId": ids["autoscaling_group/bastion"], "ResourceType": "auto-scaling-group"}
    tag = {"Key": "Owner", "Value": "Bob", "PropagateAtLaunch": False}
    lab.client("autoscaling").create_or_update_tags(Tags=[{**tag, **scaling}])


def test_lost_answers_of_calls_that_repair_leave_one_of_each(lab: Lab, api: FaultyApi) -> None:
    tags = [{"Key": key, "Value": value} for key, value in desired(SPEC)["vpc"].want["tags"].items()]
    specification = [{"ResourceType": "vpc", "Tags": tags}]
    vpc = lab.client("ec2").create_vpc(CidrBlock=SPEC.vpc_ipv4_cidr, TagSpecifications=specification)["Vpc"]["VpcId"]
    api.lost = Counter(dict.fromkeys(REPAIRING, 1))

    damage(lab, build(api))
    cluster = build(api)

    assert +api.lost == Counter()
    assert_one_of_each(api, cluster)
    have = {item.key: item.have or {} for item in cluster.resources}
    blocks = lab.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    assert len(blocks) == 1
    assert len(have[f"eni/{NODES[0]['name']}"]["ipv6"]) == 1
    # The first one, the damaged one and the repaired one.
    assert have["launch_template/bastion"]["version"] == 3


def test_what_is_unknown_right_after_it_was_made_is_waited_for(api: FaultyApi) -> None:
    api.late = set(CREATING)

    cluster = build(api)

    assert api.late == set()
    assert api.reported_late == {"ec2", "iam", "autoscaling"}
    assert_one_of_each(api, cluster)


def test_what_an_earlier_task_made_and_a_call_does_not_know_yet_is_waited_for(api: FaultyApi) -> None:
    for stage in STAGES.values():
        # Each task is a process of its own, which does not know what the earlier ones have made.
        api.begin_run()
        api.forget(found.id for found in read_and_compare(api, SPEC).found)
        stage.make(api)
    api.stop_failing()

    assert api.reported_late >= {"ec2"}
    assert_one_of_each(api, read_and_compare(api, SPEC))


def ended_build(api: FaultyApi, operation: str) -> Comparison | None:
    """Start a build that ends right after an operation; return the resources if the operation was never called."""
    api.killed = operation
    try:
        return build(api)
    except Ended:
        return None


def test_a_run_that_ended_right_after_any_call_is_continued(api: FaultyApi) -> None:
    # Each run continues with the result of the previous ones: what a run makes again exists twice at the end.
    for operation in CREATING:
        whole = ended_build(api, operation)
        if whole:
            # It was made side by side with the call after which an earlier run ended.
            assert_one_of_each(api, whole)
            remove(api)
            assert ended_build(api, operation) is None, operation
    api.stop_failing()

    assert_one_of_each(api, build(api))


# In the order in which a removal makes them.
DELETING = (
    *("revoke_home_rule", "delete_schedule"),
    *("terminate_instances", "delete_network_interface", "delete_auto_scaling_group", "delete_launch_template"),
    *("disassociate_address", "release_address", "remove_role_from_instance_profile", "delete_instance_profile"),
    *("delete_role_policy", "delete_role", "revoke_security_group_ingress", "delete_security_group"),
    *("delete_subnet", "delete_route_table", "detach_internet_gateway", "delete_internet_gateway"),
    *("delete_vpc", "delete_dhcp_options"),
)


def test_a_removal_that_ended_after_any_of_its_calls_is_continued(api: FaultyApi) -> None:
    build(api)
    ended = []

    for operation in DELETING:
        api.killed = operation
        try:
            remove(api)
        except Ended:
            ended.append(operation)
    api.stop_failing()

    assert remove(api).found == ()
    assert ended == list(DELETING)


def test_lost_answers_of_a_removal_leave_nothing(api: FaultyApi) -> None:
    build(api)
    api.lost = Counter(dict.fromkeys(DELETING, 1))

    assert remove(api).found == ()
    assert +api.lost == Counter()


STRANGER = [{"Key": "Owner", "Value": "Bob"}, {"Key": "Name", "Value": "moon-bastion"}]


def plant(lab: Lab, kind: str) -> Any:
    """Make something of a stranger under a unique name that the cluster would use; return a reading of it."""
    name = SPEC.names.unique
    if kind == "launch_template":
        ec2 = lab.client("ec2")
        tags = [{"ResourceType": "launch-template", "Tags": STRANGER}]
        ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"InstanceType": "m7g.large"}, TagSpecifications=tags
        )
        return lambda: ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"]
    if kind == "autoscaling_group":
        ec2, scaling = lab.client("ec2"), lab.client("autoscaling")
        ec2.create_launch_template(LaunchTemplateName="theirs", LaunchTemplateData={"InstanceType": "m7g.large"})
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": "theirs", "Version": "$Latest"},
            MinSize=0,
            MaxSize=2,
            AvailabilityZones=[SPEC.availability_zone],
            Tags=[{**tag, "PropagateAtLaunch": False} for tag in STRANGER],
        )
        return lambda: scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    iam, role = lab.client("iam"), SPEC.schedule_role_name if kind == "closing role" else SPEC.iam_name
    if kind in ("iam_role", "closing role"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=STRANGER)
        return lambda: iam.get_role(RoleName=role)["Role"]
    iam.create_instance_profile(InstanceProfileName=role, Tags=STRANGER)
    return lambda: iam.get_instance_profile(InstanceProfileName=role)["InstanceProfile"]


def uproot(lab: Lab, kind: str) -> None:
    name = SPEC.names.unique
    if kind == "launch_template":
        lab.client("ec2").delete_launch_template(LaunchTemplateName=name)
    elif kind == "autoscaling_group":
        lab.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name)
        lab.client("ec2").delete_launch_template(LaunchTemplateName="theirs")
    elif kind in ("iam_role", "closing role"):
        lab.client("iam").delete_role(RoleName=SPEC.schedule_role_name if kind == "closing role" else SPEC.iam_name)
    else:
        lab.client("iam").delete_instance_profile(InstanceProfileName=SPEC.iam_name)


STRANGERS = ("launch_template", "autoscaling_group", "iam_role", "instance_profile", "closing role")


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_under_our_name_is_refused_and_left_as_it_is(lab: Lab, api: FaultyApi, kind: str) -> None:
    read = plant(lab, kind)
    before = read()
    try:
        plan = read_and_compare(api, SPEC)
        with pytest.raises(CollectionError, match=r"Owner=Bob"):
            build(api)
        remove(api)

        foreign = [item.kind for item in plan.resources if item.state == "foreign"]
        assert foreign == ["iam_role" if kind == "closing role" else kind]
        assert [problem.code for problem in conflict_problems(plan.resources)] == ["NAME_TAKEN"]
        assert read() == before
    finally:
        uproot(lab, kind)


# The kinds whose names need not be unique: a stranger's has our Name, and no tag of ours.
NAMED = {
    "vpc": "moon-vpc",
    "dhcp_options": "moon-dhcp",
    "internet_gateway": "moon-igw",
    "address": "moon-bastion",
}


def plant_named(lab: Lab, kind: str) -> tuple[str, Any]:
    """Make something of a stranger that has the Name of ours; return its id and a reading of it."""
    ec2 = lab.client("ec2")
    tags = [{"Key": "Name", "Value": NAMED[kind]}, {"Key": "Owner", "Value": "Bob"}]
    if kind == "vpc":
        made = ec2.create_vpc(CidrBlock=SPEC.vpc_ipv4_cidr)["Vpc"]["VpcId"]
        read = lambda: ec2.describe_vpcs(VpcIds=[made])["Vpcs"]  # noqa: E731
    elif kind == "dhcp_options":
        configuration = [{"Key": "domain-name", "Values": ["example.com"]}]
        made = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
        read = lambda: ec2.describe_dhcp_options(DhcpOptionsIds=[made])["DhcpOptions"]  # noqa: E731
    elif kind == "internet_gateway":
        made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        read = lambda: ec2.describe_internet_gateways(InternetGatewayIds=[made])["InternetGateways"]  # noqa: E731
    else:
        made = ec2.allocate_address(Domain="vpc")["AllocationId"]
        read = lambda: ec2.describe_addresses(AllocationIds=[made])["Addresses"]  # noqa: E731
    ec2.create_tags(Resources=[made], Tags=tags)
    return made, read


def test_strangers_with_our_name_tags_are_neither_used_nor_removed(lab: Lab, api: FaultyApi) -> None:
    planted = dict(plant_named(lab, kind) for kind in NAMED)
    before = {made: read() for made, read in planted.items()}

    cluster = build(api)
    remove(api)

    assert planted.keys() & {item.id for item in cluster.resources} == set()
    assert {made: read() for made, read in planted.items()} == before
    assert planted.keys() & {thing.id for thing in read_cluster(api, SPEC)} == set()
