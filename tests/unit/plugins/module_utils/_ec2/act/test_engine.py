# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of creating, changing and deleting the network of a cluster, also with lost and delayed answers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import OperationModel
from botocore.session import Session

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.kinds import MAKINGS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import BASTION, NETWORK, NODES, PARTS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import read_and_compare
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.text import plan_lines
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from tests.ec2_cluster import IMAGE, OWNER, Builder, empty_aws, node, spec, tag_list
from tests.ec2_failures import FailingEc2, refusal

CREATING = (
    *("create_vpc", "create_dhcp_options", "create_subnet", "create_internet_gateway", "create_route_table"),
    *("create_security_group", "create_role", "create_instance_profile"),
)
SETTING = (
    *("associate_dhcp_options", "attach_internet_gateway", "create_route", "associate_route_table"),
    *("authorize_security_group_ingress", "put_role_policy", "add_role_to_instance_profile"),
    "modify_vpc_attribute",
)


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    with empty_aws():
        yield FailingEc2()


def present(api: FailingEc2, **changes: Any) -> Outcome:
    return ensure_cluster(api.calls_of(), spec(), Order((NETWORK,), **changes))


def absent(api: FailingEc2) -> Outcome:
    return ensure_cluster(api.calls_of(), spec(), Order((NETWORK,), state="absent"))


def states(outcome: Outcome) -> set[str]:
    return {item.state for item in outcome.after.resources if item.part == NETWORK}


def test_an_empty_account_gets_the_whole_network(api: FailingEc2) -> None:
    outcome = present(api)

    assert states(outcome) == {"present"}
    assert outcome.after.summary()["strays"] == 0
    assert [line.split(" (")[0] for line in outcome.lines if line.startswith("created VPC")] == ["created VPC moon-vpc"]


def test_a_second_run_makes_no_writing_call(api: FailingEc2) -> None:
    present(api)
    api.calls.clear()

    outcome = present(api)

    assert (outcome.changed, api.writes()) == (False, [])


def test_check_mode_makes_no_writing_call_and_says_what_it_would_do(api: FailingEc2) -> None:
    outcome = present(api, check_mode=True)

    assert (outcome.changed, api.writes()) == (True, [])
    assert "would create VPC moon-vpc" in outcome.lines


@pytest.mark.parametrize("check_mode", [False, True])
def test_user_data_that_ec2_does_not_take_is_refused_before_any_writing_call(api: FailingEc2, check_mode: bool) -> None:
    def machines(size: int) -> Machines:
        return Machines(user_data={"gateway": base64.b64encode(b"#" * size).decode()})

    with pytest.raises(Ec2Error, match="user-data of 16385 bytes for gateway: EC2 accepts 16384"):
        present(api, machines=machines(16385), check_mode=check_mode)
    assert api.writes() == []

    assert present(api, machines=machines(16384), check_mode=check_mode).changed


@pytest.mark.parametrize("operation", [*CREATING, *SETTING])
def test_a_lost_answer_leaves_one_resource(api: FailingEc2, operation: str) -> None:
    api.lost[operation] = 1

    outcome = present(api)

    assert states(outcome) == {"present"}
    assert [found for found in outcome.after.found if not found.described] == []
    assert api.calls.count(operation) >= 1
    assert api.lost[operation] == 0


# Moto takes no tokens, so it would make a second table; the lab does.
@pytest.mark.parametrize("operation", [name for name in CREATING if name != "create_route_table"])
def test_a_lost_answer_leaves_one_resource_also_if_it_is_listed_late(api: FailingEc2, operation: str) -> None:
    api.lost[operation], api.unlisted_for = 1, 25

    assert states(present(api)) == {"present"}

    api.time += api.unlisted_for
    assert [found for found in read_and_compare(api, spec()).found if not found.described] == []


@pytest.mark.parametrize("operation", CREATING)
def test_what_is_known_late_is_waited_for(api: FailingEc2, operation: str) -> None:
    api.late[operation] = 3

    outcome = present(api)

    assert states(outcome) == {"present"}
    assert [found for found in outcome.after.found if not found.described] == []


