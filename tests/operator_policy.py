# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policy, the permissions that calls need, and what IAM knows of each permission."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.session import Session

from lab.settings import REPOSITORY
from tests.aws.reports import read
from tests.aws_services import parsed, services_called
from tests.lab.labs import TEST_AGENT

with warnings.catch_warnings():
    # It leaves its data files open and has old escapes in strings, which pytest takes for errors.
    warnings.simplefilter("ignore")
    import parliament

# A managed policy of IAM takes 6144 characters, so there are two of them, which are attached together.
POLICIES = tuple(REPOSITORY / "examples" / f"operator_policy{part}.json" for part in ("", "_ec2"))
RECORDED = REPOSITORY / "tests" / "recorded" / "simulation.json.gz"
# IAM's name of a service where the clients of boto3 have another.
PREFIXES = {"service-quotas": "servicequotas"}
# Calls whose permission has another name.
NAMES: Mapping[str, str] = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    # Parameters and headers, which the log of the lab leaves out, make these calls other ones.
    "s3:CopyObject": "s3:PutObject",
    "s3:ListObjects": "s3:ListBucket",
}
# Calls that the operator needs no permission for.
WITHOUT_PERMISSION: Mapping[str, str] = {
    "sts:GetCallerIdentity": "AWS answers it whatever a policy says",
    "iam:ListAccountAliases": "amazon.aws.aws_caller_info does without it",
}
# Words of our code that are operations of a service that no code of ours calls that way.
OTHER_WORDS = frozenset(
    {
        "autoscaling:DescribeTags",
        "budgets:ListTagsForResource",
        "ce:ListTagsForResource",
        "ce:TagResource",
        "servicequotas:ListTagsForResource",
        "servicequotas:TagResource",
    }
)
# Allowed though our code names no such call and the lab sees none.
REVIEWED: Mapping[str, str] = {
    "ec2:DescribeRegions": "a command of a remedy: which regions the account has",
    "iam:CreateServiceLinkedRole": "the first Auto Scaling group of an account needs the role of that service",
    "kms:Decrypt": "S3 with the credentials of the operator, for files that a key of the user encrypts",
    "kms:GenerateDataKey": "S3 with the credentials of the operator, for files that a key of the user encrypts",
    "iam:PassRole": "instances and schedules are given a role",
    "ssm:AddTagsToResource": "PutParameter with tags",
    "ssm:GetParameters": "launches whose image is named by a parameter (resolve:ssm)",
    "ssm:StartSession": "cluster_bastion_connection: ssm",
    "ssm:TerminateSession": "cluster_bastion_connection: ssm, at the end of the connection",
    "ssmmessages:OpenDataChannel": "cluster_bastion_connection: ssm, called by session-manager-plugin",
}
# What the lab sees of modules of tests/playbooks besides the calls that are recorded. Their lab checks it at its end.
PLAYED: Mapping[str, str] = {
    "test_budget": "budgets:ModifyBudget budgets:ViewBudget",
    "test_controllers": "ssm:GetParameterHistory",
    "test_hours": "autoscaling:SetDesiredCapacity ec2:StartInstances ec2:StopInstances",
    "test_refusals": "ce:GetCostAndUsage ec2:DescribeKeyPairs pricing:GetProducts",
    "test_shared_state": "s3:GetObject s3:ListBucket s3:PutObject",
    "test_site_and_reset": "ec2:CreateLaunchTemplateVersion",
    "test_strangers": "ec2:DeleteVolume",
}
_REPAIR = "sets right what someone changed, which tests/lab/test_cluster_faults.py has our code do in the lab"
_CHANGE = "sets right what someone changed, or what another description asks for, which the tests of _ec2/act have"
_NOT_LOGGED = "called by tests/playbooks/test_shared_state.py; the lab logs it by its path, as s3:ListBucket"
_HOME = "an opening that exists gets another end or loses it, which the tests of _ec2/home have"
_FOUND = "the audit asks it of what it finds, and of what every cluster has there is nothing to ask"
# Allowed and named in our code, though no simulated run has to have a playbook call it: each with the reason.
NOT_PLAYED: Mapping[str, str] = {
    "autoscaling:CreateOrUpdateTags": _REPAIR,
    "budgets:TagResource": "CreateBudget with tags, which the lab logs as that call alone",
    "autoscaling:DeleteScheduledAction": "the hours of the bastion are not described any more",
    "autoscaling:DeleteTags": _CHANGE,
    "autoscaling:UpdateAutoScalingGroup": _CHANGE,
    "ec2:AssignIpv6Addresses": _REPAIR,
    "ec2:AssociateIamInstanceProfile": _REPAIR,
    "ec2:AssociateVpcCidrBlock": _REPAIR,
    "ec2:AuthorizeSecurityGroupEgress": _REPAIR,
    "ec2:CreateTags": _REPAIR,
    "ec2:DeleteTags": _HOME,
    "ec2:DescribeImageAttribute": _FOUND,
    "ec2:DescribeManagedPrefixLists": "preflight asks how many rules a list in a rule counts for; we make no such rule",
    "ec2:DescribeSnapshotAttribute": _FOUND,
    "ec2:DisassociateRouteTable": "a table that a subnet still uses; a reset deletes our subnet before its table",
    "ec2:GetConsoleOutput": "nodes that boot by SSH, or do not boot; tests/host/test_simulation.py has one, as root",
    "ec2:GetManagedPrefixListEntries": _FOUND,
    "ec2:ModifyInstanceMetadataOptions": _CHANGE,
    "ec2:ModifySubnetAttribute": _CHANGE,
    "ec2:ReplaceIamInstanceProfileAssociation": _CHANGE,
    "ec2:ReplaceRoute": _CHANGE,
    "ec2:ReplaceRouteTableAssociation": _CHANGE,
    "ec2:RevokeSecurityGroupEgress": _CHANGE,
    "ec2:UnassignIpv6Addresses": _CHANGE,
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress": _HOME,
    "iam:DetachRolePolicy": "a policy that someone attached to a role of ours goes with the role",
    "iam:TagInstanceProfile": _CHANGE,
    "iam:TagRole": _CHANGE,
    "iam:UpdateAssumeRolePolicy": _CHANGE,
    "s3:GetBucketPublicAccessBlock": _NOT_LOGGED,
    "s3:GetBucketVersioning": _NOT_LOGGED,
    "s3:GetEncryptionConfiguration": _NOT_LOGGED,
    "scheduler:TagResource": _CHANGE,
    "scheduler:UpdateSchedule": _CHANGE,
    "servicequotas:GetAWSDefaultServiceQuota": "an account that has no value of its own; the lab's has one of each",
    "ssm:DescribeDocumentPermission": _FOUND,
    "ssm:GetDocument": _FOUND,
}
# Permissions newer than parliament's list, or whose resources are.
NEWER_THAN_PARLIAMENT = frozenset({"freetier:GetAccountPlanState", "ssmmessages:OpenDataChannel"})
# Parliament wants a statement to fit every resource that a permission needs. IAM judges each resource of a call by
# itself and takes another statement for each, as these have it; `unreachable` judges whether all are covered.
IN_SEVERAL_STATEMENTS: Mapping[str, str] = {
    "ec2:RunInstances": "the machine gets our tag, subnet and group have it, and image and key pair have other owners",
    "ec2:AuthorizeSecurityGroupEgress": "the group has our tag, and a rule that is made with tags has none yet",
    "ec2:AuthorizeSecurityGroupIngress": "the group has our tag, and a rule that is made with tags has none yet",
}


