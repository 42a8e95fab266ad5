# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of home access and of the role that closes it on time, also with lost and delayed answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsError
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import ACCESS, NETWORK
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.access import Plan
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.schedule import SchedulePlan
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.openings import OPENINGS
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.plan.reading import (
    read_and_compare,
    removal_problems,
    result_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from ansible_collections.urmanac.talos.plugins.module_utils._findings import finding
from ansible_collections.urmanac.talos.plugins.modules.ec2_home_access import ensure, order_of
from tests.ec2_cluster import ACCOUNT, OWNER, Builder, empty_aws, spec, tag_list
from tests.ec2_failures import FailingEc2
from tests.home_access import make_groups

SPEC = spec(home_schedule_enabled=True)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{SPEC.schedule_role_name}"
HOME = "2001:db8:1:2::/64"
NOW = datetime.now(UTC).replace(microsecond=0)
CLOSED: dict[str, Any] = {"state": "absent", "ipv6": None, "expires": None}


@pytest.fixture
def api() -> Iterator[FailingEc2]:
    with empty_aws():
        yield FailingEc2()


@pytest.fixture
def built(api: FailingEc2) -> FailingEc2:
    """Give an account with the cluster, without the role of home access."""
    Builder(api, SPEC).build()
    api.calls.clear()
    return api


def role(api: FailingEc2, **changes: Any) -> Outcome:
    return ensure_cluster(api.calls_of(), SPEC, Order((ACCESS,), **changes))


def home(api: FailingEc2, **changes: Any) -> bool:
    """Open or close home access with schedules, and return whether anything was to be done."""
    plan, schedules = ensured(api, **changes)
    return plan.changed or schedules.changed


def home_plan(api: FailingEc2, **changes: Any) -> Plan:
    """Open or close home access, and return what was done with its rules."""
    return ensured(api, **changes)[0]


def ensured(
    api: FailingEc2, *, check_mode: bool = False, role_arn: str | None = ROLE, **changes: Any
) -> tuple[Plan, SchedulePlan]:
    openings = [opening._asdict() for opening in OPENINGS]
    wanted = {"state": "present", "ipv6": HOME, "expires": "8h", "replace": False, "openings": openings, **changes}
    options = {"name": SPEC.name, "project": SPEC.project, "schedule_role_arn": role_arn}
    order = order_of({**options, **wanted}, NOW)
    return ensure(api.calls_of(), options, order, NOW, check_mode=check_mode)


def rules(api: FailingEc2) -> list[dict[str, Any]]:
    found = api.clients["ec2"].describe_security_group_rules()["SecurityGroupRules"]
    return [rule for rule in found if rule.get("CidrIpv6") == HOME]


def schedules(api: FailingEc2) -> list[str]:
    return [item["Name"] for item in api.clients["scheduler"].list_schedules()["Schedules"]]


def test_the_role_is_in_the_plan_and_made_with_the_account_in_it(built: FailingEc2) -> None:
    lines = result_of(SPEC, read_and_compare(built, SPEC), NOW)["plan"]
    outcome = role(built)

    planned = "+ IAM role talos-arm64-moon-home-access: EventBridge Scheduler may call ec2:RevokeSecurityGroupIngress"
    assert any(line.startswith(planned) for line in lines)
    assert outcome.lines[0].startswith("created IAM role talos-arm64-moon-home-access")
    made = built.clients["iam"].get_role(RoleName=SPEC.schedule_role_name)["Role"]
    condition = made["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    assert condition == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert (role(built).changed, made["Arn"]) == (False, ROLE)


def test_nothing_is_made_beside_the_role(built: FailingEc2) -> None:
    before = built.clients["iam"].list_instance_profiles()["InstanceProfiles"]

    role(built)

    assert built.clients["iam"].list_instance_profiles()["InstanceProfiles"] == before
    assert built.writes() == ["create_role", "put_role_policy"]


def test_nothing_is_waited_for_that_has_the_name_of_the_role_and_is_not_made(built: FailingEc2) -> None:
    role(built)

    assert built.time == 0


def test_without_a_network_it_is_planned_and_not_made(api: FailingEc2) -> None:
    assert role(api, check_mode=True).changed

    with pytest.raises(Ec2Error, match=r"Run the role urmanac\.talos\.network first"):
        role(api)
    assert api.writes() == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_role_of_another_owner_is_refused_in_the_plan_and_before_anything_is_made(
    built: FailingEc2, check_mode: bool
) -> None:
    iam = built.clients["iam"]
    owner = [{"Key": "Owner", "Value": "Bob"}]
    iam.create_role(RoleName=SPEC.schedule_role_name, AssumeRolePolicyDocument="{}", Tags=owner)
    before = iam.get_role(RoleName=SPEC.schedule_role_name)["Role"]

    problems = result_of(SPEC, read_and_compare(built, SPEC), NOW)["problems"]
    with pytest.raises(Ec2Error, match=r"Owner=Bob"):
        role(built, check_mode=check_mode)
    removed = role(built, state="absent", check_mode=check_mode)

    assert [problem["code"] for problem in problems] == ["NAME_TAKEN"]
    assert (built.writes(), removed.changed) == ([], False)
    assert iam.get_role(RoleName=SPEC.schedule_role_name)["Role"] == before


def test_a_role_that_drifted_is_set_right_and_tags_of_other_owners_stay(built: FailingEc2) -> None:
    role(built)
    name = {"RoleName": SPEC.schedule_role_name}
    statement = {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}
    other = {"Version": "2012-10-17", "Statement": [statement]}
    built.clients["iam"].put_role_policy(**name, PolicyName=SPEC.schedule_role_name, PolicyDocument=json.dumps(other))
    built.clients["iam"].tag_role(**name, Tags=[{"Key": "CostCentre", "Value": "42"}])

    assert [line.partition(": ")[2] for line in role(built).lines] == ["policy"]

    tags = built.clients["iam"].list_role_tags(**name)["Tags"]
    assert {"Key": "CostCentre", "Value": "42"} in tags


def test_a_role_that_is_not_described_any_more_is_found_and_removed(built: FailingEc2) -> None:
    role(built)

    outcome = ensure_cluster(built.calls_of(), spec(), Order((ACCESS,), state="absent"))

    assert [line.partition(" (")[0] for line in outcome.lines] == ["deleted IAM role talos-arm64-moon-home-access"]
    assert ensure_cluster(built.calls_of(), spec(), Order((ACCESS,), state="absent")).changed is False


def test_the_role_is_kept_when_the_network_is_removed(built: FailingEc2) -> None:
    role(built)

    found = read_and_compare(built, SPEC).found

    assert [(item.kind, item.part) for item in found if item.name.endswith("-home-access")] == [("iam_role", ACCESS)]
    assert all(item.part == NETWORK for item in found if item.kind == "vpc")


@pytest.mark.parametrize(
    "operation",
    ["authorize_security_group_ingress", "create_schedule", "update_security_group_rule_descriptions_ingress"],
)
def test_a_lost_answer_leaves_one_of_each(built: FailingEc2, operation: str) -> None:
    built.lost[operation] = 1

    home(built)

    assert (len(rules(built)), len(schedules(built))) == (3, 2)
    assert home(built) is False


@pytest.mark.parametrize("operation", ["revoke_security_group_ingress", "delete_schedule"])
def test_a_lost_answer_of_a_removal_leaves_nothing(built: FailingEc2, operation: str) -> None:
    home(built)
    built.lost[operation] = 1

    assert home(built, **CLOSED)
    assert (rules(built), schedules(built), home(built, **CLOSED)) == ([], [], False)


def test_a_second_run_and_check_mode_make_no_writing_call(built: FailingEc2) -> None:
    assert home(built, check_mode=True)
    assert built.writes() == []
    home(built)
    built.calls.clear()

    assert home(built) is False
    assert built.writes() == []


def test_a_role_that_the_scheduler_does_not_know_yet_is_waited_for(built: FailingEc2) -> None:
    words = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    problem = finding("AWS_ERROR", "call scheduler:CreateSchedule", words, "")

    class LateRole(FailingEc2):
        left = 2

        def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
            if operation == "create_schedule" and self.left:
                self.left -= 1
                raise AwsError(problem, "ValidationException")
            return super().call(service, operation, **parameters)

    late = LateRole()
    home(late)

    assert (len(schedules(late)), late.left) == (2, 0)


def test_a_schedule_of_another_owner_is_refused_before_anything_is_opened(built: FailingEc2) -> None:
    home(built)
    scheduler = built.clients["scheduler"]
    theirs = schedules(built)[0]
    home(built, **CLOSED)
    target = {"Arn": "arn:aws:lambda:eu-west-1:1:function:x", "RoleArn": ROLE, "Input": "{}"}
    window, when = {"Mode": "OFF"}, "at(2030-01-01T00:00:00)"
    scheduler.create_schedule(Name=theirs, ScheduleExpression=when, FlexibleTimeWindow=window, Target=target)

    with pytest.raises(Ec2Error, match=f"Failed to create the schedule {theirs}: it already exists"):
        home(built)
    home(built, **CLOSED)

    assert (rules(built), schedules(built)) == ([], [theirs])


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("tags", "owner"),
    [({"Owner": "Bob"}, "Owner=Bob"), ({}, "it has no tags that name an owner")],
    ids=["tagged", "untagged"],
)
def test_a_rule_of_another_owner_in_the_place_of_ours_is_refused_and_stays(
    built: FailingEc2, tags: dict[str, str], owner: str, check_mode: bool
) -> None:
    group = next(thing for key, thing in built_ids(built).items() if key == "security_group/nodes")
    built.clients["ec2"].authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443, "Ipv6Ranges": [{"CidrIpv6": HOME}]}],
        **({"TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": tag_list(tags)}]} if tags else {}),
    )
    before = rules(built)

    with pytest.raises(Ec2Error, match=rf"Failed to open tcp/6443 of nodes .* \({owner}\)"):
        home(built, check_mode=check_mode)
    home(built, **CLOSED)

    assert rules(built) == before