class Associating(FailingEc2):
    """AWS, which associates a VPC's IPv6 block after ten seconds; it may name the block before."""

    def __init__(self, *, named: bool) -> None:
        super().__init__()
        self.named = named

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "create_subnet" and self.time < 10:
            raise refusal("InvalidSubnet.Range", operation)
        answer = super().call(service, operation, **parameters)
        records = [*answer.get("Vpcs", ()), *([answer["Vpc"]] if "Vpc" in answer else ())]
        for block in [block for record in records for block in record["Ipv6CidrBlockAssociationSet"]]:
            block["Ipv6CidrBlockState"] = {"State": "associated" if self.time >= 10 else "associating"}
            block["Ipv6CidrBlock"] = block["Ipv6CidrBlock"] if self.named or self.time >= 10 else ""
        return answer


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("exists", [True, False])
def test_the_block_of_the_vpc_is_used_as_soon_as_it_is_associated(named: bool, exists: bool) -> None:
    with empty_aws():
        api = Associating(named=named)
        if exists:
            # Left by a run that was killed while AWS associated the block.
            tags = [{"ResourceType": "vpc", "Tags": tag_list({**owner_tags(spec()), "Name": "moon-vpc"})}]
            block = {"CidrBlock": "10.10.0.0/16", "AmazonProvidedIpv6CidrBlock": True}
            api.clients["ec2"].create_vpc(**block, TagSpecifications=tags)

        assert states(present(api)) == {"present"}
        assert api.writes().count("associate_vpc_cidr_block") == 0
        assert api.time >= 10


class AssociatingSubnet(FailingEc2):
    """AWS, which associates a subnet's IPv6 block some seconds after it created the subnet."""

    lasts, ends = 10.0, 0.0

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "create_subnet":
            self.ends = self.time + self.lasts
        answer = super().call(service, operation, **parameters)
        for record in answer.get("Subnets", ()):
            for block in record["Ipv6CidrBlockAssociationSet"] if self.time < self.ends else ():
                block["Ipv6CidrBlockState"] = {"State": "associating"}
        return answer


def test_the_network_is_complete_when_the_block_of_the_subnet_is_associated() -> None:
    with empty_aws():
        api = AssociatingSubnet()

        assert states(present(api)) == {"present"}
        assert api.time >= 10


def test_a_block_of_the_subnet_that_is_not_associated_in_time_ends_the_run() -> None:
    with empty_aws():
        api = AssociatingSubnet()
        api.lasts = 1000.0

        with pytest.raises(Ec2Error, match=r"Failed to create subnet subnet-.* has not associated its IPv6 block yet"):
            present(api)

        assert api.time < 100


@pytest.mark.parametrize("operation", [*CREATING, *SETTING, "describe_vpcs"])
def test_a_throttled_call_is_made_again(api: FailingEc2, operation: str) -> None:
    api.refused[operation] = ["RequestLimitExceeded", "Throttling"]

    assert states(present(api)) == {"present"}
    assert api.time > 0


def test_a_refused_call_is_made_once_and_says_what_was_done_and_what_to_do(api: FailingEc2) -> None:
    api.refused["create_vpc"] = ["VpcLimitExceeded"]

    with pytest.raises(AwsError, match=r"Failed to create VPC moon-vpc \(create_vpc in eu-west-1\): VpcLimitExceeded"):
        present(api)

    assert api.calls.count("create_vpc") == 1


def test_an_interrupted_run_is_continued(api: FailingEc2) -> None:
    api.refused["create_route"] = ["UnauthorizedOperation"]
    with pytest.raises(AwsError, match="Run the playbook again"):
        present(api)

    outcome = present(api)

    assert states(outcome) == {"present"}
    assert outcome.after.summary()["strays"] == 0


def test_drift_is_repaired_and_the_tags_and_rules_of_other_owners_stay(api: FailingEc2) -> None:
    ids = Builder(api, spec()).build()
    ec2 = api.clients["ec2"]
    ec2.modify_subnet_attribute(SubnetId=ids["subnet"], MapPublicIpOnLaunch={"Value": True})
    ec2.delete_route(RouteTableId=ids["route_table"], DestinationCidrBlock="0.0.0.0/0")
    ec2.create_tags(Resources=[ids["vpc"]], Tags=tag_list({"Owner": "Bob", "Theirs": "kept"}))
    theirs = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
    ec2.authorize_security_group_ingress(GroupId=ids["security_group/nodes"], IpPermissions=[theirs])

    outcome = present(api)

    vpc = outcome.after.resources[0]
    groups = {item.key: item for item in outcome.after.resources}
    assert states(outcome) == {"present"}
    assert (vpc.have or {})["tags"]["Theirs"] == "kept"
    assert list(map(str, (groups["security_group/nodes"].have or {})["extra_rules"])) == ["in tcp/22 from 192.0.2.1/32"]


