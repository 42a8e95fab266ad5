# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules for Talos nodes share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments of the Talos modules."""

    DOCUMENTATION = r"""
options:
  nodes:
    description: Addresses of the nodes; IPv4, IPv6 or names.
    type: list
    elements: str
    required: true
  port:
    description: Port of the Talos API.
    type: int
    default: 50000
  talosconfig:
    description:
      - Credentials for configured nodes, as the path of a talosconfig where the module runs, or as its content.
      - Without it the module can only connect to nodes in maintenance mode.
    type: raw
  talosconfig_context:
    description: Context of O(talosconfig); its current one where this is not set.
    type: str
  timeout:
    description: Seconds that each node has to let us in, and to answer a call in.
    type: float
    default: 10
requirements:
  - cryptography
  - grpclib
  - protobuf
  - PyYAML
"""
