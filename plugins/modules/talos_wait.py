#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_wait
version_added: 0.1.0
short_description: Wait until Talos nodes reach the wanted stages
description:
  - Reads all nodes repeatedly until each is in one of the wanted stages.
  - Prints a line whenever something changes, and a summary about every 15 seconds when nothing does.
  - After the time-out it fails and reports what was last seen of each node.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
attributes:
  action:
    description: Runs on the controller, and M(urmanac.talos.talos_info) where the task runs.
    support: full
  check_mode:
    details:
      - In check mode it looks once and does not fail, because the nodes may not exist yet.
options:
  nodes:
    description: Addresses of the nodes.
    type: list
    elements: str
    required: true
  names:
    description: What progress lines call the nodes, by address; the address alone where a node has no name here.
    type: dict
    default: {}
  port:
    description: Port of the Talos API.
    type: int
    default: 50000
  stages:
    description:
      - Stages of which each node has to be in one.
      - V(booting) differs from V(running) only with O(talosconfig); control planes stay there until the bootstrap.
    type: list
    elements: str
    choices: [maintenance, booting, running]
    default: [running]
  talosconfig:
    description: Credentials, as a path where the task runs or as content; with them, configured nodes are asked.
    type: raw
  talosconfig_context:
    description: Context of O(talosconfig); its current one where this is not set.
    type: str
  ready:
    description: Whether nodes must also meet Talos' own conditions. It needs O(talosconfig).
    type: bool
    default: false
  ignored_conditions:
    description:
      - Conditions that do not count for O(ready).
      - V(nodeReady) is one by default, because it waits for a container network that may be installed later.
    type: list
    elements: str
    default: [nodeReady]
  timeout:
    description: Seconds to wait in all.
    type: float
    default: 900
  interval:
    description: Seconds between two looks.
    type: float
    default: 5
  node_timeout:
    description: Seconds that one node has to answer in at each look.
    type: float
    default: 5
requirements:
  - cryptography
"""

EXAMPLES = r"""
- name: Wait until the nodes are in maintenance mode
  urmanac.talos.talos_wait:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
    names:
      192.0.2.101: gateway
      192.0.2.102: compute-2
    stages: [maintenance]
    timeout: 600
"""

RETURN = r"""
nodes:
  description: What was last seen of each node; see M(urmanac.talos.talos_info) for its keys.
  returned: always
  type: list
  elements: dict
  sample:
    - node: 192.0.2.101
      reachable: true
      stage: maintenance
      error: null
      certificate:
        common_name: maintenance-service.talos.dev
        fingerprint: Mh5lBxBYWJKjJSFnLZYjQsNfFmvBRxbuCDWHNQ2Vqts=
elapsed:
  description: Seconds that the wait took.
  returned: always
  type: float
  sample: 84.2
"""