def test_only_tags_that_differ_are_set(api: FailingEc2) -> None:
    ids = Builder(api, spec()).build()
    api.clients["ec2"].create_tags(Resources=[ids["vpc"]], Tags=tag_list({"Owner": "Bob"}))

    present(api)

    set_tags = [parameters["Tags"] for operation, parameters in api.sent if operation == "create_tags"]
    assert set_tags == [tag_list({"Owner": "Ada Lovelace"})]


def test_a_gateway_of_ours_is_moved_from_another_vpc_of_ours(api: FailingEc2) -> None:
    ids = {item.key: item.id for item in present(api).after.resources}
    ec2 = api.clients["ec2"]
    other = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[other], Tags=tag_list({**owner_tags(spec()), "Name": "moon-vpc"}))
    ec2.detach_internet_gateway(InternetGatewayId=ids["internet_gateway"], VpcId=ids["vpc"])
    ec2.attach_internet_gateway(InternetGatewayId=ids["internet_gateway"], VpcId=other)

    outcome = present(api)

    assert states(outcome) == {"present"}
    assert "detach_internet_gateway" in api.writes()


def test_other_dhcp_options_take_the_place_of_the_old_ones(api: FailingEc2) -> None:
    present(api)

    outcome = ensure_cluster(api.calls_of(), spec(domain="moon.example.com"), Order((NETWORK,)))

    assert states(outcome) == {"present"}
    assert len([found for found in outcome.after.found if found.kind == "dhcp_options"]) == 1


def foreign(api: FailingEc2, kind: str) -> None:
    """Make something of a stranger that has a name, or takes a place, that the cluster would use."""
    ec2, iam = api.clients["ec2"], api.clients["iam"]
    if kind == "iam_role":
        iam.create_role(RoleName=spec().iam_name, AssumeRolePolicyDocument="{}", Tags=tag_list({"Owner": "Bob"}))
    elif kind == "instance_profile":
        iam.create_instance_profile(InstanceProfileName=spec().iam_name, Tags=tag_list({"Owner": "Bob"}))
    else:
        vpc = next(found.id for found in read_and_compare(api, spec()).found if found.kind == "vpc")
        tags = [{"ResourceType": kind.replace("_", "-"), "Tags": tag_list({"Owner": "Bob"})}]
        if kind == "security_group":
            ec2.create_security_group(GroupName="moon-nodes", Description="theirs", VpcId=vpc, TagSpecifications=tags)
        else:
            ec2.create_subnet(VpcId=vpc, CidrBlock="10.10.0.128/25", TagSpecifications=tags)


@pytest.mark.parametrize("kind", ["iam_role", "instance_profile", "security_group", "subnet"])
def test_what_others_have_under_our_name_is_refused_before_anything_is_made(api: FailingEc2, kind: str) -> None:
    if kind in ("security_group", "subnet"):
        # They can only be in the way in a VPC of ours, which an interrupted run has left.
        api.refused[f"create_{kind}"] = ["UnauthorizedOperation"] * 2
        with pytest.raises(AwsError):
            present(api)
        api.refused.clear()
    foreign(api, kind)
    api.calls.clear()

    with pytest.raises(Ec2Error, match=rf"Failed to create {kind} .*Owner=Bob.*Choose another"):
        present(api)

    assert api.writes() == []


@pytest.mark.parametrize("key", ["vpc", "dhcp_options", "subnet", "internet_gateway", "route_table"])
def test_an_edited_name_of_the_network_is_restored_and_nothing_is_created(api: FailingEc2, key: str) -> None:
    made = {item.key: item.id or "" for item in present(api).after.resources}
    api.clients["ec2"].create_tags(Resources=[made[key]], Tags=tag_list({"Name": "renamed"}))

    outcome = present(api)

    assert [line.partition(": ")[2] for line in outcome.lines] == ["tags Name"]
    assert {item.key: item.id or "" for item in outcome.after.resources} == made
    assert present(api).changed is False


def test_a_cluster_of_the_same_name_in_another_region_keeps_its_role_and_profile(api: FailingEc2) -> None:
    present(api)
    other, elsewhere = FailingEc2(), spec(region="eu-central-1", availability_zone="eu-central-1a")
    other.move_to(elsewhere.region)

    with pytest.raises(
        Ec2Error, match=r"Failed to create iam_role talos-arm64-moon-node: .*Region=eu-west-1"
    ) as refused:
        ensure_cluster(other.calls_of(), elsewhere, Order((NETWORK,)))
    assert str(refused.value).count("the cluster of the same name in eu-west-1") == 2
    assert not re.search("delete it|tag it", str(refused.value))
    ensure_cluster(other.calls_of(), elsewhere, Order((NETWORK,), state="absent"))

    assert other.writes() == []
    assert present(api).changed is False


