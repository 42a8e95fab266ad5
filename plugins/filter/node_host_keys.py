# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the SSH host keys that the instances of nodes printed on their consoles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def node_host_keys(names: Iterable[str], resources: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the instance id and the preferred key of each node that has one, by the node's name."""
    instances = {name: resources.get(f"instance/{name}") or {} for name in names}
    keys = {name: (found.get("have") or {}).get("host_keys") or [] for name, found in instances.items()}
    return {name: {"id": instances[name]["id"], "key": found[0]} for name, found in keys.items() if found}


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"node_host_keys": node_host_keys}
