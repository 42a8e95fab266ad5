# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handlers in botocore's sessions that append each call and its answer, redacted, to a file.

Headers and credentials are not among what the handlers are given, and nothing reaches the file unredacted.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

FILE, KEY = "URMANAC_RECORD_FILE", "URMANAC_RECORD_KEY"
_PARAMETERS = "urmanac_recorded_parameters"
_MODULE = "botocore.session"


class _Finder(importlib.abc.MetaPathFinder):
    """Finds botocore.session as Python does, and adds the handlers once it is loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != _MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                hook(module.Session)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Have every session of botocore record, also if botocore is imported already."""
    if _MODULE in sys.modules:
        hook(sys.modules[_MODULE].Session)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def hook(session: Any) -> None:
    """Add the handlers to all sessions that are made from now on."""
    if getattr(session, "_urmanac_recorded", False):
        return
    make = session.__init__

    def made(self: Any, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        self.register("before-parameter-build", _keep_parameters)
        self.register("after-call", _append)

    session.__init__, session._urmanac_recorded = made, True


def _keep_parameters(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_PARAMETERS] = dict(params)


def _append(parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
    if not os.environ.get(FILE):
        return
    from tests.aws.redaction import Redactor

    redactor = Redactor(os.environ[KEY].encode())
    line = json.dumps(redactor.call(model, context.get(_PARAMETERS, {}), parsed), sort_keys=True) + "\n"
    descriptor = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
