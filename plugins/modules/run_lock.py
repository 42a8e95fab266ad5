#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Refuse a second run on a cluster while one is under way
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - Holds a lock for as long as the process of C(ansible-playbook) lives, also over many tasks and plays.
  - Fails while another run on this machine, or one of another host on a shared file system, holds it, and names its
    playbooks.
  - A run that was killed leaves nothing to remove.
options:
  directory:
    description: Directory of the cluster, in which the lock is kept as C(.run.json). It is made if it does not exist.
    type: path
    required: true
attributes:
  check_mode:
    details:
      - Takes no lock in check mode and is not refused.
"""

EXAMPLES = r"""
- name: Refuse a second run at the same time
  urmanac.talos.run_lock:
    directory: ~/clusters/moon
"""

RETURN = r"""
"""
