# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the audit as it reads a whole account, with moto as AWS and one deviation planted at a time."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order as Making
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import Calls
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import ACCESS, desired
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import HOURS as HOURS_PART
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import Order
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity, owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.openings import OPENINGS, Opening
from ansible_collections.urmanac.talos.plugins.module_utils._findings import FIELDS
from ansible_collections.urmanac.talos.plugins.modules import ec2_audit_info
from ansible_collections.urmanac.talos.plugins.modules.ec2_audit_info import audit_info
from tests.ec2_cluster import (
    ACCOUNT,
    IMAGE,
    OWNER,
    Builder,
    MotoApi,
    aws_with_images,
    change_schedule,
    cluster,
    empty_aws,
    run_module,
    spec,
    tag_list,
)
from tests.fake_credentials import tailscale_key
from tests.home_access import ensure_home_access

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOME = "2001:db8:1:2::/64"
BASTION = {"instance_type": "t4g.small", "volume_size": 8, "image": IMAGE}
TAILSCALE = tailscale_key("kABCDEF1CNTRL-abcdefghijklmnop")


class Account(NamedTuple):
    """A converged cluster that the planting changes."""

    api: MotoApi
    ids: dict[str, str]

    @property
    def ec2(self) -> Any:
        return self.api.clients["ec2"]

    @property
    def iam(self) -> Any:
        return self.api.clients["iam"]

    def audit(self, **extra: Any) -> dict[str, Any]:
        return audit_info(self.api, spec(), extra, NOW)

    def codes(self, **extra: Any) -> set[str]:
        return {deviation["code"] for deviation in self.audit(**extra)["deviations"]}

    def open(self, group: str = "nodes", **rule: Any) -> str:
        permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **rule}
        answer = self.ec2.authorize_security_group_ingress(
            GroupId=self.ids[f"security_group/{group}"], IpPermissions=[permission]
        )
        return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def open_home(self, openings: tuple[Opening, ...] = OPENINGS) -> None:
        identity = Identity("moon", "talos-arm64")
        ensure_home_access(self.api, identity, Order("present", HOME, openings=openings), NOW)


@pytest.fixture
def account() -> Iterator[Account]:
    with empty_aws():
        api = MotoApi()
        ids = Builder(api, spec()).build()
        _let_ipv6_through(api.clients["ec2"], ids["vpc"])
        yield Account(api, ids)


def _let_ipv6_through(ec2: Any, vpc: str) -> None:
    """Give the default network ACL the entries that AWS gives it with the VPC's IPv6 block, and moto does not."""
    acl = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"][0]["NetworkAclId"]
    for egress in (False, True):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=101, Protocol="-1", RuleAction="allow", Egress=egress, Ipv6CidrBlock="::/0"
        )


def test_a_security_group_whose_tag_name_was_edited_is_one_deviation(account: Account) -> None:
    group = account.ids["security_group/nodes"]
    account.ec2.create_tags(Resources=[group], Tags=[{"Key": "Name", "Value": "renamed"}])

    (found,) = account.audit()["deviations"]

    assert (found["code"], found["subject"]) == ("NAME_TAG_CHANGED", f"security group {group}")
    assert "its tag Name is 'renamed', and its name is moon-nodes" in found["message"]


def test_a_second_group_of_ours_with_the_tag_name_of_the_nodes_is_not_described(account: Account) -> None:
    tags = [{"ResourceType": "security-group", "Tags": tag_list({**OWNER, "Name": "moon-nodes"})}]
    account.ec2.create_security_group(GroupName="a", Description="x", VpcId=account.ids["vpc"], TagSpecifications=tags)

    assert "GROUP_NOT_DESCRIBED" in account.codes()


def test_an_auto_scaling_group_whose_tag_name_was_edited_is_one_deviation() -> None:
    described = spec(bastion=BASTION)
    with aws_with_images():
        api = MotoApi()
        Builder(api, described).build()
        before = audit_info(api, described, {}, NOW)["deviations"]
        name = "talos-arm64-moon-bastion"
        tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "Name", "Value": "renamed"}
        api.clients["autoscaling"].create_or_update_tags(Tags=[{**tag, "PropagateAtLaunch": False}])

        after = audit_info(api, described, {}, NOW)["deviations"]

    (found,) = [item for item in after if item not in before]
    assert (found["code"], found["subject"]) == ("NAME_TAG_CHANGED", f"Auto Scaling group {name}")