# It may be the one of a cluster of the same name in another region, whose machines would lose their permissions.
def test_a_role_without_the_tag_of_its_region_is_refused_until_its_owner_tags_it(api: FailingEc2) -> None:
    name, iam = spec().iam_name, api.clients["iam"]
    present(api)
    iam.untag_role(RoleName=name, TagKeys=["Region"])
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=["Region"])
    api.calls.clear()

    with pytest.raises(Ec2Error, match="another region") as refused:
        present(api)

    assert f"aws iam tag-role --role-name {name} --tags Key=Region,Value=eu-west-1" in str(refused.value)
    assert f"aws iam tag-instance-profile --instance-profile-name {name} " in str(refused.value)
    absent(api)
    assert not {"delete_role", "delete_instance_profile"} & set(api.writes())
    iam.tag_role(RoleName=name, Tags=tag_list({"Region": "eu-west-1"}))
    iam.tag_instance_profile(InstanceProfileName=name, Tags=tag_list({"Region": "eu-west-1"}))
    assert states(present(api)) == {"present"}


BASTION_SPEC = {"bastion": {"instance_type": "t4g.small", "volume_size": 8, "image": "ami-0123"}}
EVERYTHING = {**BASTION_SPEC, "home_schedule_enabled": True, "hours": {"ttl": 8.0}}


def made_alone(api: FailingEc2, part: str, **order: Any) -> Outcome:
    """Make one part of a cluster that has all of them."""
    machines = Machines(image=IMAGE, bastion_started=False)
    return ensure_cluster(api.calls_of(), spec(**EVERYTHING), Order((part,), machines=machines, **order))


@pytest.mark.parametrize("part", [part for part in PARTS if part != NETWORK])
def test_a_part_whose_network_does_not_exist_is_refused_with_what_to_run_first(api: FailingEc2, part: str) -> None:
    with pytest.raises(Ec2Error, match=r"does not exist\. Run the role urmanac\.talos\.network first"):
        made_alone(api, part)

    assert api.writes() == []
    assert made_alone(api, part, check_mode=True).changed is True
    assert made_alone(api, part, state="absent").changed is False


def halve(api: FailingEc2, missing: str) -> None:
    """Make a network and take away something that machines are in or name."""
    made_alone(api, NETWORK)
    ids = {item.key: item.id for item in read_and_compare(api.calls_of(), spec(**EVERYTHING)).resources}
    ec2, iam, name = api.clients["ec2"], api.clients["iam"], spec().iam_name
    if missing == "subnet":
        table = ec2.describe_route_tables(RouteTableIds=[ids["route_table"]])["RouteTables"][0]
        ec2.disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])
        ec2.delete_subnet(SubnetId=ids["subnet"])
    elif missing == "security group":
        for group in ("nodes", "bastion"):
            group_id = ids[f"security_group/{group}"]
            rules = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]["IpPermissions"]
            ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=rules)
        for group in ("nodes", "bastion"):
            ec2.delete_security_group(GroupId=ids[f"security_group/{group}"])
    else:
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
        iam.delete_instance_profile(InstanceProfileName=name)
    api.calls.clear()


@pytest.mark.parametrize("missing", ["subnet", "security group", "instance profile"])
@pytest.mark.parametrize("part", ["nodes", "bastion"])
def test_a_part_whose_network_is_half_made_is_refused_with_what_is_missing(
    api: FailingEc2, part: str, missing: str
) -> None:
    halve(api, missing)

    with pytest.raises(Ec2Error, match=f"the network of the cluster has no .*{missing} ") as refused:
        made_alone(api, part)

    assert "playbooks/network.yml" in str(refused.value)
    assert api.writes() == []
    made_alone(api, NETWORK)
    assert made_alone(api, part).changed is True


def test_the_role_that_closes_home_access_needs_the_vpc_alone(api: FailingEc2) -> None:
    halve(api, "subnet")

    assert made_alone(api, "access").changed is True


