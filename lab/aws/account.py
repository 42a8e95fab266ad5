# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around what an account may have: quotas, the plan, and what EC2 checks before it launches.

POST /lab/account takes any of these as JSON:
  {"quotas": {"L-1216C47A": 5}}      the account's value of a quota; AWS's default of this one is 5
  {"plan": "FREE"}                   PAID, or the plan that launches instance types of the free tier alone
  {"unknown_profile_uses": 0}        how often EC2 does not know an instance profile that was just created
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS
from moto.servicequotas.responses import ServiceQuotasResponse

from lab.aws.patches import ACCOUNT, Function, put, refuse, wrap

VCPUS, ADDRESSES, VPCS = "L-1216C47A", "L-0263D0A3", "L-F678F1CE"
STANDARD = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
OTHER_FAMILIES = ("dl", "hpc", "inf", "trn")
LAUNCHED = ("InstanceType", "CreditSpecification", "IamInstanceProfile", "KeyName")


@dataclass
class Account:
    """What the lab's account may have; its quotas were raised for the default build and for tests."""

    quotas: dict[str, float] = field(default_factory=lambda: {VCPUS: 64.0, VPCS: 50.0})
    plan: str = "PAID"
    unknown_profile_uses: int = 1
    unknown_profiles: dict[str, int] = field(default_factory=dict)

    def order(self, wish: dict[str, Any]) -> None:
        """Change what the account may have."""
        if set(wish) - {"quotas", "plan", "unknown_profile_uses"} or wish.get("plan", "PAID") not in ("PAID", "FREE"):
            raise ValueError("an account has quotas, a plan (PAID or FREE) and unknown_profile_uses")
        self.quotas |= {code: float(value) for code, value in wish.get("quotas", {}).items()}
        self.plan = wish.get("plan", self.plan)
        self.unknown_profile_uses = int(wish.get("unknown_profile_uses", self.unknown_profile_uses))


STATE = Account()


def install() -> None:
    """Close the gaps."""
    wrap(IAMBackend, "create_instance_profile", _unknown_at_first)
    wrap(IAMBackend, "remove_role_from_instance_profile", _only_roles_in_it)
    wrap(AutoScalingResponse, "create_auto_scaling_group", _with_a_valid_template)
    wrap(VPCBackend, "create_vpc", _limited(VPCS, lambda self: len(self.vpcs), "VpcLimitExceeded", "VPCs"))
    count, code = lambda self: len(self.addresses), "AddressLimitExceeded"
    wrap(ElasticAddressBackend, "allocate_address", _limited(ADDRESSES, count, code, "addresses"))
    for name in ("get_service_quota", "get_aws_default_service_quota"):
        setattr(ServiceQuotasResponse, name, _one_quota(default="default" in name))
    put(ServiceQuotasResponse, list_service_quotas=_all_quotas(default=False))
    put(ServiceQuotasResponse, list_aws_default_service_quotas=_all_quotas(default=True))


def plan_state() -> dict[str, Any]:
    """Answer GetAccountPlanState. Gap: moto has no such service."""
    return {"accountId": ACCOUNT, "accountPlanType": STATE.plan, "accountPlanStatus": "ACTIVE"}


# Gap: quotas of EC2 are unknown, an account's own cannot be listed, and none is applied.
def _quotas(service: str, *, default: bool) -> list[dict[str, Any]]:
    names = {VCPUS: STANDARD, ADDRESSES: "EC2-VPC Elastic IPs"}
    added = [{"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": 5.0} for code, name in names.items()]
    known: dict[str, list[dict[str, Any]]] = {"vpc": VPC_DEFAULT_QUOTAS, "ec2": added}
    if service not in known:
        raise NoSuchResource
    own = {} if default else STATE.quotas
    return [row | {"Value": own.get(row["QuotaCode"], row["Value"])} for row in known[service]]


def quota(code: str) -> float:
    """Return the account's value of a quota."""
    rows = [*_quotas("ec2", default=False), *_quotas("vpc", default=False)]
    return next(float(row["Value"]) for row in rows if row["QuotaCode"] == code)


def _one_quota(*, default: bool) -> Function:
    def answer(self: Any) -> str:
        wanted = json.loads(self.body)
        rows = [q for q in _quotas(wanted["ServiceCode"], default=default) if q["QuotaCode"] == wanted["QuotaCode"]]
        if not rows:
            raise NoSuchResource
        return json.dumps({"Quota": rows[0]})

    return answer


def _all_quotas(*, default: bool) -> Function:
    return lambda self: json.dumps({"Quotas": _quotas(json.loads(self.body)["ServiceCode"], default=default)})