def test_a_converged_cluster_has_no_deviation(account: Account) -> None:
    result = account.audit()

    assert result["deviations"] == []
    assert result["lines"][0] == "Audit of moon: closed as described"
    assert {exposure["source"]["kind"] for exposure in result["exposures"]} == {"security_group"}


def test_an_empty_account_has_nothing_to_deviate() -> None:
    with empty_aws():
        result = audit_info(MotoApi(), spec(), {}, NOW)

    assert (result["deviations"], result["lines"][0]) == ([], "Audit of moon: it has no VPC")


def test_roles_without_a_vpc_are_compared_with_the_policies_of_this_account() -> None:
    described = spec(bastion=BASTION, hours={"ttl": 8.0}, home_schedule_enabled=True)
    with empty_aws():
        api, roles = MotoApi(), ("iam_role/node", "iam_role/hours", "iam_role/access")
        wanted = desired(described, account=ACCOUNT)
        for item in (wanted[key] for key in roles):
            policy, trust = (json.dumps(item.want[name]) for name in ("policy", "trust_policy"))
            api.clients["iam"].create_role(
                RoleName=item.name, AssumeRolePolicyDocument=trust, Tags=tag_list(item.want["tags"])
            )
            api.clients["iam"].put_role_policy(RoleName=item.name, PolicyName=item.name, PolicyDocument=policy)

        result = audit_info(api, described, {}, NOW)

    assert result["deviations"] == []


DASHBOARD = Opening("nodes", 443, "Dashboard from home")
HOURS = {"ttl": 8.0}
GROUP_OF_HOURS = "talos-arm64-moon-hours"


def audited_hours(account: Account, *, at: datetime = NOW, **hours: Any) -> list[tuple[str, str, str]]:
    found = audit_info(account.api, spec(hours=HOURS | hours), {}, at)["deviations"]
    return [(deviation["code"], deviation["subject"], deviation["message"]) for deviation in found]


def build_hours(account: Account, **hours: Any) -> None:
    described = spec(hours=HOURS | hours)
    ensure_cluster(Calls(account.api), described, Making((HOURS_PART,)))


def test_changed_schedules_are_deviations(account: Account) -> None:
    now = datetime.now(UTC)
    build_hours(account)
    clean = audited_hours(account, at=now)
    target = {"Arn": "arn:aws:sqs:eu-west-1:123456789012:x", "RoleArn": "arn:aws:iam::123456789012:role/x"}

    change_schedule(
        account.api.clients["scheduler"],
        "ttl-nodes",
        GROUP_OF_HOURS,
        State="DISABLED",
        ScheduleExpression="at(2099-01-01T00:00:00)",
    )
    moved = audited_hours(account, at=now)
    change_schedule(account.api.clients["scheduler"], "ttl-nodes", GROUP_OF_HOURS, State="ENABLED", Target=target)
    aimed = audited_hours(account, at=now)
    account.api.clients["scheduler"].delete_schedule(GroupName=GROUP_OF_HOURS, Name="ttl-nodes")
    deleted = audited_hours(account, at=now)

    assert clean == []
    ((code, subject, message),) = moved
    assert (code, subject) == ("HOURS_NOT_AS_DESCRIBED", "schedule ttl-nodes")
    assert message.startswith("it is disabled, and at(2099-01-01T00:00:00) is later than")
    assert "it has another target, input, role" in aimed[0][2]
    assert [message for *_which, message in deleted] == ["it does not exist"]


def test_a_schedule_that_does_not_run_in_time_is_a_deviation(account: Account) -> None:
    now = datetime.now(UTC)
    build_hours(account)
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}

    change_schedule(
        account.api.clients["scheduler"],
        "ttl-nodes",
        GROUP_OF_HOURS,
        EndDate=datetime(2020, 1, 1, tzinfo=UTC),
        FlexibleTimeWindow=window,
    )

    message = "it has another EndDate, FlexibleTimeWindow"
    assert audited_hours(account, at=now) == [("HOURS_NOT_AS_DESCRIBED", "schedule ttl-nodes", message)]