def built_ids(api: FailingEc2) -> dict[str, str]:
    return {item.key: item.id for item in read_and_compare(api, SPEC).resources if item.id}


def test_a_rule_that_has_gone_meanwhile_does_not_stop_the_others(built: FailingEc2) -> None:
    home(built)
    gone = rules(built)[0]

    class Racing(FailingEc2):
        def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
            if operation == "revoke_security_group_ingress" and not self.sent_revoke:
                self.sent_revoke = True
                ids = [gone["SecurityGroupRuleId"]]
                self.clients["ec2"].revoke_security_group_ingress(GroupId=gone["GroupId"], SecurityGroupRuleIds=ids)
            return super().call(service, operation, **parameters)

        sent_revoke = False

    assert home(Racing(), **CLOSED)
    assert json.dumps(rules(built)) == "[]"


def retag(api: FailingEc2, thing: str, **tags: str) -> None:
    api.clients["ec2"].create_tags(Resources=[thing], Tags=tag_list(tags))


def untag(api: FailingEc2, thing: str, key: str) -> None:
    api.clients["ec2"].delete_tags(Resources=[thing], Tags=[{"Key": key}])


def second_network(api: FailingEc2) -> dict[str, str]:
    """Make another VPC with the cluster's tags and groups, and open it as home access would."""
    groups = make_groups(api.clients["ec2"])
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": HOME}]}
    tags = {**OWNER, "Purpose": "home-access", "Expires": "2020-01-01T00:00:00Z"}
    api.clients["ec2"].authorize_security_group_ingress(
        GroupId=groups["bastion"],
        IpPermissions=[permission],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tag_list(tags)}],
    )
    return groups


