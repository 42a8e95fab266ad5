#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change or remove the EC2 and IAM resources of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_cluster
short_description: Create, change or remove the EC2 and IAM resources of a cluster
version_added: 0.1.0
description:
  - Makes the parts of a cluster match its description, in one process and with parallel calls.
  - Resources with the cluster's tags C(Project) and C(Cluster) belong to the cluster.
    Others are never changed or deleted. If one of them has a name that the cluster would use, the module fails
    before it creates anything.
  - A resource of the cluster that a resource outside of the cluster uses is not deleted.
    The module names it before anything is deleted.
  - Only tags that differ are set. Other tags, rules and routes stay.
  - The next run continues a run that was interrupted or whose responses were lost, and creates no duplicates.
notes:
  - A call that creates a resource is repeated only after a search for one that an earlier call created without a
    response.
author:
  - The urmanac.talos authors (@urmanac)
options:
  parts:
    description:
      - The parts of the cluster to create, change or remove.
      - V(network) is the VPC with everything in it except interfaces and instances, and the nodes' role and profile.
      - V(nodes) is an interface and an instance for each node.
      - V(bastion) is the bastion's role and profile, interface, Elastic IP, launch template, and Auto Scaling group
        with its schedule.
      - V(access) is the role with which EventBridge Scheduler closes home access, if O(cluster.home_schedule_enabled).
        It needs the network.
      - V(hours) is the role and the schedules of O(cluster.hours). It needs the network. Without O(cluster.hours) it is
        removed.
    type: list
    elements: str
    choices: [network, nodes, bastion, access, hours]
    required: true
  state:
    description:
      - V(stopped) stops the nodes and ends the bastion's instance. V(present) starts them again.
      - V(postponed) postpones the next stop of the bastion to O(bastion_stop_at), and changes nothing else.
      - V(absent) deletes all resources of the parts with the cluster's tags, no matter how they were created.
      - The network is kept while its VPCs contain instances or anything without the cluster's tags.
    type: str
    choices: [present, postponed, stopped, absent]
    default: present
  remove_duplicates:
    description: Whether an unused duplicate of a described resource is deleted.
    type: bool
    default: false
  node_image:
    description:
      - AMI of new nodes, or C(resolve:ssm:) and the name of an SSM parameter that contains its ID.
      - Required if a node has to be created. The parameter is read only then.
    type: str
    default: ""
  node_ssh_key_name:
    description: Key pair of new nodes.
    type: str
    default: ""
  root_device:
    description: Name of the root device of the images.
    type: str
    default: /dev/xvda
  user_data:
    description:
      - Base64-encoded user-data of the instances, by the name of the node or as C(bastion).
      - An existing node keeps its own. The launch template of the bastion gets a new version with it.
    type: dict
    default: {}
  bastion_started:
    description: Whether a stopped bastion is started.
    type: bool
    default: true
  bastion_stop_at:
    description:
      - The time to which the next stop of the bastion is postponed, in the format of
        RV(urmanac.talos.ec2_cluster_info#module:bastion_stop.postponed_to).
      - If empty, the next stop is not changed.
      - Later stops follow the schedule again, without another run.
    type: str
    default: ""
seealso:
  - module: urmanac.talos.ec2_cluster_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Create the network
  urmanac.talos.ec2_cluster:
    cluster: "{{ cluster_spec }}"
    parts: [network]

- name: Create the nodes
  urmanac.talos.ec2_cluster:
    cluster: "{{ cluster_spec }}"
    parts: [nodes]
    node_image: ami-0123456789abcdef0
    user_data:
      gateway: "{{ '#!/bin/sh\necho hello' | b64encode }}"

- name: Stop the nodes
  urmanac.talos.ec2_cluster:
    cluster: "{{ cluster_spec }}"
    parts: [nodes]
    state: stopped

- name: Remove the network, including resources of an interrupted run
  urmanac.talos.ec2_cluster:
    cluster: "{{ cluster_spec }}"
    parts: [network]
    state: absent
"""

RETURN = r"""
endpoint:
  description: The EC2 endpoint that answered, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: str
  sample: https://ec2.eu-west-1.amazonaws.com
problems:
  description:
    - After a failure, why nothing was changed, or which call failed, for programs; empty if the cause has no code.
    - After success, conflicts of resources of other parts, as M(urmanac.talos.ec2_cluster_info) returns them.
    - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) explains each code.
  returned: always
  type: list
  elements: dict
  sample:
    - code: NETWORK_MISSING
      severity: error
      subject: create instance talos-gateway
      message: the network of the cluster does not exist
      remedy: Run the role urmanac.talos.network first (playbooks/network.yml).
      evidence: {}
lines:
  description: What was done, or would be done in check mode, one line each.
  returned: success
  type: list
  elements: str
  sample: ["created VPC talos-vpc (vpc-0123456789abcdef0)"]
resources:
  description: Every described resource after the run, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: dict
  sample:
    internet_gateway:
      kind: internet_gateway
      name: talos-igw
      part: network
      id: igw-0123456789abcdef0
      state: present
      differences: []
      want: {"attached_to": ["talos-vpc"]}
      have: {"attached_to": ["talos-vpc"]}
      taken_by:
found:
  description: Everything with the cluster's tags after the run, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: list
  elements: dict
  sample: []
foreign_resources:
  description: Resources of another owner in the cluster's VPCs, as M(urmanac.talos.ec2_cluster_info) returns them.
  returned: success
  type: list
  elements: dict
  sample: []
