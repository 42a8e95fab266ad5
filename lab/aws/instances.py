# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps of moto around instances: how they start, what they are attached to, what they say, how they end."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable
from typing import Any

import moto.ec2.utils
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models import instance_types as moto_instance_types
from moto.ec2.models import instances as moto_instances
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, MetadataOptions
from moto.ec2.responses import EC2Response
from moto.ssm.models import ssm_backends

from lab.aws.account import LAUNCHED, check_launch, check_vcpus, launched
from lab.aws.interfaces import check_available
from lab.aws.patches import ACCOUNT, Function, put, refuse, tags_for, wrap
from lab.aws.volumes import add_volumes
from lab.machines import MachinePark, Size
from lab.settings import REGION

RESOLVED = "resolve:ssm:"
ENDED: list[Callable[[Any], None]] = []
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
UNLIMITED_BY_DEFAULT = ("t3.", "t3a.", "t4g.")


def install(park: MachinePark) -> None:
    """Close the gaps, and let instances live in the park."""
    _install_attributes()
    _install_life(park)
    wrap(EC2Response, "run_instances", _checked_run)
    wrap(InstanceBackend, "run_instances", lambda original: _living_run(original, park))
    put(EC2Response, get_console_output=lambda response: _console(response, park))
    put(EC2Response, describe_instance_credit_specifications=_describe_credits)
    put(EC2Response, modify_instance_credit_specification=_modify_credits)


def _install_attributes() -> None:
    put(Instance, prep_nics=_attach_interfaces, setup_defaults=lambda self: None)
    put(Instance, security_groups=property(_groups, _set_groups), ipv6_address=property(_ipv6))
    put(Instance, private_ip=property(_ipv4), private_ip_address=property(_ipv4))
    put(Instance, public_ip=property(_public_ipv4), public_ip_address=property(_public_ipv4))
    put(Instance, private_dns_name=property(_private_name), __del__=lambda self: None)
    put(InstanceBackend, modify_instance_metadata_options=_modify_metadata)
    put(moto.ec2.utils, passes_filter_dict=_passes)


# Gap: interfaces made beforehand get a random place, addresses of new ones are drawn twice, IPv6 is not recorded.
def _attach_interfaces(instance: Any, nic_spec: list[dict[str, Any]], **options: Any) -> None:
    instance.nics = {}
    specifications = nic_spec or [{"DeviceIndex": 0}]
    for specification in specifications:
        index = int(specification.get("DeviceIndex") or 0)
        if specification.get("NetworkInterfaceId"):
            eni = instance.ec2_backend.get_network_interface(specification["NetworkInterfaceId"])
            check_available(eni)
            eni.delete_on_termination = specification.get("DeleteOnTermination") is True
        else:
            eni = _new_interface(instance, specification, options)
            eni.delete_on_termination = specification.get("DeleteOnTermination") is not False
        instance.attach_eni(eni, index)


def _new_interface(instance: Any, specification: dict[str, Any], options: dict[str, Any]) -> Any:
    backend = instance.ec2_backend
    subnet = backend.get_subnet(specification.get("SubnetId") or instance._subnet_id or _default_subnet(instance))
    private_ip = specification.get("PrivateIpAddress") or options.get("private_ip")
    groups = [*(specification.get("Groups") or []), *(group.id for group in options.get("security_groups") or [])]
    explicit = [address["Ipv6Address"] for address in specification.get("Ipv6Addresses", [])]
    return backend.create_network_interface(
        subnet,
        private_ip,
        specification.get("PrivateIpAddresses"),
        group_ids=groups,
        description=specification.get("Description"),
        public_ip_auto_assign=specification.get("AssociatePublicIpAddress", options.get("associate_public_ip")),
        ipv6_addresses=explicit,
        ipv6_address_count=int(specification.get("Ipv6AddressCount") or options.get("ipv6_address_count") or 0),
    )


