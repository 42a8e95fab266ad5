# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide for which Talos release the configurations of a cluster are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..module_utils._talos.config.contract import decide, running_versions, unexpected

Record = Mapping[str, Any]


def talos_contract(
    images: Mapping[str, Record],
    *,
    nodes: Sequence[Record] = (),
    answers: Sequence[Record] = (),
    recorded: str = "",
    wanted: str = "",
) -> dict[str, Any]:
    """Return the contract, the reason for it, its problems and unexpected versions as plain data."""
    held = {role: image["version"] for role, image in images.items() if image.get("version")}
    running = running_versions(nodes, answers)
    decided = decide(running or held, recorded=recorded, wanted=wanted)
    problems = [problem.as_dict() for problem in decided.problems]
    others = [problem.as_dict() for problem in unexpected(running, nodes, held)]
    return {**decided._asdict(), "problems": problems, "unexpected": others}


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"talos_contract": talos_contract}
