#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_session_info
short_description: List the sessions of a cluster with their costs, and compare them
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
description:
  - Reads the journal that M(urmanac.talos.cluster_session) writes, and computes sums, averages, a projection, and the
    break-even against the power bill of a home lab. Calls no service.
  - Costs are hours of what readings found, multiplied by the prices that M(urmanac.talos.ec2_cost_info) ships. Not
    counted are tax, traffic and CPU credits.
  - With O(actual) it writes the actual costs of sessions into the journal.
options:
  directory:
    description: Directory of the journal, which need not exist.
    type: path
    required: true
  compare:
    description: Two sessions to compare, each by its id or its number.
    type: list
    elements: str
    default: []
  home_lab_power_per_month:
    description: What the power of a home lab costs a month, in US dollars.
    type: float
    default: 40.0
  per_hour:
    description: What an hour costs by the forecast, for a session of which neither a reading nor a forecast is known.
    type: float
  actual:
    description:
      - The value RV(urmanac.talos.ec2_cost_info#module:actual). The costs of each day are those of the sessions of that
        day, in proportion to what was calculated. Days are those of UTC.
      - Written for sessions that have ended and whose days are all included.
    type: dict
    default: {}
attributes:
  check_mode:
    details:
      - Writes no actual costs in check mode.
seealso:
  - module: urmanac.talos.cluster_session
  - module: urmanac.talos.ec2_cost_info
"""

EXAMPLES = r"""
- name: List the sessions
  urmanac.talos.cluster_session_info:
    directory: "{{ cluster_directory }}/sessions"
  register: journal

- name: Print them
  urmanac.talos.print_lines:
    lines: "{{ journal.lines }}"

- name: Compare the first two
  urmanac.talos.cluster_session_info:
    directory: "{{ cluster_directory }}/sessions"
    compare: ["1", "2"]
"""

RETURN = r"""
sessions:
  description: The sessions, the oldest first. A price that is not known makes the cost V(null).
  returned: success
  type: list
  elements: dict
  sample:
    - number: 1
      id: 2026-11-28T180512Z
      began: "2026-11-28T18:05:12Z"
      ended: "2026-11-28T20:26:12Z"
      hours: 2.35
      cost: 0.365
      forecast_per_hour: 0.155456
      actual: null
      billed: ""
      state: removed
      tried: "3 x t4g.medium; Talos v1.13.5"
      lab: false
      items: [{"what": "t4g.medium", "number": 3, "hours": 6.9, "cost": 0.25392}]
      ran: 3 x t4g.medium 6.90 h $0.25
totals:
  description: The sums over all sessions, and what AWS has billed for those of which that is known.
  returned: success
  type: dict
  sample:
    number: 1
    hours: 2.35
    cost: 0.365
    kept: 0
    unknown: 0
    paid: 0.36
    paid_for: 0.365
    paid_count: 1
    is_estimated: false
projection:
  description: The projection per month, and how many hours and sessions cost as much as the power of a home lab.
  returned: success
  type: dict
  sample: {"days": 1.0, "per_month": 11.1, "power": 40.0, "hours": 257.5, "sessions": 109.6, "hours_a_day": 8.5}
comparison:
  description: What the two sessions of O(compare) have in each respect.
  returned: success
  type: list
  elements: dict
  sample: [{"what": "Talos", "first": "v1.13.5", "second": "v1.14.0", "differs": true}]
problems:
  description: The files that cannot be read, in the form of preflight.
  returned: success
  type: list
  elements: dict
  sample: []
summary:
  description: Sums, averages, projection and break-even as lines of text.
  returned: success
  type: list
  elements: str
  sample: ["Average: 2.35 h and $0.36 a session"]
lines:
  description: Everything as lines of text.
  returned: success
  type: list
  elements: str
  sample: ["  1  2026-11-28T180512Z  2.35 h, $0.36, removed"]
"""