def test_what_others_have_in_the_vpc_is_named_before_anything_is_deleted(api: FailingEc2) -> None:
    present(api)
    ec2 = api.clients["ec2"]
    subnet = next(found.id for found in read_and_compare(api, spec()).found if found.kind == "subnet")
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    api.calls.clear()

    with pytest.raises(
        Ec2Error, match=f"network interface {made} is in the network of the cluster and not managed by it"
    ):
        absent(api)

    assert api.writes() == []


def test_everything_is_removed_and_a_second_removal_makes_no_writing_call(api: FailingEc2) -> None:
    present(api)

    first = absent(api)
    api.calls.clear()
    second = absent(api)

    assert first.after.found == ()
    assert (second.changed, api.writes()) == (False, [])


def test_a_project_of_wildcards_owns_nothing(api: FailingEc2) -> None:
    present(api)
    api.calls.clear()

    outcome = ensure_cluster(api.calls_of(), spec(project="*"), Order((NETWORK,), state="absent"))

    assert (outcome.changed, api.writes()) == (False, [])


def test_rules_that_name_groups_go_before_any_group(api: FailingEc2) -> None:
    present(api)
    api.calls.clear()

    absent(api)

    writes = api.writes()
    revoked = [index for index, name in enumerate(writes) if name == "revoke_security_group_ingress"]
    assert len(revoked) == 2
    assert max(revoked) < writes.index("delete_security_group")


def test_two_vpcs_of_ours_and_a_detached_gateway_are_removed(api: FailingEc2) -> None:
    outcome = present(api)
    ids = {item.key: item.id for item in outcome.after.resources}
    ec2, tags = api.clients["ec2"], tag_list(dict(outcome.after.resources[0].want["tags"]))
    second = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[second], Tags=tags)
    ec2.detach_internet_gateway(InternetGatewayId=ids["internet_gateway"], VpcId=ids["vpc"])

    assert absent(api).after.found == ()


def test_a_main_route_table_of_ours_goes_with_its_vpc(api: FailingEc2) -> None:
    ids = {item.key: item.id for item in present(api).after.resources}
    ec2 = api.clients["ec2"]
    main = [{"Name": "vpc-id", "Values": [ids["vpc"]]}, {"Name": "association.main", "Values": ["true"]}]
    (old,) = ec2.describe_route_tables(Filters=main)["RouteTables"]
    (association,) = [item["RouteTableAssociationId"] for item in old["Associations"]]
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=ids["route_table"])
    ec2.delete_route_table(RouteTableId=old["RouteTableId"])

    api.calls.clear()

    outcome = absent(api)

    assert outcome.after.found == ()
    assert "delete_route_table" not in api.writes()


def tagged_as_ours(api: FailingEc2, *ids: str) -> None:
    """Do what a tag policy does that tags all of an account alike."""
    api.clients["ec2"].create_tags(Resources=ids, Tags=tag_list(owner_tags(spec())))


def made_by_aws(api: FailingEc2, vpc: str) -> dict[str, str]:
    """Return the ids of what AWS makes with a VPC."""
    ec2, within = api.clients["ec2"], [{"Name": "vpc-id", "Values": [vpc]}]
    groups = ec2.describe_security_groups(Filters=[*within, {"Name": "group-name", "Values": ["default"]}])
    main = [*within, {"Name": "association.main", "Values": ["true"]}]
    return {
        "security group": groups["SecurityGroups"][0]["GroupId"],
        "network ACL": ec2.describe_network_acls(Filters=within)["NetworkAcls"][0]["NetworkAclId"],
        "route table": ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"],
    }


@pytest.mark.parametrize("what", ["security group", "network ACL", "route table"])
def test_what_comes_with_our_vpc_and_has_our_tags_goes_with_it(api: FailingEc2, what: str) -> None:
    ids = {item.key: item.id or "" for item in present(api).after.resources}
    thing = made_by_aws(api, ids["vpc"])[what]
    tagged_as_ours(api, thing)
    unchanged = present(api).changed
    api.sent.clear()

    outcome = absent(api)

    assert not unchanged
    assert outcome.after.found == ()
    deleted = [list(given.values()) for operation, given in api.sent if operation.startswith("delete_")]
    assert [thing] not in deleted
    assert not [line for line in outcome.lines if thing in line and what != "route table"]


