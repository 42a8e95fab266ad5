# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return a public SSH key from a text or from the file that it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._ssh.keys import public_key_of


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"ssh_public_key": public_key_of}
