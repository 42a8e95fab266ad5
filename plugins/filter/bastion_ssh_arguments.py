# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the options with which ssh reaches a bastion and checks its host key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._ssh.arguments import Login, Route, ssh_arguments


def bastion_ssh_arguments(
    known_hosts: str,
    alias: str,
    *,
    region: str = "",
    instance_id: str = "",
    profile: str = "",
    identity_file: str = "",
    other_keys: bool = False,
) -> str:
    """Return the options; with an instance they use Session Manager."""
    route = Route(region, instance_id, profile) if instance_id else None
    return ssh_arguments(known_hosts, alias, route, login=Login(identity_file, other_keys))


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_ssh_arguments": bastion_ssh_arguments}
