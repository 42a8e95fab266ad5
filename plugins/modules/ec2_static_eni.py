#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, change or delete a network interface with fixed addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_static_eni
short_description: Manage a network interface that keeps its addresses
version_added: 0.1.0
description:
  - Makes a network interface with a fixed IPv4 address and one IPv6 address, before and independent of any instance.
  - A machine's addresses are then known before the machine exists, and a replaced machine comes back with them.
  - An interface is found by its tag C(Name). If O(tags) holds C(Project) or C(Cluster), those have to match too,
    so that an interface of the same name in another cluster is never touched.
author:
  - The urmanac.talos authors (@urmanac)
options:
  name:
    description: Name of the interface, kept in its tag C(Name).
    type: str
    required: true
  state:
    description: V(absent) deletes the interface, and refuses to while an instance uses it.
    type: str
    choices: [present, absent]
    default: present
  subnet_id:
    description: Id of the subnet. AWS fixes it for good. Required with O(state=present).
    type: str
  ipv4:
    description: The private IPv4 address. AWS fixes it for good. Required with O(state=present).
    type: str
  ipv6_enabled:
    description: Whether the interface has exactly one IPv6 address, or none.
    type: bool
    default: true
  ipv6:
    description: The IPv6 address. Without it AWS chooses one, which is then kept.
    type: str
  security_group_ids:
    description: Ids of exactly the security groups of the interface. Required with O(state=present).
    type: list
    elements: str
  source_dest_check:
    description: Whether AWS drops packets that are neither from nor to the interface; V(false) lets a machine route.
    type: bool
    default: true
  description:
    description: What the interface is for.
    type: str
    default: ""
  tags:
    description: Tags of the interface; other tags that it has are left alone.
    type: dict
    default: {}
seealso:
  - module: amazon.aws.ec2_eni
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Reserve the addresses of a node
  urmanac.talos.ec2_static_eni:
    name: talos-gateway
    subnet_id: subnet-0123456789abcdef0
    ipv4: 10.10.0.101
    security_group_ids:
      - sg-0123456789abcdef0
    tags:
      Project: talos-arm64
      Cluster: talos

- name: Reserve the addresses of a machine that routes for others
  urmanac.talos.ec2_static_eni:
    name: talos-bastion
    subnet_id: subnet-0123456789abcdef0
    ipv4: 10.10.0.100
    ipv6: 2001:db8:1:2::100
    security_group_ids:
      - sg-0fedcba9876543210
    source_dest_check: false

- name: Give the addresses back
  urmanac.talos.ec2_static_eni:
    name: talos-gateway
    state: absent
    tags:
      Project: talos-arm64
      Cluster: talos
"""

RETURN = r"""
eni:
  description: The interface; V(null) with O(state=absent). What AWS has yet to choose is V(null) in check mode.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the interface.
      type: str
      returned: success
      sample: eni-0123456789abcdef0
    mac:
      description: MAC address.
      type: str
      returned: success
      sample: 02:00:5e:00:53:01
    ipv4:
      description: Private IPv4 address.
      type: str
      returned: success
      sample: 10.10.0.101
    ipv6:
      description: IPv6 address, V(null) if it has none.
      type: str
      returned: success
      sample: 2001:db8:1:2::101
    attachment_id:
      description: Id of the attachment, V(null) while no instance uses the interface.
      type: str
      returned: success
      sample: eni-attach-0123456789abcdef0
    instance_id:
      description: Id of the instance that uses the interface, V(null) while none does.
      type: str
      returned: success
      sample: i-0123456789abcdef0
  sample:
    id: eni-0123456789abcdef0
    mac: 02:00:5e:00:53:01
    ipv4: 10.10.0.101
    ipv6: 2001:db8:1:2::101
    attachment_id:
    instance_id:
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import connect
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.eni import (
    RETRY_ON,
    EniClient,
    Plan,
    Wanted,
    as_diff,
    as_result,
    ensure_absent,
    ensure_present,
)
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError, InputError

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "subnet_id": {"type": "str"},
    "ipv4": {"type": "str"},
    "ipv6_enabled": {"type": "bool", "default": True},
    "ipv6": {"type": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "source_dest_check": {"type": "bool", "default": True},
    "description": {"type": "str", "default": ""},
    "tags": {"type": "dict", "default": {}},
}


def wanted_of(params: Mapping[str, Any]) -> Wanted:
    """Return the description that the options are."""
    _refuse_bad_addresses(params)
    plain = {name: params[name] for name in Wanted.__dataclass_fields__}
    tags = {str(key): str(value) for key, value in params["tags"].items()}
    return Wanted(**{**plain, "security_group_ids": tuple(params["security_group_ids"] or ()), "tags": tags})


def _refuse_bad_addresses(params: Mapping[str, Any]) -> None:
    for option, kind, example in (("ipv4", IPv4Address, "10.10.0.101"), ("ipv6", IPv6Address, "2001:db8::101")):
        try:
            kind(params[option] or example)
        except ValueError as error:
            whom = f"network interface {params['name']}"
            raise InputError(f"Failed to use {option} of {whom}: {error}. Write one such as {example}.") from error


def ensure(client: EniClient, wanted: Wanted, *, state: str, check_mode: bool) -> Plan:
    """Bring the interface to the state and tell what changed."""
    if state == "absent":
        return ensure_absent(client, wanted.name, wanted.tags, check_mode=check_mode)
    return ensure_present(client, wanted, check_mode=check_mode)


def main() -> None:
    required = [("state", "present", ("subnet_id", "ipv4", "security_group_ids"))]
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, required_if=required, supports_check_mode=True)
    try:
        wanted = wanted_of(module.params)
        client = EniClient(connect(module, ("ec2",), cidr=wanted.ipv4 or "", retry_on=RETRY_ON))
        plan = ensure(client, wanted, state=module.params["state"], check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(msg=str(error))
    diff = {"before": as_diff(plan.before), "after": as_diff(plan.after)}
    module.exit_json(changed=plan.changed, eni=as_result(plan.after), diff=diff)


if __name__ == "__main__":
    main()