def test_a_node_that_no_schedule_finds_is_a_deviation_and_gets_its_tag_again(account: Account) -> None:
    now, gateway = datetime.now(UTC), account.ids["instance/gateway"]
    build_hours(account)
    account.ec2.delete_tags(Resources=[gateway], Tags=[{"Key": "NodesOf"}])

    ((code, subject, message),) = audited_hours(account, at=now)
    ensure_cluster(Calls(account.api), spec(hours=HOURS), Making(("nodes",)))

    assert (code, subject) == ("HOURS_NOT_AS_DESCRIBED", f"instance moon-gateway ({gateway})")
    assert message.startswith("it lacks the tag NodesOf=talos-arm64/moon")
    assert audited_hours(account, at=now) == []


def test_what_keeps_the_role_of_schedules_from_stopping_is_a_deviation(account: Account) -> None:
    now = datetime.now(UTC)
    build_hours(account)
    role = {"RoleName": GROUP_OF_HOURS}
    deny = {"Effect": "Deny", "Action": "ec2:StopInstances", "Resource": "*"}

    account.iam.put_role_policy(**role, PolicyName="theirs", PolicyDocument=policy_of(deny))
    denied = audited_hours(account, at=now)
    account.iam.delete_role_policy(**role, PolicyName="theirs")
    account.iam.delete_role_policy(**role, PolicyName=GROUP_OF_HOURS)
    lacking = audited_hours(account, at=now)
    account.iam.delete_role(**role)
    without = audited_hours(account, at=now)

    assert [(code, subject) for code, subject, _message in denied] == [
        ("IAM_STATEMENT_MISSING", f"IAM role {GROUP_OF_HOURS}, policy theirs")
    ]
    assert {code for code, *_more in lacking} == {"IAM_STATEMENT_MISSING"}
    assert any("ec2:StopInstances" in message for *_which, message in lacking)
    assert [(code, subject) for code, subject, _message in without] == [
        ("HOURS_NOT_AS_DESCRIBED", f"IAM role {GROUP_OF_HOURS}")
    ]


def test_what_keeps_home_access_from_being_closed_is_a_deviation(account: Account) -> None:
    described = spec(home_schedule_enabled=True)
    ensure_cluster(Calls(account.api), described, Making((ACCESS,)))
    role, deny = described.schedule_role_name, {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}

    def found() -> set[tuple[str, str]]:
        deviations = audit_info(account.api, described, {}, NOW)["deviations"]
        return {(item["code"], item["subject"]) for item in deviations}

    as_built = found()
    account.iam.put_role_policy(RoleName=role, PolicyName="theirs", PolicyDocument=policy_of(deny))
    denied = found()
    account.iam.delete_role_policy(RoleName=role, PolicyName="theirs")
    account.iam.delete_role_policy(RoleName=role, PolicyName=role)
    lacking = found()

    assert as_built == set()
    assert denied == {("IAM_STATEMENT_MISSING", f"IAM role {role}, policy theirs")}
    assert lacking == {("IAM_STATEMENT_MISSING", f"IAM role {role}")}


def test_a_deny_in_the_described_policy_is_not_repaired_by_deleting_that_policy(account: Account) -> None:
    build_hours(account)
    role = {"RoleName": GROUP_OF_HOURS, "PolicyName": GROUP_OF_HOURS}
    document = account.iam.get_role_policy(**role)["PolicyDocument"]
    document["Statement"].append({"Effect": "Deny", "Action": "ec2:StopInstances", "Resource": "*"})
    account.iam.put_role_policy(**role, PolicyDocument=json.dumps(document))

    (found,) = audit_info(account.api, spec(hours=HOURS), {}, datetime.now(UTC))["deviations"]

    assert (found["code"], found["remedy"]) == (
        "IAM_STATEMENT_MISSING",
        "Run playbooks/site.yml, which sets the described policies.",
    )


