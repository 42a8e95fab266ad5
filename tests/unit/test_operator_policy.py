# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policy allows what the playbooks call and no more, and IAM can apply every policy that we make."""

from __future__ import annotations

import copy
import fnmatch
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.preflight.account import SCALING_ROLE
from lab.settings import REPOSITORY
from tests import ec2_cluster
from tests.operator_policy import (
    IN_SEVERAL_STATEMENTS,
    NEWER_THAN_PARLIAMENT,
    NOT_PLAYED,
    POLICIES,
    REVIEWED,
    allowed,
    excused,
    findings,
    named_in_code,
    named_operations,
    operator_policy,
    permission,
    played,
    printed_readings,
    recorded,
    statements,
    unreachable,
)

# Spaces and line breaks do not count: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
SIZE_MAX = 6144
BASTION = {
    **{"enabled": True, "instance_type": "t4g.small", "volume_size": 30, "image": "ami-0ef3038e9b73a0746"},
    **{"egress": "wireguard", "wireguard_parameter": "/talos/wireguard"},
    **{"host_key_parameter": "/urmanac.talos/talos-arm64/moon/bastion-host-key"},
}


def made_policies() -> dict[str, dict[str, Any]]:
    """Return the policies of the roles that the playbooks make."""
    hours = {"ttl": 8.0, "start": "18:00", "stop": "23:00"}
    spec = ec2_cluster.spec(bastion=BASTION, home_schedule_enabled=True, hours=hours)
    described = ec2_cluster.desired(spec, account=ec2_cluster.ACCOUNT)
    return {key: item.want["policy"] for key, item in described.items() if "policy" in item.want}


def test_every_call_of_the_recorded_run_is_allowed_and_named_in_our_code() -> None:
    assert len(recorded()) > 50
    assert recorded() - allowed(operator_policy()) == set()
    assert recorded() - named_in_code() == set()


def test_every_call_that_our_code_names_is_allowed() -> None:
    assert named_in_code() - allowed(operator_policy()) == set()


def test_every_command_of_a_remedy_that_only_reads_is_allowed() -> None:
    # What changes something may be for an administrator.
    assert "autoscaling:DescribeScalingActivities" in printed_readings()
    assert printed_readings() - allowed(operator_policy()) == set()


def test_nothing_is_allowed_that_no_playbook_needs() -> None:
    needed = named_in_code() | set(REVIEWED)

    assert allowed(operator_policy()) - needed == set()


def test_what_is_allowed_is_called_in_a_simulated_run_or_it_is_said_why_not() -> None:
    assert allowed(operator_policy()) - recorded() - played() == {*REVIEWED, *NOT_PLAYED}
    assert played() & recorded() == set()
    assert set(NOT_PLAYED) <= named_in_code()


def test_no_review_is_kept_for_what_is_not_allowed_or_is_called() -> None:
    assert set(REVIEWED) - allowed(operator_policy()) == set()
    assert set(REVIEWED) & (recorded() | named_in_code()) == set()


@pytest.mark.parametrize(
    ("code", "named"),
    [
        pytest.param('call("ec2", "create_route")', {"CreateRoute"}, id="whole"),
        pytest.param("client.create_route()", {"CreateRoute"}, id="as a method"),
        pytest.param('f"authorize_group_{word}"', {"AuthorizeGroupIn", "AuthorizeGroupOut"}, id="composed at the end"),
        pytest.param('f"{verb}_group_in"', {"AuthorizeGroupIn"}, id="composed at the beginning"),
        pytest.param('f"made {what} of {whom}"', set(), id="prose"),
    ],
)
def test_operations_are_found_in_code_also_where_their_names_are_composed(code: str, named: set[str]) -> None:
    assert named_operations([code], ["CreateRoute", "AuthorizeGroupIn", "AuthorizeGroupOut"]) == named


