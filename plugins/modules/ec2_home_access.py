#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open and close a cluster for one home IPv6 network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_home_access
short_description: Open and close a cluster for one home IPv6 network
version_added: 0.1.0
description:
  - Opens exact ports of a cluster's security groups to one IPv6 network, with a description,
    tags and, if wanted, an end.
  - The groups are C(<cluster>-nodes) and C(<cluster>-bastion), found by this name, which cannot be changed, and the
    tags C(Project), C(Cluster) and C(ManagedBy) of the group and of its VPC. The rules in them are found by these tags
    and C(Purpose=home-access). No other rule is changed. If the same rule exists without these tags, the module fails,
    because AWS rejects a duplicate.
  - With O(state=absent) and O(state=expired) it closes in all groups that it finds; O(state=present) fails if there are
    two of one name.
  - If another group has rules of home access, O(state=present) opens nothing and fails, O(state=absent) closes its
    other rules and fails, and O(state=expired) closes its other rules and warns, with the command that closes them.
  - A schedule whose rule is still open, such as one that has lost its tags, is kept, and M(urmanac.talos.ec2_cluster)
    does not delete its role.
  - Every run, whatever its O(state), closes what has expired. An end that cannot be parsed counts as expired.
  - Rejects what is not a home network, such as IPv4, C(::/0), anything larger than C(/48), addresses that are not
    routed beyond a site, and a prefix with host bits set.
notes:
  - To read what is open without changing anything, use M(urmanac.talos.ec2_home_access_info).
  - Needs permission for C(ec2:DescribeSecurityGroups), C(ec2:DescribeSecurityGroupRules),
    C(ec2:AuthorizeSecurityGroupIngress), C(ec2:RevokeSecurityGroupIngress),
    C(ec2:UpdateSecurityGroupRuleDescriptionsIngress), C(ec2:CreateTags) and C(ec2:DeleteTags).
  - With O(state=absent) it also needs permission for C(scheduler:ListSchedules), C(scheduler:GetSchedule) and
    C(scheduler:DeleteSchedule).
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
  state:
    description:
      - V(present) opens the ports to O(ipv6).
      - V(absent) closes them for O(ipv6), or for every network if it is omitted.
      - V(expired) closes only what has expired, so a playbook with another purpose can run it.
    type: str
    choices: [present, absent, expired]
    default: present
  ipv6:
    description:
      - The home network such as V(2001:db8:1:2::/64), or one address in it, which means a C(/128).
      - Required with O(state=present).
    type: str
  expires:
    description:
      - When home access ends, from 5 minutes to 30 days from now. A duration such as V(30m), V(8h) or V(2d), or a time
        with its zone such as V(2026-12-24T18:00:00Z).
      - Without it home access stays open until it is closed.
      - A duration counts from now, so each run moves the end, but not by less than 5 minutes.
    type: str
  replace:
    description: Whether to close all other home networks in the same run, after this one is open.
    type: bool
    default: false
  openings:
    description: What is opened.
    type: list
    elements: dict
    default:
      - {group: nodes, port: 6443, description: Kubernetes API from home}
      - {group: nodes, port: 50000, description: Talos API from home}
      - {group: bastion, port: 22, description: SSH from home}
    suboptions:
      group:
        description: The security group.
        type: str
        choices: [nodes, bastion]
        required: true
      port:
        description: The TCP port.
        type: int
        required: true
      description:
        description: The description that the AWS console shows.
        type: str
        required: true
  schedule_role_arn:
    description:
      - ARN of an IAM role with which EventBridge Scheduler may call C(ec2:RevokeSecurityGroupIngress).
      - With it, one-time schedules close home access at its end even if no playbook runs. Without it, no schedule is
        created, and only O(state=absent) reads and deletes those that are left.
      - Needs permission for C(scheduler:ListSchedules), C(scheduler:GetSchedule), C(scheduler:CreateSchedule),
        C(scheduler:UpdateSchedule), C(scheduler:DeleteSchedule) and C(iam:PassRole).
      - M(urmanac.talos.ec2_cluster) creates such a role with its part V(access).
    type: str
