# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the programs for a connection to the bastion that are missing on the controller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._ssh.arguments import missing_programs, programs_missing


def ssh_missing_programs(connection: str) -> list[dict[str, Any]]:
    """Return a finding with the names of the programs, or an empty list if none is missing."""
    missing = missing_programs(connection)
    return [programs_missing("cluster_bastion_connection", missing).as_dict()] if missing else []


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"ssh_missing_programs": ssh_missing_programs}
