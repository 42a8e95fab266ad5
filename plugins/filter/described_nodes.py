# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the described nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._ec2.described_nodes import described_nodes as described


def described_nodes(cluster: Mapping[str, Any], data_disk: str = "") -> dict[str, Any]:
    """Return instance types and data disks of the nodes, with what they inherit from the cluster."""
    return described(cluster, data_disk)._asdict()


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"described_nodes": described_nodes}
