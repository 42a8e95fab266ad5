# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: instances change their state within the call, run nothing, and keep their interfaces when terminated."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models import instance_types as moto_instance_types
from moto.ec2.models import instances as moto_instances
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState
from moto.ec2.responses import EC2Response

from lab.aws.gaps.instance_volumes import add_volumes, check_root
from lab.aws.gaps.launch_checks import check_vcpus
from lab.aws.patches import Function, put, refuse, wraps
from lab.machines import MachinePark, Size

ENDED: list[Callable[[Any], None]] = []
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def install(park: MachinePark) -> None:
    _install_life(park)
    wraps(InstanceBackend, "run_instances")(partial(_living_run, park))
    put(EC2Response, get_console_output=lambda response: _console(response, park))


def _console(response: Any, park: MachinePark) -> ActionResult:
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    text = park.console(instance.id)
    output = Base64EncodedString.from_raw_string(text) if text else ""
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})


def _living_run(park: MachinePark, original: Function, self: Any, *args: Any, **options: Any) -> Any:
    disks = options.pop("block_device_mappings", None) or []
    volume_tags = options.get("tags", {}).get("volume", {})
    template = options.get("launch_template")
    if template and not disks:
        disks = self._get_template_from_args(template).data.get("BlockDeviceMappings") or []
    check_root(disks)
    reservation = original(self, *args, block_device_mappings=[], **options)
    for instance in reservation.instances:
        instance.hypervisor = "nitro"
        add_volumes(instance, disks)
        for block in instance.block_device_mapping.values():
            self.get_volume(block.volume_id).add_tags(volume_tags)
        _begin(instance, park)
    return reservation


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
    """Return how large the instance's type and volumes make its machine."""
    reported = moto_instance_types.INSTANCE_TYPES[instance.instance_type]
    volumes = {block.volume_id: int(block.size) for block in instance.block_device_mapping.values()}
    return Size(reported["VCpuInfo"]["DefaultVCpus"], reported["MemoryInfo"]["SizeInMiB"], volumes)


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
    """Call a function when an instance is terminated and its resources are released."""
    ENDED.append(react)
