#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a cluster's description with its EC2 resources."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_cluster_info
short_description: Compare a cluster's description with its EC2 resources
version_added: 0.1.0
description:
  - Reads all resources of a cluster with parallel calls, and compares them with the cluster's description.
  - Resources with the tags C(Project) and C(Cluster) belong to the cluster.
    The IAM roles and instance profiles are read by name, and belong to it if they have these tags.
  - If a resource without these tags has a name that the cluster would use, the described one is C(foreign), and
    RV(problems) has the conflict.
  - For a converged cluster RV(summary.missing) and RV(summary.differs) are C(0). For a removed one RV(found) is empty.
notes:
  - An instance's image and user-data are not compared.
    A node runs Talos after its first boot, independent of its image.
    The user-data of the bastion's launch template is reported by its checksum, C(have.user_data_sha256).
  - Additional rules of a security group and routes are not differences.
    They are reported in C(have.extra_rules) and C(have.extra_routes), and by lines of RV(plan) that begin with C(!).
author:
  - The urmanac.talos authors (@urmanac)
options:
  console_output:
    description:
      - Whether to read each instance's console as well, with one additional call per instance.
      - RV(resources.have) of an instance then contains C(console), the last lines, and C(host_keys), the SSH host keys
        that the user-data of the role C(nodes) printed there.
    type: bool
    default: false
  other_clusters:
    description: >-
      Whether to look for other clusters of this collection in the account and region as well, with one
      additional call.
    type: bool
    default: false
  all_ties:
    description:
      - Whether RV(ties) has all resources of another owner that are connected with the cluster, with about ten
        additional calls.
      - With V(false) it has those that the cluster's own resources refer to, which needs no additional call.
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
endpoint:
  description: The EC2 endpoint that answered. One on loopback is a lab's.
  returned: success
  type: str
  sample: https://ec2.eu-west-1.amazonaws.com
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
    - Every described resource, in the order in which they are created.
    - The keys are C(vpc), C(dhcp_options), C(subnet), C(internet_gateway), C(route_table), C(security_group/nodes),
      C(security_group/bastion), C(iam_role/node), C(instance_profile/node), C(eni/<node>) and C(instance/<node>).
    - With a bastion there are C(iam_role/bastion), C(instance_profile/bastion), C(eni/bastion),
      C(launch_template/bastion), C(autoscaling_group/bastion) and, with an Elastic IP, C(address/bastion) as well.
      Its instance is not one of them, because the schedule starts and stops it. C(have.instances) of the group has its
      id,
      and C(have.launched) the time at which it was launched, while it runs.
    - C(have.launched) and C(have.stopped) of C(instance/<node>) are the times at which it was last started and stopped.
    - C(want) and C(have) refer to other resources of the cluster by name, and to those of another owner by id.
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
        - The state, one of V(present), V(missing), V(differs) and V(foreign).
        - With V(foreign) a resource without the cluster's tags conflicts with it, so it cannot be created.
      type: str
      returned: success
      sample: differs
    part:
      description: The part of M(urmanac.talos.ec2_cluster) that it belongs to.
      type: str
      returned: success
      sample: nodes
    taken_by:
      description: The conflicting resource, if RV(resources.state) is V(foreign); otherwise V(null).
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
      description: The actual properties, and additional ones; V(null) while it is missing.
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
    - All resources with the cluster's tags, in the order in which a teardown deletes them.
    - With C(described) V(false) it is not part of the description. C(goes_with) is the id of the instance with which a
      root volume is deleted.
    - C(part) is the part of M(urmanac.talos.ec2_cluster) that removes it. V(null) means that the roles do not create
      it.
    - A C(duplicate) is an additional resource for a described one. It is C(unused) if nothing depends on it.
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
foreign_resources:
  description: >-
    Subnets, groups, tables, interfaces and gateways in the cluster's VPCs that do not have its tags, and resources
    that have them although no playbook creates them.
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
    - Resources of another owner that are connected with a resource of the cluster, so that deleting it would affect
      them.
    - RV(removal_problems) describes each, and how to separate them.
  returned: success
  type: list
  elements: dict
  sample:
    - ours: {"kind": "internet_gateway", "id": "igw-0123456789abcdef0", "name": "talos-igw", "owner": "Name=talos-igw"}
      how: is attached to
      other: {"kind": "vpc", "id": "vpc-0fedcba9876543210", "name": "web", "owner": "Owner=Ada"}
removal_problems:
  description: >-
    Why the cluster must not be deleted, in the form of RV(problems): RV(foreign_resources), RV(ties), and resources
    whose owner is not certain.
  returned: success
  type: list
  elements: dict
  sample:
    - code: USED_BY_FOREIGN_RESOURCE
      severity: error
      subject: internet_gateway talos-igw
      message: >-
        internet gateway talos-igw (igw-0123456789abcdef0) is attached to VPC vpc-0fedcba9876543210, which is not
        managed by this cluster (Owner=Ada)
      remedy: Detach it
      evidence: {}
