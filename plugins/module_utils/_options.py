# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that options of modules take. Private to urmanac.talos: may change at any time.

Ansible checks that an option is a number, and not which. Options of the same name mean the same in all modules.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ._errors import InputError
from ._findings import Finding, finding, sentences

_PORT_MAX = 65535
# Something is done at least once, and a program that waits pauses.
_POSITIVE = frozenset(
    {
        *("timeout", "api_timeout", "node_timeout", "settle_timeout", "snapshot_timeout", "upgrade_timeout"),
        *("wait_timeout", "interval", "attempts", "rounds", "volume_size", "nodes_max", "pods_per_node"),
    }
)
_FROM_ZERO = frozenset(
    {
        *("patience", "grace", "blocked_after", "renew_before", "actual_days"),
        *("cost_per_hour_max", "per_hour", "per_month", "home_lab_power_per_month"),
    }
)


def check_numbers(options: Mapping[str, Any]) -> None:
    """Raise InputError with every number of a module's options that cannot be meant."""
    wrong = [found for name, value in options.items() if value is not None for found in _wrong(name, value)]
    if wrong:
        causes = " ".join(sentences(one, "subject") for one in wrong)
        raise InputError(f"Failed to use the options: {causes}", problems=wrong)


def _wrong(name: str, value: Any) -> Iterator[Finding]:
    limits = ""
    if name == "port":
        limits = "" if 1 <= value <= _PORT_MAX else f"from 1 to {_PORT_MAX}"
    elif name in _POSITIVE:
        limits = "" if 0 < value < math.inf else "greater than 0"
    elif name in _FROM_ZERO:
        limits = "" if 0 <= value < math.inf else "0 or greater"
    if limits:
        yield finding("INPUT_INVALID", name, f"{value:g} is not a number {limits}", f"Set {name} to a number {limits}.")
