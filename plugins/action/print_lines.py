# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print lines as they are, where M(ansible.builtin.debug) would print them as quoted data."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._text import shown

ARGUMENTS = {
    "lines": {"type": "list", "elements": "str", "required": True},
    "changed": {"type": "bool", "default": False},
}
COLORS = {
    "+": constants.COLOR_DIFF_ADD,
    "-": constants.COLOR_DIFF_REMOVE,
    "~": constants.COLOR_CHANGED,
    "?": constants.COLOR_WARN,
}


def color_of(line: str) -> str | None:
    """Return the colour of a line of a plan, by the sign it starts with."""
    text = line.lstrip()
    return COLORS.get(text[0]) if text[1:2] == " " else None


class ActionModule(ActionBase):
    """Runs inside ansible-playbook: no process is started and nothing reaches the host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(ARGUMENTS)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print the lines and report what the user said about the change."""
        _unused, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        display = Display()
        for line in arguments["lines"]:
            display.display(shown(line), color=color_of(line))
        return {**result, "changed": arguments["changed"]}
