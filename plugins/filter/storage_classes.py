# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the storage classes of LINSTOR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._cozystack.install.storage_classes import storage_classes


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"storage_classes": storage_classes}
