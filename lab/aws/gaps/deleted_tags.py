# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: DescribeTags lists the tags of resources that were deleted."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from lab.aws.patches import Function, wraps

DELETING = (
    *("delete_dhcp_options_set", "delete_launch_template", "delete_network_interface", "delete_security_group"),
    *("delete_subnet", "delete_volume", "delete_vpc", "release_address", "revoke_security_group_egress"),
    "revoke_security_group_ingress",
)


def _without_tags(original: Function, self: Any, *arguments: Any, **options: Any) -> Any:
    before = _ids(self)
    answer = original(self, *arguments, **options)
    for resource_id in before - _ids(self):
        self.tags.pop(resource_id, None)
    return answer


for _name in DELETING:
    wraps(next(owner for owner in EC2Backend.__mro__ if _name in vars(owner)), _name)(_without_tags)


def _ids(backend: Any) -> set[str]:
    """Return the resources that exist, of the kinds that DELETING deletes."""
    known = vars(backend)  # moto deletes rules already while it makes its tables
    groups = [group for groups in known.get("groups", {}).values() for group in groups.values()]
    rules = [rule.id for group in groups for rule in (*group.ingress_rules, *group.egress_rules)]
    ids = {*rules, *(group.id for group in groups), *(address.id for address in known.get("addresses", ()))}
    for name in ("dhcp_options_sets", "enis", "launch_templates", "volumes", "vpcs", *known.get("subnets", {})):
        ids |= set(known.get(name, ())) | set(known.get("subnets", {}).get(name, ()))
    return ids
