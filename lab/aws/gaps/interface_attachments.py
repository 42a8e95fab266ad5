# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: a network interface can be attached twice, and ModifyNetworkInterfaceAttribute ignores Attachment.

It also ignores an empty description, and an interface returns the security groups of its instance mixed into its own.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import EmptyResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.responses import EC2Response

from lab.aws.gaps.interface_addresses import known_groups
from lab.aws.patches import Function, refuse, replaces, wraps


def check_available(eni: Any) -> None:
    if eni.attachment_id:
        raise refuse("InvalidNetworkInterface.InUse", f"Interface: [{eni.id}] in use.")


@wraps(NetworkInterfaceBackend, "attach_network_interface")
def _only_available(original: Function, self: Any, eni_id: str, instance_id: str, device_index: int) -> Any:
    check_available(self.get_network_interface(eni_id))
    return original(self, eni_id, instance_id, device_index)


@replaces(NetworkInterface, "group_set", kind=property)
def _groups(eni: Any) -> list[Any]:
    return list(eni._group_set)


@wraps(EC2Response, "modify_network_interface_attribute")
def _more_attributes(original: Function, self: Any) -> Any:
    eni = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    known_groups(self.ec2_backend, eni.subnet, self._get_param("Groups", []) or [])
    attachment = self._get_param("Attachment")
    if attachment:
        if attachment.get("AttachmentId") != eni.attachment_id:
            message = f"The attachment ID '{attachment.get('AttachmentId')}' does not exist"
            raise refuse("InvalidAttachmentID.NotFound", message)
        eni.delete_on_termination = attachment.get("DeleteOnTermination") is True
        return EmptyResult()
    if self._get_param("Description.Value") == "":
        eni.description = ""
    return original(self)
