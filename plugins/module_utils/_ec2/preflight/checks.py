# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check with AWS whether a cluster can be built, without changes. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..client import Api, AwsError, is_not_found
from ..desired import AMI_PARAMETER
from ..instance_types import SIZES
from ..spec import ClusterSpec
from ..texts import fits
from ..values import BY_PARAMETER
from .account import (
    Account,
    account_notes,
    account_of,
    account_problems,
    plan_problems,
    questions,
    unanswered,
)

SERVICES = ("ec2", "iam", "sts", "ssm", "service-quotas", "freetier")
# A Talos control plane uses about 1.7 GiB before any workload runs.
MEMORY_MIN_MIB = 1740
MEMORY_COMFORTABLE_MIB = 4096 - 256
# Causes for which many calls fail, which are reported once.
_REPORTED_ONCE = (
    *("CREDENTIALS_MISSING", "CREDENTIALS_EXPIRED", "CREDENTIALS_INVALID"),
    *("ENDPOINT_UNREACHABLE", "ENDPOINT_NOT_TRUSTED", "ANSWER_INVALID", "REQUEST_LIMIT_EXCEEDED"),
    *("REQUEST_EXPIRED", "SETTINGS_INVALID", "AWS_UNAVAILABLE", "ACCOUNT_NOT_READY"),
)


class InstanceType(NamedTuple):
    """The relevant properties of an instance type."""

    vcpus: int
    memory_mib: int
    architecture: str
    burstable: bool
    free_tier_eligible: bool = False


class Answers(NamedTuple):
    """The results of the calls; None where a call failed."""

    account: str | None = None
    zones: Mapping[str, str] | None = None
    instance_types: Mapping[str, InstanceType] | None = None
    offered: frozenset[str] | None = None
    # The image from which nodes are launched, empty if the parameter has none, and the parameter.
    ami: Mapping[str, str] | None = None
    ami_parameter: str = AMI_PARAMETER
    # The architecture of the bastion's image, empty if the image does not exist.
    bastion_architecture: str | None = None
    limits: Account = Account()


class Inquiry(NamedTuple):
    """The results of the calls, problems for failed required calls, and notes for failed optional ones."""

    answers: Answers
    refusals: list[Finding]
    notes: list[Finding]


def ask(api: Api, spec: ClusterSpec, *, ami_parameter: str = AMI_PARAMETER) -> Inquiry:
    """Return everything that AWS reports about the spec, and about the image of nodes."""
    required: dict[str, Callable[[Api, ClusterSpec], Any]] = {
        "account": _account,
        "instance_types": _instance_types,
        "ami": lambda api, _spec: _ami(api, ami_parameter),
        "bastion_architecture": _bastion_architecture,
    }
    # A build needs none of these answers, so an account that denies them can be built in.
    zone: dict[str, Callable[[Api, ClusterSpec], Any]] = {"zones": _zones, "offered": _offered}
    answered, refused = _ask_all(api, spec, {**required, **zone, **questions()})
    refusals = unique(refused[name].problem for name in required if name in refused)
    causes = {problem.code for problem in refusals if problem.code in _REPORTED_ONCE}
    optional = {name: error for name, error in refused.items() if name not in required}
    found = {name: answered[name] for name in (*required, *zone) if name in answered}
    answers = Answers(**found, ami_parameter=ami_parameter, limits=account_of(answered))
    notes = unanswered({name: error for name, error in optional.items() if error.problem.code not in causes})
    return Inquiry(answers, refusals, notes)


def _ask_all(
    api: Api, spec: ClusterSpec, asked: Mapping[str, Callable[[Api, ClusterSpec], Any]]
) -> tuple[dict[str, Any], dict[str, AwsError]]:
    """Return the results and the errors, by the name of the call."""
    with ThreadPoolExecutor(len(asked)) as pool:
        futures = {name: pool.submit(question, api, spec) for name, question in asked.items()}
    refused = {name: error for name, future in futures.items() if isinstance(error := future.exception(), AwsError)}
    # Any other exception is a bug, and result() raises it.
    return {name: future.result() for name, future in futures.items() if name not in refused}, refused


