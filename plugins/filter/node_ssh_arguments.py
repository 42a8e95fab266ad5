# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the options with which ssh reaches a node that is not Talos yet and checks its host key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._ssh.arguments import (
    FIRST_ARGUMENTS,
    Login,
    jump_of,
    ssh_arguments,
)


def node_ssh_arguments(
    known_hosts: str,
    alias: str,
    *,
    bastion: Mapping[str, Any] | None = None,
    identity_file: str = "",
    other_keys: bool = False,
) -> str:
    """Return the options; with the variables of a bastion they go through it."""
    login = Login(identity_file, other_keys)
    return f"{FIRST_ARGUMENTS} {ssh_arguments(known_hosts, alias, jump_of(bastion) if bastion else None, login=login)}"


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"node_ssh_arguments": node_ssh_arguments}
