#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
short_description: Prevent concurrent runs from one cluster directory
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - Takes a lock that lasts as long as the process of C(ansible-playbook), over all its tasks and plays.
  - Fails while another run on the controller, or on another host with a shared file system, has the lock, and names
    the playbooks of that run.
  - The lock of a killed run does not have to be removed.
options:
  directory:
    description: Directory of the cluster, which contains the lock as C(.run.json). It is created if it does not exist.
    type: path
    required: true
attributes:
  check_mode:
    details:
      - Takes no lock in check mode, and does not fail.
"""

EXAMPLES = r"""
- name: Take the lock against concurrent runs
  urmanac.talos.run_lock:
    directory: ~/clusters/moon
"""

RETURN = r"""
problems:
  description: Why the run cannot start.
  returned: failure
  type: list
  elements: dict
  sample:
    - code: RUN_ACTIVE
      severity: error
      subject: /home/ada/.local/share/urmanac.talos/talos-arm64/eu-west-1/talos/.run.json
      message: another run (site.yml, process 42 on laptop, since 2026-12-24T18:00:00+00:00) is active on this cluster
      remedy: Wait until it has ended.
      evidence: {}
"""
