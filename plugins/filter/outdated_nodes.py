# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the nodes that do not run their described image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..module_utils._talos.config.contract import running_versions
from ..module_utils._talos.upgrades import Known, outdated

Record = Mapping[str, Any]


def outdated_nodes(
    nodes: Sequence[Record],
    images: Mapping[str, str],
    *,
    known: Mapping[str, Record] | None = None,
    given: Mapping[str, str] | None = None,
    answers: Sequence[Record] = (),
    existing: Mapping[str, Record] | None = None,
    recorded: Mapping[str, Record] | None = None,
) -> list[dict[str, Any]]:
    """Return a finding for each such node."""
    there = [node for node in nodes if existing is None or existing.get(node["name"], {}).get("instance")]
    facts = Known(known or {}, given or {}, running_versions(nodes, answers), recorded or {})
    return [found.as_dict() for found in outdated(there, images, facts)]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"outdated_nodes": outdated_nodes}
