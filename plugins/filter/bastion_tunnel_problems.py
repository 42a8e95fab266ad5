# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the problems in a bastion's WireGuard settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._bastion.tunnel import tunnel_problems


def bastion_tunnel_problems(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the problems on any host; what only EC2 cannot do is for preflight."""
    return [problem.as_dict() for problem in tunnel_problems(settings)]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_tunnel_problems": bastion_tunnel_problems}
