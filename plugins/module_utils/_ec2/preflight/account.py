# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a cluster's needs with the account's quotas and usage. Private: may change at any time.

The identity in use may lack the permission for these calls, so a denied call is a note and never a problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..._text import short
from ..client import Api, AwsError, existing
from ..desired import RUNNING
from ..identity import BASTION, NODE_TAG, owner_filters, owner_tags
from ..spec import ClusterSpec
from .rules import Groups, read_group_rules, rule_shares

Record = Mapping[str, Any]

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html: A, C, D, H, I, M, R, T and Z
_STANDARD = re.compile(r"(?:[acdhmrtz]|i[a-z]?)[0-9]")


# AWS creates it together with the account's first group. Launches by themselves and schedules need no such role.
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html
SCALING_ROLE = "AWSServiceRoleForAutoScaling"
FREE_PLAN_TYPE = "FREE_PLAN_TYPE"


class Quota(NamedTuple):
    """A quota of the account: its codes in Service Quotas, and the code of its finding."""

    service: str
    code: str
    title: str
    problem: str
    what: str


QUOTAS: Mapping[str, Quota] = {
    "vcpus": Quota(
        "ec2",
        "L-1216C47A",
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        "VCPU_QUOTA_TOO_SMALL",
        "vCPUs of running instances",
    ),
    "addresses": Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", "ADDRESS_QUOTA_TOO_SMALL", "Elastic IPs"),
    "vpcs": Quota("vpc", "L-F678F1CE", "VPCs per Region", "VPC_QUOTA_TOO_SMALL", "VPCs"),
    "rules": Quota(
        "vpc",
        "L-0EA8095F",
        "Inbound or outbound rules per security group",
        "RULE_QUOTA_TOO_SMALL",
        "rules of one security group",
    ),
    "interfaces": Quota(
        "vpc", "L-DF5E4CA3", "Network interfaces per Region", "INTERFACE_QUOTA_TOO_SMALL", "network interfaces"
    ),
}


class Use(NamedTuple):
    """The usage of a quota, and the names of this cluster's resources that it includes."""

    used: int
    ours: frozenset[str] = frozenset()


class Demand(NamedTuple):
    """A quota: its name in QUOTAS, the additional need, the current use, and its scope if it does not apply to all."""

    quota: str
    needed: int
    used: int
    what: str = ""


class Account(NamedTuple):
    """The account's quotas and usage; None where a call failed."""

    quotas: Mapping[str, float] | None = None
    vcpus: Use | None = None
    addresses: Use | None = None
    vpcs: Use | None = None
    interfaces: Use | None = None
    groups: Groups | None = None
    subnet_free: int | None = None
    plan: str | None = None
    # Whether the role that Auto Scaling needs exists; None also if no group is described.
    scaling_role: bool | None = None


def questions() -> dict[str, Callable[[Api, ClusterSpec], Any]]:
    """Return the calls to make, by name; their results under these names form an Account."""
    quotas = {f"quota {name}": _asking(quota) for name, quota in QUOTAS.items()}
    return {
        **quotas,
        "vcpus": _vcpus,
        "addresses": _addresses,
        "vpcs": _vpcs,
        "interfaces": _interfaces,
        "groups": read_group_rules,
        "subnet_free": _subnet_free,
        "plan": _plan,
        "scaling_role": _scaling_role,
    }


def account_of(answers: Mapping[str, Any]) -> Account:
    """Return the account from the results of the calls."""
    quotas = {name: answers[f"quota {name}"] for name in QUOTAS if f"quota {name}" in answers}
    return Account(quotas=quotas, **{name: answers[name] for name in Account._fields[1:] if name in answers})


def _asking(quota: Quota) -> Callable[[Api, ClusterSpec], float]:
    names = {"ServiceCode": quota.service, "QuotaCode": quota.code}

    def ask(api: Api, spec: ClusterSpec) -> float:
        try:
            answer = api.call("service-quotas", "get_service_quota", **names)
        except AwsError as error:
            # A quota that was never raised may have its default value only.
            if error.reason != "NoSuchResourceException":
                raise
            answer = api.call("service-quotas", "get_aws_default_service_quota", **names)
        return float(answer["Quota"]["Value"])

    return ask


