#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the open home access of a cluster, and until when."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_home_access_info
short_description: List the home access that is open, and until when
version_added: 0.1.0
description:
  - Lists the rules that M(urmanac.talos.ec2_home_access) has opened, as they are in the account.
  - M(urmanac.talos.ec2_audit_info) reports all other rules as well.
author:
  - The urmanac.talos authors (@urmanac)
options:
  name:
    description: Name of the cluster, the value of the tag C(Cluster).
    type: str
    required: true
  project:
    description: The value of the tag C(Project).
    type: str
    required: true
seealso:
  - module: urmanac.talos.ec2_home_access
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos.attributes.reads_only
"""

EXAMPLES = r"""
- name: Read the open home access
  urmanac.talos.ec2_home_access_info:
    name: talos
    project: talos-arm64
    region: eu-west-1
  register: home_access

- name: Show it
  ansible.builtin.debug:
    var: home_access.lines
"""

RETURN = r"""
open:
  description: The open rules, including expired ones that were not closed yet.
  returned: success
  type: list
  elements: dict
  sample:
    - id: sgr-0123456789abcdef0
      group: nodes
      group_id: sg-0123456789abcdef0
      port: tcp/6443
      network: 2001:db8:1:2::/64
      description: Kubernetes API from home
      expires: "2026-12-24T18:00:00Z"
      expired: false
lines:
  description: The same, one line per rule.
  returned: success
  type: list
  elements: str
  sample: ["nodes tcp/6443 from 2001:db8:1:2::/64 until 2026-12-24T18:00:00Z (Kubernetes API from home)"]
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import Api, AwsError, connect
from ..module_utils._ec2.home.access import find_elsewhere, read_groups, read_rules, rule_as_dict, rule_line
from ..module_utils._ec2.identity import Identity
from ..module_utils._errors import CollectionError, failure_of


def home_access_info(api: Api, identity: Identity, now: datetime) -> dict[str, Any]:
    """Return the module's result."""
    groups = read_groups(api, identity)
    if elsewhere := find_elsewhere(api, identity, groups):
        raise AwsError(elsewhere)
    rules = [rule for rule in read_rules(api, identity, groups) if rule.ours]
    return {"open": [rule_as_dict(rule, now) for rule in rules], "lines": [rule_line(rule) for rule in rules]}


def main() -> None:
    text = {"type": "str", "required": True}
    module = AnsibleAWSModule(argument_spec={"name": text, "project": text}, supports_check_mode=True)
    try:
        identity = Identity(module.params["name"], module.params["project"])
        result = home_access_info(connect(module, ("ec2",)), identity, datetime.now(UTC))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
