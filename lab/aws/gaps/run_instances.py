# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: RunInstances takes any image for any type, and ignores MaxCount, credits and the tags of interfaces."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response
from moto.ssm.models import ssm_backends

from lab.aws.gaps.cpu_credits import give_credits
from lab.aws.gaps.interface_attachments import check_available
from lab.aws.gaps.launch_checks import LAUNCHED, check_launch, launched
from lab.aws.patches import ACCOUNT, Function, refuse, tags_for, wraps
from lab.settings import REGION

RESOLVED = "resolve:ssm:"


@wraps(EC2Response, "run_instances")
def _checked_run(original: Function, self: Any) -> ActionResult:
    if self._get_param("ImageId"):
        self.params["ImageId"] = resolve_image(self._get_param("ImageId"))
    _check_combination(self)
    asked = {name: self._get_param(name) for name in LAUNCHED if self._get_param(name)}
    data = launched(asked, self.ec2_backend, self._get_param("LaunchTemplate") or {})
    check_launch(self.ec2_backend, data, int(self._get_param("MaxCount") or 1))
    _check_architecture(self)
    _prepare(self)
    answer: ActionResult = original(self)
    reservation: Any = answer.result
    for instance in reservation.instances:
        give_credits(instance, (data.get("CreditSpecification") or {}).get("CpuCredits"))
        _tag_interfaces(self, instance)
    return answer


def resolve_image(text: str) -> str:
    """Return the image that a call or template means, which EC2 looks up at each launch."""
    if not text.startswith(RESOLVED):
        return text
    return str(ssm_backends[ACCOUNT][REGION].get_parameter(text.removeprefix(RESOLVED)).value)


def _check_combination(response: Any) -> None:
    nics = response._get_param("NetworkInterfaces", []) or []
    grouped = response._get_param("SecurityGroupIds") or response._get_param("SecurityGroups")
    if nics and grouped:
        raise refuse(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level security groups may not be specified on the same request",
        )
    for nic in nics:
        if nic.get("NetworkInterfaceId"):
            check_available(response.ec2_backend.get_network_interface(nic["NetworkInterfaceId"]))
        if nic.get("Groups") and nic.get("NetworkInterfaceId"):
            message = "A network interface may not specify both a network interface ID and a security group ID"
            raise refuse("InvalidParameterCombination", message)


def _check_architecture(response: Any) -> None:
    image_id, kind = response._get_param("ImageId"), response._get_param("InstanceType")
    if not image_id or not kind:
        return
    image = response.ec2_backend.describe_images(ami_ids=[image_id])[0]
    types = [t for t in response.ec2_backend.instance_types if t.get("InstanceType") == kind]
    supported = types[0]["ProcessorInfo"]["SupportedArchitectures"] if types else [image.architecture]
    if image.architecture not in supported:
        raise refuse(
            "InvalidParameterValue",
            f"The architecture '{','.join(supported)}' of the specified instance type does not match the architecture "
            f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again.",
        )


def _prepare(response: Any) -> None:
    """Let interfaces made beforehand decide the zone, as moto reads it from the request."""
    for nic in response._get_param("NetworkInterfaces", []) or []:
        if nic.get("NetworkInterfaceId"):
            nic["SubnetId"] = response.ec2_backend.get_network_interface(nic["NetworkInterfaceId"]).subnet.id
    maximum = response._get_param("MaxCount")
    if maximum:
        response.params["MinCount"] = maximum


def _tag_interfaces(response: Any, instance: Any) -> None:
    tags = tags_for(response, "network-interface")
    made_before = {nic.get("NetworkInterfaceId") for nic in response._get_param("NetworkInterfaces", []) or []}
    for eni in instance.nics.values():
        if eni.id not in made_before:
            eni.add_tags(tags)
