# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The behaviour of modules in check mode, in diff mode and on a second run; modules document differences."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules: of those that change something, and of those that only read."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return what it would do without changing anything.
    support: full
  diff_mode:
    description: Returns what it changed, or would change, when run with C(--diff).
    support: full
  idempotent:
    description: Running it again with the same options changes nothing.
    support: full
"""

    READS_ONLY = r"""
attributes:
  check_mode:
    description: Can run in check mode and return what it would do without changing anything.
    support: full
    details:
      - This module only reads.
  diff_mode:
    description: Returns what it changed, or would change, when run with C(--diff).
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    description: Running it again with the same options changes nothing.
    support: full
"""
