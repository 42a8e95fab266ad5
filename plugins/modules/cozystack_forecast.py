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
  - Places the pods of a CozyStack profile on nodes of the given sizes, one after the other as the Kubernetes
    scheduler would. Returns which resource runs out first, on which node, and the smallest change that fits.
  - Also returns problems on nodes of any size, such as images for another architecture.
  - The collection contains the requests of the pods, including those that operators create at run time. Many pods
    use much more memory than they request, so the result also contains the measured and the documented use.
  - Calls no API and changes nothing. It does not fail because of its findings.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
options:
  nodes:
    description:
      - The nodes, as in the variable C(cluster_nodes) of the role P(urmanac.talos.cluster#role).
      - Reads C(name), C(machine_type) (V(controlplane) by default, or V(worker)), C(instance_type) and C(volume_size)
        of each, and ignores other keys.
    type: list
    elements: dict
    required: true
  instance_type:
    description: The instance type of nodes without their own.
    type: str
    default: t4g.medium
  volume_size:
    description: The root volume size in GiB of nodes without their own.
    type: int
    default: 50
  instance_types:
    description:
      - The sizes of instance types, as in RV(urmanac.talos.ec2_preflight_info#module:instance_types).
      - They take precedence over the collection's table, which contains the T4g family.
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
      - The instance types that the availability zone offers, as in
        RV(urmanac.talos.ec2_preflight_info#module:offered_types). No other type is proposed.
      - If empty, all types of the collection's table are candidates.
    type: list
    elements: str
    default: []
  nodes_max:
    description: Maximum number of nodes of a proposed change.
    type: int
  cost_per_hour_max:
    description: Maximum price of all instances of a proposed change, in US dollars an hour.
    type: float
  cluster:
    description:
      - The description of the whole cluster, as O(urmanac.talos.ec2_cost_info#module:cluster).
      - If it is set, the whole cluster with a proposed change, with volumes, the bastion and its address, has to be
        within the limits in C(cost) of the description. A change with an unknown price is then not proposed.
    type: dict
  region:
    description: The region of the prices. A type without a price in it is proposed without one.
    type: str
    default: eu-west-1
  images_arm64:
    description:
      - Whether the images are built for arm64; the released ones are not.
      - >-
        For a partial build, a mapping of images to true or false, in which V(others) is the value of all images that it
        does not contain, such as V({others: true, grafana-dashboards: false}).
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
    description: Maximum number of pods per kubelet, as set by the collection's machine configurations.
    type: int
    default: 512
seealso:
  - module: urmanac.talos.ec2_preflight_info
  - name: Hardware requirements of CozyStack
    description: Documented minimum of a host.
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

- name: Print the forecast
  urmanac.talos.print_lines:
    lines: "{{ forecast.lines }}"

- name: Fail if the installation cannot be completed
  ansible.builtin.assert:
    that: forecast.outcome == 'ready'
    fail_msg: "{{ forecast.verdicts | rejectattr('severity', 'eq', 'warning') | map(attribute='message') | join(' ') }}"
"""

RETURN = r"""
outcome:
  description: V(ready) if nothing blocks the installation, otherwise V(blocked).
  returned: success
  type: str
  sample: blocked
fits:
  description: Whether RV(verdict) is V(fits) and nothing else, such as images for another architecture, blocks.
  returned: success
  type: bool
  sample: false
verdict:
  description:
    - Whether there is enough room, whatever else blocks the installation.
    - V(fits) if all pods can be scheduled and all nodes have enough memory for the use of their pods.
    - V(schedules but will run out of memory) if all pods can be scheduled by their requests, but their use exceeds the
      memory of a node.
    - V(does not fit) if a pod cannot be scheduled, or a node is not a Graviton type. V(unknown) if the size of a node
      is unknown.
  returned: success
  type: str
  sample: does not fit
codes:
  description: The codes of RV(verdicts), without duplicates.
  returned: success
  type: list
  elements: str
  sample: [ARCH_UNSUPPORTED_IMAGES, INSUFFICIENT_CPU, INSUFFICIENT_MEMORY]
verdicts:
  description:
    - Findings that block or limit the installation, blocking ones first, in the form that
      L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) describes.
    - The severity V(error) blocks the installation; V(warning) does not. Figures of the evidence are millicores, MiB or
      pods. The diagnosis of an installation and the report use the same codes.
  returned: success
  type: list
  elements: dict
  sample:
    - code: INSUFFICIENT_MEMORY
      severity: error
      subject: node compute-2
      message: "With profile novirt, 11 of 122 pods cannot be scheduled, the first cozy-dashboard-console-1 of
        cozystack-engine: insufficient memory, 10.8 GiB requested, 9.3 GiB available."
      remedy: Use 4 x t4g.medium ($0.1472 an hour for the instances, $0.0368 more), or profile slim.
      evidence: {"profile": "novirt", "pending": 11, "pods": 122, "need": 11031, "have": 9528, "deficit": 1503}
first:
  description: The first pod that cannot be scheduled, and what the nodes lack; V(null) if all can be scheduled.
  returned: success
  type: dict
  sample:
    code: INSUFFICIENT_MEMORY
    node: compute-2
    nodes: [compute-2, compute-3]
    pod: cozy-dashboard-console-1
    package: cozystack-engine
requested:
  description: The installed packages, releases and pods, and the requests of the pods; millicores and MiB.
  returned: success
  type: dict
  sample: {"packages": 63, "releases": 74, "pods": 122, "pending": 11, "cpu": 6195, "memory": 11031}
nodes:
  description:
    - Allocatable capacity of each node, and requests of the pods placed on it; millicores and MiB.
    - C(memory_used) is the expected use of these pods, from upstream's measurements where they exist.
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
  description: >-
    The cheapest change that fits if the limits in its C(exceeds) are raised and, with C(offered=false), in an
    availability zone that offers its type. The limits in C(unchecked) cannot be checked, because its price is unknown.
  returned: success, V(null) if it fits or if RV(changes) has something for the profile
  type: dict
  sample:
    instance_type: t4g.xlarge
    nodes: 3
    more_nodes: 2
    per_hour: 0.4416
    more_per_hour: 0.4048
    volume_size: null
    types: {"t4g.xlarge": 3}
    exceeds: [cluster_cost_per_month_max]
    unchecked: []
    offered: true
    profile: null
changes:
  description:
    - The cheapest changes that fit, another type for the nodes or more nodes; empty if no change is needed.
    - C(instance_type) is the type of the nodes that are changed or added, C(types) the number of nodes of each type.
    - C(profile) is V(null), or the largest smaller profile that fits, if nothing else is within the limits.
    - They observe O(nodes_max), O(cost_per_hour_max), O(offered_types), the limits of O(cluster) and documented use.
    - Prices are US dollars an hour for the instances only, V(null) if they are unknown.
    - C(volume_size) is the required disk size in GiB, V(null) if the current disks are large enough.
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
      types: {"t4g.medium": 4}
      exceeds: []
      unchecked: []
      offered: true
      profile: null
fitting_profiles:
  description: >-
    The profiles that fit on these nodes without a change, the largest first. None of them is recommended while a node
    is smaller than the documented use.
  returned: success
  type: list
  elements: str
  sample: [slim]
documented:
  description: The documented use of every node by the system's parts, and the documented minimum of a node.
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
from ..module_utils._cozystack.catalog.releases import DEFAULT
from ..module_utils._cozystack.forecast.fit import Machine, Request
from ..module_utils._cozystack.forecast.outlook import look_ahead, result
from ..module_utils._ec2.cost.budget import Budget
from ..module_utils._ec2.cost.prices import PRICES_REGION, shipped
from ..module_utils._ec2.described_nodes import inherited
from ..module_utils._ec2.instance_types import SIZES, Size, misspelt, size_of
from ..module_utils._ec2.spec import validate_spec
from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._machine_types import CONTROL_PLANE, MACHINE_TYPES
from ..module_utils._options import check_numbers

_SAME = ("version", "data_disk", "schedulable_control_planes", "pods_per_node", "nodes_max")


def forecast(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module's result."""
    check_numbers(params)
    request = read_request(params)
    return result(look_ahead(request, read_sizes(request, params["instance_types"])))


def read_request(params: Mapping[str, Any]) -> Request:
    """Return the packages to install and the nodes for them."""
    strange = unknown(params["disabled_packages"], params["version"])
    if strange:
        raise InputError(f"Failed to read disabled_packages: no package is called {', '.join(strange)}.")
    if not params["nodes"]:
        raise InputError("Failed to read nodes: there is none. Name at least one.", code="INPUT_MISSING")
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
        budget=read_budget(params["cluster"], params["region"]),
        **{name: params[name] for name in _SAME},
    )


def read_budget(cluster: Mapping[str, Any] | None, region: str) -> Budget | None:
    """Return the cluster with its limits; None without a description."""
    if cluster is None:
        return None
    checked = validate_spec(cluster)
    if checked.spec is None:
        raise InputError(f"Failed to read cluster: {' '.join(checked.errors)}.")
    return Budget(checked.spec, shipped(region))


def read_machine(node: Mapping[str, Any], params: Mapping[str, Any]) -> Machine:
    """Return one node; it takes what it leaves out from the options."""
    machine_type = node.get("machine_type") or CONTROL_PLANE
    if not node.get("name") or machine_type not in MACHINE_TYPES:
        remedy = f"Each needs a name, and a machine_type of {' or '.join(MACHINE_TYPES)}."
        raise InputError(f"Failed to read the node {node.get('name') or dict(node)}: {machine_type}. {remedy}")
    own = inherited(node, params)
    instance_type = own["instance_type"]
    if meant := instance_type not in params["instance_types"] and misspelt(instance_type):
        raise InputError(f"Failed to read the node {node['name']}: there is no {instance_type}. Did you mean {meant}?")
    return Machine(
        name=str(node["name"]),
        machine_type=machine_type,
        instance_type=instance_type,
        volume_size=int(own["volume_size"]),
    )


def read_sizes(request: Request, reported: Mapping[str, Any]) -> dict[str, Size]:
    """Return the sizes of the nodes' types and of all types that could replace them."""
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
        "version": {"type": "str", "default": DEFAULT},
        "offered_types": {"type": "list", "elements": "str", "default": []},
        "nodes_max": {"type": "int"},
        "cost_per_hour_max": {"type": "float"},
        "cluster": {"type": "dict"},
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
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
