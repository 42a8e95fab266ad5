# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network interfaces, Elastic IPs and instances. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ..._errors import Ec2Error
from ..bastion.current import checksum
from ..calls import TERMINATION, Calls
from ..desired import DATA_DEVICE
from ..identity import NODE_TAG, USER_DATA_TAG
from .work import Work


def ensure_eni(work: Work, key: str) -> None:
    """Ensure a network interface as described; it keeps its IPv6 address."""
    want, groups = work.want(key), [work.id(name) for name in _group_keys(work, key)]
    if key not in work.things:
        work.make(
            key,
            SubnetId=work.id("subnet"),
            PrivateIpAddress=want["ipv4"],
            Groups=groups,
            Description=want["description"],
            Ipv6AddressCount=want["ipv6_count"],
        )
    # AWS accepts one attribute per call.
    attributes: dict[str, dict[str, Any]] = {
        "description": {"Description": {"Value": want["description"]}},
        "source_dest_check": {"SourceDestCheck": {"Value": want["source_dest_check"]}},
    }
    for name, attribute in attributes.items():
        if work.differs(key, name):
            _modify(work, key, name, attribute)
    if work.things[key].have["security_groups"] != sorted(groups):
        _modify(work, key, "security groups", {"Groups": groups})
    if work.differs(key, "ipv6_count"):
        _set_ipv6_count(work, key)
    work.tag(key)


def _group_keys(work: Work, key: str) -> list[str]:
    names = {
        item.name: group
        for group, item in work.wanted.items()
        if item.kind == "security_group" and group in work.things
    }
    return [names[name] for name in work.want(key)["security_groups"]]


def _modify(work: Work, key: str, what: str, attribute: Mapping[str, Any]) -> None:
    work.ec2("modify_network_interface_attribute", NetworkInterfaceId=work.id(key), **attribute)
    work.changed(key, what)


def _set_ipv6_count(work: Work, key: str) -> None:
    have, count = work.things[key].have["ipv6"], work.want(key)["ipv6_count"]
    if len(have) > count:
        # A repeated call may find them removed.
        gone = ("InvalidParameterValue",)
        addresses = {"NetworkInterfaceId": work.id(key), "Ipv6Addresses": have[count:]}
        work.calls.put("ec2", "unassign_ipv6_addresses", gone, **addresses)
    else:
        work.calls.create(
            "ec2",
            "assign_ipv6_addresses",
            lambda: next(
                (eni for eni in work.read("eni", {"network-interface-id": work.id(key)}) if eni.have["ipv6"]), None
            ),
            NetworkInterfaceId=work.id(key),
            Ipv6AddressCount=count - len(have),
        )
    work.changed(key, "IPv6 addresses")


def delete_eni(work: Work, thing_id: str) -> None:
    """Delete a network interface as soon as it is detached from its instance."""
    work.calls.delete("ec2", "delete_network_interface", NetworkInterfaceId=thing_id)


def delete_volume(work: Work, thing_id: str) -> None:
    """Delete a volume that is not attached; most are deleted with their instance."""
    left = [volume for volume in work.read("volume", {"volume-id": thing_id}) if volume.have["state"] != "deleting"]
    if left:
        work.calls.delete("ec2", "delete_volume", VolumeId=thing_id)


def ensure_address(work: Work, key: str) -> None:
    """Associate an Elastic IP of the cluster with the described interface."""
    if key not in work.things:
        work.make(key, Domain="vpc")
    interface = work.id("eni/bastion")
    if work.things[key].have.get("network_interface") != interface:
        # With both ids a repeated call has no effect.
        work.ec2("associate_address", AllocationId=work.id(key), NetworkInterfaceId=interface, AllowReassociation=True)
        work.changed(key, "associated")
    work.tag(key)


def delete_address(work: Work, thing_id: str) -> None:
    """Disassociate an Elastic IP from our resources, and release it."""
    answer = work.ec2("describe_addresses", Filters=[{"Name": "allocation-id", "Values": [thing_id]}])
    for address in answer["Addresses"]:
        if {address.get("NetworkInterfaceId"), address.get("InstanceId")} & work.own_ids:
            work.calls.delete("ec2", "disassociate_address", AssociationId=address["AssociationId"])
    work.calls.delete("ec2", "release_address", AllocationId=thing_id)


