# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until Talos nodes are in the expected stage, and print their states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils._errors import InputError, failure_of
from ..module_utils._options import check_numbers
from ..module_utils._ports import TALOS
from ..modules import talos_info
from ..plugin_utils._in_process import InProcess
from ..plugin_utils._talos_wait import (
    Clock,
    Request,
    time_out_message,
    wait_for,
)

ARGUMENT_SPEC = {
    "nodes": {"type": "list", "elements": "str", "required": True},
    "names": {"type": "dict", "default": {}},
    "port": {"type": "int", "default": TALOS},
    "stages": {
        "type": "list",
        "elements": "str",
        "default": ["running"],
        "choices": ["maintenance", "booting", "running"],
    },
    "talosconfig": {"type": "raw", "no_log": True},
    "talosconfig_context": {"type": "str"},
    "ready": {"type": "bool", "default": False},
    "ignored_conditions": {"type": "list", "elements": "str", "default": ["nodeReady"]},
    "timeout": {"type": "float", "default": 900},
    "interval": {"type": "float", "default": 5},
    "node_timeout": {"type": "float", "default": 5},
}


def request_of(options: Mapping[str, Any], *, once: bool) -> Request:
    """Return the conditions of the wait."""
    return Request(
        options["stages"],
        options["timeout"],
        options["interval"],
        options["names"],
        once=once,
        ready=options["ready"],
        ignored_conditions=options["ignored_conditions"],
    )


class ActionModule(InProcess):
    """Runs M(urmanac.talos.talos_info) where the task runs, until every node is in the expected stage."""

    MODULE = talos_info
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Wait, and return the last state of every node."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(ARGUMENT_SPEC)
        try:
            check_numbers(options)
        except InputError as error:
            raise AnsibleActionFail(str(error), result=failure_of(error)) from error
        request = request_of(options, once=bool(self._task.check_mode))
        display = Display()
        outcome = wait_for(
            lambda: self._look(options, task_vars),
            request,
            say=lambda line: display.display(f"  {line}"),
            clock=Clock(),
        )
        result |= {"changed": False, "nodes": outcome.nodes, "elapsed": round(outcome.elapsed, 1)}
        if not outcome.reached and not request.once:
            result |= {"failed": True, "msg": time_out_message(outcome, request)}
        return result

    def _look(self, options: Mapping[str, Any], task_vars: dict[str, Any] | None) -> Sequence[Mapping[str, Any]]:
        """Return the module's result; a failure of the module itself ends the wait."""
        answer = self._execute_module(
            module_name="urmanac.talos.talos_info",
            module_args={
                "nodes": options["nodes"],
                "port": options["port"],
                "talosconfig": options["talosconfig"],
                "talosconfig_context": options["talosconfig_context"],
                "timeout": options["node_timeout"],
            },
            task_vars=task_vars,
        )
        if answer.get("failed"):
            raise AnsibleActionFail(answer.get("msg", "urmanac.talos.talos_info failed"), result=answer)
        nodes: Sequence[Mapping[str, Any]] = answer["nodes"]
        return nodes
