#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell everything of a cluster that exists in EC2, is missing, or differs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_cluster_info
short_description: Compare a cluster's description with its EC2 resources
version_added: 0.1.0
description:
  - Reads everything of one cluster with calls side by side, and compares it with the cluster's description.
  - What carries the tags C(Project) and C(Cluster) belongs to the cluster.
    The IAM roles and instance profiles are read by name, and belong to it with these tags.
  - What has a name that the cluster would use, without these tags, makes a resource C(foreign) and is in RV(problems).
  - A converged cluster has RV(summary.missing) and RV(summary.differs) at C(0). A torn down one has an empty RV(found).
notes:
  - An instance's image and user-data are not compared.
    A node is Talos after its first boot, whatever image it came from.
    The user-data of the bastion's launch template is reported by its checksum, C(have.user_data_sha256).
  - Rules of a security group and routes beyond the described ones make no difference.
    They are reported in C(have.extra_rules) and C(have.extra_routes), and by lines of RV(plan) that begin with C(!).
author:
  - The urmanac.talos authors (@urmanac)
options:
  console_output:
    description:
      - Whether to read each instance's console as well, one call more per instance.
      - What is there of an instance then has C(console), the last lines, and C(host_keys), the SSH host keys that
        the machine said there because the role C(nodes) has it do so.
    type: bool
    default: false
  other_clusters:
    description: Whether to look for other clusters of this collection in the account and region as well, one call more.
    type: bool
    default: false
  all_ties:
    description:
      - Whether RV(ties) has everything of others that is joined with a resource of the cluster, about ten calls more.
      - With V(false) it has what the cluster's own resources name; AWS tells that without another call.
    type: bool
    default: false
seealso:
  - module: urmanac.talos.ec2_preflight_info
  - module: urmanac.talos.ec2_cost_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes.reads_only
"""

EXAMPLES = r"""
- name: Read the cluster
  urmanac.talos.ec2_cluster_info:
    cluster: "{{ cluster_spec }}"
  register: cluster

- name: Show the plan
  ansible.builtin.debug:
    var: cluster.plan

- name: Read a small cluster that is described in the task, with the console output
  urmanac.talos.ec2_cluster_info:
    console_output: true
    cluster:
      name: example
      project: talos-arm64
      region: eu-west-1
      availability_zone: eu-west-1a
      vpc_ipv4_cidr: 10.10.0.0/16
      subnet_ipv4_cidr: 10.10.0.0/24
      domain: talos.example.com
      bastion_ipv4: 10.10.0.100
      instance_type: t4g.medium
      volume_size: 50
      cpu_credits: unlimited
      nodes_max: 3
      nodes:
        - name: gateway
          role: gateway
          machine_type: controlplane
          ipv4: 10.10.0.101
"""

RETURN = r"""
other_clusters:
  description: The other clusters of this collection that have a VPC in the account and region.
  returned: if O(other_clusters)
  type: list
  elements: dict
  sample:
    - name: moon
      project: talos-arm64
