# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until CozyStack is ready or known to be blocked, and print the progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils._errors import InputError, failure_of
from ..module_utils._files import write_file
from ..module_utils._options import check_numbers
from ..modules import cozystack_info
from ..plugin_utils._cozystack_wait import (
    Account,
    Clock,
    History,
    Listeners,
    Request,
    refusal,
    wait_for,
)
from ..plugin_utils._in_process import InProcess

ARGUMENT_SPEC = {
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "proxy": {"type": "str"},
    "expect": {"type": "str", "choices": ["ready", "blocked", "any"], "default": "ready"},
    "timeout": {"type": "float", "default": 3600},
    "interval": {"type": "float", "default": 10},
    "blocked_after": {"type": "float", "default": 900},
    "api_timeout": {"type": "float", "default": 30},
    "history": {"type": "path"},
    "unchanged": {"type": "bool", "default": False},
    # Checked by the module that it is for.
    "plan": {"type": "dict"},
}


def request_of(options: Mapping[str, Any], *, once: bool) -> Request:
    """Return the conditions of the wait."""
    waits = {name: options[name] for name in ("expect", "timeout", "interval", "blocked_after")}
    return Request(**waits, once=once, unchanged=options["unchanged"] and not once)


def read_history(path: str | None) -> History:
    """Return the history of earlier runs; a file with other content is replaced."""
    try:
        content = json.loads(Path(path or "").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("looks"), list) else {}


def write_history(path: str | None, history: History) -> None:
    """Write the history so far; a reader of the file sees all of it or the previous one."""
    if not path:
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, f"{json.dumps(history, indent=2)}\n".encode(), mode=0o644)


class ActionModule(InProcess):
    """Runs M(urmanac.talos.cozystack_info) where the task runs, until CozyStack is ready or blocked."""

    MODULE = cozystack_info
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Wait, and return the last result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(ARGUMENT_SPEC)
        try:
            check_numbers(options)
        except InputError as error:
            raise AnsibleActionFail(str(error), result=failure_of(error)) from error
        once = bool(self._task.check_mode)
        request = request_of(options, once=once)
        path = None if once else options["history"]
        display = Display()
        outcome = wait_for(
            lambda *, settled: self._look(options, task_vars, settled=settled),
            request,
            listeners=Listeners(
                lambda line: display.display(f"  {line}"), lambda history: write_history(path, history)
            ),
            clock=Clock(),
            history=read_history(path),
        )
        write_history(path, outcome.history)
        reported = {"outcome": outcome.state, "elapsed": round(outcome.elapsed, 1), "history": outcome.history["looks"]}
        problem = refusal(outcome, request)
        failure = {"failed": True, "msg": problem} if problem else {}
        return result | {"changed": False, "cozystack": dict(outcome.account)} | reported | failure

    def _look(self, options: Mapping[str, Any], task_vars: dict[str, Any] | None, *, settled: bool) -> Account:
        """Return the module's result; a failure of the module itself ends the wait."""
        answer: dict[str, Any] = self._execute_module(
            module_name="urmanac.talos.cozystack_info",
            module_args={
                **{name: options[name] for name in ("kubeconfig", "context", "proxy", "plan")},
                **{"timeout": options["api_timeout"], "patience": 0, "settled": settled},
            },
            task_vars=task_vars,
        )
        if answer.get("failed") or "releases" not in answer:
            raise AnsibleActionFail(answer.get("msg", "urmanac.talos.cozystack_info failed"), result=answer)
        return answer
