# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the Tailscale status of a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._talos import tailscale


def tailscale_state(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status, with the reason if it is not known."""
    return tailscale.status_of(answer)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"tailscale_state": tailscale_state}
