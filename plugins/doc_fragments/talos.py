# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all modules for Talos nodes share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment of the Talos modules."""

    DOCUMENTATION = r"""
options:
  nodes:
    description: IPv4 addresses, IPv6 addresses or host names of the nodes.
    type: list
    elements: str
    required: true
  port:
    description: Port of the Talos API.
    type: int
    default: 50000
  talosconfig:
    description:
      - Credentials for configured nodes, as the path of a talosconfig on the host that runs the module, or as its content.
      - Without it the module can only connect to nodes in maintenance mode.
    type: raw
  talosconfig_context:
    description: Context of O(talosconfig). The default is its current context.
    type: str
  timeout:
    description: Timeout in seconds of the connection to each node, and of each call.
    type: float
    default: 10
requirements:
  - cryptography
  - grpclib
  - protobuf
  - PyYAML
"""
