#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the rules that AWS applies to the parameters of its calls: lengths, characters, choices and ranges.

    tools/aws_rules.py > lab/aws/rules.json

The sources are packages from PyPI and need no network: CloudFormation's resource schemas in cfn-lint, the limits of
shapes in botocore's service models, and the sentences of EC2's documentation in botocore, because EC2's shapes state
hardly any limit. A rule belongs to a member of a structure, such as IpRange.Description, wherever calls use it. The
lab reads the table alone. Add a call to OPERATIONS when a playbook makes a new one.
"""

from __future__ import annotations

import argparse
import html
import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

from botocore.session import Session

# The calls of the playbooks that are sent values of a user's or of ours, by service.
OPERATIONS: Mapping[str, str] = {
    "autoscaling": (
        "CreateAutoScalingGroup CreateOrUpdateTags DeleteAutoScalingGroup DeleteScheduledAction DeleteTags "
        "DescribeAutoScalingGroups DescribeLaunchConfigurations DescribeLifecycleHooks DescribePolicies "
        "DescribeScalingActivities DescribeScheduledActions "
        "PutScheduledUpdateGroupAction SetDesiredCapacity UpdateAutoScalingGroup"
    ),
    "budgets": "CreateBudget DeleteBudget DescribeBudget DescribeNotificationsForBudget",
    "ce": "GetCostAndUsage",
    "ec2": (
        "AllocateAddress AssignIpv6Addresses AssociateAddress AssociateDhcpOptions AssociateIamInstanceProfile "
        "AssociateRouteTable AssociateVpcCidrBlock AttachInternetGateway AuthorizeSecurityGroupEgress "
        "AuthorizeSecurityGroupIngress CreateDhcpOptions CreateInternetGateway CreateKeyPair CreateLaunchTemplate "
        "CreateLaunchTemplateVersion CreateNetworkInterface CreateRoute CreateRouteTable CreateSecurityGroup "
        "CreateSubnet CreateTags CreateVpc DeleteDhcpOptions DeleteInternetGateway DeleteLaunchTemplate "
        "DeleteNetworkInterface DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVolume DeleteVpc "
        "DescribeAddresses DescribeAvailabilityZones DescribeDhcpOptions DescribeEgressOnlyInternetGateways "
        "DescribeIamInstanceProfileAssociations DescribeImageAttribute DescribeImages DescribeInstanceAttribute "
        "DescribeInstanceCreditSpecifications DescribeInstanceTypeOfferings DescribeInstanceTypes "
        "DescribeInstances DescribeInternetGateways DescribeKeyPairs DescribeLaunchTemplateVersions "
        "DescribeLaunchTemplates DescribeManagedPrefixLists DescribeNatGateways DescribeNetworkAcls "
        "DescribeNetworkInterfaces DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups "
        "DescribeSnapshotAttribute DescribeSnapshots DescribeSubnets DescribeTags DescribeVolumes "
        "DescribeVpcAttribute DescribeVpcEndpoints "
        "DescribeVpcPeeringConnections DescribeVpcs DescribeVpnGateways DetachInternetGateway DisassociateAddress "
        "DisassociateRouteTable GetConsoleOutput GetManagedPrefixListEntries ModifyInstanceMetadataOptions "
        "ModifyNetworkInterfaceAttribute ModifySubnetAttribute ModifyVpcAttribute ReleaseAddress "
        "ReplaceIamInstanceProfileAssociation ReplaceRoute ReplaceRouteTableAssociation RevokeSecurityGroupEgress "
        "RevokeSecurityGroupIngress RunInstances StartInstances StopInstances TerminateInstances UnassignIpv6Addresses "
        "UpdateSecurityGroupRuleDescriptionsIngress"
    ),
    "freetier": "GetAccountPlanState",
    "iam": (
        "AddRoleToInstanceProfile CreateInstanceProfile CreateRole CreateServiceLinkedRole DeleteInstanceProfile "
        "DeleteRole DeleteRolePolicy DetachRolePolicy GetInstanceProfile GetRole GetRolePolicy "
        "ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies PutRolePolicy "
        "RemoveRoleFromInstanceProfile TagInstanceProfile TagRole UpdateAssumeRolePolicy"
    ),
    "pricing": "GetProducts",
    "s3": "GetBucketEncryption GetBucketVersioning GetObject GetPublicAccessBlock HeadObject ListObjectsV2 PutObject",
    "scheduler": (
        "CreateSchedule CreateScheduleGroup DeleteSchedule DeleteScheduleGroup GetSchedule GetScheduleGroup "
        "ListSchedules ListTagsForResource TagResource UpdateSchedule"
    ),
    "service-quotas": "GetAWSDefaultServiceQuota GetServiceQuota",
    "ssm": (
        "DeleteParameter DescribeDocumentPermission DescribeParameters GetDocument GetParameter "
        "GetParameterHistory ListDocuments ListTagsForResource PutParameter StartSession"
    ),
    "sts": "GetCallerIdentity",
}

# Which call takes what a CloudFormation resource describes, and the properties that have another name there.
SCHEMAS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "AWS::AutoScaling::AutoScalingGroup": ("autoscaling", "CreateAutoScalingGroup", {}),
    "AWS::AutoScaling::ScheduledAction": ("autoscaling", "PutScheduledUpdateGroupAction", {}),
    "AWS::EC2::Instance": ("ec2", "RunInstances", {}),
    "AWS::EC2::LaunchTemplate": ("ec2", "CreateLaunchTemplate", {}),
    "AWS::EC2::SecurityGroup": ("ec2", "CreateSecurityGroup", {"GroupDescription": "Description"}),
    "AWS::EC2::VPC": ("ec2", "CreateVpc", {}),
    "AWS::IAM::InstanceProfile": ("iam", "CreateInstanceProfile", {}),
    "AWS::IAM::Role": ("iam", "CreateRole", {}),
    "AWS::SSM::Parameter": ("ssm", "PutParameter", {}),
    "AWS::Scheduler::Schedule": ("scheduler", "CreateSchedule", {}),
    "AWS::Scheduler::ScheduleGroup": ("scheduler", "CreateScheduleGroup", {}),
}
# Large parameters that no playbook sends. The tests refuse one that is sent and has no rule.
_UNUSED = (
    "CapacityReservationSpecification CpuOptions EcsParameters ElasticGpuSpecifications "
    "ElasticInferenceAccelerators EnclaveOptions HibernationOptions InstanceLifecyclePolicy InstanceMarketOptions "
    "InstanceRequirements KinesisParameters LicenseSpecifications LifecycleHookSpecificationList "
    "MixedInstancesPolicy NetworkPerformanceOptions PrivateDnsNameOptions SageMakerPipelineParameters "
    "SecondaryInterfaces TrafficSources VpcEncryptionControl"
)
UNUSED = frozenset(_UNUSED.split())
# CloudFormation cannot make these, while the API can.
NARROWER_THAN_THE_API = {"AWS::SSM::Parameter.Type"}
# What neither source knows but AWS documents. Base64 makes four characters of three bytes.
_USER_DATA = ("max", 16384 // 3 * 4 + 4, "Amazon EC2 User Guide, page user-data: 16 KB")
_RULES = ("SecurityGroupRuleDescription", "SecurityGroupRuleRequest")
_RULE_LENGTH = ("max", 255, "botocore documentation of IpRange.Description")
_RULE_CHARACTERS = (
    "pattern",
    r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*",
    "botocore documentation of IpRange.Description",
)
_NAME = "botocore autoscaling shape LaunchTemplateName"
_RANGE = "Amazon EC2 API Reference, page API_IpPermission"
_IAM = "AWS Identity and Access Management User Guide, page reference_iam-quotas"
_TAGS = "Tagging AWS Resources User Guide, page tagging: each tag key of a resource is unique"
# Except 127.0.0.0/8, in which the lab's machines are.
_BLOCKS = "Amazon VPC User Guide, page vpc-cidr-blocks: ranges that are not allowed"
_CE = "GetCostAndUsageRequest.Metrics"
_METRICS = (
    *("AmortizedCost", "BlendedCost", "NetAmortizedCost", "NetUnblendedCost"),
    *("NormalizedUsageAmount", "UnblendedCost", "UsageQuantity"),
)
DOCUMENTED: list[tuple[str, str, str, Any, str]] = [
    ("ce", _CE, "enum", _METRICS, f"botocore documentation of {_CE}"),
    ("ec2", "RequestLaunchTemplateData.UserData", *_USER_DATA),
    *(("ec2", f"{owner}.Description", *_RULE_LENGTH) for owner in _RULES),
    *(("ec2", f"{owner}.Description", *_RULE_CHARACTERS) for owner in _RULES),
    ("ec2", "RunInstancesRequest.UserData", *_USER_DATA),
    ("ec2", "CreateLaunchTemplateRequest.LaunchTemplateName", "max", 128, _NAME),
    ("ec2", "CreateLaunchTemplateRequest.LaunchTemplateName", "min", 3, _NAME),
    ("ec2", "CreateLaunchTemplateRequest.LaunchTemplateName", "pattern", r"[a-zA-Z0-9\(\)\.\-/_]+", _NAME),
    ("ec2", "IpPermission.FromPort", "least", -1, _RANGE),
    ("ec2", "IpPermission.FromPort", "most", 65535, _RANGE),
    ("ec2", "IpPermission.ToPort", "least", -1, _RANGE),
    ("ec2", "IpPermission.ToPort", "most", 65535, _RANGE),
    (
        "ssm",
        "PutParameterRequest.Value",
        "max",
        4096,
        "AWS Systems Manager User Guide, page parameter-store-about-tiers",
    ),
    ("ssm", "PutParameterRequest.Name", "pattern", r"/?[^/]+(/[^/]+){0,14}", "botocore documentation of PutParameter"),
    ("ec2", "CreateVpcRequest.CidrBlock", "pattern", r"(?!0\.|169\.254\.|22[4-9]\.|2[34]\d\.|25[0-5]\.).*", _BLOCKS),
    ("iam", "CreateRoleRequest.AssumeRolePolicyDocument", "max", 2048, _IAM),
    ("iam", "PutRolePolicyRequest.PolicyDocument", "max", 10240, _IAM),
    ("iam", "UpdateAssumeRolePolicyRequest.PolicyDocument", "max", 2048, _IAM),
    ("ec2", "Filter.Values", "items", 200, "Amazon EC2 User Guide, page Using_Filtering: 200 values a request"),
]
KINDS = {"maxLength": "max", "minLength": "min", "maximum": "most", "minimum": "least"}
NUMBERS = ("integer", "long")


class Rule(NamedTuple):
    """The rules of one source for one member of a structure."""

    service: str
    member: str
    kind: str
    value: Any
    source: str


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(render(collect()))


def collect() -> list[Rule]:
    """Return the rules of all sources, in a stable order, each once."""
    found = {rule for service, names in OPERATIONS.items() for rule in _of_service(service, names.split())}
    found |= {rule for name in SCHEMAS for rule in _of_schema(name)}
    found |= {Rule(*row) for row in DOCUMENTED}
    return sorted(found, key=lambda rule: (*rule[:3], str(rule.value), rule.source))


def render(rules: list[Rule]) -> str:
    """Return the table as JSON with one rule a line: kind, value and source, below its structure and member."""
    head = {
        "made_by": "tools/aws_rules.py",
        "versions": {name: version(name) for name in ("botocore", "cfn-lint")},
        "operations": {service: sorted(names.split()) for service, names in OPERATIONS.items()},
    }
    structures: dict[str, dict[str, list[tuple[str, Any, str]]]] = {}
    for rule in rules:
        structure, _, member = rule.member.partition(".")
        members = structures.setdefault(f"{rule.service} {structure}", {})
        members.setdefault(member, []).append((rule.kind, rule.value, rule.source))
    return _lines({**head, "rules": structures})


def _lines(value: Any, indent: str = "") -> str:
    """Return JSON in which each rule and each other value has its own line."""
    inner = f"{indent} "
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(key)}: {_lines(below, inner)}" for key, below in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{json.dumps(below)}" for below in value) + f"\n{indent}]"
    return json.dumps(value)


def _of_service(service: str, operations: list[str]) -> Iterator[Rule]:
    model = Session().get_service_model(service)
    for operation in operations:
        for member, shape, text in _members(model.operation_model(operation).input_shape, ()):
            for kind, value in _of_shape(shape):
                yield Rule(service, member, kind, value, f"botocore shape {shape.name}")
            if _is_tags(shape):
                yield Rule(service, member, "unique", "Key", _TAGS)
            for kind, value in _of_text(text) if service == "ec2" and shape.type_name != "structure" else ():
                yield Rule(service, member, kind, value, "botocore documentation")


def _members(shape: Any, above: tuple[str, ...]) -> Iterator[tuple[str, Any, str]]:
    """Walk through the members of structures, each with its documentation."""
    if shape is None or shape.name in above:
        return
    for name, member in getattr(shape, "members", {}).items():
        if name in UNUSED:
            continue
        inner = member
        yield f"{shape.name}.{name}", inner, member.documentation
        while inner.type_name in ("list", "map"):
            inner = inner.member if inner.type_name == "list" else inner.value
            yield f"{shape.name}.{name}", inner, ""
        yield from _members(inner, (*above, shape.name))


def _is_tags(shape: Any) -> bool:
    return shape.type_name == "list" and set(getattr(shape.member, "members", ())) == {"Key", "Value"}


def _of_shape(shape: Any) -> Iterator[tuple[str, Any]]:
    limits = shape.metadata
    if shape.type_name == "string":
        yield from ((kind, limits[kind]) for kind in ("max", "min") if limits.get(kind))
        if limits.get("pattern"):
            yield "pattern", plain(limits["pattern"])
        if limits.get("enum"):
            yield "enum", tuple(sorted(limits["enum"]))
    elif shape.type_name in NUMBERS:
        yield from ((new, limits[old]) for old, new in (("max", "most"), ("min", "least")) if old in limits)
    elif shape.type_name == "list" and limits.get("max"):
        yield "items", limits["max"]


def _of_text(text: str) -> Iterator[tuple[str, Any]]:
    """Read the sentences by which EC2 documents its limits."""
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
    for kind, pattern in (
        ("max", r"(?:[Uu]p to|[Mm]aximum(?: of)?) ([\d,]+) (?:ASCII |Unicode )?characters"),
        ("items", r"Up to ([\d,]+) resource IDs"),
        ("least", r"(?:Minimum value of|Integers from|Valid range:) ([\d,]+)"),
        ("most", r"(?:Maximum value of|Integers from \d+ to|Valid range: \d+ -) ([\d,]+)"),
    ):
        yield from ((kind, int(number.replace(",", ""))) for number in re.findall(pattern, words))
    for signs in re.findall(r"characters(?: are|:) a-z, A-Z, 0-9, spaces, and (\S+)", words):
        yield "pattern", f"[a-zA-Z0-9 {re.escape(signs)}]*"
    for start in re.findall(r"(?:May not begin|Can't start) with (\S+?)\.?(?= |$)", words):
        yield "start", start
    for choices in re.findall(r"Valid values(?: are|:) ((?:[\w-]+ (?:\| |and ))+[\w-]+)", words):
        yield "enum", tuple(sorted(re.split(r" \| | and ", choices)))


def _of_schema(name: str) -> Iterator[Rule]:
    service, operation, renamed = SCHEMAS[name]
    folder = importlib.resources.files("cfnlint") / "data" / "schemas"
    names = json.loads((folder / "providers" / "eu-west-1.json").read_text(encoding="utf-8"))
    root = json.loads((folder / "resources" / f"{names[name]}.json").read_text(encoding="utf-8"))
    shape = Session().get_service_model(service).operation_model(operation).input_shape
    for member, kind, value, path in _of_properties(root, root, shape, renamed, name):
        if path not in NARROWER_THAN_THE_API:
            yield Rule(service, member, kind, value, f"cfn-lint {path}")


def _of_properties(
    schema: dict[str, Any], root: dict[str, Any], shape: Any, renamed: Mapping[str, str], path: str
) -> Iterator[tuple[str, str, Any, str]]:
    """Walk through a schema and the call's input side by side, where both know a name."""
    for name, described in _resolved(schema, root).get("properties", {}).items():
        member = shape.members.get(renamed.get(name, name))
        schema_of_member, label = _resolved(described, root), f"{shape.name}.{renamed.get(name, name)}"
        while member is not None and member.type_name == "list" and "items" in schema_of_member:
            member, schema_of_member = member.member, _resolved(schema_of_member["items"], root)
        if member is None or name in UNUSED:
            continue
        for kind, value in _of_property(schema_of_member, member.type_name):
            yield label, kind, value, f"{path}.{name}"
        if member.type_name == "structure":
            yield from _of_properties(schema_of_member, root, member, {}, f"{path}.{name}")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    return schema


def _of_property(schema: dict[str, Any], kind_of_member: str) -> Iterator[tuple[str, Any]]:
    kinds = ("maxLength", "minLength") if kind_of_member == "string" else ("maximum", "minimum")
    if kind_of_member in ("string", *NUMBERS):
        yield from ((KINDS[kind], schema[kind]) for kind in kinds if schema.get(kind))
    if kind_of_member == "string" and "pattern" in schema:
        yield "pattern", plain(schema["pattern"])
    if kind_of_member == "string" and "enum" in schema:
        yield "enum", tuple(sorted(schema["enum"]))


def plain(pattern: str) -> str:
    """Return a pattern as Python writes one that has to match all of a text."""
    # Cost Explorer writes a hyphen where Python sees a range.
    text = pattern.replace(r"\p{Z}-_", r"\p{Z}\-_")
    text = re.sub(r"\\p\{(L|N)\}", r"\\w", text).replace(r"\p{Z}", r" \xa0")
    text = text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF").removeprefix("^").removesuffix("$")
    # Budgets begins to ignore case in the middle, which ends with the group around it.
    text = re.sub(r"\(\?i\)([^()|]*)", r"(?i:\1)", text)
    re.compile(text)
    return text


if __name__ == "__main__":
    main()