def unique(problems: Iterable[Finding]) -> list[Finding]:
    """Return the problems in order, with a cause that many calls share once."""
    reported: dict[object, Finding] = {}
    for problem in problems:
        reported.setdefault(problem.code if problem.code in _REPORTED_ONCE else problem, problem)
    return list(reported.values())


def _account(api: Api, spec: ClusterSpec) -> str:
    return api.call("sts", "get_caller_identity")["Account"]


def _zones(api: Api, spec: ClusterSpec) -> dict[str, str]:
    zones = api.call("ec2", "describe_availability_zones")["AvailabilityZones"]
    return {zone["ZoneName"]: zone["State"] for zone in zones}


def _instance_types(api: Api, spec: ClusterSpec) -> dict[str, InstanceType]:
    # A filter, because AWS rejects the whole request if it names one unknown type.
    filters = [{"Name": "instance-type", "Values": _asked_types(spec)}]
    records = api.call("ec2", "describe_instance_types", Filters=filters)["InstanceTypes"]
    return {record["InstanceType"]: _instance_type(record) for record in records}


def _instance_type(record: Mapping[str, Any]) -> InstanceType:
    architectures = record["ProcessorInfo"]["SupportedArchitectures"]
    return InstanceType(
        vcpus=record["VCpuInfo"]["DefaultVCpus"],
        memory_mib=record["MemoryInfo"]["SizeInMiB"],
        architecture="arm64" if "arm64" in architectures else architectures[0],
        burstable=record["BurstablePerformanceSupported"],
        free_tier_eligible=record.get("FreeTierEligible", False),
    )


def _asked_types(spec: ClusterSpec) -> list[str]:
    """Return the types of the description, and those that the forecast could propose instead."""
    return list(dict.fromkeys((*spec.instance_types, *SIZES)))


def _offered(api: Api, spec: ClusterSpec) -> frozenset[str]:
    values = {"location": [spec.availability_zone], "instance-type": _asked_types(spec)}
    filters = [{"Name": name, "Values": items} for name, items in values.items() if items]
    answer = api.call("ec2", "describe_instance_type_offerings", LocationType="availability-zone", Filters=filters)
    return frozenset(item["InstanceType"] for item in answer["InstanceTypeOfferings"])


def _ami(api: Api, parameter: str) -> dict[str, str]:
    try:
        ami = api.call("ssm", "get_parameter", Name=parameter)["Parameter"]["Value"]
        images = api.call("ec2", "describe_images", ImageIds=[ami])["Images"]
    except AwsError as error:
        if is_not_found(error):
            return {}
        raise
    found = [{"id": ami, "name": image["Name"], "root_device": image["RootDeviceName"]} for image in images]
    return found[0] if found else {}


def _bastion_architecture(api: Api, spec: ClusterSpec) -> str | None:
    image = spec.bastion.image if spec.bastion and fits("image", spec.bastion.image) else ""
    parameter = image.removeprefix(BY_PARAMETER)
    if not image or parameter == AMI_PARAMETER:
        return None
    try:
        ami = image if parameter == image else api.call("ssm", "get_parameter", Name=parameter)["Parameter"]["Value"]
        images = api.call("ec2", "describe_images", ImageIds=[ami])["Images"]
    except AwsError as error:
        if is_not_found(error) or error.reason.startswith("InvalidAMIID"):
            return ""
        raise
    return images[0]["Architecture"] if images else ""