def _limited(code: str, count: Function, error: str, things: str) -> Function:
    def around(original: Function) -> Function:
        def create(self: Any, *args: Any, **options: Any) -> Any:
            if count(self) >= quota(code):
                raise refuse(error, f"The maximum number of {things} has been reached.")
            return original(self, *args, **options)

        return create

    return around


# Gap: moto fails where the role is not in the profile.
def _only_roles_in_it(original: Function) -> Function:
    def remove_role_from_instance_profile(self: Any, profile_name: str, role_name: str) -> None:
        if role_name not in [role.name for role in self.get_instance_profile(profile_name).roles]:
            raise NotFoundException(f"Role {role_name} cannot be found in Instance Profile {profile_name}.")
        original(self, profile_name, role_name)

    return remove_role_from_instance_profile


def _unknown_at_first(original: Function) -> Function:
    def create_instance_profile(self: Any, *args: Any, **options: Any) -> Any:
        profile = original(self, *args, **options)
        STATE.unknown_profiles |= dict.fromkeys((profile.arn, profile.name), STATE.unknown_profile_uses)
        return profile

    return create_instance_profile


# Gap: EC2 knows a profile at once and any key pair, and takes any credit mode for any type and number of machines.
def check_launch(backend: Any, data: dict[str, Any], count: int = 1) -> None:
    """Refuse to launch what an account's quotas, plan, profiles or the instance type do not allow."""
    kind = data.get("InstanceType") or "m1.small"
    for key, name in (data.get("IamInstanceProfile") or {}).items():
        _check_profile(key, name)
    if data.get("KeyName") and data["KeyName"] not in backend.key_pairs:
        raise refuse("InvalidKeyPair.NotFound", f"The key pair '{data['KeyName']}' does not exist")
    if (data.get("CreditSpecification") or {}).get("CpuCredits") and not _says(kind, "BurstablePerformanceSupported"):
        message = f"The {kind} instance type does not support T2 Unlimited."
        raise refuse("InstanceCreditSpecification.NotSupported", message)
    if STATE.plan == "FREE" and not _says(kind, "FreeTierEligible"):
        message = "The specified instance type is not eligible for Free Tier."
        raise refuse(
            "InvalidParameterCombination", f"{message} Use the filter 'free-tier-eligible=true' to find those."
        )
    check_vcpus(backend, kind, count)


def _check_profile(key: str, name: str) -> None:
    left = STATE.unknown_profiles.get(name, 0)
    if left:
        STATE.unknown_profiles[name] = left - 1
        told = f"Value ({name}) for parameter iamInstanceProfile.{key.lower()} is invalid."
        kind = "ARN" if key == "Arn" else "name"
        raise refuse("InvalidParameterValue", f"{told} Invalid IAM Instance Profile {kind}")


def _says(kind: str, what: str) -> bool:
    return bool(INSTANCE_TYPES.get(kind, {}).get(what))


def check_vcpus(backend: Any, kind: str, count: int) -> None:
    """Refuse to run more vCPUs of the standard families than the account's quota."""
    running = [i.instance_type for i in backend.all_instances() if i.state in ("pending", "running")]
    wanted = sum(_vcpus(name) for name in [*running, *[kind] * count])
    if _vcpus(kind) and wanted > quota(VCPUS):
        limit = f"current vCPU limit of {quota(VCPUS):.0f} allows for the instance bucket"
        message = (
            f"You have requested more vCPU capacity than your {limit} that the specified instance type belongs to."
        )
        raise refuse("VcpuLimitExceeded", message)


def _vcpus(kind: str) -> int:
    standard = kind[0] in "acdhimrtz" and not kind.startswith(OTHER_FAMILIES)
    return int(INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]) if standard else 0


# Gap: a group can be made of a template with which nothing can be launched.
def _with_a_valid_template(original: Function) -> Function:
    def create_auto_scaling_group(self: Any) -> Any:
        told = self._get_param("LaunchTemplate") or {}
        backend = self.autoscaling_backend.ec2_backend
        try:
            data = launched({}, backend, told)
            check_launch(backend, data, count=0)
        except EC2ClientError as error:
            raise ValidationError(f"You must use a valid fully-formed launch template. {error.message}") from error
        return original(self)

    return create_auto_scaling_group


def launched(asked: dict[str, Any], backend: Any, template: dict[str, Any]) -> dict[str, Any]:
    """Return what decides about a launch: what a call asks for, and of the template what it does not."""
    if not template:
        return asked
    found = backend.describe_launch_templates(
        [template["LaunchTemplateName"]] if template.get("LaunchTemplateName") else None,
        [template["LaunchTemplateId"]] if template.get("LaunchTemplateId") else None,
    )[0]
    data = found.get_version(template.get("Version") or "$Default").data
    return {name: data[name] for name in LAUNCHED if data.get(name)} | asked
