#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: print_lines
short_description: Print lines of text
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - Prints a plan or a report on the screen, line by line.
  - M(ansible.builtin.debug) would print the same lines as quoted data.
options:
  lines:
    description: The lines to print. A line that begins with C(+), C(-), C(~) or C(?) is coloured like a diff.
    type: list
    elements: str
    required: true
  changed:
    description: Whether the task counts as changed, for a plan with changes.
    type: bool
    default: false
attributes:
  check_mode:
    details:
      - Prints in check mode as well.
seealso:
  - module: ansible.builtin.debug
"""

EXAMPLES = r"""
- name: Read the cluster state
  urmanac.talos.ec2_cluster_info:
    cluster: "{{ cluster_spec }}"
  register: __cluster

- name: Print the plan
  urmanac.talos.print_lines:
    lines: "{{ __cluster.plan }}"
    changed: "{{ __cluster.summary.missing + __cluster.summary.differs > 0 }}"
"""

RETURN = r"""
# Only the values that every module returns.
"""