def ensure_instance(work: Work, key: str) -> None:
    """Ensure an instance as described; user-data and image are read at the first boot only."""
    if key not in work.things:
        # The description changes after the launch, so the audit could not know this user-data again.
        launched = checksum(work.machines.user_data.get(work.want(key)["tags"][NODE_TAG], ""))
        more = {USER_DATA_TAG: launched} if launched else {}
        work.make(key, more_tags=more, MinCount=1, MaxCount=1, **_launch(work, key))
        return
    if work.things[key].have["state"] in ("stopped", "stopping"):
        _start(work, key)
    if work.differs(key, "imds_tokens", "imds_hop_limit"):
        work.ec2("modify_instance_metadata_options", InstanceId=work.id(key), **metadata_options(work.want(key)))
        work.changed(key, "metadata options")
    if work.differs(key, "instance_profile"):
        _set_profile(work, key)
    work.tag(key)


def _launch(work: Work, key: str) -> dict[str, Any]:
    want, machines = work.want(key), work.machines
    name = want["tags"][NODE_TAG]
    if not machines.image:
        raise Ec2Error(f"Failed to create instance {name}: no image is set. Set node_image.", code="INPUT_MISSING")
    optional = {
        "KeyName": machines.ssh_key_name,
        "UserData": base64.b64decode(machines.user_data.get(name, "")),
    }
    return {
        "ImageId": machines.image,
        "InstanceType": want["type"],
        "IamInstanceProfile": {"Name": want["instance_profile"]},
        "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": work.id(f"eni/{name}")}],
        "MetadataOptions": metadata_options(want),
        **hardware(want, machines.root_device),
        **{parameter: value for parameter, value in optional.items() if value},
    }


def hardware(want: Mapping[str, Any], root_device: str) -> dict[str, Any]:
    """Return the volumes, and the credit mode of burstable types: AWS rejects it for others."""
    disks = [{"DeviceName": root_device, "Ebs": _disk(want, want["volume_size"])}]
    if want.get("data_volume_size"):
        disks.append({"DeviceName": DATA_DEVICE, "Ebs": _disk(want, want["data_volume_size"])})
    mappings = {"BlockDeviceMappings": disks}
    if "cpu_credits" not in want:
        return mappings
    return {**mappings, "CreditSpecification": {"CpuCredits": want["cpu_credits"]}}


def _disk(want: Mapping[str, Any], size: int) -> dict[str, Any]:
    return {
        "VolumeType": want["volume_type"],
        "VolumeSize": size,
        "Encrypted": want["volume_encrypted"],
        "DeleteOnTermination": True,
    }


def metadata_options(want: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the metadata service."""
    return {
        "HttpEndpoint": "enabled",
        "HttpTokens": want["imds_tokens"],
        "HttpPutResponseHopLimit": want["imds_hop_limit"],
    }


def _start(work: Work, key: str) -> None:
    """Start a stopped instance; wait for one that is stopping."""
    machine = work.id(key)
    settled = ("stopped", "pending", "running")
    if not work.calls.wait_for(lambda: have_states(work.calls, [machine], settled), TERMINATION):
        raise Ec2Error(
            f"Failed to start {machine}: it is still stopping after several minutes. Run the playbook again."
        )
    work.ec2("start_instances", InstanceIds=[machine])
    work.things[key] = work.things[key].with_facts(state="pending")
    work.changed(key, "started")


def _set_profile(work: Work, key: str) -> None:
    machine, profile = work.id(key), {"Name": work.want(key)["instance_profile"]}
    filters = [{"Name": "instance-id", "Values": [machine]}, {"Name": "state", "Values": ["associating", "associated"]}]
    answer = work.ec2("describe_iam_instance_profile_associations", Filters=filters)
    associations = answer["IamInstanceProfileAssociations"]
    if associations:
        association = associations[0]["AssociationId"]
        work.ec2("replace_iam_instance_profile_association", AssociationId=association, IamInstanceProfile=profile)
    else:
        # AWS rejects a second association: a repeated call may find the first one.
        made = ("IncorrectState",)
        work.calls.put("ec2", "associate_iam_instance_profile", made, InstanceId=machine, IamInstanceProfile=profile)
    work.changed(key, "instance profile")


def have_states(calls: Calls, machines: Sequence[str], states: tuple[str, ...]) -> bool:
    """Return whether all instances are in one of the states; one that AWS no longer lists is terminated."""
    answer = calls.call("ec2", "describe_instances", Filters=[{"Name": "instance-id", "Values": list(machines)}])
    found = [item for reservation in answer["Reservations"] for item in reservation["Instances"]]
    names = {item["InstanceId"]: item["State"]["Name"] for item in found}
    return all(names.get(machine, "terminated") in states for machine in machines)


def delete_instance(work: Work, thing_id: str) -> None:
    """Terminate an instance and wait: only then its interface is free."""
    work.calls.delete("ec2", "terminate_instances", InstanceIds=[thing_id])
    if not work.calls.wait_for(lambda: have_states(work.calls, [thing_id], ("terminated",)), TERMINATION):
        raise Ec2Error(f"Failed to terminate {thing_id}: it is still running after several minutes.")
