#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the bastion's Auto Scaling group runs an instance, or name why it cannot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_bastion_wait
short_description: Wait until the bastion's Auto Scaling group runs an instance, or name why it cannot
version_added: 0.1.0
description:
  - Waits until an instance of the bastion runs.
  - Fails as soon as AWS reports that the Auto Scaling group cannot launch an instance, for example because of a quota
    or missing capacity, with the message of AWS and a remedy.
  - Continues to wait after a failure that passes without a change, such as an instance profile that EC2 does not know
    yet, or a network interface that is still attached to the previous instance.
options:
  timeout:
    description: How many seconds to wait. The failure then contains that of the group's latest attempt, if it failed.
    type: int
    default: 600
author:
  - The urmanac.talos authors (@urmanac)
seealso:
  - module: urmanac.talos.ec2_cluster
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes.reads_only
"""

EXAMPLES = r"""
- name: Wait until the bastion runs
  urmanac.talos.ec2_bastion_wait:
    cluster: "{{ cluster_spec }}"
"""

RETURN = r"""
instances:
  description: The ids of the running instances.
  returned: success
  type: list
  elements: str
  sample: [i-0123456789abcdef0]
"""

from datetime import UTC, datetime

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.bastion.launch import wait_for_instance
from ..module_utils._ec2.client import connect
from ..module_utils._ec2.spec import argument_spec, parse_spec
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._options import check_numbers


def main() -> None:
    options = {"cluster": argument_spec(), "timeout": {"type": "int", "default": 600}}
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    try:
        check_numbers(module.params)
        spec = parse_spec(module.params["cluster"])
        api = connect(module, ("autoscaling", "ec2"), region=spec.region, cidr=spec.vpc_ipv4_cidr)
        found = wait_for_instance(api, spec, module.params["timeout"], datetime.now(UTC))
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, instances=found)


if __name__ == "__main__":
    main()