def answer_problems(spec: ClusterSpec, answers: Answers, *, home_ipv6: str = "") -> Iterator[Finding]:
    """Yield the problems that the results show; failed calls are reported separately."""
    yield from _zone_problems(spec, answers)
    for name in spec.instance_types:
        yield from _type_problems(name, spec, answers)
    known = (answers.instance_types or {}).items()
    types = {name: found for name, found in known if name in spec.instance_types}
    vcpus = {name: found.vcpus for name, found in types.items()}
    yield from account_problems(spec, answers.limits, vcpus, home_ipv6=home_ipv6)
    yield from plan_problems(answers.limits, {name: found.free_tier_eligible for name, found in types.items()})
    if answers.ami == {}:
        yield finding(
            "AMI_NOT_FOUND",
            "the image of nodes",
            f"{spec.region} has no image under the SSM parameter {answers.ami_parameter}.",
        )
    yield from _bastion_image_problems(spec, answers)


def _bastion_image_problems(spec: ClusterSpec, answers: Answers) -> Iterator[Finding]:
    found, image = answers.bastion_architecture, spec.bastion.image if spec.bastion else ""
    if found == "":
        message = f"{spec.region} has no image {image}, or the account may not use it."
        yield finding("BASTION_IMAGE_NOT_FOUND", "cluster_bastion_image", message)
    elif found not in (None, "arm64"):
        message = f"The image {image} is for {found}, but the bastion is an arm64 instance."
        yield finding("ARCHITECTURE_NOT_ARM64", "cluster_bastion_image", message, "Set an arm64 image.")


def _zone_problems(spec: ClusterSpec, answers: Answers) -> Iterator[Finding]:
    if answers.zones is None or not spec.availability_zone.startswith(spec.region):
        return
    state = answers.zones.get(spec.availability_zone)
    if state != "available":
        usable = ", ".join(sorted(name for name, how in answers.zones.items() if how == "available"))
        yield finding(
            "ZONE_NOT_AVAILABLE",
            "cluster_availability_zone",
            f"{spec.availability_zone} is {state or 'not known'} in {spec.region}.",
            f"Use {usable or 'another region'}.",
        )


def _type_problems(name: str, spec: ClusterSpec, answers: Answers) -> Iterator[Finding]:
    if answers.instance_types is None:
        return
    found = answers.instance_types.get(name)
    subject = f"instance type {name}"
    if found is None:
        message = f"{spec.region} has no instance type {name}."
        yield finding("INSTANCE_TYPE_NOT_IN_REGION", subject, message)
        return
    if found.architecture != "arm64":
        message = f"{name} is {found.architecture}, but the images are for arm64."
        yield finding("ARCHITECTURE_NOT_ARM64", subject, message)
    if found.memory_mib < MEMORY_MIN_MIB and name in spec.node_instance_types:
        message = f"{name} has {found.memory_mib} MiB of memory, but Talos needs about {MEMORY_MIN_MIB}."
        yield finding("INSTANCE_TYPE_TOO_SMALL", subject, message)
    if answers.offered is not None and name not in answers.offered and _zone_is_usable(spec, answers):
        message = f"{spec.region} has {name}, but {spec.availability_zone} does not offer it."
        yield finding("TYPE_NOT_IN_ZONE", subject, message)


def _zone_is_usable(spec: ClusterSpec, answers: Answers) -> bool:
    return answers.zones is None or answers.zones.get(spec.availability_zone) == "available"


def notes(answers: Answers, names: Container[str]) -> list[Finding]:
    """Return the notes about the account and the instance types with these names."""
    small = {
        name: found.memory_mib
        for name, found in (answers.instance_types or {}).items()
        if name in names and MEMORY_MIN_MIB <= found.memory_mib < MEMORY_COMFORTABLE_MIB
    }
    tight = [
        finding(
            "INSTANCE_TYPE_TIGHT",
            f"instance type {name}",
            f"{name} has {memory} MiB of memory: enough to boot Talos, too little to run CozyStack.",
        )
        for name, memory in small.items()
    ]
    return [*tight, *account_notes(answers.limits)]
