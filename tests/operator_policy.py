# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's policy, the permissions that calls need, and what IAM knows of each permission."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore import xform_name
from botocore.session import Session

from lab.settings import REPOSITORY
from tests.lab.labs import TEST_AGENT

with warnings.catch_warnings():
    # It leaves its data files open and has old escapes in strings, which pytest takes for errors.
    warnings.simplefilter("ignore")
    import parliament

POLICY = REPOSITORY / "examples" / "operator_policy.json"
RECORDED = REPOSITORY / "tests" / "recorded" / "actions.json"
# IAM's name of a service where the clients of boto3 have another.
PREFIXES = {"service-quotas": "servicequotas"}
SERVICES = ("autoscaling", "ec2", "freetier", "iam", "scheduler", "service-quotas", "ssm", "sts")
# Calls that the operator needs no permission for.
WITHOUT_PERMISSION: Mapping[str, str] = {
    "sts:GetCallerIdentity": "AWS answers it whatever a policy says",
    "iam:ListAccountAliases": "amazon.aws.aws_caller_info does without it",
}
# Words of our code that are operations of a service that no code of ours calls that way.
OTHER_WORDS = frozenset(
    {
        "autoscaling:DescribeTags",
        "scheduler:ListTagsForResource",
        "servicequotas:ListTagsForResource",
    }
)
# Allowed though no call is named in our code or was seen in the lab.
REVIEWED: Mapping[str, str] = {
    "iam:CreateServiceLinkedRole": "the first Auto Scaling group of an account needs the role of that service",
    "iam:ListInstanceProfilesForRole": "amazon.aws.iam_role removes a role from its profiles",
    "iam:PassRole": "instances and schedules are given a role",
    "ssm:AddTagsToResource": "PutParameter with tags",
    "ssm:GetParameters": "launches whose image is named by a parameter (resolve:ssm)",
    "ssm:StartSession": "cluster_bastion_connection: ssm",
    "ssm:TerminateSession": "cluster_bastion_connection: ssm, at the end of the connection",
}
# Permissions newer than parliament's list.
NEWER_THAN_PARLIAMENT = frozenset({"freetier:GetAccountPlanState"})


def findings(policy: Mapping[str, Any]) -> list[str]:
    """Return what parliament finds in a policy, without what it cannot judge.

    A star as the resource is judged by `unreachable`: the condition on the tag is what limits these statements. Several
    ARNs in one statement are alternatives, of which parliament wants each to fit each action.
    """
    return [
        str(finding)
        for finding in parliament.analyze_policy_string(json.dumps(policy)).findings
        if finding.issue not in ("RESOURCE_STAR", "RESOURCE_MISMATCH")
        and not any(name in str(finding) for name in NEWER_THAN_PARLIAMENT)
    ]


def statements(policy: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a policy with lists for actions and resources."""
    for statement in policy["Statement"]:
        lists = {key: _listed(statement[key]) for key in ("Action", "Resource")}
        yield {**statement, **lists}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def operator_policy() -> dict[str, Any]:
    """Return the policy that the examples hold."""
    policy: dict[str, Any] = json.loads(POLICY.read_text(encoding="utf-8"))
    return policy


def allowed(policy: Mapping[str, Any]) -> set[str]:
    """Return every permission that a policy gives."""
    return {action for statement in statements(policy) for action in statement["Action"]}


def recorded() -> set[str]:
    """Return the permissions of the calls that the lab saw."""
    return set(json.loads(RECORDED.read_text(encoding="utf-8")))


def permission(service: str, action: str) -> str:
    """Return the permission that a call in the lab's log needs; REST calls are logged by method and path."""
    method, _, path = action.partition(" ")
    if not path:
        return f"{service}:{action}"
    model = Session().get_service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(http["requestUri"]))
        if http["method"] == method and re.fullmatch(pattern, path):
            return f"{service}:{name}"
    return f"{service}:{action}"


def permissions(calls: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the permissions that the playbooks' calls in the lab's log need."""
    names = {(str(call["service"]), str(call["action"])) for call in calls if TEST_AGENT not in call["agent"]}
    return {permission(service, action) for service, action in names} - set(WITHOUT_PERMISSION)


def named_in_code() -> set[str]:
    """Return the permissions of all calls that the code of our modules names."""
    files = (REPOSITORY / "plugins").rglob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    words = set(re.findall(r"[\"'.]([a-z]+(?:_[a-z0-9]+)+)[\"'(]", code))
    session = Session()
    found = {
        f"{PREFIXES.get(service, service)}:{name}"
        for service in SERVICES
        for name in session.get_service_model(service).operation_names
        if xform_name(name) in words
    }
    return found - set(WITHOUT_PERMISSION) - OTHER_WORDS


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


def _fits(statement: Mapping[str, Any], kinds: Mapping[str, set[str]]) -> bool:
    tests = statement.get("Condition", {}).values()
    conditions = {key.partition("/")[0].lower() for test in tests for key in test} - {"aws:requestedregion"}
    named = {_kind_of(arn) for arn in statement["Resource"]}
    return any(
        conditions <= {key.partition("/")[0].lower() for key in keys} and named & {kind.lower(), "*"}
        for kind, keys in kinds.items()
    )


def _kind_of(arn: str) -> str:
    return "*" if arn == "*" else re.split("[:/]", arn.split(":", 5)[5])[0].lower()