def test_an_instance_of_another_owner_with_the_name_of_a_node_needs_no_schedule(account: Account) -> None:
    build_hours(account)
    tags = [{"ResourceType": "instance", "Tags": tag_list({"Name": "moon-gateway"})}]
    (subnet,) = account.ec2.describe_subnets(SubnetIds=[account.ids["subnet"]])["Subnets"]
    account.ec2.run_instances(
        ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet["SubnetId"], TagSpecifications=tags
    )

    found = audited_hours(account, at=datetime.now(UTC))

    assert found
    assert "HOURS_NOT_AS_DESCRIBED" not in {code for code, *_more in found}


def test_a_time_to_live_that_has_ended_is_not_a_deviation(account: Account) -> None:
    build_hours(account)
    account.api.clients["scheduler"].delete_schedule(GroupName=GROUP_OF_HOURS, Name="ttl-nodes")
    account.ec2.stop_instances(InstanceIds=[account.ids["instance/gateway"]])

    assert audited_hours(account) == []


def test_a_bastion_that_its_hours_started_after_the_time_to_live_needs_no_schedules() -> None:
    described = spec(bastion=BASTION, hours=HOURS)
    with aws_with_images():
        api = MotoApi()
        ids = Builder(api, described).build()
        ensure_cluster(Calls(api), described, Making((HOURS_PART,)))
        for name in ("ttl-nodes", "ttl-bastion"):
            api.clients["scheduler"].delete_schedule(GroupName=GROUP_OF_HOURS, Name=name)
        group = {"AutoScalingGroupName": "talos-arm64-moon-bastion"}
        api.clients["autoscaling"].set_desired_capacity(**group, DesiredCapacity=1)
        before = audit_info(api, described, {}, NOW)["deviations"]
        api.clients["ec2"].stop_instances(InstanceIds=[ids["instance/gateway"]])
        after = audit_info(api, described, {}, NOW)["deviations"]

    missed = {"schedule ttl-nodes", "schedule ttl-bastion"}
    assert {item["subject"] for item in before} >= missed
    assert {item["subject"] for item in after} & missed == set()


def test_a_schedule_of_another_owner_in_the_group_is_a_deviation(account: Account) -> None:
    now = datetime.now(UTC)
    build_hours(account)
    target = {"Arn": "arn:aws:sqs:eu-west-1:123456789012:x", "RoleArn": "arn:aws:iam::123456789012:role/x"}
    account.api.clients["scheduler"].create_schedule(
        GroupName=GROUP_OF_HOURS,
        Name="theirs",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )

    ((code, subject, _message),) = audited_hours(account, at=now)

    assert (code, subject) == ("HOURS_NOT_DESCRIBED", "schedule theirs")


def policy_of(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("name", ["hours", "home-access"])
def test_a_role_of_schedules_without_one_of_our_tags_is_judged(account: Account, name: str) -> None:
    tags = {"Project": "talos-arm64", "Cluster": "moon", "Region": "eu-west-1"}
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    policy = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = {"RoleName": f"talos-arm64-moon-{name}"}
    account.iam.create_role(**role, AssumeRolePolicyDocument=policy_of(trust), Tags=tag_list(tags))
    account.iam.put_role_policy(**role, PolicyName="all", PolicyDocument=policy_of(policy))

    found = {deviation["code"]: deviation for deviation in account.audit()["deviations"]}

    assert set(found) == {"IAM_ROLE_TAG_MISSING", "IAM_TRUST_NOT_ALLOWED", "IAM_WILDCARD"}
    assert "lacks the tags ManagedBy=urmanac.talos, but" in found["IAM_ROLE_TAG_MISSING"]["message"]
    assert "aws iam tag-role --role-name" in found["IAM_ROLE_TAG_MISSING"]["remedy"]


def test_a_vpc_that_only_has_our_names_in_its_tags_is_one_deviation(account: Account) -> None:
    theirs = account.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    account.ec2.create_tags(Resources=[theirs], Tags=tag_list({"Project": "talos-arm64", "Cluster": "moon"}))
    account.ec2.create_subnet(VpcId=theirs, CidrBlock="10.99.0.0/24")
    account.ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=theirs)

    (deviation,) = account.audit()["deviations"]

    assert (deviation["code"], deviation["severity"]) == ("MANAGED_BY_MISSING", "high")
    assert f"{theirs} has the tags Project and Cluster" in deviation["message"]
    assert f"aws ec2 create-tags --resources {theirs}" in deviation["remedy"]


