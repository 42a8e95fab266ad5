# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: any key pair, credit mode, instance type and number of instances can be launched; templates are not checked."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from lab.aws.account import STATE, VCPUS
from lab.aws.gaps.instance_profiles import check_profile
from lab.aws.gaps.quotas import quota
from lab.aws.patches import Function, refuse, wraps

OTHER_FAMILIES = ("dl", "hpc", "inf", "trn")
LAUNCHED = ("InstanceType", "CreditSpecification", "IamInstanceProfile", "KeyName")


def check_launch(backend: Any, data: dict[str, Any], count: int = 1) -> None:
    """Refuse to launch what an account's quotas, plan, profiles or the instance type do not allow."""
    kind = data.get("InstanceType") or "m1.small"
    for key, name in (data.get("IamInstanceProfile") or {}).items():
        check_profile(key, name)
    if data.get("KeyName") and data["KeyName"] not in backend.key_pairs:
        raise refuse("InvalidKeyPair.NotFound", f"The key pair '{data['KeyName']}' does not exist")
    if (data.get("CreditSpecification") or {}).get("CpuCredits") and not _has(kind, "BurstablePerformanceSupported"):
        message = f"The {kind} instance type does not support T2 Unlimited."
        raise refuse("InstanceCreditSpecification.NotSupported", message)
    if STATE.plan == "FREE" and not _has(kind, "FreeTierEligible"):
        message = "The specified instance type is not eligible for Free Tier. Use the filter 'free-tier-eligible=true'"
        raise refuse("InvalidParameterCombination", f"{message} to find those.")
    check_vcpus(backend, kind, count)


def _has(kind: str, what: str) -> bool:
    return bool(INSTANCE_TYPES.get(kind, {}).get(what))


def check_vcpus(backend: Any, kind: str, count: int) -> None:
    running = [i.instance_type for i in backend.all_instances() if i.state in ("pending", "running")]
    wanted = sum(_vcpus(name) for name in [*running, *[kind] * count])
    if _vcpus(kind) and wanted > quota(VCPUS):
        message = f"You have requested more vCPU capacity than your current vCPU limit of {quota(VCPUS):.0f} allows for"
        raise refuse("VcpuLimitExceeded", f"{message} the instance bucket that the specified instance type belongs to.")


def _vcpus(kind: str) -> int:
    standard = kind[0] in "acdhimrtz" and not kind.startswith(OTHER_FAMILIES)
    return int(INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]) if standard else 0


@wraps(AutoScalingResponse, "create_auto_scaling_group")
def _with_a_valid_template(original: Function, self: Any) -> Any:
    reported = self._get_param("LaunchTemplate") or {}
    backend = self.autoscaling_backend.ec2_backend
    try:
        data = launched({}, backend, reported)
        check_launch(backend, data, count=0)
    except EC2ClientError as error:
        raise ValidationError(f"You must use a valid fully-formed launch template. {error.message}") from error
    return original(self)


def launched(asked: dict[str, Any], backend: Any, template: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a launch: those of the call, and those of the template that the call does not set."""
    if not template:
        return asked
    found = backend.describe_launch_templates(
        [template["LaunchTemplateName"]] if template.get("LaunchTemplateName") else None,
        [template["LaunchTemplateId"]] if template.get("LaunchTemplateId") else None,
    )[0]
    data = found.get_version(template.get("Version") or "$Default").data
    return {name: data[name] for name in LAUNCHED if data.get(name)} | asked
