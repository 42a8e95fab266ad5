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
  - After the timeout it fails and reports the last state of each node.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
attributes:
  action:
    description: Runs on the controller; M(urmanac.talos.talos_info) runs on the task's host.
    support: full
  check_mode:
    details:
      - In check mode it reads once and does not fail, because the nodes may not exist yet.
options:
  nodes:
    description: Addresses of the nodes.
    type: list
    elements: str
    required: true
  names:
    description: Names of the nodes in progress lines, by address. Other nodes are shown with their address.
    type: dict
    default: {}
  port:
    description: Port of the Talos API.
    type: int
    default: 50000
  stages:
    description:
      - Accepted stages of each node.
      - V(booting) differs from V(running) only with O(talosconfig); control planes stay there until the bootstrap.
    type: list
    elements: str
    choices: [maintenance, booting, running]
    default: [running]
  talosconfig:
    description: Credentials for configured nodes, as a path on the task's host or as content.
    type: raw
  talosconfig_context:
    description: Context of O(talosconfig). By default, its current one.
    type: str
  ready:
    description: Whether nodes must also meet Talos' own conditions. It needs O(talosconfig).
    type: bool
    default: false
  ignored_conditions:
    description:
      - Conditions that do not count for O(ready).
      - By default V(nodeReady), because it waits for a CNI that may be installed later.
    type: list
    elements: str
    default: [nodeReady]
  timeout:
    description: Maximum duration of the wait in seconds.
    type: float
    default: 900
  interval:
    description: Seconds between two readings.
    type: float
    default: 5
  node_timeout:
    description: Timeout of each node in each reading, in seconds.
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
  description: Last state of each node; see M(urmanac.talos.talos_info) for its keys.
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
  description: Duration of the wait in seconds.
  returned: always
  type: float
  sample: 84.2
"""