@pytest.mark.parametrize("kind", ["address", "launch_template", "volume", "autoscaling_group"])
def test_what_only_has_our_names_in_its_tags_is_one_deviation_and_not_judged(account: Account, kind: str) -> None:
    tags = tag_list({"Project": "talos-arm64", "Cluster": "moon", "Password": TAILSCALE})
    made = theirs(account, kind, tags)

    (deviation,) = account.audit()["deviations"]

    assert (deviation["code"], deviation["severity"]) == ("MANAGED_BY_MISSING", "high")
    assert deviation["message"].startswith(f"{made} has the tags Project and Cluster")


def theirs(account: Account, kind: str, tags: list[dict[str, str]]) -> str:
    """Create a resource of another owner with these tags."""
    ec2, data = account.ec2, {"ImageId": IMAGE, "InstanceType": "t4g.small"}
    if kind == "address":
        made = str(ec2.allocate_address(Domain="vpc")["AllocationId"])
    elif kind == "volume":
        made = str(ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"])
    else:
        tagged = [{"ResourceType": "launch-template", "Tags": tags}] if kind == "launch_template" else []
        named = {"LaunchTemplateName": "theirs", "TagSpecifications": tagged}
        made = str(ec2.create_launch_template(**named, LaunchTemplateData=data)["LaunchTemplate"]["LaunchTemplateId"])
    if kind in ("address", "volume"):
        ec2.create_tags(Resources=[made], Tags=tags)
    if kind != "autoscaling_group":
        return made
    more = {"ResourceId": "theirs", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    account.api.clients["autoscaling"].create_auto_scaling_group(
        AutoScalingGroupName="theirs",
        LaunchTemplate={"LaunchTemplateId": made, "Version": "$Latest"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["eu-west-1a"],
        Tags=[{**tag, **more} for tag in tags],
    )
    return "theirs"


def everybody_over_ipv4(account: Account) -> None:
    account.open(IpRanges=[{"CidrIp": "0.0.0.0/0"}])


def everybody_over_ipv6(account: Account) -> None:
    account.open(Ipv6Ranges=[{"CidrIpv6": "::/0"}])


def everything_to_the_bastion(account: Account) -> None:
    account.open("bastion", IpProtocol="-1", IpRanges=[{"CidrIp": "0.0.0.0/0"}])


def one_stranger(account: Account) -> None:
    account.open(IpRanges=[{"CidrIp": "198.51.100.7/32"}])


@pytest.mark.parametrize(
    ("described", "codes"),
    [
        pytest.param({"access_openings": [DASHBOARD._asdict()]}, [], id="described"),
        pytest.param({}, ["HOME_ACCESS_NOT_EXACT"], id="not described"),
    ],
)
def test_the_described_ports_are_what_home_access_may_open(
    account: Account, described: dict[str, Any], codes: list[str]
) -> None:
    account.open_home((DASHBOARD,))

    result = audit_info(account.api, spec(**described), {}, NOW)

    assert [deviation["code"] for deviation in result["deviations"]] == codes


def another_group(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName="x", Description="x", VpcId=account.ids["vpc"])["GroupId"]
    account.open(UserIdGroupPairs=[{"GroupId": group}])


def prefix_list(account: Account) -> None:
    made = account.ec2.create_managed_prefix_list(
        PrefixListName="x", MaxEntries=2, AddressFamily="IPv6", Entries=[{"Cidr": "::/0"}]
    )
    account.open(PrefixListIds=[{"PrefixListId": made["PrefixList"]["PrefixListId"]}])


def disguised_as_home_access(account: Account) -> None:
    account.open_home()
    rule = account.open(Ipv6Ranges=[{"CidrIpv6": "::/0"}], FromPort=6443, ToPort=6443)
    tags = {**OWNER, "Purpose": "home-access"}
    account.ec2.create_tags(Resources=[rule], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def expired_home_access(account: Account) -> None:
    account.open_home()
    rules = account.ec2.describe_security_group_rules(Filters=[{"Name": "tag:Purpose", "Values": ["home-access"]}])
    ids = [rule["SecurityGroupRuleId"] for rule in rules["SecurityGroupRules"]]
    account.ec2.create_tags(Resources=ids, Tags=[{"Key": "Expires", "Value": "2026-12-01T11:59:59Z"}])


def public_ipv4(account: Account) -> None:
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    account.ec2.associate_address(AllocationId=address, NetworkInterfaceId=account.ids["eni/gateway"])


def public_ipv4_for_all(account: Account) -> None:
    account.ec2.modify_subnet_attribute(SubnetId=account.ids["subnet"], MapPublicIpOnLaunch={"Value": True})


def unused_address(account: Account) -> None:
    tags = tag_list(owner_tags(spec()))
    account.ec2.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])


def imds_v1(account: Account) -> None:
    account.ec2.modify_instance_metadata_options(InstanceId=account.ids["instance/gateway"], HttpTokens="optional")


def imds_hops(account: Account) -> None:
    options = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    account.ec2.modify_instance_metadata_options(InstanceId=account.ids["instance/gateway"], **options)


def unencrypted_volume(account: Account) -> None:
    volume = account.ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8, Encrypted=False)["VolumeId"]
    account.ec2.attach_volume(VolumeId=volume, InstanceId=account.ids["instance/gateway"], Device="/dev/sdb")


def _run_with(account: Account, user_data: str | bytes) -> None:
    # moto keeps user-data of running instances only as it was at launch, so a second machine of the same name has it.
    tags = {"Name": "moon-gateway", **OWNER}
    account.ec2.run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        InstanceType="t4g.medium",
        SubnetId=account.ids["subnet"],
        SecurityGroupIds=[account.ids["security_group/nodes"]],
        UserData=user_data,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True}}],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )


