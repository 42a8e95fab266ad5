#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report_phase
short_description: Record when a phase of a playbook begins
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - Adds a phase to the fact C(cluster_phases).
  - The role P(urmanac.talos.report#role) computes from it how long each phase took.
  - With O(journal) it writes the phase into the open session of the journal. If there is none, the phases network,
    bastion and nodes begin one. A journal that cannot be written is a warning.
options:
  name:
    description: The name under which the report lists the phase.
    type: str
    required: true
  journal:
    description: Directory of the journal of sessions, which M(urmanac.talos.cluster_session) describes.
    type: path
attributes:
  check_mode:
    details:
      - Records the phase in check mode as well, but writes nothing into the journal.
"""

EXAMPLES = r"""
- name: Build the network
  hosts: localhost
  gather_facts: false
  pre_tasks:
    - name: Record the start of the phase
      urmanac.talos.report_phase:
        name: network
  roles:
    - role: urmanac.talos.network
"""

RETURN = r"""
ansible_facts:
  description: The phases that have begun so far.
  returned: always
  type: dict
  contains:
    cluster_phases:
      description: One entry per phase, in the order in which they began.
      returned: always
      type: list
      elements: dict
      sample:
        - name: network
          started: 1764000000.25
"""