def _default_subnet(instance: Any) -> str:
    subnets = instance.ec2_backend.get_default_subnets()
    if not subnets:
        raise refuse("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
    return str(subnets.get(instance.placement.zone, next(iter(subnets.values()))).id)


# Gap: an instance's groups and addresses are copies that its primary interface soon contradicts.
def _primary(instance: Any) -> Any:
    return instance.__dict__.get("nics", {}).get(0)


def _groups(instance: Any) -> list[Any]:
    eni = _primary(instance)
    return list(eni._group_set) if eni else instance.__dict__.get("_lab_groups", [])


def _set_groups(instance: Any, groups: list[Any]) -> None:
    instance.__dict__["_lab_groups"] = groups
    if _primary(instance):
        _primary(instance)._group_set = list(groups)


def _ipv4(instance: Any) -> str | None:
    return _primary(instance).private_ip_address if _primary(instance) else None


def _ipv6(instance: Any) -> str | None:
    return _primary(instance).ipv6_address if _primary(instance) else None


def _public_ipv4(instance: Any) -> str | None:
    return _primary(instance).public_ip if _primary(instance) else None


def _private_name(instance: Any) -> str:
    address = _ipv4(instance)
    return f"ip-{address.replace('.', '-')}.{instance.region_name}.compute.internal" if address else ""


# Gap: what a call does not name is set to nothing.
def _modify_metadata(self: Any, instance_id: str, **changes: Any) -> MetadataOptions:
    instance = self.get_instance(instance_id)
    options = copy.copy(instance.metadata_options)
    names = {"hop_limit": "http_put_response_hop_limit", "http_protocol": "http_protocol_ipv6",
             "metadata_tags": "instance_metadata_tags"}  # fmt: skip
    for name, value in changes.items():
        if value is not None and name != "dry_run":
            setattr(options, names.get(name, name), value)
    instance.metadata_options = options
    return options


# Gap: most filters of DescribeInstances are an exception, and none takes a wildcard.
def _passes(instance: Any, filters: dict[str, list[str]]) -> bool:
    return all(_passes_one(instance, name, values) for name, values in filters.items())


def _passes_one(instance: Any, name: str, values: list[str]) -> bool:
    if name.startswith("tag"):
        return bool(moto.ec2.utils.tag_filter_matches(instance, name, values))
    reader = _FILTERS.get(name)
    if reader is None:
        raise refuse("InvalidParameterValue", f"The filter '{name}' is not known to the lab's EC2 double")
    found = reader(instance)
    texts = [_text(value) for value in (found if isinstance(found, list) else [found])]
    return any(fnmatch.fnmatchcase(text, str(pattern)) for text in texts for pattern in values)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _of_interfaces(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def reader(instance: Any) -> list[Any]:
        found: list[Any] = []
        for eni in instance.nics.values():
            value = read(eni)
            found += value if isinstance(value, list) else [value]
        return found

    return reader


_FILTERS: dict[str, Callable[[Any], Any]] = {
    "instance-id": lambda i: i.id,
    "instance-state-name": lambda i: i.state,
    "instance-state-code": lambda i: i.state_code,
    "instance-type": lambda i: i.instance_type,
    "image-id": lambda i: i.image_id,
    "vpc-id": lambda i: i.vpc_id,
    "subnet-id": lambda i: i.subnet_id,
    "availability-zone": lambda i: i.availability_zone,
    "architecture": lambda i: i.architecture,
    "key-name": lambda i: i.key_name,
    "owner-id": lambda i: i.owner_id,
    "client-token": lambda i: i.client_token,
    "private-ip-address": lambda i: i.private_ip_address,
    "ip-address": lambda i: i.public_ip_address,
    "ipv6-address": lambda i: i.ipv6_address,
    "private-dns-name": lambda i: i.private_dns_name,
    "dns-name": lambda i: i.public_dns_name,
    "source-dest-check": lambda i: i.source_dest_check,
    "state-reason-code": lambda i: i.state_reason.code,
    "product-code": lambda i: i.product_codes,
    "root-device-name": lambda i: i.root_device_name,
    "metadata-options.http-tokens": lambda i: i.metadata_options.http_tokens,
    "iam-instance-profile.arn": lambda i: (i.iam_instance_profile or {}).get("Arn"),
    "group-id": lambda i: [group.id for group in i.security_groups],
    "group-name": lambda i: [group.name for group in i.security_groups],
    "instance.group-id": lambda i: [group.id for group in i.security_groups],
    "instance.group-name": lambda i: [group.name for group in i.security_groups],
    "block-device-mapping.volume-id": lambda i: [b.volume_id for b in i.block_device_mapping.values()],
    "network-interface.network-interface-id": _of_interfaces(lambda e: e.id),
    "network-interface.subnet-id": _of_interfaces(lambda e: e.subnet.id),
    "network-interface.vpc-id": _of_interfaces(lambda e: e.vpc_id),
    "network-interface.group-id": _of_interfaces(lambda e: [group.id for group in e.group_set]),
    "network-interface.private-dns-name": lambda i: i.private_dns_name,
    "network-interface.addresses.private-ip-address": _of_interfaces(
        lambda e: [address["PrivateIpAddress"] for address in e.private_ip_addresses]
    ),
    "network-interface.ipv6-addresses.ipv6-address": _of_interfaces(lambda e: list(e.ipv6_addresses)),
}


# Gap: RunInstances takes any image for any type, ignores MaxCount, credits and tags of interfaces.
def _checked_run(original: Function) -> Function:
    def run_instances(self: Any) -> ActionResult:
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

    return run_instances


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


def give_credits(instance: Any, credit: str | None) -> None:
    """Give a new instance its CPU credit mode: what was asked for, or what its type has by default."""
    instance.cpu_credits = credit or default_credits(instance.instance_type)


def _tag_interfaces(response: Any, instance: Any) -> None:
    tags = tags_for(response, "network-interface")
    made_before = {nic.get("NetworkInterfaceId") for nic in response._get_param("NetworkInterfaces", []) or []}
    for eni in instance.nics.values():
        if eni.id not in made_before:
            eni.add_tags(tags)


def default_credits(instance_type: str) -> str | None:
    """Return the CPU credit mode that EC2 gives a type, or None when it is not burstable."""
    if instance_type.startswith(UNLIMITED_BY_DEFAULT):
        return "unlimited"
    return "standard" if instance_type.startswith("t2.") else None


# Gap: every instance is said to be in standard mode, and the mode cannot be changed.
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


def _modify_credits(response: Any) -> ActionResult:
    done = []
    for wanted in response._get_param("InstanceCreditSpecifications", []):
        instance = response.ec2_backend.get_instance(wanted["InstanceId"])
        if default_credits(instance.instance_type) is None:
            raise refuse("InvalidParameterValue", f"The instance type {instance.instance_type} is not burstable")
        instance.cpu_credits = wanted["CpuCredits"]
        done.append({"InstanceId": instance.id})
    return ActionResult(
        {"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": []}
    )


# Gap: the same old console text for everybody.
def _console(response: Any, park: MachinePark) -> ActionResult:
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    text = park.console(instance.id)
    output = Base64EncodedString.from_raw_string(text) if text else ""
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})


