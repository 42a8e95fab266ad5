# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide for which Talos release the configurations of a cluster are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._talos.contract import decide, unexpected


def talos_contract(versions: Mapping[str, str], *, recorded: str = "", wanted: str = "") -> dict[str, Any]:
    """Return the contract, the reason for it and its problems as plain data."""
    decided = decide(versions, recorded=recorded, wanted=wanted)
    return {**decided._asdict(), "problems": [problem.as_dict() for problem in decided.problems]}


class FilterModule:
    """The filters as Ansible finds them."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"talos_contract": talos_contract, "talos_unexpected_versions": unexpected}