uncertain:
  description: >-
    One line for each role, instance profile and host key that has the tags of the cluster, but not the one that makes
    it certain to be the cluster's. A removal leaves it. Also one for each schedule of another owner that may not be
    read, so that it may use an IAM role of the cluster.
  returned: success
  type: list
  elements: str
  sample: []
problems:
  description: Conflicts with resources of another owner, because of which the cluster cannot be created as described.
  returned: success
  type: list
  elements: dict
  sample:
    - code: NAME_TAKEN
      severity: error
      subject: iam_role talos-arm64-talos-node
      message: talos-arm64-talos-node exists without the tags of this cluster (Owner=Ada)
      remedy: Choose another cluster_name or cluster_project, or delete it if unused.
      evidence: {}
summary:
  description: How many of the described resources are in each state, and how many resources are not described.
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
      description: Resources that conflict with one without the cluster's tags.
      type: int
      returned: success
      sample: 0
    strays:
      description: Resources with the cluster's tags that are not described.
      type: int
      returned: success
      sample: 0
  sample: {"present": 14, "missing": 0, "differs": 1, "foreign": 0, "strays": 0}
plan:
  description:
    - The lines of the plan.
    - A line begins with C(+) for what is missing, C(~) for what differs, C(=) for what is as described,
      C(?) for what is not described, C(x) for what cannot be created because of a conflict,
      C(!) for what is open beyond the plan, or if the bastion stops soon, and C($) for what it costs.
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
    - What exists of each part of M(urmanac.talos.ec2_cluster), and what has to be done, for roles that create one part.
    - C(resources) are the keys of all that are described, C(todo) of those that are not C(present).
    - C(missing_needs) are names of resources that must exist before the part is created.
    - C(taken_by) are ids of conflicting resources without the cluster's tags.
    - C(problems) are differences that need a decision, because an instance in use would be terminated.
    - C(found) is what a teardown of the part deletes, except volumes, which are deleted with their instances.
    - C(unused) are ids of duplicates that nothing uses.
    - C(lines) describes what would be done with the state V(present) and with V(absent).
  returned: success
  type: dict
  sample:
    nodes:
      resources: [eni/gateway, instance/gateway]
      todo: [instance/gateway]
      missing_needs: []
      taken_by: []
      problems: []
      found: [{"kind": "eni", "name": "talos-gateway", "id": "eni-0123456789abcdef0"}]
      unused: []
      lines:
        present: ["  nodes: 1 of 2 resources would be created or changed"]
        absent: ["  nodes: would delete eni-0123456789abcdef0"]
nodes:
  description: >-
    The EC2 properties of each described node, by name. Ids are V(null) and addresses empty until it has
    them.
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
    - The EC2 properties of the bastion. C(group) is the name of its Auto Scaling group, if one is described.
    - C(instances_wanted) is the desired capacity of that group, V(null) if it does not exist.
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
    - When the schedule stops the bastion next, and in how many minutes; V(null) if it always runs or that is not known.
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
        - The time to which O(cluster.bastion.keep_minutes) postpones it; V(null) if it comes late enough.
      type: str
      returned: success
      sample: "2026-12-24T23:50:00+00:00"
  sample: {"at": "2026-12-24T23:00:00+00:00", "minutes": 40, "postponed_to": "2026-12-24T23:50:00+00:00"}
hours:
  description: When AWS stops and starts the cluster by O(cluster.hours).
  returned: success
  type: dict
  contains:
    end:
      description: When the existing schedules stop nodes and bastion, unless a run renews them. Empty if none does.
      type: str
      returned: success
      sample: "2026-12-01T23:00:00+00:00"
    lines:
      description: The same as text, with the daily hours of the nodes.
      type: list
      elements: str
      returned: success
      sample: ["AWS starts the nodes at 18:00 and stops them at 23:00 Etc/UTC each day"]
    stops:
      description: Warnings of daily stops of bastion and nodes that come during a run that begins now.
      type: list
      elements: str
      returned: success
      sample: []
    work:
      description: Whether a run would create, change or delete a schedule or its role.
      type: bool
      returned: success
      sample: false
  sample: {"end": "2026-12-01T23:00:00+00:00", "lines": [], "stops": [], "work": false}
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import Api, connect_checked
from ..module_utils._ec2.ownership.other_clusters import other_clusters
from ..module_utils._ec2.plan.current import SERVICES
from ..module_utils._ec2.plan.reading import read_and_compare, result_of
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError, failure_of

_OFF = {"type": "bool", "default": False}


def cluster_info(
    api: Api, spec: ClusterSpec, *, now: datetime, console_output: bool, all_ties: bool = False
) -> dict[str, Any]:
    """Return the module's result."""
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
        connection = connect_checked(module, SERVICES, region=spec.region, cidr=spec.vpc_ipv4_cidr)
        api = connection.checked()
        wanted = {name: module.params[name] for name in ("console_output", "all_ties")}
        result = cluster_info(api, spec, now=datetime.now(UTC), **wanted)
        if module.params["other_clusters"]:
            result["other_clusters"] = other_clusters(api, spec)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, endpoint=connection.endpoint, **result)


if __name__ == "__main__":
    main()
