# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the nodes to upgrade, with their images and in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._talos.upgrades import Wanted, upgrades

Record = Mapping[str, Any]


def upgrade_plan(
    nodes: Sequence[Record], record: Record, *, refresh: bool | str = False, **wanted: Any
) -> dict[str, Any]:
    """Return the nodes in their order, and the problems with their names and images."""
    made = upgrades(nodes, record, Wanted(refresh=boolean(refresh), **wanted))
    return {"nodes": made.nodes, "problems": [problem.as_dict() for problem in made.problems]}


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"upgrade_plan": upgrade_plan}