@pytest.mark.parametrize("what", ["VPC", "subnet", "security group", "network ACL", "route table"])
def test_what_aws_made_elsewhere_and_has_our_tags_stays(api: FailingEc2, what: str) -> None:
    present(api)
    ec2 = api.clients["ec2"]
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    thing = {"VPC": vpc, "subnet": subnets[0]["SubnetId"], **made_by_aws(api, vpc)}[what]
    tagged_as_ours(api, thing)

    unchanged = present(api).changed
    outcome = absent(api)

    assert not unchanged
    assert outcome.after.found == ()
    assert thing not in repr(outcome.lines)
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_the_dhcp_options_that_a_region_has_stay_also_with_our_tags(api: FailingEc2) -> None:
    ec2 = api.clients["ec2"]
    values = {"domain-name": "eu-west-1.compute.internal", "domain-name-servers": "AmazonProvidedDNS"}
    configuration = [{"Key": key, "Values": [value]} for key, value in values.items()]
    made = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    tagged_as_ours(api, made)
    present(api)

    absent(api)

    assert ec2.describe_dhcp_options(DhcpOptionsIds=[made])["DhcpOptions"]


def test_a_second_vpc_is_named_and_removed_on_request(api: FailingEc2) -> None:
    first = present(api)
    tags = tag_list(dict(first.after.resources[0].want["tags"]))
    second = api.clients["ec2"].create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    api.clients["ec2"].create_tags(Resources=[second], Tags=tags)

    kept = present(api)
    removed = present(api, remove_duplicates=True)

    assert [(found.id, found.unused) for found in kept.after.found if found.duplicate] == [(second, True)]
    assert removed.lines == (f"deleted VPC moon-vpc ({second})",)
    assert removed.after.resources[0].id == first.after.resources[0].id
    assert not [found for found in removed.after.found if found.duplicate]


def test_only_the_bastions_own_address_is_released_when_it_is_not_described_any_more(api: FailingEc2) -> None:
    def allocated(name: str) -> str:
        tags = tag_list({**owner_tags(spec()), "Name": name})
        made = api.clients["ec2"].allocate_address(TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])
        return str(made["AllocationId"])

    present(api)
    mine, other = allocated("moon-bastion"), allocated("dns-of-moon")

    without = spec(bastion={"enabled": False})
    outcome = ensure_cluster(api.calls_of(), without, Order((BASTION,)))

    left = [address["AllocationId"] for address in api.clients["ec2"].describe_addresses()["Addresses"]]
    assert left == [other]
    assert outcome.lines == (f"deleted Elastic IP moon-bastion ({mine})",)


def test_a_second_set_of_dhcp_options_that_others_use_is_not_removed_on_request(api: FailingEc2) -> None:
    first = present(api)
    ec2, tags = api.clients["ec2"], tag_list(dict(first.after.resources[1].want["tags"]))
    configuration = [{"Key": "domain-name", "Values": ["moon.example.com"]}]
    second = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    ec2.create_tags(Resources=[second], Tags=tags)
    theirs = ec2.create_vpc(CidrBlock="10.98.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_dhcp_options(DhcpOptionsId=second, VpcId=theirs)
    api.calls.clear()

    with pytest.raises(Ec2Error, match=rf"Failed to delete DHCP options .*{second}.* are used by VPC {theirs}"):
        present(api, remove_duplicates=True)

    assert api.writes() == []


def test_an_untagged_profile_that_has_our_role_in_it_is_adopted(api: FailingEc2) -> None:
    ours = tag_list({**OWNER, "Region": "eu-west-1"})
    iam, name = api.clients["iam"], spec().iam_name
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=ours)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)

    outcome = present(api)

    tags = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Tags"]
    assert states(outcome) == {"present"}
    assert {"Key": "Cluster", "Value": "moon"} in tags
    assert absent(api).after.found == ()


@pytest.mark.parametrize(
    ("path", "has_role"),
    [pytest.param("/", False, id="empty"), pytest.param("/bob/", True, id="with our role, in another path")],
)
def test_an_untagged_profile_of_our_name_that_others_made_is_refused_and_kept(
    api: FailingEc2, path: str, has_role: bool
) -> None:
    present(api)
    iam, name = api.clients["iam"], spec().iam_name
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)
    iam.create_instance_profile(InstanceProfileName=name, Path=path)
    if has_role:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    before = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    api.calls.clear()

    with pytest.raises(Ec2Error, match=r"Failed to create instance_profile .* exists without the tags of this cluster"):
        present(api)
    refused = api.writes()
    if has_role:
        with pytest.raises(Ec2Error, match=f"role {name} is in instance profile {name}, which is not managed by this"):
            absent(api)
    else:
        absent(api)

    assert refused == []
    assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"] == before