def secret_in_user_data(account: Account) -> None:
    _run_with(account, f"#!/bin/sh\ntailscale up --authkey={TAILSCALE}\n")


def secret_in_gzip(account: Account) -> None:
    _run_with(account, gzip.compress(f"#!/bin/sh\ntailscale up --authkey={TAILSCALE}\n".encode()))


def secret_in_a_launch_template(account: Account) -> None:
    tags = tag_list(owner_tags(spec()))
    data = {
        "UserData": base64.b64encode(f"#!/bin/sh\nup {TAILSCALE}\n".encode()).decode(),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    }
    account.ec2.create_launch_template(
        LaunchTemplateName="moon-bastion",
        LaunchTemplateData=data,
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": tags}],
    )


def _put_policy(account: Account, **statement: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement}]}
    name = spec().iam_name
    account.iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=json.dumps(document))


def iam_wildcard(account: Account) -> None:
    _put_policy(account, Action="*")


def iam_wildcard_of_a_service(account: Account) -> None:
    _put_policy(account, Action=["ec2:DescribeInstances", "s3:*"])


def iam_more_than_described(account: Account) -> None:
    _put_policy(account, Action="ec2:TerminateInstances")


def iam_condition_lost(account: Account) -> None:
    _put_policy(account, Action="ec2:DescribeInstances")


def managed_policy(account: Account) -> None:
    statement = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = account.iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    account.iam.attach_role_policy(RoleName=spec().iam_name, PolicyArn=policy)


def trust_for_others(account: Account) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.iam.update_assume_role_policy(RoleName=spec().iam_name, PolicyDocument=document)


def network_acl_entry(account: Account) -> None:
    acl = account.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [account.ids["vpc"]]}])[
        "NetworkAcls"
    ][0]
    account.ec2.create_network_acl_entry(
        NetworkAclId=acl["NetworkAclId"],
        RuleNumber=50,
        Protocol="6",
        RuleAction="deny",
        Egress=False,
        CidrBlock="192.0.2.0/24",
        PortRange={"From": 1, "To": 99},
    )