def test_the_rules_of_both_directions_are_named_in_our_code() -> None:
    both = {f"ec2:{verb}SecurityGroup{way}" for verb in ("Authorize", "Revoke") for way in ("Ingress", "Egress")}

    assert both <= named_in_code()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.name)
def test_each_fits_into_a_managed_policy(policy: Path) -> None:
    assert len("".join(policy.read_text(encoding="utf-8").split())) <= SIZE_MAX


def test_parliament_finds_nothing_in_it() -> None:
    assert findings(operator_policy()) == []


def test_no_finding_is_excused_that_parliament_does_not_make() -> None:
    assert excused(operator_policy()) == {*IN_SEVERAL_STATEMENTS, *NEWER_THAN_PARLIAMENT}


def test_what_parliament_still_reports_is_said_to_the_user() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (paragraph,) = (part for part in readme.split("\n\n") if "parliament" in part)

    assert {name for name in excused(operator_policy()) if f"`{name}`" in paragraph} == excused(operator_policy())


def test_a_star_as_the_resource_of_what_can_be_limited_is_found() -> None:
    policy = copy.deepcopy(operator_policy())
    (change,) = [item for item in policy["Statement"] if item["Sid"] == "ChangeTagged"]
    change["Resource"] = "*"

    assert [finding for finding in findings(policy) if "RESOURCE_STAR" in finding] != []


def test_a_resource_that_does_not_fit_its_permission_is_found() -> None:
    policy = copy.deepcopy(operator_policy())
    (change,) = [item for item in policy["Statement"] if item["Sid"] == "ChangeTagged"]
    change["Resource"] = [arn for arn in change["Resource"] if ":vpc/" not in arn]

    assert [finding for finding in findings(policy) if "RESOURCE_MISMATCH" in finding] != []


def test_each_permission_can_be_used_on_every_resource_that_it_needs() -> None:
    assert unreachable(operator_policy()) == []


def test_a_condition_that_iam_does_not_know_of_a_resource_is_found() -> None:
    policy = copy.deepcopy(operator_policy())
    policy["Statement"] = [item for item in policy["Statement"] if item["Sid"] != "Create"]

    assert "ec2:CreateSubnet on subnet" in unreachable(policy)


def test_a_launch_and_a_rule_may_use_what_is_without_our_tag() -> None:
    (launch,) = [item for item in statements(operator_policy()) if item["Sid"] == "UseWithTagged"]

    # Images, snapshots and key pairs have other owners. IAM is not given the tags of an interface that exists already.
    # A rule that is made with tags is a resource of its own, which has none yet; its group has to have ours.
    kinds = {resource.split(":")[5] for resource in launch["Resource"]}
    assert kinds == {"image/*", "key-pair/*", "network-interface/*", "security-group-rule/*", "snapshot/*"}
    rules = [f"ec2:AuthorizeSecurityGroup{way}" for way in ("Egress", "Ingress")]
    assert launch["Action"] == [*rules, "ec2:RunInstances"]
    assert {resource.split(":")[3] for resource in launch["Resource"]} == {"eu-west-1"}


def test_only_what_has_the_tag_can_be_deleted() -> None:
    tag = {"aws:ResourceTag/ManagedBy": "urmanac.talos"}
    ends = ("ec2:Delete", "ec2:Terminate", "ec2:Release", "autoscaling:Delete", "autoscaling:Terminate")

    ending = [item for item in statements(operator_policy()) if any(a.startswith(ends) for a in item["Action"])]

    assert len(ending) == 1
    assert tag.items() <= ending[0]["Condition"]["StringEquals"].items()


