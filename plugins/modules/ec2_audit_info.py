#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check with data from the account that a cluster is only as exposed as described."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_audit_info
short_description: Audit the access to a cluster with data from the AWS account
version_added: 0.1.0
description:
  - Reads every rule of every security group in the cluster's VPC, network ACLs, routes with the entries of their prefix
    lists, DHCP options, subnets, network interfaces and their addresses, endpoints, peerings and VPN gateways, metadata
    options, volumes with their encryption and users, and who may read the snapshots and images of its disks, including
    those of terminated instances.
  - Reads the IAM roles in the instance profiles of its instances, other users of those roles and profiles, and limits,
    scheduled actions, policies, hooks and other settings of the bastion's Auto Scaling group.
  - Reads the schedules that stop and start the cluster. One that is missing, disabled or changed is a deviation, and
    one of another owner in the cluster's schedule group.
  - Reads which SSM parameters of the cluster are encrypted, but no value.
  - Looks for secrets in user-data, also in that of every version of its launch templates, in tags and descriptions, and
    in SSM documents with the cluster's tags.
  - Compares them with what the cluster's description allows, and with home access that has not expired. Everything else
    is a deviation with a remedy, including a rule that was added manually.
  - Each cause is reported as one deviation. A rule lists the ports and nodes that it opens, and to whom.
  - Computes who can reach which port of which node, from rules, network ACLs, routes and addresses.
notes:
  - Selects resources by VPC and not by tags, which manually added ones do not have.
  - A secret in user-data is reported by its kind and line, never by its value.
  - Copies of disks of terminated instances are found by tags, by names and descriptions that contain an instance name,
    and by the six weeks of Auto Scaling history.
  - Of EventBridge Scheduler it reads the cluster's schedule group only, not the schedules that close home access. It
    finds home access that is open after its end instead.
  - It does not check what other identities of the account may do (IAM users, roles and policies, sessions, EC2 serial
    console), other regions, and the software on an instance, such as Talos, Kubernetes, packages and a tailnet.
  - It does not check private zones and rules of Route 53, key policies of KMS, values and policies of SSM parameters,
    associations of SSM, notifications of Auto Scaling, traffic mirroring, service networks of VPC Lattice,
    permissions of network interfaces for other accounts, session durations of roles, and groups of other VPCs that
    name a group of the cluster.
  - It does not check what can only restrict access further, such as VPC Block Public Access, AWS Network Firewall and
    permissions
    boundaries.
  - The bastion's user-data is compared only where O(allowed.user_data_sha256) is given, as in C(site.yml). That of a
    node is compared with the checksum in its tag C(UserDataSha256), which M(urmanac.talos.ec2_cluster) sets at launch.
author:
  - The urmanac.talos authors (@urmanac)
options:
  allowed:
    description: What is allowed beyond O(cluster).
    type: dict
    default: {}
    suboptions:
      rules:
        description:
          - Lines of rules by the name of the security group, as in RV(deviations), such as
            C(in udp/51820 from 192.0.2.7/32).
        type: dict
        default: {}
      routes:
        description: Lines of routes, such as C(10.99.0.0/16 via pcx-0123456789abcdef0).
        type: list
        elements: str
        default: []
      public_ipv4:
        description: Names of the network interfaces that may have a public IPv4 address.
        type: list
        elements: str
        default: []
      statements:
        description: Statements of inline policies by the name of the IAM role, for roles other than that of the nodes.
        type: dict
        default: {}
      user_data_sha256:
        description: Hexadecimal SHA-256 of the bastion's user-data. If empty, the user-data is not compared.
        type: str
        default: ""
      node_ssh_key_name:
        description: Name of the key pair that nodes are launched with, or empty. If it is not set, it is not compared.
        type: str
      node_ami_parameter:
        description:
          - SSM parameter with the image that nodes are launched from. If AWS maintains it (C(/aws/service/...)), an
            image of any other account is a deviation. If empty, images of nodes are not compared.
        type: str
        default: ""
seealso:
  - module: urmanac.talos.ec2_cluster_info
  - module: urmanac.talos.ec2_home_access
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes.reads_only
"""

EXAMPLES = r"""
- name: Audit the cluster
  urmanac.talos.ec2_audit_info:
    cluster: "{{ cluster_spec }}"
  register: audit

