#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what Talos nodes are and how far they got."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_info
version_added: 0.1.0
short_description: Tell what Talos nodes are and how far they got
description:
  - Looks at every node from outside, many at once, and tells its stage by the certificate it shows.
  - Never fails on a node that is down, half up or not Talos at all; it tells what was seen instead.
author:
  - The urmanac.talos authors (@urmanac)
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would without changing anything.
    support: full
    details:
      - This module only reads.
  diff_mode:
    description: Returns details on what has changed, or would change, in C(diff) mode.
    support: none
  idempotent:
    description: A second run changes nothing.
    support: full
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
  timeout:
    description: Seconds that each node has to answer in.
    type: float
    default: 5
requirements:
  - cryptography
"""

EXAMPLES = r"""
- name: See which nodes wait for a configuration
  urmanac.talos.talos_info:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
  register: talos

- name: Show them
  ansible.builtin.debug:
    msg: "{{ talos.nodes | selectattr('stage', 'equalto', 'maintenance') | map(attribute='node') }}"
"""

RETURN = r"""
nodes:
  description: What was seen of each node, in the order asked for.
  returned: always
  type: list
  elements: dict
  contains:
    node:
      description: Address as given.
      type: str
      sample: 192.0.2.101
    reachable:
      description: Whether a Talos API answered.
      type: bool
      sample: true
    stage:
      description:
        - V(maintenance) when the node waits for a configuration.
        - V(running) when it has one and asks for a client certificate.
        - Nothing when no Talos API answered.
      type: str
      sample: maintenance
    error:
      description: Why nothing was seen, or nothing when all is well.
      type: str
      sample: connection refused
    certificate:
      description: What the node's certificate says, or nothing when none was shown.
      type: dict
      contains:
        common_name:
          description: Name in the certificate's subject.
          type: str
          sample: maintenance-service.talos.dev
        fingerprint:
          description: Pin of the public key, as C(talosctl --cert-fingerprint) takes it.
          type: str
          sample: Mh5lBxBYWJKjJSFnLZYjQsNfFmvBRxbuCDWHNQ2Vqts=
      sample:
        common_name: maintenance-service.talos.dev
        fingerprint: Mh5lBxBYWJKjJSFnLZYjQsNfFmvBRxbuCDWHNQ2Vqts=
"""

import asyncio
import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.urmanac.talos.plugins.module_utils._talos.probe import Probe, probe_all

CRYPTOGRAPHY_ERROR: str | None = None
try:
    import cryptography  # noqa: F401
except ImportError:
    CRYPTOGRAPHY_ERROR = traceback.format_exc()


def returned(probe: Probe) -> dict[str, Any]:
    """Return what was seen of a node as the module returns it."""
    return {
        "node": probe.node,
        "reachable": probe.stage is not None,
        "stage": probe.stage,
        "error": probe.error,
        "certificate": probe.certificate and probe.certificate._asdict(),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "nodes": {"type": "list", "elements": "str", "required": True},
            "port": {"type": "int", "default": 50000},
            "timeout": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    if CRYPTOGRAPHY_ERROR:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=CRYPTOGRAPHY_ERROR)
    options = module.params
    probes = asyncio.run(probe_all(options["nodes"], port=options["port"], timeout=options["timeout"]))
    module.exit_json(changed=False, nodes=[returned(probe) for probe in probes])


if __name__ == "__main__":
    main()
