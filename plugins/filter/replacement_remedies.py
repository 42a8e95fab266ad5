# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which differences a person has to resolve, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

DELETE = {
    "instance": "aws ec2 terminate-instances --instance-ids {id}",
    "eni": "terminate its instance and aws ec2 delete-network-interface --network-interface-id {id}",
}
RESET = "ansible-playbook playbooks/reset.yml -e reset_confirmation=yes"
CREDITS = (
    "aws ec2 modify-instance-credit-specification --instance-credit-specification InstanceId={id},CpuCredits={want}"
)


def replacement_remedies(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each difference that the role leaves to a person."""
    return [
        line_of(resource, difference)
        for resource in resources
        for difference in resource["differences"]
        if difference["replace"] or difference["property"] == "cpu_credits"
    ]


def line_of(resource: Mapping[str, Any], difference: Mapping[str, Any]) -> str:
    """Return what differs and the commands that fix it, or the value that says it is meant to be so."""
    replace = f"{DELETE.get(resource['kind'], RESET)}, then run the playbook again"
    command = (replace if difference["replace"] else CREDITS).format(id=resource["id"], want=difference["want"])
    change = f"{difference['property']} of {resource['name']} from {difference['have']} to {difference['want']}"
    return (
        f"Failed to change {change}: it is fixed while it is in use. "
        f"To keep it, describe it as it is; to change it: {command}"
    )


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"replacement_remedies": replacement_remedies}
