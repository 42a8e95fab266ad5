# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules of this collection inside ansible-playbook, to save time.

Most of the collection's modules call AWS, Talos and Kubernetes over the network, and run on the controller. As separate
processes they spend most of their time starting Python and importing the same libraries again. Their action plugins
import them before Ansible forks the worker of the task, which then has everything in memory.
Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.loader import filter_loader, lookup_loader, test_loader

from ..module_utils._errors import CollectionError
from ._at_end import AtEnd
from ._workers import leave_out_parents_memory

try:  # ansible-core 2.19 and later name the encoding of arguments and results.
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    ENCODER: Any = AnsibleJSONEncoder
    PROFILE: tuple[str, ...] = ()
else:
    PROFILE = ("legacy",)
    ENCODER = get_module_encoder(*PROFILE, Direction.CONTROLLER_TO_MODULE)

leave_out_parents_memory()
# What the templates of the roles use. Loading one filter or test loads all of its collection. Otherwise the worker
# of each task that uses one compiles them again, and reads the documentation of a lookup again.
for _name in ("urmanac.talos.findings", "ansible.utils.ipaddr"):
    filter_loader.get(_name)
test_loader.get("defined")
for _name in ("env", "file", "first_found", "template"):
    lookup_loader.get(f"ansible.builtin.{_name}", class_only=True)


def printed_by(module: ModuleType, arguments: Mapping[str, Any]) -> str:
    """Return the result that a module prints with these arguments."""
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=ENCODER).encode()
    if PROFILE:
        basic._ANSIBLE_PROFILE = PROFILE[0]
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            module.main()
    except SystemExit:
        return output.getvalue()
    except Exception as error:
        failure = {"failed": True, "msg": f"{type(error).__name__}: {error}", "exception": traceback.format_exc()}
        return json.dumps(failure)
    return json.dumps({"failed": True, "msg": f"{module.__name__} ended without a result"})


def run_again(module: ModuleType, arguments: Mapping[str, Any], consequence: str) -> None:
    """Run a module at the end of ansible-playbook; a failure is reported with its consequence."""
    result = json.loads(printed_by(module, arguments))
    if result.get("failed"):
        raise CollectionError(consequence.format(result["msg"]))


class InProcess(ActionBase):  # type: ignore[misc]
    """Runs C(MODULE) in the worker of its task if that is equivalent; otherwise Ansible runs it as any module.

    Ansible prepares the arguments and reads the result itself, which differs between its versions. Only the steps
    between, the building of a program and its start, are replaced.
    """

    MODULE: ModuleType
    _is_here = False
    _arguments: Mapping[str, Any]

    def _execute_module(self, *positional: Any, task_vars: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
        """Run the module and return its result."""
        self._is_here = not how.get("wrap_async") and self._may_run_here(task_vars or {})
        result: dict[str, Any] = super()._execute_module(*positional, task_vars=task_vars, **how)
        return result

    def _may_run_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Return whether the module would run on the controller, with the same user, Python and environment."""
        python = self._templar.template(task_vars.get("ansible_python_interpreter", ""))
        return (
            self._connection.transport == "local"
            and python == sys.executable
            and not self._task.async_val
            and not self._play_context.become
            and not any(self._task.environment or [])
            # With ANSIBLE_KEEP_REMOTE_FILES the user wants to inspect the module's files.
            and not constants.DEFAULT_KEEP_REMOTE_FILES
        )

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        return self._is_here or bool(super()._is_pipelining_enabled(module_style, wrap_async))

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: Any = None) -> Any:
        """Return an empty program instead of the module's, in the form of this version of Ansible."""
        if not self._is_here:
            return super()._configure_module(module_name, module_args, task_vars)
        self._arguments = module_args
        style, shebang, program, path = "new", f"#!{sys.executable}", b"", str(self.MODULE.__file__)
        if not PROFILE:
            return style, shebang, program, path
        built = {"module_style": style, "shebang": shebang, "b_module_data": program}
        return module_common._BuiltModule(**built, serialization_profile=PROFILE[0]), path

    def _low_level_execute_command(self, *positional: Any, **how: Any) -> dict[str, Any]:
        """Return the module's output as if it came from a process."""
        if not self._is_here:
            answer: dict[str, Any] = super()._low_level_execute_command(*positional, **how)
            return answer
        output = printed_by(self.MODULE, self._arguments)
        return {"rc": 0, "stdout": output, "stdout_lines": output.splitlines(), "stderr": "", "stderr_lines": []}


class InProcessAction(InProcess, NormalAction):  # type: ignore[misc]
    """Action plugin that only runs its module."""

    def note_for_end(self, end: AtEnd, result: Mapping[str, Any], **more: Any) -> None:
        """Note the arguments of a task that succeeded, and more, for the end of ansible-playbook; not in check mode."""
        if result.get("failed") or self._task.check_mode:
            return
        # If the module ran in its own process, this one must configure itself from the task.
        arguments = self._arguments if self._is_here else self._task.args
        end.note(json.dumps({"arguments": dict(arguments), **more}, cls=ENCODER))
