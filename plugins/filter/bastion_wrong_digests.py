# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the malformed SHA-256 values in a bastion's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils._bastion.images import wrong_digests


def bastion_wrong_digests(
    images: Mapping[str, str], files: Mapping[str, Mapping[str, Any]], archive: str = ""
) -> list[str]:
    """Return each digest that is not 64 hexadecimal digits."""
    return wrong_digests(images, files, archive)


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"bastion_wrong_digests": bastion_wrong_digests}
