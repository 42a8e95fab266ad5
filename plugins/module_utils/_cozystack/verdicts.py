# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about an installation of CozyStack, predicted or observed. Private: may change at any time.

The forecast, the diagnosis of an installation and the report use the same codes.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._findings import Finding


def is_blocked(verdicts: Iterable[Finding]) -> bool:
    """Return whether any of them blocks the installation."""
    return any(verdict.blocks for verdict in verdicts)


def outcome(verdicts: Iterable[Finding]) -> str:
    """Return ready or blocked, the values of cozystack_expect."""
    return "blocked" if is_blocked(verdicts) else "ready"
