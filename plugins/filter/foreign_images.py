# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return a finding for each image that is not built for the nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..module_utils._cozystack.catalog.inquiry import foreign


def foreign_images(images: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the findings."""
    return [found.as_dict() for found in foreign(images)]


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"foreign_images": foreign_images}
