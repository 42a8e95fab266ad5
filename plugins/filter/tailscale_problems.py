# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the problems in the settings of Tailscale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._talos import tailscale


def tailscale_problems(nodes: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return all problems; they do not contain the key."""
    return [problem.as_dict() for problem in tailscale.problems(nodes, settings)]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"tailscale_problems": tailscale_problems}
