# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules do in check mode, in diff mode, on a second run, and on a failure; modules document differences."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules: of those that change something, and of those that only read."""

    DOCUMENTATION = r"""
notes:
  - >-
    If the module fails, it returns C(problems), a list of findings.
    L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
    describes the form of a finding, which is the same in all results, and explains each code.
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
notes:
  - >-
    If the module fails, it returns C(problems), a list of findings.
    L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
    describes the form of a finding, which is the same in all results, and explains each code.
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