def _vcpus(api: Api, spec: ClusterSpec) -> Use:
    filters = [{"Name": "instance-state-name", "Values": list(RUNNING)}]
    reservations = api.call("ec2", "describe_instances", Filters=filters)["Reservations"]
    found = [instance for reservation in reservations for instance in reservation["Instances"]]
    counted = [item for item in found if is_standard(item["InstanceType"]) and not item.get("InstanceLifecycle")]
    defaults = _default_vcpus(api, sorted({item["InstanceType"] for item in counted if not item.get("CpuOptions")}))
    used = (_vcpus_of(item) or defaults.get(item["InstanceType"], 1) for item in counted)
    return Use(sum(used), _ours(spec, found, "Tags"))


def _vcpus_of(instance: Record) -> int:
    """Return the vCPUs that an instance reports, or 0 if it reports none."""
    options = instance.get("CpuOptions") or {}
    return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 1)) if options else 0


def _default_vcpus(api: Api, types: list[str]) -> dict[str, int]:
    """Return the vCPUs by instance type; without types no call is made."""
    filters = [{"Name": "instance-type", "Values": types}]
    records = api.call("ec2", "describe_instance_types", Filters=filters)["InstanceTypes"] if types else []
    return {record["InstanceType"]: record["VCpuInfo"]["DefaultVCpus"] for record in records}


def _addresses(api: Api, spec: ClusterSpec) -> Use:
    found = api.call("ec2", "describe_addresses")["Addresses"]
    return Use(len(found), _ours(spec, found, "Tags"))


def _vpcs(api: Api, spec: ClusterSpec) -> Use:
    found = api.call("ec2", "describe_vpcs")["Vpcs"]
    return Use(len(found), frozenset({spec.name} if any(_is_ours(spec, vpc, "Tags") for vpc in found) else ()))


def _interfaces(api: Api, spec: ClusterSpec) -> Use:
    found = api.call("ec2", "describe_network_interfaces")["NetworkInterfaces"]
    return Use(len(found), _ours(spec, found, "TagSet"))


def _subnet_free(api: Api, spec: ClusterSpec) -> int | None:
    found = api.call("ec2", "describe_subnets", Filters=owner_filters(spec))["Subnets"]
    return min((subnet["AvailableIpAddressCount"] for subnet in found), default=None)


def _plan(api: Api, spec: ClusterSpec) -> str | None:
    # Accounts that are older than the plans have none, and members of an organization may have none.
    answer = existing(api, "freetier", "get_account_plan_state")
    return str(answer["accountPlanType"]) if answer else None


def _scaling_role(api: Api, spec: ClusterSpec) -> bool | None:
    return existing(api, "iam", "get_role", RoleName=SCALING_ROLE) is not None if spec.bastion else None


def _is_ours(spec: ClusterSpec, record: Record, key: str) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in record.get(key) or ()}
    return owner_tags(spec).items() <= tags.items()


def _ours(spec: ClusterSpec, records: Iterable[Record], key: str) -> frozenset[str]:
    """Return the names of this cluster's instances among the records."""
    ours = (record for record in records if _is_ours(spec, record, key))
    tags = ({tag["Key"]: tag["Value"] for tag in record[key]} for record in ours)
    return frozenset(tag[NODE_TAG] for tag in tags if NODE_TAG in tag)


def is_standard(instance_type: str) -> bool:
    """Return whether the vCPUs of a type count towards the quota of standard instances."""
    return bool(_STANDARD.match(instance_type))


def limit_codes() -> frozenset[str]:
    """Return the codes of what the account does not allow, although the description of the cluster is valid."""
    return frozenset({FREE_PLAN_TYPE, *(quota.problem for quota in QUOTAS.values())})


def account_problems(
    spec: ClusterSpec, account: Account, vcpus: Mapping[str, int], *, home_ipv6: str = ""
) -> Iterator[Finding]:
    """Yield a finding for each quota that the cluster would exceed; vcpus is by instance type."""
    for demand in demands(spec, account, vcpus, home_ipv6=home_ipv6):
        allowed = (account.quotas or {}).get(demand.quota)
        if allowed is not None and demand.needed and demand.used + demand.needed > allowed:
            yield _quota_problem(spec, demand, allowed)
    missing = len(_missing(spec, account.interfaces)) if account.interfaces else 0
    if account.subnet_free is not None and missing > account.subnet_free:
        message = f"{missing} addresses are needed, but the subnet has only {account.subnet_free} free."
        yield finding("SUBNET_FULL", f"subnet of {spec.name}", message)


