# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of roles, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.urmanac.talos.plugins.module_utils._findings import Finding
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.checks import Surroundings
from ansible_collections.urmanac.talos.plugins.plugin_utils._variables.validation import (
    Given,
    Validation,
    read_options,
    role_names,
    validate_variables,
)

NOW = Surroundings(datetime(2026, 11, 29, 12, tzinfo=UTC), frozenset({"gateway", "router"}))
NODE = {"name": "gateway", "role": "gateway", "machine_type": "controlplane", "ipv4": "10.10.0.101"}
OPTIONS = read_options()


def judged(written: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None, **how: Any) -> Validation:
    """Return what is wrong with variables whose values are as they are written."""
    given = Given(written, defaults or {}, lambda name: {**(defaults or {}), **written}[name])
    options = {name: option for name, option in OPTIONS.items() if name in {*written, *(defaults or {})}}
    return validate_variables(options or OPTIONS, given, NOW, roles=role_names(), **how)


def problems(name: str, value: Any) -> list[Finding]:
    return list(judged({name: value}).problems)