attributes:
  idempotent:
    support: partial
    details:
      - A duration in O(expires) counts from now, see there.
seealso:
  - module: urmanac.talos.ec2_home_access_info
  - module: urmanac.talos.ec2_audit_info
  - module: amazon.aws.ec2_security_group
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Open home access for a working day
  urmanac.talos.ec2_home_access:
    name: talos
    project: talos-arm64
    region: eu-west-1
    ipv6: 2001:db8:1:2::/64
    expires: 8h

- name: Replace home access after the provider assigned another prefix
  urmanac.talos.ec2_home_access:
    name: talos
    project: talos-arm64
    region: eu-west-1
    ipv6: 2001:db8:7:8::/64
    replace: true

- name: Close expired home access
  urmanac.talos.ec2_home_access:
    name: talos
    project: talos-arm64
    region: eu-west-1
    state: expired

- name: Close all home access
  urmanac.talos.ec2_home_access:
    name: talos
    project: talos-arm64
    region: eu-west-1
    state: absent
"""

RETURN = r"""
open:
  description: >-
    The rules that are open after the run, or would be in check mode; C(id) is V(null) for those that check
    mode did not create.
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
closed:
  description: The rules that were closed, as in RV(open).
  returned: success
  type: list
  elements: dict
  sample: []
lines:
  description: What is open and until when, one line per rule.
  returned: success
  type: list
  elements: str
  sample: ["nodes tcp/6443 from 2001:db8:1:2::/64 until 2026-12-24T18:00:00Z (Kubernetes API from home)"]
schedules:
  description: >-
    Names of the schedules that were created, changed and deleted. Empty without O(schedule_role_arn), except with
    O(state=absent).
  returned: success
  type: dict
  sample: {"created": ["talos-home-access-1f2e3d4c5b-6a79880716"], "updated": [], "deleted": []}
problems:
  description: Why nothing was opened or closed, or which call failed.
  returned: failure
  type: list
  elements: dict
  sample:
    - code: HOME_GROUP_MISSING
      severity: error
      subject: open home access to talos
      message: the security group talos-nodes of project talos-arm64 does not exist
      remedy: Build the network first (playbooks/site.yml).
      evidence: {}
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.calls import Calls
from ..module_utils._ec2.client import AwsError, connect_checked
from ..module_utils._ec2.home import schedule as home_schedule
from ..module_utils._ec2.home.access import (
    HomeRule,
    Order,
    Plan,
    carry_out,
    read_plan,
    rule_as_dict,
    rule_line,
    rules_among,
)
from ..module_utils._ec2.home.input import Refusal, documentation_problems, parse_expires, parse_home_network
from ..module_utils._ec2.home.schedule import Schedule, SchedulePlan
from ..module_utils._ec2.identity import Identity
from ..module_utils._ec2.openings import openings_option, parse_openings
from ..module_utils._ec2.preflight.described_texts import Text, identity_texts, sent_problems
from ..module_utils._ec2.spec import is_loopback_endpoint
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._findings import failure

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "project": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "expired"], "default": "present"},
    "ipv6": {"type": "str"},
    "expires": {"type": "str"},
    "replace": {"type": "bool", "default": False},
    "openings": openings_option(),
    "schedule_role_arn": {"type": "str"},
}