def foreign_route(account: Account) -> None:
    account.ec2.create_route(
        RouteTableId=account.ids["route_table"],
        DestinationCidrBlock="172.16.0.0/12",
        NetworkInterfaceId=account.ids["eni/gateway"],
    )


def foreign_subnet(account: Account) -> None:
    account.ec2.create_subnet(VpcId=account.ids["vpc"], CidrBlock="10.10.9.0/24")


def group_with_the_name_of_the_default_one(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName="x", Description="x", VpcId=account.ids["vpc"])["GroupId"]
    account.ec2.create_tags(Resources=[group], Tags=[{"Key": "Name", "Value": "default"}])


def group_with_all_tags_of_ours(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName="x", Description="x", VpcId=account.ids["vpc"])["GroupId"]
    tags = {"Name": "moon-nodes", **OWNER}
    account.ec2.create_tags(Resources=[group], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def foreign_group(account: Account) -> None:
    account.ec2.create_security_group(GroupName="moon-nodes-2", Description="x", VpcId=account.ids["vpc"])


def node_in_a_foreign_group(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName="x", Description="x", VpcId=account.ids["vpc"])["GroupId"]
    account.ec2.modify_network_interface_attribute(NetworkInterfaceId=account.ids["eni/gateway"], Groups=[group])


def router(account: Account) -> None:
    account.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=account.ids["eni/gateway"], SourceDestCheck={"Value": False}
    )


PLANTED: list[tuple[Callable[[Account], None], set[str]]] = [
    (everybody_over_ipv4, {"RULE_OPEN_TO_INTERNET"}),
    (everybody_over_ipv6, {"RULE_OPEN_TO_INTERNET"}),
    (everything_to_the_bastion, {"RULE_OPEN_TO_INTERNET"}),
    (one_stranger, {"RULE_NOT_ALLOWED"}),
    (another_group, {"RULE_NOT_ALLOWED", "GROUP_NOT_DESCRIBED"}),
    (prefix_list, {"RULE_OPEN_TO_INTERNET"}),
    (disguised_as_home_access, {"HOME_ACCESS_NOT_EXACT"}),
    (expired_home_access, {"HOME_ACCESS_EXPIRED"}),
    (public_ipv4, {"PUBLIC_IPV4"}),
    (public_ipv4_for_all, {"SUBNET_GIVES_PUBLIC_IPV4"}),
    (unused_address, {"ADDRESS_UNUSED"}),
    (imds_v1, {"IMDS_V1"}),
    (imds_hops, {"IMDS_HOP_LIMIT"}),
    (unencrypted_volume, {"VOLUME_NOT_ENCRYPTED"}),
    (secret_in_user_data, {"USER_DATA_SECRET", "INSTANCE_NOT_DESCRIBED"}),
    (secret_in_gzip, {"USER_DATA_SECRET", "INSTANCE_NOT_DESCRIBED"}),
    (secret_in_a_launch_template, {"USER_DATA_SECRET"}),
    (iam_wildcard, {"IAM_WILDCARD"}),
    (iam_wildcard_of_a_service, {"IAM_WILDCARD"}),
    (iam_more_than_described, {"IAM_STATEMENT_NOT_ALLOWED"}),
    (iam_condition_lost, {"IAM_STATEMENT_NOT_ALLOWED"}),
    (managed_policy, {"IAM_POLICY_ATTACHED"}),
    (trust_for_others, {"IAM_TRUST_NOT_ALLOWED"}),
    (network_acl_entry, {"NETWORK_ACL_CHANGED"}),
    (foreign_route, {"ROUTE_NOT_ALLOWED"}),
    (foreign_subnet, {"SUBNET_NOT_DESCRIBED"}),
    (group_with_the_name_of_the_default_one, {"GROUP_NOT_DESCRIBED"}),
    (foreign_group, {"GROUP_NOT_DESCRIBED"}),
    (node_in_a_foreign_group, {"INTERFACE_IN_FOREIGN_GROUP", "GROUP_NOT_DESCRIBED"}),
    (router, {"SOURCE_DEST_CHECK_OFF"}),
]


