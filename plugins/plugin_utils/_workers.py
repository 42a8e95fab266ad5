# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save time in the workers of Ansible.

Ansible forks a worker for each task. The worker shares the memory of its parent until it writes to it, and the garbage
collector writes to every object that it looks at: each worker copied much of the parent's memory, to find no garbage in
it. So a worker leaves out what it has from its parent. What it makes itself is still collected.
Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import gc
import os
from functools import cache


@cache
def leave_out_parents_memory() -> None:
    """Let every worker that is forked from now on leave out the objects of its parent from garbage collection."""
    os.register_at_fork(after_in_child=gc.freeze)
