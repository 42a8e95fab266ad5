#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecast whether CozyStack will run on planned nodes and what will block it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_forecast
short_description: Forecast what will block CozyStack on planned nodes
version_added: 0.1.0
description:
  - Places the pods of a profile of CozyStack on nodes of the given sizes, one after the other as the Kubernetes
    scheduler would. Returns which resource runs out first, on which node, and the smallest change with which
    everything fits.
  - Also returns what cannot work on nodes of any size, such as images for another architecture.
  - What pods request is shipped with the collection, including those that operators make at run time. Many pods
    request little memory and use much, so the result also has the measured use, and the use that the documentation
    names.
  - Calls no API and changes nothing. It does not fail because of what it forecasts.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
options:
  nodes:
    description:
      - The nodes, such as the variable C(cluster_nodes) of the role P(urmanac.talos.cluster#role) has them.
      - Of each are read C(name), C(machine_type) (V(controlplane) by default, or V(worker)), C(instance_type) and
        C(volume_size). Everything else is left alone.
    type: list
    elements: dict
    required: true
  instance_type:
    description: The instance type of nodes that name none.
    type: str
    default: t4g.medium
  volume_size:
    description: The size in GiB of the root volume of nodes that name none.
    type: int
    default: 50
  instance_types:
    description:
      - The sizes of instance types as RV(urmanac.talos.ec2_preflight_info#module:instance_types) has them.
      - They take precedence over the table that the collection ships, which has the types of the family T4g.
    type: dict
    default: {}
  profile:
    description: How much of the platform is to be installed.
    type: str
    choices: [full, novirt, core, slim]
    default: full
  disabled_packages:
    description: Packages to leave out in addition to those of the profile, such as V(cozystack.goldpinger).
    type: list
    elements: str
    default: []
  enabled_packages:
    description: Packages to install although the profile leaves them out.
    type: list
    elements: str
    default: []
  metallb_enabled:
    description: Whether MetalLB is installed, as O(urmanac.talos.cozystack_install#module:metallb_enabled) says.
    type: bool
    default: false
  version:
    description: The release of CozyStack.
    type: str
    default: v1.6.2
  offered_types:
    description:
      - The instance types that the availability zone offers, as
        RV(urmanac.talos.ec2_preflight_info#module:offered_types) has them. No other is proposed.
      - Empty if they are not known; then every type of the shipped table is.
    type: list
    elements: str
    default: []
  nodes_max:
    description: How many nodes there may be; no change to more of them is proposed.
    type: int
  cost_per_hour_max:
    description: How many dollars an hour the machines of all nodes may cost; no change to dearer ones is proposed.
    type: float
  region:
    description: The region whose shipped prices are used. A type without a price there is proposed without one.
    type: str
    default: eu-west-1
  images_arm64:
    description:
      - Whether the images to be used are built for arm64; the released ones are not.
      - >-
        A build that lacks some is a mapping of images to true or false, in which V(others) stands for all that it does
        not name, such as V({others: true, grafana-dashboards: false}).
    type: raw
    default: false
  data_disk:
    description: Whether every node has a second disk, for LINSTOR.
    type: bool
    default: false
  schedulable_control_planes:
    description: Whether pods may run on control planes.
    type: bool
    default: true
  pods_per_node:
    description: How many pods a kubelet takes; the collection's machine configurations raise it to the default.
    type: int
    default: 512
seealso:
  - module: urmanac.talos.ec2_preflight_info
  - name: Hardware requirements of CozyStack
    description: What the documentation asks a host to have.
    link: https://cozystack.io/docs/v1.6/install/hardware-requirements/
"""

EXAMPLES = r"""
- name: Make the forecast for the whole platform on three small nodes
  urmanac.talos.cozystack_forecast:
    nodes:
      - name: gateway
      - name: compute-2
      - name: compute-3
    instance_type: t4g.medium
  register: forecast

- name: Show it
  urmanac.talos.print_lines:
    lines: "{{ forecast.lines }}"

- name: Fail if the installation cannot be completed
  ansible.builtin.assert:
    that: forecast.outcome == 'ready'
    fail_msg: "{{ forecast.verdicts | selectattr('blocks') | map(attribute='message') | join(' ') }}"
"""

RETURN = r"""
outcome:
  description: V(ready) if nothing keeps the installation from completing, otherwise V(blocked).
  returned: success
  type: str
  sample: blocked
fits:
  description: Whether RV(verdict) is V(fits).
  returned: success
  type: bool
  sample: false
verdict:
  description:
    - V(fits) if every pod finds a node and every node has the memory that its pods use.
    - V(schedules but will run out of memory) if every pod finds a node by its requests, and then more is used than
      there is.
    - V(does not fit) if a pod finds no node, or a node is no Graviton. V(unknown) if the size of a node is not known.
  returned: success
  type: str
  sample: does not fit
codes:
  description: The codes of RV(verdicts), each once.
  returned: success
  type: list
  elements: str
  sample: [ARCH_UNSUPPORTED_IMAGES, INSUFFICIENT_CPU, INSUFFICIENT_MEMORY]
verdicts:
  description: What will block or limit the installation, blocking causes first.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description:
        - What it is. The diagnosis of an installation and the report use the same codes.
        - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
          explains each.
      type: str
      returned: success
      sample: INSUFFICIENT_MEMORY
    subject:
      description: What it is about.
      type: str
      returned: success
      sample: node compute-2
    message:
      description: What is wrong.
      type: str
      returned: success
      sample: "With profile novirt, 11 of 122 pods find too little memory, the first cozy-dashboard-console-1 of
        cozystack-engine: 10.8 GiB requested, 9.3 GiB there."
    remedy:
      description: What to do about it.
      type: str
      returned: success
      sample: Take 4 x t4g.medium ($0.1472 an hour for the machines, $0.0368 more), or profile slim.
    evidence:
      description: The figures behind it; millicores, MiB or pods.
      type: dict
      returned: success
      sample: {"profile": "novirt", "pending": 11, "pods": 122, "need": 11031, "have": 9528, "deficit": 1503}
    blocks:
      description: Whether the installation cannot complete with it.
      type: bool
      returned: success
      sample: true
first:
  description: The first pod that finds no node, what it lacks and where; V(null) if all find one.
  returned: success
  type: dict
  sample:
    code: INSUFFICIENT_MEMORY
    node: compute-2
    nodes: [compute-2, compute-3]
    pod: cozy-dashboard-console-1
    package: cozystack-engine
requested:
  description: What is to be installed, and what its pods request; millicores and MiB.
  returned: success
  type: dict
  sample: {"packages": 63, "releases": 74, "pods": 122, "pending": 11, "cpu": 6195, "memory": 11031}
nodes:
  description:
    - What every node offers to pods and what was placed on it; millicores and MiB.
    - C(memory_used) is what these pods are expected to use, measured where upstream measured them.
  returned: success
  type: list
  elements: dict
  sample:
    - name: compute-2
      instance_type: t4g.medium
      machine_type: controlplane
      allocatable: {"cpu": 1950, "memory": 3176, "pods": 512}
      requested: {"cpu": 1320, "memory": 3160, "pods": 30}
      memory_used: 4210
nearest:
  description: The cheapest change with which everything fits if O(nodes_max) and O(cost_per_hour_max) are raised.
  returned: success, V(null) if it fits or if RV(changes) has something
  type: dict
  sample:
    instance_type: t4g.xlarge
    nodes: 3
    more_nodes: 2
    per_hour: 0.4416
    more_per_hour: 0.4048
    volume_size: null
changes:
  description:
    - The cheapest changes with which everything fits, another type for all nodes or more nodes; empty if it fits.
    - They keep O(nodes_max), O(cost_per_hour_max), O(offered_types) and what the documentation says is used.
    - Prices are dollars an hour for the machines alone, V(null) if they are not known.
    - C(volume_size) is the size in GiB of the disks that the nodes need as well, V(null) if theirs are large enough.
  returned: success
  type: list
  elements: dict
  sample:
    - instance_type: t4g.medium
      nodes: 4
      more_nodes: 1
      per_hour: 0.1472
      more_per_hour: 0.0368
      volume_size: null
fitting_profiles:
  description: >-
    The profiles that fit on these nodes as they are, the largest first; none where a node is smaller than what the
    documentation says is in use.
  returned: success
  type: list
  elements: str
  sample: [slim]
documented:
  description: What the documentation says that the system's parts use of every node, and what it asks nodes to have.
  returned: success
  type: dict
  sample:
    use_per_node: {"cpu": 2000, "memory": 6144}
    least_per_node: {"vcpus": 8, "memory": 24576, "disk_gib": 50, "data_disk_gib": 256}
data:
  description: Which version of CozyStack the shipped requests are of, and where they come from.
  returned: success
  type: dict
  sample:
    version: v1.6.2
    source: https://github.com/cozystack/cozystack, variant isp-full, charts rendered with helm
    measured: "cozystack/cozystack at c9ba7a3cc: peaks of the working set in 14 days on a cluster of three nodes"
prices:
  description: What the nodes cost an hour, and where and when the prices were taken.
  returned: success
  type: dict
  sample:
    region: eu-west-1
    source: AWS, on demand, Linux, as in github.com/skypilot-org/skypilot-catalog at 00148f2af367
    date: "2026-11-22"
    per_hour: 0.1104
lines:
  description: The forecast as lines of text.
  returned: success
  type: list
  elements: str
  sample: ["CozyStack v1.6.2, profile novirt: does not fit 3 nodes"]
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._cozystack.catalog.built import read_built
from ..module_utils._cozystack.catalog.packages import PROFILES, unknown
from ..module_utils._cozystack.forecast.fit import Machine, Request
from ..module_utils._cozystack.forecast.outlook import look_ahead, result
from ..module_utils._ec2.instance_types import SIZES, Size, misspelt, size_of
from ..module_utils._ec2.prices import PRICES_REGION
from ..module_utils._errors import CollectionError, InputError

MACHINE_TYPES = ("controlplane", "worker")


_SAME = ("version", "data_disk", "schedulable_control_planes", "pods_per_node", "nodes_max")


def forecast(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns."""
    request = read_request(params)
    return result(look_ahead(request, read_sizes(request, params["instance_types"])))


def read_request(params: Mapping[str, Any]) -> Request:
    """Return what is to be installed on which nodes."""
    strange = unknown(params["disabled_packages"], params["version"])
    if strange:
        raise InputError(f"Failed to read disabled_packages: no package is called {', '.join(strange)}.")
    if not params["nodes"]:
        raise InputError("Failed to read nodes: there is none. Name at least one.")
    return Request(
        machines=tuple(read_machine(node, params) for node in params["nodes"]),
        profile=params["profile"],
        disabled=tuple(params["disabled_packages"]),
        enabled=tuple(params["enabled_packages"]),
        metallb=params["metallb_enabled"],
        offered=tuple(params["offered_types"]),
        built=read_built(params["images_arm64"], params["version"]),
        per_hour_max=params["cost_per_hour_max"] or None,
        region=params["region"],
        **{name: params[name] for name in _SAME},
    )


def read_machine(node: Mapping[str, Any], params: Mapping[str, Any]) -> Machine:
    """Return one node; it takes what it leaves out from the options."""
    machine_type = node.get("machine_type") or "controlplane"
    if not node.get("name") or machine_type not in MACHINE_TYPES:
        remedy = f"Each needs a name, and a machine_type of {' or '.join(MACHINE_TYPES)}."
        raise InputError(f"Failed to read the node {node.get('name') or dict(node)}: {machine_type}. {remedy}")
    instance_type = node.get("instance_type") or params["instance_type"]
    if meant := instance_type not in params["instance_types"] and misspelt(instance_type):
        raise InputError(f"Failed to read the node {node['name']}: there is no {instance_type}. Did you mean {meant}?")
    return Machine(
        name=str(node["name"]),
        machine_type=machine_type,
        instance_type=instance_type,
        volume_size=int(node.get("volume_size") or params["volume_size"]),
    )


def read_sizes(request: Request, reported: Mapping[str, Any]) -> dict[str, Size]:
    """Return the sizes of all types that are known, of the nodes' and of those that could take their place."""
    names = dict.fromkeys((*SIZES, *(machine.instance_type for machine in request.machines)))
    return {name: size for name in names if (size := size_of(name, reported, request.region)) is not None}


def argument_spec() -> dict[str, Any]:
    """Return the options of the module."""
    return {
        "nodes": {"type": "list", "elements": "dict", "required": True},
        "instance_type": {"type": "str", "default": "t4g.medium"},
        "volume_size": {"type": "int", "default": 50},
        "instance_types": {"type": "dict", "default": {}},
        "profile": {"type": "str", "choices": list(PROFILES), "default": "full"},
        "disabled_packages": {"type": "list", "elements": "str", "default": []},
        "enabled_packages": {"type": "list", "elements": "str", "default": []},
        "metallb_enabled": {"type": "bool", "default": False},
        "version": {"type": "str", "default": "v1.6.2"},
        "offered_types": {"type": "list", "elements": "str", "default": []},
        "nodes_max": {"type": "int"},
        "cost_per_hour_max": {"type": "float"},
        "region": {"type": "str", "default": PRICES_REGION},
        "images_arm64": {"type": "raw", "default": False},
        "data_disk": {"type": "bool", "default": False},
        "schedulable_control_planes": {"type": "bool", "default": True},
        "pods_per_node": {"type": "int", "default": 512},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        found = forecast(module.params)
    except CollectionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