@pytest.mark.parametrize("state", ["absent", "expired"])
def test_a_group_with_another_tag_name_is_closed_and_its_schedule_stays_until_then(
    built: FailingEc2, state: str
) -> None:
    home(built)
    group = built_ids(built)["security_group/nodes"]
    retag(built, group, Name="Talos nodes (renamed in the console)")
    if state == "expired":
        assert home(built, **{**CLOSED, "state": "expired"}) is False
        assert len(schedules(built)) == 2
        retag_rules(built, Expires="2020-01-01T00:00:00Z")

    assert home(built, **{**CLOSED, "state": state})

    assert (rules(built), schedules(built)) == ([], [])


def retag_rules(api: FailingEc2, **tags: str) -> None:
    for rule in rules(api):
        retag(api, rule["SecurityGroupRuleId"], **tags)


@pytest.mark.parametrize("where", ["vpc", "security_group/nodes"])
def test_nothing_is_opened_while_open_rules_are_not_certain_to_be_the_clusters(built: FailingEc2, where: str) -> None:
    home(built)
    before = schedules(built)
    untag(built, built_ids(built)[where], "ManagedBy")
    built.calls.clear()

    with pytest.raises(AwsError, match="revoke-security-group-ingress --group-id sg-") as caught:
        home(built)

    assert caught.value.problem.code == "HOME_ACCESS_IN_OTHER_GROUP"
    assert (built.writes(), len(rules(built)), schedules(built)) == ([], 3, before)