ties:
  description: Connections with resources of another owner, as M(urmanac.talos.ec2_cluster_info) returns them.
  returned: success
  type: list
  elements: dict
  sample: []
uncertain:
  description: >-
    One line for each role, instance profile and host key that has the tags of the cluster, but not the one that makes
    it certain to be the cluster's. A removal leaves it. Also one for each schedule of another owner that may not be
    read, so that it may use an IAM role of the cluster.
  returned: success
  type: list
  elements: str
  sample: []
summary:
  description: How many of the described resources are in each state, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: dict
  sample: {"present": 9, "missing": 6, "differs": 0, "foreign": 0, "strays": 0}
plan:
  description: What is left to do, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: list
  elements: str
  sample: ["= 9 present: 1 VPC"]
parts:
  description: What exists of each part and what is left to do, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: dict
  sample:
    access:
      resources: []
      todo: []
      missing_needs: []
      taken_by: []
      problems: []
      found: []
      unused: []
      lines: {"present": ["  access: 0 of 0 resources would be created or changed"], "absent": []}
nodes:
  description: The EC2 properties of each described node, as M(urmanac.talos.ec2_cluster_info) returns them.
  returned: success
  type: dict
  sample:
    gateway:
      machine_type: controlplane
      interface: eni-0123456789abcdef0
      instance:
      mac: 0a:00:00:00:00:01
      ipv6: 2001:db8::101
bastion:
  description: The EC2 properties of the bastion, as M(urmanac.talos.ec2_cluster_info) returns them.
  returned: success
  type: dict
  sample: {"ipv6": "2001:db8::100", "instances": [], "instances_wanted": 0, "group": "talos-bastion"}
home_schedule_role:
  description: The role that closes home access, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: str
  sample: ""
bastion_stop:
  description: When the schedule stops the bastion next, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: dict
  sample: {"at": "2026-12-01T23:00:00+00:00", "minutes": 240, "postponed_to": null}
hours:
  description: When AWS stops the cluster, as M(urmanac.talos.ec2_cluster_info) returns it.
  returned: success
  type: dict
  sample: {"end": "2026-12-01T23:00:00+00:00", "lines": [], "stops": [], "work": false}
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.act.engine import Order, Outcome, ensure_cluster
from ..module_utils._ec2.act.stopping import diff_of_stop
from ..module_utils._ec2.act.work import Machines
from ..module_utils._ec2.calls import Calls
from ..module_utils._ec2.client import connect_checked
from ..module_utils._ec2.desired import PARTS, ROOT_DEVICE
from ..module_utils._ec2.plan.current import SERVICES
from ..module_utils._ec2.plan.reading import diff_of, result_of
from ..module_utils._ec2.preflight.described_texts import Text, described_texts, refuse_sent
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError, failure_of

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster": argument_spec(),
    "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "required": True},
    "state": {"type": "str", "choices": ["present", "postponed", "stopped", "absent"], "default": "present"},
    "remove_duplicates": {"type": "bool", "default": False},
    "node_image": {"type": "str", "default": ""},
    "node_ssh_key_name": {"type": "str", "default": ""},
    "root_device": {"type": "str", "default": ROOT_DEVICE},
    "user_data": {"type": "dict", "default": {}},
    "bastion_started": {"type": "bool", "default": True},
    "bastion_stop_at": {"type": "str", "default": ""},
}


def machines_of(options: Mapping[str, Any]) -> Machines:
    """Return the options for instances."""
    return Machines(
        image=options["node_image"],
        root_device=options["root_device"],
        ssh_key_name=options["node_ssh_key_name"],
        user_data=options["user_data"],
        bastion_started=options["bastion_started"],
        bastion_stop_at=options["bastion_stop_at"],
    )


def texts_of(spec: ClusterSpec, machines: Machines) -> Iterator[Text]:
    """Yield every text of the description and of the instances that is sent to AWS."""
    yield from described_texts(spec)
    if machines.ssh_key_name:
        yield Text("node_ssh_key_name", "key_pair_name", machines.ssh_key_name)


def outcome_as_dict(spec: ClusterSpec, outcome: Outcome, order: Order) -> dict[str, Any]:
    """Return the module's result."""
    diff = diff_of(outcome.before, order.parts, absent=order.absent)
    if order.state == "stopped":
        diff = diff_of_stop(outcome.stopped)
    lines, now = list(outcome.lines), datetime.now(UTC)
    return {"changed": outcome.changed, "lines": lines, "diff": diff, **result_of(spec, outcome.after, now)}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        spec = parse_spec(module.params["cluster"])
        order = Order(
            parts=tuple(module.params["parts"]),
            state=module.params["state"],
            remove_duplicates=module.params["remove_duplicates"],
            check_mode=module.check_mode,
            machines=machines_of(module.params),
        )
        if order.state == "present":
            refuse_sent("create the cluster", texts_of(spec, order.machines))
        # Calls retries safe calls only; botocore would retry every call.
        connection = connect_checked(module, SERVICES, region=spec.region, cidr=spec.vpc_ipv4_cidr, once=True)
        outcome = ensure_cluster(Calls(connection.checked()), spec, order, now=datetime.now(UTC))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(endpoint=connection.endpoint, **outcome_as_dict(spec, outcome, order))


if __name__ == "__main__":
    main()
