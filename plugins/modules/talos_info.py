#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the state of Talos nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_info
version_added: 0.1.0
short_description: Read the state of Talos nodes
description:
  - Connects to all nodes in parallel, and determines the stage of each from its certificate.
  - With O(talosconfig) it also reads the state and the contents of configured nodes.
  - Does not fail if a node is down, not ready or not Talos, but returns its state.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.talos
  - urmanac.talos.attributes.reads_only
options:
  gather:
    description:
      - What to read from nodes that accept the connection. Stage and version are always read.
      - If a node cannot return one of them, its value is null and RV(nodes[].missing) contains the reason.
    type: list
    elements: str
    choices: [services, members, extensions, cmdline, disks, addresses, etcd_members, oom_kills, tailscale]
    default: []
"""

EXAMPLES = r"""
- name: Read the state of the nodes
  urmanac.talos.talos_info:
    nodes:
      - 192.0.2.101
      - 192.0.2.102
  register: talos

- name: Print the nodes in maintenance mode
  ansible.builtin.debug:
    msg: "{{ talos.nodes | selectattr('stage', 'equalto', 'maintenance') | map(attribute='node') }}"
"""

RETURN = r"""
nodes:
  description: The state of each node, in the order of O(nodes).
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
        - V(running) when it has one and requires a client certificate. With O(talosconfig) it is the stage that the
          node reports, for example V(booting) as long as its etcd waits for the bootstrap.
        - It is null when no Talos API answered.
      type: str
      sample: maintenance
    error:
      description: Why the state could not be read, or null.
      type: str
      sample: connection refused
    cause:
      description:
        - Why a node refused the connection, as one word, or null.
        - V(other_authority) when the node belongs to another cluster, so that waiting does not help.
      type: str
      sample: other_authority
    certificate:
      description: The node's certificate, or null if it did not present one.
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
    ready:
      description: Whether the node meets all of Talos' own conditions; null if they were not read.
      type: bool
      sample: false
    unmet_conditions:
      description:
        - Conditions that are not met, with the reason.
        - V(nodeReady) is among them until a container network is up.
      type: dict
      sample:
        nodeReady: node "gateway" is not ready
    version:
      description: Version of Talos. Nodes report it in maintenance mode too, at least since v1.11.5.
      type: str
      sample: v1.13.6
    hostname:
      description: Name of the node.
      type: str
      sample: gateway
    services:
      description: Services with state and health.
      type: list
      elements: dict
      sample:
        - id: etcd
          state: Running
          healthy: true
          message: ""
    members:
      description: Members of the cluster, from Talos' discovery.
      type: list
      elements: dict
      sample:
        - id: gateway
          hostname: gateway
          machine_type: controlplane
          addresses: [192.0.2.101]
          operating_system: Talos (v1.13.6)
    extensions:
      description: System extensions in the image, with the version of each by its name.
      type: dict
      sample:
        tailscale: 1.90.0
    cmdline:
      description:
        - Kernel arguments with which the node booted. They are part of the image.
        - The EC2 console shows the output of Talos only if C(console=ttyS0) is one of them.
      type: str
      sample: >-
        talos.platform=metal console=ttyAMA0 console=tty0 init_on_alloc=1 slab_nomerge pti=on consoleblank=0
        nvme_core.io_timeout=4294967295 printk.devkmsg=on selinux=1 module.sig_enforce=1 proc_mem.force_override=never
    disks:
      description: Disks of the node.
      type: list
      elements: dict
      sample:
        - name: nvme0n1
          system_disk: true
          dev_path: /dev/nvme0n1
          size: 53687091200
    addresses:
      description: Addresses that the node has, with prefix lengths.
      type: list
      elements: str
      sample: [192.0.2.101/24]
    etcd_members:
      description: Members of etcd.
      type: list
      elements: dict
      sample:
        - id: 8e9e05c52164694d
          hostname: gateway
          peer_urls: ["https://192.0.2.101:2380"]
          client_urls: ["https://192.0.2.101:2379"]
          is_learner: false
    oom_kills:
      description:
        - The last 50 processes that Talos itself killed because memory ran out, since Talos v1.12.
        - Kubernetes shows such a pod with exit code 137 and without the word C(OOMKilled).
      type: list
      elements: dict
      sample:
        - id: "0"
          score: 83886080
          programs: [/vpa-updater]
    tailscale:
      description:
        - Whether the node is in a tailnet, from its extension, its service, the addresses of C(tailscale0) and the log.
        - C(state) is V(connected), V(waiting) or V(failed).
        - C(problem) is why it is not connected, a finding; V(null) if it is.
      type: dict
      sample:
        state: failed
        problem:
          code: TAILSCALE_LOGIN_REFUSED
          severity: error
          subject: node
          message: "invalid key: API key does not exist"
          remedy: Create an auth key in Tailscale's admin console (Settings, Keys).
          evidence: {}
        service: Running
        addresses: []
    missing:
      description: Why values of O(gather) could not be read.
      type: dict
      sample: {}
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._talos.api.errors import NodeError
from ..module_utils._talos.api.module import (
    cluster_way,
    maintenance_way,
    node_module,
)
from ..module_utils._talos.api.probe import Probe, probe_all

