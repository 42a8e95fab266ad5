# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the stages of the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..module_utils._talos.stages import stages


def node_stages(answers: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Return addresses by stage, lines about what would be done, and warnings."""
    return stages(answers, names)._asdict()


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"node_stages": node_stages}
