# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check volumes, and the snapshots and images of disks. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..._findings import Finding, finding
from .allowed import Allowed, foreign_instances
from .facts import Account, VolumeFact


class CopyCodes(NamedTuple):
    """The codes of a copy of a disk that other accounts can read."""

    public: str
    shared: str


_COPY_CODES = {
    "snapshot": CopyCodes("SNAPSHOT_PUBLIC", "SNAPSHOT_SHARED"),
    "image": CopyCodes("IMAGE_PUBLIC", "IMAGE_SHARED"),
}


def disk_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    """Yield every deviation of volumes, snapshots and images."""
    yield from _volume_deviations(account, allowed)
    yield from _copy_deviations(account)


def _volume_deviations(account: Account, allowed: Allowed) -> Iterator[Finding]:
    foreign = foreign_instances(account, allowed)
    machines = {machine.known.id for machine in account.machines if machine.kind == "instance"} - set(foreign)
    roots = {machine.root_volume for machine in account.machines}
    outside = {instance.id: instance.vpc for instance in account.outside_instances}
    for volume in account.volumes:
        resource = f"volume {volume.known.name} ({volume.known.id})"
        is_added = bool(machines & set(volume.instances)) and volume.known.id not in roots
        users = ", ".join(volume.instances) or "no instance"
        for instance in (user for user in volume.instances if user in outside):
            message = f"the instance {instance} in {outside[instance]} uses it, and can read and change it"
            yield finding("VOLUME_USED_OUTSIDE_CLUSTER", resource, message)
        if volume.account and account.owners and volume.account not in account.owners:
            message = f"its encryption key belongs to account {volume.account}"
            yield finding("VOLUME_KEY_OF_OTHER_ACCOUNT", resource, message)
        if not volume.encrypted:
            also = ", and it is not described" if is_added and not volume.known.owned else ""
            yield finding("VOLUME_NOT_ENCRYPTED", resource, f"it is not encrypted; {users} uses it{also}")
        elif is_added and (volume.snapshot or not volume.known.owned):
            yield _added_volume(volume, resource, users)


def _added_volume(volume: VolumeFact, resource: str, users: str) -> Finding:
    content = f", and it was created from {volume.snapshot}" if volume.snapshot else ""
    remedy = f"Run `aws ec2 detach-volume --volume-id {volume.known.id}` unless you know why it is there."
    return finding("VOLUME_NOT_DESCRIBED", resource, f"{users} uses it{content}", remedy)


def _copy_deviations(account: Account) -> Iterator[Finding]:
    # A reported image covers its disks.
    reported = {snapshot for copy in account.copies if copy.shared for snapshot in copy.snapshots}
    for copy in account.copies:
        resource = f"{copy.kind} {copy.known.name} ({copy.known.id})"
        attribute = "createVolumePermission" if copy.kind == "snapshot" else "launchPermission"
        command = f"aws ec2 reset-{copy.kind}-attribute --{copy.kind}-id {copy.known.id} --attribute {attribute}"
        if "all" in copy.shared:
            message = f"every AWS account can read this {copy.kind} of the cluster's disks"
            remedy = f"Run `{command}`, and rotate every secret that was on the disk."
            yield finding(_COPY_CODES[copy.kind].public, resource, message, remedy)
        elif copy.shared:
            message = f"other accounts can read this {copy.kind} of the cluster's disks: {', '.join(copy.shared)}"
            yield finding(_COPY_CODES[copy.kind].shared, resource, message, f"Run `{command}`.")
        if not (copy.encrypted or copy.known.id in reported):
            message = "it contains a disk of the cluster without encryption"
            remedy = f"Run `aws ec2 delete-snapshot --snapshot-id {copy.known.id}`, or keep an encrypted copy instead."
            yield finding("SNAPSHOT_NOT_ENCRYPTED", resource, message, remedy)