MISSING: ImportError | None = None
try:
    import cryptography  # noqa: F401  # pylint: disable=unused-import

    from ..module_utils._talos.api import client, machine
except ImportError as error:
    MISSING = error

GATHERED = (
    *("services", "members", "extensions", "cmdline", "disks", "addresses", "etcd_members", "oom_kills"),
    "tailscale",
)


def returned(probe: Probe) -> dict[str, Any]:
    """Return the state of a node in the module's form."""
    return {
        "node": probe.node,
        "reachable": probe.stage is not None,
        "stage": probe.stage,
        "error": probe.error,
        "cause": None,
        "certificate": probe.certificate and probe.certificate._asdict(),
        "ready": None,
        "unmet_conditions": {},
        "version": None,
        "hostname": None,
        **dict.fromkeys(GATHERED),
        "missing": {},
    }


async def reported(connection: client.NodeClient, gather: Sequence[str]) -> dict[str, Any]:
    """Return the data of the node; unavailable values are None, with the reason in missing."""
    answers: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name in ("stage", "version", "hostname", *gather):
        try:
            answers[name] = await getattr(machine, name)(connection)
        except NodeError as error:
            missing[name] = error.detail
    return flattened(answers) | {"missing": missing}


def flattened(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers under the keys that the module returns."""
    result = {name: value for name, value in answers.items() if name != "stage"}
    if "stage" in answers:
        stage = answers["stage"]
        result |= {"stage": stage.stage, "ready": stage.ready, "unmet_conditions": dict(stage.unmet)}
    return result


def refused(error: CollectionError | None) -> dict[str, Any]:
    """Return why a node refused the connection."""
    return {"error": str(error), "cause": error.cause.value if isinstance(error, NodeError) else None}


async def look(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the state of all nodes, with the data of those that accept the connection."""
    probes = await probe_all(params["nodes"], port=params["port"], timeout=params["timeout"])
    found = {probe.node: returned(probe) for probe in probes}
    ways = {"maintenance": maintenance_way(params) if params["gather"] else None}
    ways["running"] = cluster_way(params) if params["talosconfig"] else None
    for stage, way in ways.items():
        nodes = [probe.node for probe in probes if probe.stage == stage]
        if way is None or not nodes:
            continue
        for result in await client.run_on_nodes(nodes, lambda it: reported(it, params["gather"]), way):
            found[result.node] |= result.value or refused(result.error)
    return [found[probe.node] for probe in probes]


def main() -> None:
    """Run the module."""
    gather = {"type": "list", "elements": "str", "choices": list(GATHERED), "default": []}
    module = node_module(MISSING, gather=gather)
    try:
        nodes = asyncio.run(look(module.params))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, nodes=nodes)


if __name__ == "__main__":
    main()