@pytest.mark.parametrize("state", ["absent", "expired"])
@pytest.mark.parametrize(("where", "left", "ends"), [("vpc", 3, 2), ("security_group/nodes", 2, 1)])
def test_rules_that_are_not_certain_to_be_the_clusters_stay_while_the_others_are_closed(
    built: FailingEc2, where: str, left: int, ends: int, state: str
) -> None:
    home(built)
    retag_rules(built, Expires="2020-01-01T00:00:00Z")
    before = schedules(built)
    untag(built, built_ids(built)[where], "ManagedBy")

    plan = home_plan(built, **{**CLOSED, "state": state})

    assert plan.elsewhere is not None
    assert plan.elsewhere.code == "HOME_ACCESS_IN_OTHER_GROUP"
    assert "revoke-security-group-ingress --group-id sg-" in plan.elsewhere.remedy
    assert len(rules(built)) == left
    # Of the group whose rules stay open.
    assert (len(schedules(built)), set(schedules(built)) - set(before)) == (ends, set())


@pytest.mark.parametrize("state", ["absent", "expired"])
def test_two_networks_with_the_clusters_groups_are_both_closed(built: FailingEc2, state: str) -> None:
    home(built)
    retag_rules(built, Expires="2020-01-01T00:00:00Z")
    second_network(built)
    assert len(rules(built)) == 4

    assert home(built, **{**CLOSED, "state": state})

    assert rules(built) == []


def test_nothing_is_opened_in_two_networks_with_the_clusters_groups(built: FailingEc2) -> None:
    second_network(built)

    with pytest.raises(AwsError, match=r"have the tags of the cluster\. Nothing was opened or closed"):
        home(built)


def test_the_schedule_of_a_rule_that_lost_its_tags_is_kept_until_it_closes(built: FailingEc2) -> None:
    home(built)
    bastion = next(rule for rule in rules(built) if rule["FromPort"] == 22)
    untag(built, bastion["SecurityGroupRuleId"], "Purpose")

    home(built, **CLOSED)
    kept = schedules(built)
    built.clients["ec2"].revoke_security_group_ingress(
        GroupId=bastion["GroupId"], SecurityGroupRuleIds=[bastion["SecurityGroupRuleId"]]
    )

    assert [rule["FromPort"] for rule in rules(built)] == []
    assert (len(kept), home(built, **CLOSED), schedules(built)) == (1, True, [])


def test_the_role_is_kept_while_it_is_needed_to_close_a_rule_that_lost_its_tags(built: FailingEc2) -> None:
    role(built)
    home(built)
    bastion = next(rule for rule in rules(built) if rule["FromPort"] == 22)
    before = read_and_compare(built, SPEC, all_ties=True).ties
    untag(built, bastion["SecurityGroupRuleId"], "Purpose")
    named = removal_problems(read_and_compare(built, SPEC, all_ties=True))
    home(built, **CLOSED)
    built.calls.clear()

    with pytest.raises(Ec2Error) as refusal:
        role(built, state="absent")

    rule = bastion["SecurityGroupRuleId"]
    assert before == ()
    assert [problem.code for problem in named if rule in problem.message] == ["USED_BY_FOREIGN_RESOURCE"]
    assert f"IAM role {SPEC.schedule_role_name} is needed to close security group rule {rule}" in str(refusal.value)
    assert f"--security-group-rule-ids {rule}" in str(refusal.value)
    assert built.writes() == []
    built.clients["ec2"].revoke_security_group_ingress(GroupId=bastion["GroupId"], SecurityGroupRuleIds=[rule])
    home(built, **CLOSED)
    assert (role(built, state="absent").changed, schedules(built)) == (True, [])


def test_schedules_whose_role_is_gone_are_removed_with_the_rules(built: FailingEc2) -> None:
    home(built)
    home(built, ipv6="2001:db8:7:8::/64", expires="2d")

    home(built, **{**CLOSED, "ipv6": HOME}, role_arn=None)
    left = schedules(built)
    home(built, **CLOSED, role_arn=None)

    assert (len(left), schedules(built), home(built, **CLOSED, role_arn=None)) == (2, [], False)