def test_a_profile_whose_answer_was_lost_and_whose_run_was_killed_is_ours(api: FailingEc2) -> None:
    # It is made with its tags, in one call: no run leaves one without.
    api.refused["add_role_to_instance_profile"] = ["UnauthorizedOperation"]
    api.lost["create_instance_profile"] = 1
    with pytest.raises(AwsError):
        present(api)

    assert states(present(api)) == {"present"}
    assert api.calls.count("tag_instance_profile") == 0


@pytest.mark.parametrize("removing", [False, True], ids=["build", "removal"])
def test_a_role_of_another_owner_that_is_taken_out_of_our_profile_is_named_and_stays(
    api: FailingEc2, removing: bool
) -> None:
    present(api)
    iam, name = api.clients["iam"], spec().iam_name
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.create_role(RoleName="bob", AssumeRolePolicyDocument="{}", Tags=tag_list({"Owner": "Bob"}))
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName="bob")
    before = iam.get_role(RoleName="bob")["Role"]

    planned = plan_lines(spec(), read_and_compare(api, spec()))
    outcome = absent(api) if removing else present(api)

    assert f"changed instance profile {name}: role bob removed" in outcome.lines
    assert f"    roles: bob -> {name}" in planned
    assert iam.get_role(RoleName="bob")["Role"] == before


def test_an_untagged_profile_with_another_role_in_it_is_not_ours(api: FailingEc2) -> None:
    ours = tag_list(OWNER)
    iam, name = api.clients["iam"], spec().iam_name
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=ours)
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName="theirs")

    with pytest.raises(Ec2Error, match="Failed to create instance_profile"):
        present(api)


def test_a_deletion_waits_for_dependent_resources(api: FailingEc2) -> None:
    present(api)
    api.refused["delete_vpc"] = ["DependencyViolation"] * 3
    api.refused["delete_subnet"] = ["DependencyViolation"]

    assert absent(api).after.found == ()


def test_a_deletion_gives_up_after_a_while(api: FailingEc2) -> None:
    present(api)
    api.refused["delete_vpc"] = ["DependencyViolation"] * 1000

    with pytest.raises(AwsError, match=r"Failed to delete VPC moon-vpc .*DependencyViolation"):
        absent(api)

    assert 100 < api.time < 400


def test_a_deletion_that_fails_says_what_is_left_and_nothing_of_what_is_kept(api: FailingEc2) -> None:
    ids = {item.key: item.id for item in present(api).after.resources}
    api.refused["delete_subnet"] = ["UnauthorizedOperation"]

    with pytest.raises(AwsError) as refused:
        absent(api)

    remedy = refused.value.problem.remedy
    assert f"Not deleted yet: subnet moon-subnet ({ids['subnet']}), route table moon-routes" in remedy
    assert "moon-nodes" not in remedy
    assert (
        "Run the playbook again (playbooks/reset.yml for everything): it continues with the remaining resources."
        in remedy
    )
    assert "kept" not in remedy
    assert absent(api).after.found == ()


# Of the network, in the order in which a removal makes them.
DELETING = (
    *("revoke_security_group_ingress", "delete_security_group", "delete_subnet", "disassociate_route_table"),
    *("delete_route_table", "detach_internet_gateway", "delete_internet_gateway", "delete_vpc", "delete_dhcp_options"),
    *("remove_role_from_instance_profile", "delete_instance_profile", "delete_role_policy", "delete_role"),
)


def test_a_policy_that_denies_any_deletion_leaves_what_is_named_and_the_next_removal_goes_on(api: FailingEc2) -> None:
    present(api)
    left = []

    for operation in DELETING:
        api.refused[operation] = ["UnauthorizedOperation"]
        with pytest.raises(AwsError) as denied:
            absent(api)
        left.append(denied.value.problem.remedy.partition("Not deleted yet: ")[2].partition(". Run")[0])

    assert [text for text in left if not text] == []
    # The profile of the same name is gone by then.
    assert left[-1] == "IAM role talos-arm64-moon-node (talos-arm64-moon-node)"
    assert absent(api).after.found == ()


def test_a_machine_that_may_not_be_terminated_is_said_to_cost_money(api: FailingEc2) -> None:
    two = spec(nodes=[node(), node("compute-2", ipv4="10.10.0.102")])
    ensure_cluster(api.calls_of(), two, Order((NETWORK, NODES), machines=Machines(image=IMAGE)))
    api.refused["terminate_instances"] = ["OperationNotPermitted"]

    with pytest.raises(
        AwsError, match=r"Not deleted yet: instance moon-[\w-]+ \(i-\w+\), network interface"
    ) as refused:
        ensure_cluster(api.calls_of(), two, Order((NODES,), state="absent"))

    # The other one was terminated beside it.
    assert len(re.findall(r"moon-[\w-]+ costs money until then", str(refused.value))) == 1