def test_roles_are_passed_to_two_services_alone() -> None:
    (passing,) = [item for item in statements(operator_policy()) if "iam:PassRole" in item["Action"]]

    services = ["ec2.amazonaws.com", "scheduler.amazonaws.com"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": services}}
    assert passing["Resource"] == ["arn:aws:iam::*:role/talos-arm64-*"]


def test_the_role_of_auto_scaling_alone_may_be_made_for_its_service() -> None:
    (linking,) = [item for item in statements(operator_policy()) if "iam:CreateServiceLinkedRole" in item["Action"]]

    assert linking["Condition"] == {"StringEquals": {"iam:AWSServiceName": "autoscaling.amazonaws.com"}}
    assert linking["Action"] == ["iam:CreateServiceLinkedRole"]
    assert linking["Resource"] == ["arn:aws:iam::*:role/aws-service-role/autoscaling.amazonaws.com/*"]


def test_the_role_of_auto_scaling_may_be_looked_up_before_it_exists() -> None:
    # IAM knows the path of a role that exists only.
    path = "aws-service-role/autoscaling.amazonaws.com/"
    assert {f"arn:aws:iam::*:role/{where}{SCALING_ROLE}" for where in ("", path)} <= set(_readable_roles())


def _readable_roles() -> list[str]:
    reading = [item for item in statements(operator_policy()) if "iam:GetRole" in item["Action"]]
    return [arn for item in reading for arn in item["Resource"]]


def test_parliament_finds_nothing_in_the_policies_of_the_roles_that_we_make() -> None:
    policies = made_policies()

    assert set(policies) == {"iam_role/node", "iam_role/bastion", "iam_role/access", "iam_role/hours"}
    assert [line for policy in policies.values() for line in (*findings(policy), *excused(policy))] == []
    assert [line for policy in policies.values() for line in unreachable(policy)] == []


def may_read(policy: dict[str, Any], arn: str) -> bool:
    """Return whether a policy allows to read this parameter of SSM."""
    readings = {"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"}
    return any(
        readings & set(statement["Action"]) and any(fnmatch.fnmatchcase(arn, item) for item in statement["Resource"])
        for statement in statements(policy)
    )


def test_the_bastion_alone_may_read_its_host_key() -> None:
    host_key, claim = (
        f"arn:aws:ssm:eu-west-1:123456789012:parameter/urmanac.talos/talos-arm64/moon/{name}"
        for name in ("bastion-host-key", "claim")
    )
    policies = {**made_policies(), "operator": operator_policy()}

    assert {name for name, policy in policies.items() if may_read(policy, host_key)} == {"iam_role/bastion"}
    assert {name for name, policy in policies.items() if may_read(policy, claim)} == {"operator"}


def test_a_user_who_starts_a_session_can_open_its_channel_and_end_it() -> None:
    (own,) = [item for item in statements(operator_policy()) if item["Sid"] == "OwnSessions"]

    assert own["Action"] == ["ssm:TerminateSession", "ssmmessages:OpenDataChannel"]
    # A session has the name of an IAM user, or of the session of a role, which is the end of its user ID.
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-restrict-access-examples.html
    assert own["Resource"] == [f"arn:aws:ssm:*:*:session/${{aws:{name}}}-*" for name in ("userid", "username")]


def test_parliament_finds_a_misspelt_permission() -> None:
    policy = copy.deepcopy(operator_policy())
    policy["Statement"][0]["Action"].append("ec2:DescribeVpc")

    assert any("ec2:DescribeVpc" in finding for finding in findings(policy))


GROUP = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/talos-arm64-moon-hours"


@pytest.mark.parametrize(
    ("service", "action", "needed"),
    [
        pytest.param("ec2", "CreateVpc", "ec2:CreateVpc", id="by name"),
        pytest.param("scheduler", "POST /schedules/moon-1", "scheduler:CreateSchedule", id="by method and path"),
        pytest.param("scheduler", "GET /schedules", "scheduler:ListSchedules", id="by a path without a name"),
        pytest.param("scheduler", f"GET /tags/{GROUP}", "scheduler:ListTagsForResource", id="by a path with an ARN"),
    ],
)
def test_a_call_in_the_labs_log_is_known_by_its_permission(service: str, action: str, needed: str) -> None:
    assert permission(service, action) == needed
