# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return how to reach a cluster without IPv6."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._ec2.home import ways
from ..module_utils._ec2.home.commands import Credentials

Record = Mapping[str, Any]


def session_ways(
    cluster: Record, reading: Record, *, talosconfig: str, kubeconfig: str, context: str, **places: str
) -> list[str]:
    """Return lines with commands through Session Manager."""
    credentials = Credentials(talosconfig, kubeconfig, context)
    return ways.session_ways(cluster, reading, credentials, ways.Places(**places))


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"session_ways": session_ways}
