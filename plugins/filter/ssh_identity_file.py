# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the file that ssh logs in with, for a given public key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._ssh.keys import identity_file_of


class FilterModule:
    """The filter as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"ssh_identity_file": identity_file_of}
