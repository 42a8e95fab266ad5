#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change or delete the budget that sends e-mail about a cluster's costs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_budget
short_description: Create, change or delete the budget that sends e-mail about a cluster's costs
version_added: 0.1.0
description:
  - AWS Budgets then sends e-mail when the costs of the cluster in a calendar month exceed percentages of an amount,
    or are forecasted to. It stops nothing.
  - The budget counts what has the cluster's tags C(Project) and C(Cluster). Both have to be activated as cost
    allocation tags first (console, Billing and Cost Management), in an organization by its management account.
    Without that, the budget counts nothing and no e-mail is sent. AWS updates its data up to three times a day.
  - A budget belongs to the cluster if it has the name C(project-name-budget) and counts the costs of exactly these
    tags. Another one of this name is never changed or deleted.
  - A budget that differs is deleted and created again, so that AWS may send a notification a second time.
notes:
  - Budgets without actions are free of charge.
author:
  - The urmanac.talos authors (@urmanac)
options:
  record:
    description:
      - A file on the controller in which the module records the address, because a change of it is detected only
        there. It is deleted with the budget.
    type: path
    required: true
  state:
    description: Whether the budget exists.
    type: str
    choices: [present, absent]
    default: present
  email:
    description: The address to which AWS sends e-mail. Required for O(state=present).
    type: str
    default: ""
  per_month:
    description: The amount of the budget in US dollars a month. Required for O(state=present).
    type: float
    default: 0
  actual_percents:
    description: At which percentages of O(per_month) AWS sends e-mail, for costs so far.
    type: list
    elements: float
    default: [80, 100]
  forecasted_percents:
    description:
      - At which percentages of O(per_month) AWS sends e-mail, for its forecast of the month's costs.
      - AWS forecasts costs after about five weeks of them.
    type: list
    elements: float
    default: [100]
seealso:
  - module: urmanac.talos.ec2_cost_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Send e-mail at 80 and 100 % of 20 dollars a month
  urmanac.talos.ec2_budget:
    cluster: "{{ cluster_spec }}"
    record: ~/clusters/moon/budget.json
    email: me@example.com
    per_month: 20

- name: Delete the budget
  urmanac.talos.ec2_budget:
    cluster: "{{ cluster_spec }}"
    record: ~/clusters/moon/budget.json
    state: absent
"""

RETURN = r"""
budget:
  description: The name of the budget.
  returned: success
  type: str
  sample: talos-arm64-moon-budget
lines:
  description: What was done, or would be done in check mode, or what exists, one line each.
  returned: success
  type: list
  elements: str
  sample:
    - "created budget talos-arm64-moon-budget: e-mail to me@example.com at 80 %, 100 % spent of $20.00 a month"
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.calls import Calls
from ..module_utils._ec2.client import Api, connect
from ..module_utils._ec2.cost.mail import SERVICES, Place, Plan, described, ensure_absent, ensure_present
from ..module_utils._ec2.spec import ClusterSpec, argument_spec, parse_spec
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._options import check_numbers

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster": argument_spec(),
    "record": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "email": {"type": "str", "default": ""},
    "per_month": {"type": "float", "default": 0},
    "actual_percents": {"type": "list", "elements": "float", "default": [80, 100]},
    "forecasted_percents": {"type": "list", "elements": "float", "default": [100]},
}


def ensure(api: Api, spec: ClusterSpec, options: Mapping[str, Any], *, check_mode: bool) -> tuple[Place, Plan]:
    """Bring the budget to the requested state."""
    account = str(api.call("sts", "get_caller_identity")["Account"])
    place = Place(Calls(api), spec, account, Path(options["record"]))
    if options["state"] == "absent":
        return place, ensure_absent(place, check_mode=check_mode)
    return place, ensure_present(place, described(place.name, options), check_mode=check_mode)


def result_of(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the module's result."""
    diff = {"before": f"{plan.before}\n", "after": f"{plan.after}\n"}
    return {"changed": plan.changed, "budget": place.name, "lines": list(plan.lines), "diff": diff}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        check_numbers(module.params)
        spec = parse_spec(module.params["cluster"])
        api = connect(module, SERVICES, region=spec.region, cidr=spec.vpc_ipv4_cidr, once=True)
        place, plan = ensure(api, spec, module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result_of(place, plan))


if __name__ == "__main__":
    main()
