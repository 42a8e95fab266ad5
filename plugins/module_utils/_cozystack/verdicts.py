# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What findings mean for an installation of CozyStack, predicted or observed. Private: may change at any time.

The forecast, the diagnosis of an installation and the report say the same thing with the same code.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._findings import Finding


def as_verdict(found: Finding) -> dict[str, Any]:
    """Return a finding as modules, reports and files hold it."""
    return found.as_dict("evidence", "blocks")


def is_blocked(verdicts: Iterable[Finding]) -> bool:
    """Return whether any of them keeps the installation from completing."""
    return any(verdict.blocks for verdict in verdicts)


def outcome(verdicts: Iterable[Finding]) -> str:
    """Return ready or blocked, the words that cozystack_expect takes."""
    return "blocked" if is_blocked(verdicts) else "ready"