@pytest.mark.parametrize(("plant", "codes"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_what_is_planted_is_found_and_nothing_else(
    account: Account, plant: Callable[[Account], None], codes: set[str]
) -> None:
    plant(account)

    result = account.audit()

    assert {deviation["code"] for deviation in result["deviations"]} == codes
    assert all(len(deviation["remedy"]) > 20 for deviation in result["deviations"])
    assert f"{len(result['deviations'])} deviation" in result["lines"][0]
    assert TAILSCALE not in json.dumps(result)


def test_home_access_is_allowed_until_its_end(account: Account) -> None:
    account.open_home()

    result = account.audit()

    assert result["deviations"] == []
    assert len(result["home_access"]) == 3
    internet = [exposure for exposure in result["exposures"] if exposure["source"]["kind"] == "internet"]
    assert {(exposure["node"], *exposure["ports"], exposure["source"]["name"]) for exposure in internet} == {
        ("gateway", 6443, 6443, HOME),
        ("gateway", 50000, 50000, HOME),
    }


def test_what_is_listed_as_allowed_is_not_a_deviation(account: Account) -> None:
    everybody_over_ipv6(account)
    public_ipv4(account)
    extra = {"rules": {"moon-nodes": ["in tcp/22 from ::/0"]}, "public_ipv4": ["moon-gateway"]}

    assert account.codes() == {"RULE_OPEN_TO_INTERNET", "PUBLIC_IPV4"}
    assert account.codes(**extra) == set()


def test_a_group_that_only_has_the_name_of_ours_allows_nothing(account: Account) -> None:
    group = account.ec2.create_security_group(GroupName="moon-bastion-2", Description="x", VpcId=account.ids["vpc"])
    account.ec2.create_tags(Resources=[group["GroupId"]], Tags=[{"Key": "Name", "Value": "moon-bastion"}])
    account.open(FromPort=6443, ToPort=6443, UserIdGroupPairs=[{"GroupId": group["GroupId"]}])

    assert account.codes() == {"RULE_NOT_ALLOWED", "GROUP_NOT_DESCRIBED"}


def test_a_group_with_all_our_tags_does_not_pass_beside_ours(account: Account) -> None:
    group_with_all_tags_of_ours(account)

    assert "GROUP_NOT_DESCRIBED" in account.codes()


def test_the_audit_only_reads(account: Account) -> None:
    account.api.calls.clear()

    account.audit()

    assert account.api.calls
    assert all(name.startswith(("describe_", "get_", "list_")) for name in account.api.calls)


def test_the_module_returns_exactly_what_it_documents(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    everybody_over_ipv6(account)

    result = run_module(ec2_audit_info.main, capsys, cluster=cluster(), _ansible_check_mode=True)

    documented = yaml.safe_load(ec2_audit_info.RETURN)
    assert set(result) - {"changed", "invocation"} == set(documented)
    assert tuple(result["deviations"][0]) == tuple(documented["deviations"]["sample"][0]) == FIELDS
    assert set(result["exposures"][0]) == set(documented["exposures"]["sample"][0])
    assert set(result["summary"]) == set(documented["summary"]["sample"])


@pytest.mark.parametrize(
    "bastion",
    [
        pytest.param(None, id="no bastion"),
        pytest.param({**BASTION, "connection": "ssm", "egress": "none"}, id="Session Manager"),
        pytest.param({**BASTION, "ssh_key_name": "ada", "start": "06:00", "stop": "22:00"}, id="key pair and hours"),
        pytest.param(
            {
                **BASTION,
                "egress": "wireguard",
                "wireguard_parameter": "/talos/tunnel",
                "host_key_parameter": "/talos/key",
                "login_parameters": ["/talos/docker.io"],
            },
            id="tunnel, host key and login",
        ),
    ],
)
def test_a_clean_cluster_that_is_open_to_home_has_no_deviation(bastion: dict[str, Any] | None) -> None:
    with empty_aws():
        api, cluster_spec = MotoApi(), spec(bastion=bastion)
        account = Account(api, Builder(api, cluster_spec).build())
        _let_ipv6_through(account.ec2, account.ids["vpc"])
        account.open_home()

        result = audit_info(api, cluster_spec, {}, NOW)

    assert (result["deviations"], len(result["home_access"])) == ([], 3)
