#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the SSH host key that all instances of a cluster's bastion use."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_host_key
short_description: Create the SSH host key that all instances of a cluster's bastion use
version_added: 0.1.0
description:
  - Creates an Ed25519 key pair once and stores its private part in the SSM SecureString O(parameter), encrypted with
    the
    account's key for SSM. The public part is a tag of the parameter.
  - The instances of the bastion install the key when they boot. So it is known before the first connection, and it
    stays the same when the Auto Scaling group replaces the instance. The host keys that cloud-init creates do not.
  - Never overwrites a parameter, and never reads the private part.
  - Anyone who may read the parameter can impersonate the bastion. The role C(bastion) grants this to the bastion only.
options:
  parameter:
    description: Name of the SSM parameter, with a slash in front.
    type: str
    required: true
  state:
    description: V(present) creates the parameter if it does not exist, V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
author:
  - The urmanac.talos authors (@urmanac)
seealso:
  - module: urmanac.talos.ec2_cluster_info
requirements:
  - cryptography (to create the key)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Create the host key of the bastion
  urmanac.talos.ec2_host_key:
    cluster: "{{ cluster_spec }}"
    parameter: "{{ cluster_bastion_host_key_parameter }}"
  register: host_key

- name: Add the host key to the known_hosts file
  ansible.builtin.copy:
    content: "{{ host_key.known_hosts }}"
    dest: "{{ cluster_bastion_known_hosts }}"
    mode: "0644"
"""

RETURN = r"""
public_key:
  description: The public host key, V(null) if there is none.
  returned: success
  type: str
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFU0bzrBQ1BdWZSnlzrXMTLMHBVpNmAqWIjRiXLOrFxX talos-arm64-moon-bastion
alias:
  description: The name of the key in known_hosts, and the value of SSH's HostKeyAlias.
  returned: success
  type: str
  sample: talos-arm64-moon-bastion
known_hosts:
  description: The line for a known_hosts file, empty if there is no key.
  returned: success
  type: str
  sample: "talos-arm64-moon-bastion ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFU0bzrBQ1BdWZSnlzrXMTLMHBVpNmAqWIjRiXLOrFxX\n"
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.bastion.host_key import Plan, ensure_absent, ensure_present
from ..module_utils._ec2.calls import Calls
from ..module_utils._ec2.client import connect
from ..module_utils._ec2.desired import tags_of
from ..module_utils._ec2.preflight.described_texts import Text, refuse_sent, tag_texts
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._libraries import require
from ..module_utils._ssh.keys import known_hosts_line, make_host_key


def ensure(calls: Calls, spec: ClusterSpec, parameter: str, state: str, *, check_mode: bool) -> Plan:
    """Bring the parameter to the state and return what changed."""
    if state == "absent":
        return ensure_absent(calls, spec, parameter, check_mode=check_mode)
    return ensure_present(calls, spec, parameter, make_host_key, check_mode=check_mode)


def texts_of(spec: ClusterSpec, parameter: str) -> list[Text]:
    """Return the texts that are sent to AWS unchanged."""
    return [Text("parameter", "parameter_name", parameter), *tag_texts(tags_of(spec, spec.names.bastion))]


def result_of(plan: Plan, spec: ClusterSpec) -> dict[str, Any]:
    """Return the module's result."""
    alias, public = spec.names.unique, plan.after
    return {
        "changed": plan.changed,
        "public_key": public,
        "alias": alias,
        "known_hosts": known_hosts_line(alias, public) if public else "",
        "diff": {"before": f"{plan.before or ''}\n", "after": f"{public or ''}\n"},
    }


def main() -> None:
    options = {
        "cluster": argument_spec(),
        "parameter": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    spec = parse_spec(module.params["cluster"])
    try:
        if module.params["state"] == "present":
            refuse_sent("create the host key", texts_of(spec, module.params["parameter"]))
        api = connect(module, ("ssm",), region=spec.region, cidr=spec.vpc_ipv4_cidr, once=True)
        wanted = (module.params[name] for name in ("parameter", "state"))
        plan = ensure(Calls(api), spec, *wanted, check_mode=module.check_mode)
    except ImportError as error:
        require(module, error)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result_of(plan, spec))


if __name__ == "__main__":
    main()
