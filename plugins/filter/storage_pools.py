# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the disks that LINSTOR gets on each node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._cozystack.install import storage_pools as pools
from ..module_utils._errors import InputError


def storage_pools(resources: Any, **options: Any) -> list[dict[str, Any]]:
    """Return the configurations of LINSTOR's satellites."""
    try:
        return pools.storage_pools(resources, **options)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"storage_pools": storage_pools}
