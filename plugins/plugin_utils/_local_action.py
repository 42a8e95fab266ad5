# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugins without a module. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ._workers import leave_out_parents_memory

leave_out_parents_memory()


class LocalAction(ActionBase):
    """Runs inside ansible-playbook: no process is started and nothing reaches the host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    ARGUMENTS: ClassVar[Mapping[str, Any]]

    def __init_subclass__(cls) -> None:
        """Accept only the plugin's own arguments."""
        cls._VALID_ARGS = frozenset(cls.ARGUMENTS)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Validate the arguments and return the plugin's result."""
        _unused, arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        return {**result, "changed": False, **self.act(arguments, task_vars or {})}

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do the work; return the task's result without changed, which is false."""
        raise NotImplementedError