# Gap: disks are made without what the request said of them; all instances run at once and nothing runs in them.
def _living_run(original: Function, park: MachinePark) -> Function:
    def run_instances(self: Any, image_id: str, count: int, user_data: Any, groups: Any, **options: Any) -> Any:
        disks = options.pop("block_device_mappings", None) or []
        volume_tags = options.get("tags", {}).get("volume", {})
        template = options.get("launch_template")
        if template and not disks:
            disks = self._get_template_from_args(template).data.get("BlockDeviceMappings") or []
        reservation = original(self, image_id, count, user_data, groups, block_device_mappings=[], **options)
        for instance in reservation.instances:
            instance.hypervisor = "nitro"
            add_volumes(instance, disks)
            for block in instance.block_device_mapping.values():
                self.get_volume(block.volume_id).add_tags(volume_tags)
            _begin(instance, park)
        return reservation

    return run_instances


def _move(instance: Any, name: str) -> None:
    instance._state = InstanceState(name, STATES[name])


def _name(instance: Any) -> str:
    return next((tag["value"] for tag in instance.get_tags() if tag["key"] == "Name"), instance.id)


def _begin(instance: Any, park: MachinePark) -> None:
    """Let an instance be pending for a moment, then running with its machine powered on."""
    _move(instance, "pending")

    def running() -> None:
        if instance.state == "pending":
            _move(instance, "running")
            park.power_on(
                instance.id,
                name=_name(instance),
                address=instance.private_ip,
                user_data=instance.user_data,
                size=_size(instance),
            )

    park.later(running)


