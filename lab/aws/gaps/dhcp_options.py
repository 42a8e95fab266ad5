# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: CreateDhcpOptions drops TagSpecifications, and a set remembers only the last VPC that it was given to.

EC2 refuses to delete a set that any VPC has, takes it from no VPC that is deleted, and answers options by name.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.dhcp_options import DHCPOptionsSet, DHCPOptionsSetBackend
from moto.ec2.responses import EC2Response

from lab.aws.patches import Function, put, refuse, replaces, tags_for, wraps

_moto = DHCPOptionsSet.dhcp_configurations.fget
_ordered = property(lambda self: sorted(_moto(self), key=lambda option: option["Key"]))  # type: ignore[misc]
put(DHCPOptionsSet, owner_id=property(lambda self: self.ec2_backend.account_id), dhcp_configurations=_ordered)


@wraps(EC2Response, "create_dhcp_options")
def _tagged_dhcp_options(original: Function, self: Any) -> ActionResult:
    answer: ActionResult = original(self)
    answer.result["DhcpOptions"].add_tags(tags_for(self, "dhcp-options"))  # type: ignore[index]
    return answer


@replaces(DHCPOptionsSetBackend, "delete_dhcp_options_set")
def _delete_dhcp_options(self: Any, options_id: str) -> None:
    if options_id not in self.dhcp_options_sets:
        raise refuse("InvalidDhcpOptionID.NotFound", f"DhcpOption ID {options_id} does not exist.")
    if any(vpc.dhcp_options and vpc.dhcp_options.id == options_id for vpc in self.vpcs.values()):
        raise refuse("DependencyViolation", f"The dhcpOptions '{options_id}' has dependencies and cannot be deleted.")
    del self.dhcp_options_sets[options_id]