resources:
  description:
    - Every described resource, in the order in which they are built.
    - The keys are C(vpc), C(dhcp_options), C(subnet), C(internet_gateway), C(route_table), C(security_group/nodes),
      C(security_group/bastion), C(iam_role/node), C(instance_profile/node), C(eni/<node>) and C(instance/<node>).
    - With a bastion there are C(iam_role/bastion), C(instance_profile/bastion), C(eni/bastion),
      C(launch_template/bastion), C(autoscaling_group/bastion) and, with an Elastic IP, C(address/bastion) as well.
      Its instance is none of them, because the schedule starts and stops it. C(have.instances) of the group has its id,
      and C(have.launched) the time at which it was launched, while it runs.
    - Other resources of the cluster appear by name in C(want) and C(have), strangers by id.
  returned: success
  type: dict
  contains:
    kind:
      description: Kind of the resource.
      type: str
      returned: success
      sample: eni
    name:
      description: Name of the resource, which is its tag C(Name).
      type: str
      returned: success
      sample: talos-gateway
    id:
      description: Id of the resource, V(null) while it is missing.
      type: str
      returned: success
      sample: eni-0123456789abcdef0
    state:
      description:
        - How it is; one of V(present), V(missing), V(differs) and V(foreign).
        - With V(foreign) something that does not carry the cluster's tags takes its place, so that it cannot be made.
      type: str
      returned: success
      sample: differs
    part:
      description: The part of M(urmanac.talos.ec2_cluster) that it is of.
      type: str
      returned: success
      sample: nodes
    taken_by:
      description: What takes its place, with RV(resources.state) V(foreign); otherwise V(null).
      type: dict
      returned: success
      sample: {"kind": "eni", "id": "eni-0fedcba9876543210", "name": "web", "owner": "Name=web"}
    differences:
      description: The properties that are not as described. With C(replace) the value cannot be changed in place.
      type: list
      elements: dict
      returned: success
      sample: [{"property": "source_dest_check", "have": false, "want": true, "replace": false}]
    want:
      description: The properties as described, tags included.
      type: dict
      returned: success
      sample: {"ipv4": "10.10.0.101", "ipv6_count": 1, "source_dest_check": true}
    have:
      description: The properties as they are, and more of them; V(null) while it is missing.
      type: dict
      returned: success
      sample: {"ipv4": "10.10.0.101", "ipv6": ["2001:db8::101"], "ipv6_count": 1, "source_dest_check": false}
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
  description:
    - Everything that carries the cluster's tags, in the order in which a teardown deletes it.
    - With C(described) V(false) it is a stray. C(goes_with) is the id of the instance whose root volume it is.
    - C(part) is the part of M(urmanac.talos.ec2_cluster) that removes it. V(null) is nothing that the roles make.
    - A C(duplicate) is a second one of a described resource. It is C(unused) if nothing needs it.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: volume
      name: talos-gateway
      id: vol-0123456789abcdef0
      described: true
      goes_with: i-0123456789abcdef0
      part: nodes
      duplicate: false
      unused: false
guests:
  description: >-
    Subnets, groups, tables, interfaces and gateways in the cluster's VPCs that do not carry its tags, and what carries
    them although no playbook makes it.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: eni
      id: eni-0fedcba9876543210
      name: web
      owner: Name=web
ties:
  description:
    - What of others is joined with a resource of the cluster, so that deleting the resource changes the other.
    - C(text) says both and the owner of the other one, C(remedy) how they are separated.
  returned: success
  type: list
  elements: dict
  sample:
    - ours: {"kind": "internet_gateway", "id": "igw-0123456789abcdef0", "name": "talos-igw", "owner": "Name=talos-igw"}
      how: is attached to
      other: {"kind": "vpc", "id": "vpc-0fedcba9876543210", "name": "web", "owner": "Owner=Ada"}
      text: >-
        internet gateway talos-igw (igw-0123456789abcdef0) is attached to VPC vpc-0fedcba9876543210, which is not
        managed by this cluster (Owner=Ada)
      remedy: Detach it
problems:
  description: Why the cluster cannot be made as described, because others have what it needs.
  returned: success
  type: list
  elements: dict
  sample:
    - code: NAME_TAKEN
      subject: iam_role talos-arm64-talos-node
      message: talos-arm64-talos-node exists without the tags of this cluster (Owner=Ada)
      remedy: Choose another cluster_name or cluster_project, or delete it if unused.
summary:
  description: How many of the described resources are in each state, and how many strays there are.
  returned: success
  type: dict
  contains:
    present:
      description: Resources that are as described.
      type: int
      returned: success
      sample: 14
    missing:
      description: Resources that do not exist.
      type: int
      returned: success
      sample: 0
    differs:
      description: Resources that exist and are not as described.
      type: int
      returned: success
      sample: 1
    foreign:
      description: Resources whose place is taken by something that does not carry the cluster's tags.
      type: int
      returned: success
      sample: 0
    strays:
      description: Things with the cluster's tags that are not described.
      type: int
      returned: success
      sample: 0
  sample: {"present": 14, "missing": 0, "differs": 1, "foreign": 0, "strays": 0}
plan:
  description:
    - The plan, a line each.
    - A line begins with C(+) for what is missing, C(~) for what differs, C(=) for what is as described,
      C(?) for a stray, C(x) for what cannot be made because something else takes its place,
      C(!) for what is open beyond the plan or stops the bastion soon, and C($) for what it costs.
  returned: success
  type: list
  elements: str
  sample: ["+ internet gateway talos-igw: attached to talos-vpc"]