def findings(policy: Mapping[str, Any]) -> list[str]:
    """Return what parliament finds in a policy, without what is listed above with its reason."""
    return [line for line, excused in _findings(policy) if not excused]


def excused(policy: Mapping[str, Any]) -> set[str]:
    """Return the permissions about which parliament finds something that is listed above."""
    return set().union(*(actions for _line, actions in _findings(policy)))


def _findings(policy: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Yield what parliament finds, each with the permissions that excuse it; none where anything else is in it."""
    for finding in parliament.analyze_policy_string(json.dumps(policy)).findings:
        known = NEWER_THAN_PARLIAMENT
        if finding.issue == "RESOURCE_MISMATCH":
            actions, known = {item["action"] for item in finding.detail}, known.union(IN_SEVERAL_STATEMENTS)
        elif finding.issue == "UNKNOWN_ACTION":
            actions = {finding.detail.rpartition(" ")[2]}
        else:
            actions = set()
        yield str(finding), actions if actions <= known else set()


def statements(policy: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a policy with lists for actions and resources."""
    for statement in policy["Statement"]:
        lists = {key: _listed(statement[key]) for key in ("Action", "Resource")}
        yield {**statement, **lists}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def operator_policy() -> dict[str, Any]:
    """Return what the two policies in the examples allow together."""
    policies = [json.loads(path.read_text(encoding="utf-8")) for path in POLICIES]
    return {**policies[0], "Statement": [statement for policy in policies for statement in policy["Statement"]]}


def allowed(policy: Mapping[str, Any]) -> set[str]:
    """Return every permission that a policy gives."""
    return {action for statement in statements(policy) for action in statement["Action"]}


def recorded() -> set[str]:
    """Return the permissions of the calls of the last recorded acceptance run, which CONTRIBUTING.md says to renew."""
    calls = read(RECORDED)["record"]
    names = {f"{PREFIXES.get(call['service'], call['service'])}:{call['operation']}" for call in calls}
    return {NAMES.get(name, name) for name in names} - set(WITHOUT_PERMISSION)


def played() -> set[str]:
    """Return what the lab sees of tests/playbooks besides the recorded calls."""
    return {name for names in PLAYED.values() for name in names.split()}


def permission(service: str, action: str) -> str:
    """Return the permission that a call in the lab's log needs; REST calls are logged by method and path."""
    method, _, path = action.partition(" ")
    if not path:
        return NAMES.get(f"{service}:{action}", f"{service}:{action}")
    model = _model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        # An ARN and the key of an object may contain slashes.
        pattern = re.sub(r"\\\{[^}]*(Arn|\\\+)\\\}", ".+", re.escape(http["requestUri"]))
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        if http["method"] == method and re.fullmatch(pattern, path):
            call = f"{service}:{name}"
            return NAMES.get(call, call)
    return f"{service}:{action}"


@cache
def _model(service: str) -> Any:
    return Session().get_service_model(service)


def permissions(calls: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the permissions that the playbooks' calls in the lab's log need."""
    names = {(str(call["service"]), str(call["action"])) for call in calls if TEST_AGENT not in call["agent"]}
    return {permission(service, action) for service, action in names} - set(WITHOUT_PERMISSION)


@cache
def named_in_code() -> frozenset[str]:
    """Return the permissions of all calls that the code of our modules names, whole or in parts."""
    code = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "plugins").rglob("*.py")]
    operations = {service: _model(service).operation_names for service in services_called()}
    named = named_operations(code, {name for names in operations.values() for name in names})
    calls = {
        f"{PREFIXES.get(service, service)}:{name}"
        for service, names in operations.items()
        for name in names
        if name in named
    }
    found = {NAMES.get(call, call) for call in calls}
    return frozenset(found - set(WITHOUT_PERMISSION) - OTHER_WORDS)


def printed_readings() -> set[str]:
    """Return the permissions of the commands in our messages that only read."""
    folders = (REPOSITORY / name for name in ("plugins", "roles", "playbooks"))
    paths = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".yml")]
    # A message may be of several literals.
    texts = (re.sub(r"\"\s*f?\"|\s+", " ", path.read_text(encoding="utf-8")) for path in paths)
    commands = {found for text in texts for found in re.findall(r"\baws ([a-z0-9-]+) +([a-z]+(?:-[a-z]+)+)", text)}
    readings = ("describe-", "get-", "list-")
    return {
        f"{PREFIXES.get(service, service)}:{''.join(map(str.capitalize, verb.split('-')))}"
        for service, verb in commands
        if verb.startswith(readings)
    } - set(WITHOUT_PERMISSION)


def named_operations(code: Iterable[str], operations: Iterable[str]) -> set[str]:
    """Return the operations that the code names, and those that it may name with a text that it composes."""
    texts = list(code)
    words = {word for text in texts for word in re.findall(r"[\"'.]([a-z]+(?:_[a-z0-9]+)+)[\"'(]", text)}
    patterns = {pattern for text in texts for pattern in _composed(parsed(text))}
    snake = {name: xform_name(name) for name in operations}
    return {name for name, word in snake.items() if word in words or any(re.fullmatch(p, word) for p in patterns)}


def _composed(tree: ast.AST) -> Iterator[str]:
    """Yield a pattern for each composed text that begins, or ends, like the name of an operation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else None for part in node.values]
            plain = [part for part in parts if part is not None]
            if plain and all(re.fullmatch("[a-z0-9_]+", part) for part in plain) and "_" in "".join(plain).strip("_"):
                yield "".join("[a-z0-9_]+" if part is None else part for part in parts)


def unreachable(policy: Mapping[str, Any]) -> list[str]:
    """Return the permissions that cannot be used, because no statement fits a resource that they always need.

    Of a permission whose resources are all optional, one has to fit.
    """
    return sorted(
        f"{action} on {' or '.join(sorted(kinds)) or 'anything'}"
        for action in allowed(policy) - NEWER_THAN_PARLIAMENT
        for kinds in _alternatives(action)
        if not any(_fits(statement, kinds) for statement in statements(policy) if action in statement["Action"])
    )


def _alternatives(action: str) -> list[dict[str, set[str]]]:
    """Return the resources that a permission needs, each with its alternatives and the condition keys of each."""
    resources = _privilege(*action.split(":"))["resource_types"]
    common = {key for resource in resources if not resource["resource_type"] for key in resource["condition_keys"]}
    kinds = {item["resource_type"]: {*item["condition_keys"], *common} for item in resources if item["resource_type"]}
    needed = [{kind.rstrip("*"): keys} for kind, keys in kinds.items() if kind.endswith("*")]
    return needed or [kinds or {"": common}]


def _privilege(service: str, name: str) -> dict[str, Any]:
    for definition in parliament.iam_definition:
        if definition["prefix"] == service:
            for privilege in definition["privileges"]:
                if privilege["privilege"] == name:
                    found: dict[str, Any] = privilege
                    return found
    raise AssertionError(f"IAM has no permission {service}:{name}")


# IAM knows these of every call.
_ALWAYS_KNOWN = {"aws:requestedregion", "aws:resourceaccount"}


def _fits(statement: Mapping[str, Any], kinds: Mapping[str, set[str]]) -> bool:
    tests = statement.get("Condition", {}).values()
    conditions = {key.partition("/")[0].lower() for test in tests for key in test} - _ALWAYS_KNOWN
    named = {_kind_of(arn) for arn in statement["Resource"]}
    return any(
        conditions <= {key.partition("/")[0].lower() for key in keys} and named & {kind.lower(), "*"}
        for kind, keys in kinds.items()
    )


def _kind_of(arn: str) -> str:
    if arn.startswith("arn:aws:s3:"):
        return "object" if "/" in arn else "bucket"
    return "*" if arn == "*" else re.split("[:/]", arn.split(":", 5)[5])[0].lower()
