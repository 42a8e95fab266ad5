# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the modules for Talos nodes share. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ansible.module_utils.basic import AnsibleModule

from ..._errors import CollectionError, InputError, TalosError, failure_of
from ..._libraries import require
from ..._options import check_numbers
from ..._ports import TALOS
from .access import Access, cluster_access, maintenance_access, read_talosconfig

_NODE_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "nodes": {"type": "list", "elements": "str", "required": True},
    "port": {"type": "int", "default": TALOS},
    "talosconfig": {"type": "raw", "no_log": True},
    "talosconfig_context": {"type": "str"},
    "timeout": {"type": "float", "default": 10},
}
# Long values are keys and certificates of a talosconfig; short ones are names, which stay readable.
_SECRET_LENGTH: Final = 40


def node_module(missing: ImportError | None, **options: Mapping[str, Any]) -> AnsibleModule:
    """Return a module for nodes with these options in addition to the common ones."""
    module = AnsibleModule(argument_spec=copy.deepcopy(_NODE_OPTIONS) | options, supports_check_mode=True)
    require(module, missing)
    try:
        check_numbers(module.params)
    except InputError as error:
        module.fail_json(**failure_of(error))
    # Censor the secrets of a talosconfig, but not the name of its context.
    module.no_log_values = {value for value in module.no_log_values if len(value) >= _SECRET_LENGTH}
    return module


def maintenance_way(params: Mapping[str, Any]) -> Access:
    """Return the access to nodes in maintenance mode."""
    return _patient(maintenance_access(), params)


def cluster_way(params: Mapping[str, Any]) -> Access:
    """Return the access to configured nodes."""
    if not params["talosconfig"]:
        raise InputError(
            "Failed to connect to configured nodes: the option talosconfig is not set.", code="INPUT_MISSING"
        )
    config = read_talosconfig(params["talosconfig"], params["talosconfig_context"])
    return _patient(cluster_access(config.credentials), params)


def _patient(access: Access, params: Mapping[str, Any]) -> Access:
    timeout = params["timeout"]
    return access._replace(port=params["port"], connect_timeout=timeout, call_timeout=timeout)


def failures(errors: Iterable[BaseException]) -> str:
    """Return the distinct messages of all failures."""
    return " ".join(dict.fromkeys(str(error) for error in errors))


def all_of(errors: Iterable[CollectionError]) -> TalosError:
    """Return one error for those of several nodes, with the findings of all."""
    each = list(errors)
    return TalosError(failures(each), problems=dict.fromkeys(problem for error in each for problem in error.problems))
