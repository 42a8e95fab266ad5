# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: every instance is in CPU credit mode standard, and does not say which cores it has."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import instance_types
from moto.ec2.models.instances import Instance
from moto.ec2.responses import EC2Response

from lab.aws.patches import replaces

UNLIMITED_BY_DEFAULT = ("t3.", "t3a.", "t4g.")


def give_credits(instance: Any, credit: str | None) -> None:
    """Give a new instance its CPU credit mode: what was asked for, or what its type has by default."""
    instance.cpu_credits = credit or default_credits(instance.instance_type)


def default_credits(instance_type: str) -> str | None:
    if instance_type.startswith(UNLIMITED_BY_DEFAULT):
        return "unlimited"
    return "standard" if instance_type.startswith("t2.") else None


@replaces(EC2Response, "describe_instance_credit_specifications")
def _describe_credits(response: Any) -> ActionResult:
    wanted = response._get_param("InstanceIds", []) or []
    backend = response.ec2_backend
    instances = backend.get_multi_instances_by_id(wanted) if wanted else backend.all_instances()
    rows = [
        {"InstanceId": i.id, "CpuCredits": _credits(i)}
        for i in instances
        if _credits(i) and (wanted or _credits(i) == "unlimited") and i.state != "terminated"
    ]
    return ActionResult({"InstanceCreditSpecifications": rows})


def _credits(instance: Any) -> str | None:
    return getattr(instance, "cpu_credits", None) or default_credits(instance.instance_type)


@replaces(Instance, "cpu_options", kind=property)
def _cores(instance: Any) -> dict[str, int]:
    reported = instance_types.INSTANCE_TYPES[instance.instance_type]["VCpuInfo"]
    threads = reported.get("DefaultThreadsPerCore", 1)
    return {"CoreCount": reported["DefaultVCpus"] // threads, "ThreadsPerCore": threads}