def test_a_machine_that_does_not_end_is_said_to_be_left(api: FailingEc2) -> None:
    ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=Machines(image=IMAGE)))
    api.ignored.add("terminate_instances")

    with pytest.raises(Ec2Error, match=r"still running after several minutes\. Not deleted yet: instance moon-gateway"):
        ensure_cluster(api.calls_of(), spec(), Order((NODES,), state="absent"))


@pytest.mark.parametrize("reason", ["InsufficientInstanceCapacity", "VcpuLimitExceeded"])
def test_case_17_no_capacity(api: FailingEc2, reason: str) -> None:
    nodes = [node(), node("b", ipv4="10.10.0.102"), node("c", ipv4="10.10.0.103")]
    described = spec(nodes=nodes, cpu_credits="standard")
    ensure_cluster(api.calls_of(), described, Order((NETWORK,)))
    api.refused["run_instances"] = [reason]
    api.calls.clear()

    with pytest.raises(AwsError) as refused:
        ensure_cluster(api.calls_of(), described, Order((NODES,), machines=Machines(image=IMAGE)))

    # Asked for side by side, each once: no try of one that cannot pass by itself.
    assert api.calls.count("run_instances") == 3
    assert reason in refused.value.problem.message
    assert "These instances are running and cost money: moon-" in refused.value.problem.remedy
    assert "playbooks/reset.yml" in refused.value.problem.remedy


def test_a_stopped_node_is_not_said_to_run_when_another_one_cannot_be_made(api: FailingEc2) -> None:
    described = spec(nodes=[node(), node("b", ipv4="10.10.0.102")])
    order = Order((NODES,), machines=Machines(image=IMAGE))
    ensure_cluster(api.calls_of(), spec(), order._replace(parts=(NETWORK, NODES)))
    ensure_cluster(api.calls_of(), spec(), Order((NODES,), state="stopped"))
    api.refused["start_instances"] = ["InsufficientInstanceCapacity"]
    api.refused["run_instances"] = ["InsufficientInstanceCapacity"] * 2

    with pytest.raises(AwsError) as stopped:
        ensure_cluster(api.calls_of(), described, order)
    with pytest.raises(AwsError) as started:
        ensure_cluster(api.calls_of(), described, order)

    assert "cost money" not in stopped.value.problem.remedy
    assert "These instances are running and cost money: moon-gateway (i-" in started.value.problem.remedy


def test_the_tag_by_which_schedules_find_nodes_is_on_instances_alone(api: FailingEc2) -> None:
    described = spec()
    ensure_cluster(api.calls_of(), described, Order((NETWORK, NODES), machines=Machines(image=IMAGE)))

    ec2, filters = api.clients["ec2"], [{"Name": "tag-key", "Values": ["NodesOf"]}]
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["NodesOf"]}])["Tags"]

    assert [item["ResourceType"] for item in found] == ["instance"]
    assert ec2.describe_volumes(Filters=filters)["Volumes"] == []


def has_token(operation: OperationModel) -> bool:
    """Return whether a call takes a token by which AWS knows its repetition."""
    return "ClientToken" in operation.input_shape.members


def test_every_creating_call_that_takes_a_token_gets_one_so_that_a_lost_answer_makes_nothing_twice() -> None:
    model = Session().get_service_model("ec2")
    operations = {xform_name(name): model.operation_model(name) for name in model.operation_names}
    taking = {name for name, making in MAKINGS.items() if has_token(operations[making.operation])}

    assert {name for name, making in MAKINGS.items() if making.has_token} == taking


def test_a_call_whose_answer_was_lost_is_repeated_with_its_token(api: FailingEc2) -> None:
    # No bastion is described, for which a launch template would be made.
    made = [making.operation for name, making in MAKINGS.items() if making.has_token and name != "launch_template"]
    api.refused = {operation: ["InternalError"] for operation in made}

    ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=Machines(image=IMAGE)))

    tokens = {name: [sent.get("ClientToken") for operation, sent in api.sent if operation == name] for name in made}
    assert all(len(of) >= 2 and of[0] and of[0] == of[1] for of in tokens.values()), tokens
    assert len({of[0] for of in tokens.values()}) == len(made)