- name: Audit a cluster whose bastion has an Elastic IP
  urmanac.talos.ec2_audit_info:
    cluster: "{{ cluster_spec }}"
    allowed:
      public_ipv4:
        - talos-bastion
  register: audit

- name: Fail if the audit found a deviation
  ansible.builtin.assert:
    that: audit.deviations | length == 0
    fail_msg: "{{ audit.lines | join('\n') }}"
"""

RETURN = r"""
deviations:
  description:
    - All deviations, the most severe first, in the form that L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
      describes.
    - The severity is V(critical), V(high), V(medium) or V(low).
  returned: success
  type: list
  elements: dict
  sample:
    - code: RULE_OPEN_TO_INTERNET
      severity: critical
      subject: security group talos-nodes, rule sgr-0123456789abcdef0
      message: "open to everyone: in tcp/22 from 0.0.0.0/0"
      remedy: Run `aws ec2 revoke-security-group-ingress --group-id sg-0123456789abcdef0 ...`.
      evidence: {}
exposures:
  description:
    - Who can reach which ports of which address, allowed or not.
    - C(source.kind) is C(internet), C(vpc), C(security_group), or C(routed) for a VPN, a peering or a router.
  returned: success
  type: list
  elements: dict
  sample:
    - node: gateway
      address: 2001:db8:f::101
      protocol: tcp
      ports: [6443, 6443]
      source: {"kind": "internet", "name": "2001:db8:1:2::/64"}
home_access:
  description: The open home access, as M(urmanac.talos.ec2_home_access_info) returns it.
  returned: success
  type: list
  elements: dict
  sample: []
summary:
  description: Number of deviations, in total and by severity, and number of exposures.
  returned: success
  type: dict
  sample: {"deviations": 0, "critical": 0, "high": 0, "medium": 0, "low": 0, "exposures": 12}
lines:
  description: The lines of the report.
  returned: success
  type: list
  elements: str
  sample: ["Audit of talos: closed as described"]
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.audit.allowed import allowed_by
from ..module_utils._ec2.audit.deviations import audit, home_rules_of, report_lines
from ..module_utils._ec2.audit.reachability import Exposure
from ..module_utils._ec2.audit.reading import SERVICES, read_account
from ..module_utils._ec2.client import Api, connect
from ..module_utils._ec2.home.access import rule_as_dict
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError, failure_of

ALLOWED_SPEC = {
    "rules": {"type": "dict", "default": {}},
    "routes": {"type": "list", "elements": "str", "default": []},
    "public_ipv4": {"type": "list", "elements": "str", "default": []},
    "statements": {"type": "dict", "default": {}},
    "user_data_sha256": {"type": "str", "default": ""},
    # The name of a key pair, not a key.
    "node_ssh_key_name": {"type": "str", "no_log": False},
    "node_ami_parameter": {"type": "str", "default": ""},
}


def audit_info(api: Api, spec: ClusterSpec, extra: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the module's result."""
    account = read_account(api, spec)
    report = audit(account, allowed_by(spec, extra, next(iter(account.owners), None)), now)
    return {
        "deviations": [deviation.as_dict() for deviation in report.deviations],
        "exposures": [exposure_as_dict(exposure) for exposure in report.exposures],
        "home_access": [rule_as_dict(rule.home, now) for rule in home_rules_of(account)],
        "summary": report.summary(),
        "lines": report_lines(spec.name, account, report),
    }


def exposure_as_dict(exposure: Exposure) -> dict[str, Any]:
    """Return an exposure for the module's result."""
    return {**exposure._asdict(), "ports": list(exposure.ports), "source": exposure.source._asdict()}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster": argument_spec(),
            "allowed": {"type": "dict", "default": {}, "options": ALLOWED_SPEC},
        },
        supports_check_mode=True,
    )
    try:
        spec = parse_spec(module.params["cluster"])
        api = connect(module, SERVICES, region=spec.region, cidr=spec.vpc_ipv4_cidr)
        result = audit_info(api, spec, module.params["allowed"], datetime.now(UTC))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
