# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: RunInstances makes volumes that differ from its BlockDeviceMappings.

Throughput and the image's own devices are dropped, and an attachment does not say whether the volume is deleted with
the instance.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_block_store import Volume, VolumeAttachment
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, refuse, replaces, wraps

GP3_THROUGHPUT = 125
ROOT, ROOT_GIB = "/dev/xvda", 8  # of Amazon Linux


@wraps(Volume, "__init__")
def _complete(original: Function, self: Any, *args: Any, **options: Any) -> None:
    original(self, *args, **options)
    self.snapshot_id = self.snapshot_id or ""
    if self.volume_type == "gp3":
        self.throughput = self.throughput or GP3_THROUGHPUT


@replaces(VolumeAttachment, "delete_on_termination", kind=property)
def _delete_on_termination(attachment: Any) -> bool:
    block = attachment.instance.block_device_mapping.get(attachment.device)
    return bool(block and block.delete_on_termination)


@replaces(EC2Response, "_parse_block_device_mapping")
def _mappings_of_request(response: Any) -> list[dict[str, Any]]:
    mappings = response._get_param("BlockDeviceMappings", []) or []
    return [
        {"DeviceName": m.get("DeviceName"), "Ebs": dict(m.get("Ebs") or {}), "NoDevice": m.get("NoDevice")}
        for m in mappings
    ]


def check_root(disks: list[dict[str, Any]]) -> None:
    sizes = [int(disk.get("Ebs", {}).get("VolumeSize") or ROOT_GIB) for disk in disks if disk["DeviceName"] == ROOT]
    if sizes and min(sizes) < ROOT_GIB:
        raise refuse("InvalidBlockDeviceMapping", f"Volume of size {min(sizes)}GB is smaller than snapshot")


def add_volumes(instance: Any, requested: list[dict[str, Any]]) -> None:
    """Give a new instance its disks: those of the image, changed and added to by the request."""
    image = instance.ec2_backend.describe_images(ami_ids=[instance.image_id])[0]
    root = {
        "VolumeSize": ROOT_GIB,
        "VolumeType": "gp3",
        "DeleteOnTermination": True,
        "SnapshotId": image.ebs_snapshot.id,
    }
    disks: dict[str, dict[str, Any]] = {instance.root_device_name: root}
    for mapping in requested:
        name = mapping["DeviceName"]
        disks[name] = disks.get(name, {"DeleteOnTermination": True}) | mapping["Ebs"]
        if mapping.get("NoDevice") is not None:
            del disks[name]
    for name, disk in disks.items():
        _add_volume(instance, name, disk)


def _add_volume(instance: Any, name: str, disk: dict[str, Any]) -> None:
    backend = instance.ec2_backend
    snapshot = disk.get("SnapshotId")
    volume = backend.create_volume(
        size=int(disk.get("VolumeSize") or backend.get_snapshot(snapshot).volume.size),
        zone_name=instance.placement.zone,
        encrypted=disk.get("Encrypted") is True or backend.ebs_encryption_by_default,
        kms_key_id=disk.get("KmsKeyId"),
        volume_type=disk.get("VolumeType") or "gp2",
        iops=disk.get("Iops"),
        throughput=disk.get("Throughput"),
    )
    volume.snapshot_id = snapshot or ""
    backend.attach_volume(volume.id, instance.id, name, disk.get("DeleteOnTermination") is True)
