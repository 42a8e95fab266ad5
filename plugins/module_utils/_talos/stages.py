# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages of a cluster's nodes. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .console import silent_console_lines


class Stages(NamedTuple):
    """Addresses of nodes by stage, planned changes by the wanted state, and warnings."""

    waiting: list[str]
    configured: list[str]
    absent: list[str]
    lines: dict[str, list[str]]
    warnings: list[str]


def stages(answers: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Stages:
    """Return the stages from the result of M(urmanac.talos.talos_info); names are those of the nodes by address."""
    waiting = [node["node"] for node in answers if node.get("stage") == "maintenance"]
    configured = [node["node"] for node in answers if node.get("reachable") and node.get("stage") != "maintenance"]
    absent = [address for address in names if address not in (*waiting, *configured)]
    lines = {
        "present": [f"  talos: would configure {names[address]}" for address in (*absent, *waiting)],
        "absent": [f"  talos: would reset {names[address]}" for address in configured],
    }
    return Stages(waiting, configured, absent, lines, silent_console_lines(answers, names))