cost:
  description: What the cluster will cost, as M(urmanac.talos.ec2_cost_info) returns it with the shipped prices.
  returned: success
  type: dict
  sample: {"per_hour": 0.155, "per_day": 3.31, "per_month": 100.79, "per_session": 0.47}
parts:
  description:
    - What is there of each part of M(urmanac.talos.ec2_cluster), and what is left to do, for roles that make one part.
    - C(resources) are the keys of all that are described, C(todo) of those that are not C(present).
    - C(missing_needs) are names of what has to exist before the part is made.
    - C(taken_by) are ids of what takes the place of a resource, without the cluster's tags.
    - C(remedies) are lines on differences that only a person may resolve, because a machine in use would end.
    - C(found) is what a teardown of the part deletes, but for volumes, which go with their machines.
    - C(unused) are ids of duplicates that nothing uses.
    - C(lines) says what would be done, with the state V(present) and with V(absent).
  returned: success
  type: dict
  sample:
    nodes:
      resources: [eni/gateway, instance/gateway]
      todo: [instance/gateway]
      missing_needs: []
      taken_by: []
      remedies: []
      found: [{"kind": "eni", "name": "talos-gateway", "id": "eni-0123456789abcdef0"}]
      unused: []
      lines:
        present: ["  nodes: 1 of 2 resources would be created or changed"]
        absent: ["  nodes: would delete eni-0123456789abcdef0"]
nodes:
  description: What EC2 has of each described node, by its name. Ids are V(null) and addresses empty until it has them.
  returned: success
  type: dict
  sample:
    gateway:
      machine_type: controlplane
      interface: eni-0123456789abcdef0
      instance: i-0123456789abcdef0
      mac: 0a:00:00:00:00:01
      ipv6: 2001:db8::101
bastion:
  description:
    - What EC2 has of the bastion. C(group) is the name of its Auto Scaling group, if one is described.
    - C(instances_wanted) is what that group is set to, V(null) if it does not exist.
  returned: success
  type: dict
  sample:
    ipv6: 2001:db8::100
    instances: [i-0fedcba9876543210]
    instances_wanted: 1
    group: talos-bastion
home_schedule_role:
  description:
    - The ARN of the role with which EventBridge Scheduler closes home access, or its name if only that is known.
    - Empty if there is none and none is described.
  returned: success
  type: str
  sample: arn:aws:iam::123456789012:role/talos-arm64-talos-home-access
bastion_stop:
  description:
    - When the clock stops the bastion next, and in how many minutes; V(null) if it always runs or that is not known.
  returned: success
  type: dict
  contains:
    at:
      description: When it stops.
      type: str
      returned: success
      sample: "2026-12-24T23:00:00+00:00"
    minutes:
      description: In how many minutes it stops.
      type: int
      returned: success
      sample: 40
    postponed_to:
      description:
        - The time to which O(cluster.bastion.keep_minutes) asks to postpone it; V(null) if it comes late enough.
      type: str
      returned: success
      sample: "2026-12-24T23:50:00+00:00"
  sample: {"at": "2026-12-24T23:00:00+00:00", "minutes": 40, "postponed_to": "2026-12-24T23:50:00+00:00"}
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import Api, connect
from ..module_utils._ec2.current import SERVICES
from ..module_utils._ec2.other_clusters import other_clusters
from ..module_utils._ec2.reading import read_and_compare, result_of
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError

_OFF = {"type": "bool", "default": False}


def cluster_info(
    api: Api, spec: ClusterSpec, *, now: datetime, console_output: bool, all_ties: bool = False
) -> dict[str, Any]:
    """Return what the module returns."""
    return result_of(spec, read_and_compare(api, spec, console_output=console_output, all_ties=all_ties), now)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster": argument_spec(),
            **dict.fromkeys(("console_output", "all_ties", "other_clusters"), _OFF),
        },
        supports_check_mode=True,
    )
    try:
        spec = parse_spec(module.params["cluster"])
        api = connect(module, SERVICES, region=spec.region, cidr=spec.vpc_ipv4_cidr)
        wanted = {name: module.params[name] for name in ("console_output", "all_ties")}
        result = cluster_info(api, spec, now=datetime.now(UTC), **wanted)
        if module.params["other_clusters"]:
            result["other_clusters"] = other_clusters(api, spec)
    except CollectionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
