# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the modules for the Kubernetes API share. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from .._options import check_numbers

if TYPE_CHECKING:
    from .client import KubernetesApi

_API_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "proxy": {"type": "str"},
    "timeout": {"type": "float", "default": 30},
    "patience": {"type": "float", "default": 60},
}


def api_options(**more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the argument specification of a module for a Kubernetes API."""
    return copy.deepcopy(_API_OPTIONS) | {name: dict(option) for name, option in more.items()}


def api_of(params: Mapping[str, Any]) -> KubernetesApi:
    """Return the API of a module's options; raise InputError for its numbers, ImportError if a library is missing."""
    check_numbers(params)
    from . import client

    access = client.Access(*(params[name] for name in ("kubeconfig", "context", "proxy", "timeout")))
    return client.connect(access, patience=params["patience"])