def texts_of(options: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the texts that are sent to AWS unchanged."""
    name, project = options["name"], options["project"]
    yield from identity_texts(name, project)
    if options["schedule_role_arn"]:
        yield Text("name", "schedule_name", home_schedule.name_prefix(Identity(name, project)))
    for number, opening in enumerate(options["openings"]):
        yield Text(f"openings[{number}].description", "rule_description", opening["description"])


def order_of(options: Mapping[str, Any], now: datetime) -> Order:
    """Return the request from the options, or raise Refusal."""
    for problem in sent_problems(texts_of(options)) if options["state"] == "present" else ():
        raise Refusal(problem)
    ipv6, expires = options["ipv6"], options["expires"]
    return Order(
        state=options["state"],
        network=None if ipv6 is None else str(parse_home_network(ipv6)),
        end=None if expires is None else parse_expires(expires, now),
        replace=options["replace"],
        openings=parse_openings(options["openings"]),
    )


def refuse_example(network: str | None, endpoint: str) -> None:
    """Raise Refusal for a documentation network, except in a lab."""
    for problem in documentation_problems(network or ""):
        if not is_loopback_endpoint(endpoint):
            raise Refusal(problem)


def ensure(
    calls: Calls, options: Mapping[str, Any], order: Order, now: datetime, *, check_mode: bool
) -> tuple[Plan, SchedulePlan]:
    """Bring rules and schedules to the requested state and return what changed; change nothing if one is rejected."""
    identity = Identity(options["name"], options["project"])
    role_arn = options["schedule_role_arn"]
    current = home_schedule.read_schedules(calls, identity) if role_arn else {}
    plan = read_plan(calls, identity, order, now, check_mode=check_mode)
    if role_arn:
        home_schedule.refuse_others(current, home_schedule.schedules_of(identity, plan.after, role_arn))
    if plan.changed and not check_mode:
        plan = carry_out(calls, identity, order, now, plan)
    if not role_arn and order.state == "absent":
        # The role may have been deleted. The rules are closed even if reading the schedules is not permitted.
        current = home_schedule.read_schedules(calls, identity)
    wanted = home_schedule.schedules_of(identity, plan.after, role_arn) if role_arn else []
    # The wanted ones close what is open, if it has an end.
    decided = (*plan.closed, *(plan.after if role_arn else ()))
    still_open = _still_open(calls, home_schedule.unneeded(current, wanted), decided)
    schedules = home_schedule.plan_schedules(current, wanted, still_open)
    if not check_mode:
        home_schedule.carry_out(calls, schedules)
    return plan, schedules


def _still_open(calls: Calls, unneeded: Iterable[Schedule], decided: Iterable[HomeRule]) -> set[str]:
    """Return which of the rules that only unneeded schedules close exist, such as those that lost their tags."""
    named = {rule for schedule in unneeded for rule in schedule.rules}
    return {*rules_among(calls, named - {rule.id for rule in decided if rule.id})}


def report_elsewhere(module: AnsibleAWSModule, plan: Plan, order: Order) -> None:
    """Raise AwsError if rules that should be closed are elsewhere; playbooks that only close expired ones go on."""
    if plan.elsewhere is None:
        return
    if order.state != "expired":
        raise AwsError(plan.elsewhere)
    module.warn(failure(plan.elsewhere.subject, plan.elsewhere))


def result_of(plan: Plan, schedules: SchedulePlan, now: datetime) -> dict[str, Any]:
    """Return the module's result."""
    before, after = ([rule_line(rule) for rule in rules] for rules in (plan.before, plan.after))
    return {
        "changed": plan.changed or schedules.changed,
        "open": [rule_as_dict(rule, now) for rule in plan.after],
        "closed": [rule_as_dict(rule, now) for rule in plan.closed],
        "lines": after,
        "schedules": {
            "created": [schedule.name for schedule in schedules.create],
            "updated": [schedule.name for schedule in schedules.update],
            "deleted": list(schedules.delete),
        },
        "diff": {"before": {"open": sorted(before)}, "after": {"open": sorted(after)}},
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ("ipv6",))],
        supports_check_mode=True,
    )
    now = datetime.now(UTC)
    try:
        order = order_of(module.params, now)
        has_schedules = module.params["schedule_role_arn"] or order.state == "absent"
        services = ("ec2", "scheduler") if has_schedules else ("ec2",)
        # Calls retries safe calls only; botocore would retry every call.
        connection = connect_checked(module, services, once=True)
        calls = Calls(connection.checked())
        if order.state == "present" and not module.check_mode:
            refuse_example(order.network, connection.endpoint)
        plan, schedules = ensure(calls, module.params, order, now, check_mode=module.check_mode)
        report_elsewhere(module, plan, order)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result_of(plan, schedules, now))


if __name__ == "__main__":
    main()
