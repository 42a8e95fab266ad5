# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print lines as they are, where M(ansible.builtin.debug) would print them as quoted data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible import constants
from ansible.utils.display import Display

from ..module_utils._text import shown
from ..plugin_utils._local_action import LocalAction

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


class ActionModule(LocalAction):
    """Print lines."""

    ARGUMENTS: ClassVar[Mapping[str, Any]] = {
        "lines": {"type": "list", "elements": "str", "required": True},
        "changed": {"type": "bool", "default": False},
    }

    def act(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """Print the lines and return the given value of changed."""
        display = Display()
        for line in arguments["lines"]:
            display.display(shown(line), color=color_of(line))
        return {"changed": arguments["changed"]}