def _size(instance: Any) -> Size:
    """Return how large the instance's type, and its first volume, make its machine."""
    told = moto_instance_types.INSTANCE_TYPES[instance.instance_type]
    disks = [block.size for block in instance.block_device_mapping.values() if block.size]
    return Size(
        told["VCpuInfo"]["DefaultVCpus"],
        told["MemoryInfo"]["SizeInMiB"],
        int(disks[0]) if disks else 8,
    )


# Gap: transitions are instant; a terminated instance keeps its interfaces.
def _install_life(park: MachinePark) -> None:
    def start(self: Any) -> InstanceState:
        previous = copy.copy(self._state)
        if self.state not in ("stopped", "running", "pending"):
            message = f"The instance '{self.id}' is not in a state from which it can be started."
            raise refuse("IncorrectInstanceState", message)
        if self.state == "stopped":
            check_vcpus(self.ec2_backend, self.instance_type, 1)
            self.state_reason = moto_instances.StateReason()
            self._reason = ""
            _begin(self, park)
        return previous

    def stop(self: Any) -> InstanceState:
        previous = copy.copy(self._state)
        if self.state in ("terminated", "shutting-down"):
            raise refuse("IncorrectInstanceState", f"This instance '{self.id}' is not in a state to be stopped.")
        if self.state != "stopped":
            _because_of_user(self)
            _move(self, "stopping")
            park.power_off(self.id)
            park.later(lambda: _move(self, "stopped") if self.state == "stopping" else None)
        return previous

    put(Instance, start=start, stop=stop, reboot=lambda self: park.reboot(self.id))
    put(Instance, terminate=lambda self: _terminate(self, park))


def _because_of_user(instance: Any) -> None:
    instance._reason = f"User initiated ({utcnow().strftime('%Y-%m-%d %H:%M:%S UTC')})"
    code = "Client.UserInitiatedShutdown"
    instance.state_reason = moto_instances.StateReason(f"{code}: User initiated shutdown", code)


def _terminate(instance: Any, park: MachinePark) -> InstanceState:
    previous = copy.copy(instance._state)
    if instance.state in ("terminated", "shutting-down"):
        return previous
    _because_of_user(instance)
    _move(instance, "shutting-down")
    park.remove(instance.id)
    park.later(lambda: _terminated(instance))
    return previous


def _terminated(instance: Any) -> None:
    backend = instance.ec2_backend
    for eni in list(instance.nics.values()):
        instance.detach_eni(eni)
        if eni.delete_on_termination:
            backend.delete_network_interface(eni.id)
    for device, block in list(instance.block_device_mapping.items()):
        backend.detach_volume(block.volume_id, instance.id, device)
        if block.delete_on_termination:
            backend.delete_volume(block.volume_id)
    association = backend.iam_instance_profile_associations.get(instance.id)
    if association:
        backend.disassociate_iam_instance_profile(association_id=association.association_id)
    instance._subnet_id = None
    _move(instance, "terminated")
    for react in ENDED:
        react(instance)


def on_termination(react: Callable[[Any], None]) -> None:
    """Have something happen when an instance is gone and has let go of all that it held."""
    ENDED.append(react)