def demands(spec: ClusterSpec, account: Account, vcpus: Mapping[str, int], *, home_ipv6: str = "") -> Iterator[Demand]:
    """Yield the need and use of each quota that is known."""
    types = {**{node.name: node.instance_type for node in spec.nodes}}
    if spec.bastion:
        types[BASTION] = spec.bastion.instance_type
    if account.vcpus:
        needed = [types[name] for name in _missing(spec, account.vcpus) if is_standard(types[name])]
        yield Demand("vcpus", sum(vcpus.get(name, 0) for name in needed), account.vcpus.used)
    if account.addresses and spec.bastion and spec.bastion.egress == "public_ipv4":
        yield Demand("addresses", 0 if BASTION in account.addresses.ours else 1, account.addresses.used)
    if account.vpcs:
        yield Demand("vpcs", 0 if account.vpcs.ours else 1, account.vpcs.used)
    if account.interfaces:
        yield Demand("interfaces", len(_missing(spec, account.interfaces)), account.interfaces.used)
    yield from _most_rules(spec, account.groups, home_ipv6)


def _missing(spec: ClusterSpec, use: Use) -> list[str]:
    """Return the instances of the cluster that are not part of the usage."""
    machines = [*(node.name for node in spec.nodes), *([BASTION] if spec.bastion else [])]
    return [name for name in machines if name not in use.ours]


def _most_rules(spec: ClusterSpec, groups: Groups | None, home_ipv6: str) -> Iterator[Demand]:
    """Yield what one group needs most: the value of the quota is the same for every group, direction and family."""
    shares = [share for share in rule_shares(spec, groups, home_ipv6) if share.needed] if groups else []
    for most in sorted(shares, key=lambda share: share.needed + share.used)[-1:]:
        yield Demand("rules", most.needed, most.used, most.what)


def _quota_problem(spec: ClusterSpec, demand: Demand, allowed: float) -> Finding:
    quota, needed, used = QUOTAS[demand.quota], demand.needed, demand.used
    names = f"--region {spec.region} --service-code {quota.service} --quota-code {quota.code}"
    return finding(
        quota.problem,
        f"quota {quota.code}",
        f"{demand.what or quota.what}: {needed} more are needed, {used} are in use, and the quota is {allowed:g}.",
        f"Request a higher quota {quota.title!r} (in the console: Service Quotas, {quota.service}, {quota.code}) with "
        f"`aws service-quotas request-service-quota-increase {names} --desired-value {used + needed}`, "
        "or delete some of them, or describe a smaller cluster.",
    )


def plan_problems(account: Account, eligible: Mapping[str, bool]) -> Iterator[Finding]:
    """Yield each instance type that an account on the Free plan cannot launch."""
    for name, is_eligible in eligible.items() if account.plan == "FREE" else ():
        if not is_eligible:
            message = f"The account is on the AWS Free plan, which does not allow {name}."
            usable = ", ".join(sorted(other for other, may in eligible.items() if may))
            others = f" The plan allows {usable}." if usable else ""
            remedy = "Upgrade the account to the Paid plan (console: Billing and Cost Management, or `aws freetier "
            remedy += "upgrade-account-plan --account-plan-type PAID --region us-east-1`), which keeps unused credits."
            yield finding(FREE_PLAN_TYPE, f"instance type {name}", message, f"{remedy}{others}")


def account_notes(account: Account) -> Iterator[Finding]:
    """Yield a note if the first Auto Scaling group needs a permission that cannot be checked before."""
    if account.scaling_role is False:
        message = "It does not exist yet. AWS creates it together with the first Auto Scaling group of the account."
        yield finding("SERVICE_ROLE_MISSING", f"role {SCALING_ROLE}", message)


def unanswered(refusals: Mapping[str, AwsError]) -> list[Finding]:
    """Return a note for each call that was denied, with the checks that depend on it."""
    calls: dict[str, list[str]] = {}
    problems = {error.problem.subject: error.problem for error in refusals.values()}
    for name, error in refusals.items():
        calls.setdefault(error.problem.subject, []).append(name.removeprefix("quota "))
    return [
        finding(
            "NOT_CHECKED",
            f"{', '.join(_WORDS.get(name, name) for name in dict.fromkeys(names))}",
            f"not checked: failed to {call}: {short(problems[call].message)}",
            problems[call].remedy,
        )
        for call, names in calls.items()
    ]


_WORDS = {
    **{name: quota.what for name, quota in QUOTAS.items()},
    "groups": "rules of the security groups",
    "subnet_free": "free addresses of the subnet",
    "plan": "plan of the account",
    "zones": "availability zone",
    "offered": "instance types of the availability zone",
    "scaling_role": f"role {SCALING_ROLE}",
}
