#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find everything that would prevent a cluster from being created, before anything is created."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_preflight_info
short_description: List everything that would prevent a cluster from being created in EC2
version_added: 0.1.0
description:
  - Checks the description of a cluster, and queries AWS in parallel about credentials, availability zone, instance
    types and the image of nodes.
  - Returns all problems at once, each with a remedy. It does not fail because of them.
  - Problems of the description are reported even if AWS cannot be reached.
  - Compares the free part of the account's quotas with the missing resources of the cluster, and the account's plan
    with the instance types. A denied call for these is a note. Running parts of the cluster count as used.
  - The rules of each security group are counted as AWS does, separately by direction and for IPv4 and IPv6, with those
    that exist and those that O(home_ipv6) adds.
  - Compares the cost forecast with the limits in O(cluster.cost). An exceeded limit is a problem, or a note if
    O(cluster.cost.policy) is V(warn).
  - Changes nothing and costs nothing.
options:
  sources:
    description:
      - The images and URLs with which nodes are booted into Talos, downloaded through the bastion.
      - Those that a bastion without IPv4 cannot reach are a problem, except if the VPC is that of a lab, on loopback.
    type: list
    elements: str
    default: []
  registry_upstreams:
    description: The sources of the bastion's caches, by the name of the registry, if they are not the registry itself.
    type: dict
    default: {}
  api_via:
    description:
      - The host from which the nodes are configured, V(bastion) or V(localhost).
      - With V(bastion) it is a problem if a login to the bastion would not be possible, or if the controller does not
        have the programs of Session Manager and O(cluster.bastion.connection) is V(ssm).
    type: str
    choices: [bastion, localhost]
    default: localhost
  home_ipv6:
    description:
      - The IPv6 network for which the build opens SSH to the bastion; empty for none.
      - An address of this controller outside of it is a note, and so is a controller without IPv6. Without it, an
        address outside of the networks for which SSH to the bastion is open is one.
      - A network that is reserved for documentation is a problem, in check mode a note, and in the lab allowed.
    type: str
    default: ''
  own_bastion:
    description: Whether the inventory has its own host for O(api_via), with its own connection variables.
    type: bool
    default: false
  inventory_connection:
    description:
      - How the inventory plugin P(urmanac.talos.ec2_nodes#inventory) connects to the bastion; empty if it does not.
      - A difference from O(cluster.bastion.connection) is a problem.
    type: str
    choices: ['', ssh, ssm]
    default: ''
  node_ssh_key_name:
    description: The EC2 key pair of nodes with O(cluster.ssh_enabled); empty for none.
    type: str
    default: ''
  node_ami_parameter:
    description: The SSM parameter with the image of nodes.
    type: str
    default: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64
  cozystack_sources:
    description: The images and URLs of your own CozyStack build. A host that is reserved for examples is a note.
    type: list
    elements: str
    default: []
  authority:
    description:
      - Fingerprint of the certificate authority of this controller's secrets, as M(urmanac.talos.talos_secrets) returns
        it; empty if it has none. A cluster of another controller is then a problem. Omit it to skip the check.
      - A run of another controller that is active now is a problem as well, in check mode a note.
    type: str
  claim_existing:
    description: >-
      The ID of a VPC or an instance of a cluster that exists without a claim, as the option C(unclaimed) of
      M(urmanac.talos.ec2_claim).
    type: str
    default: ""
  run_takeover:
    description: Whether another run may be active, as M(urmanac.talos.ec2_run_lock) takes it.
    type: bool
    default: false
  directory:
    description:
      - The directory on the controller with the secrets and the records of the cluster, as the option C(directory) of
        M(urmanac.talos.ec2_claim). One of a cluster in another account is a problem.
    type: path
  secrets_directory:
    description: The directory with the secrets, if it is another one. The same applies to it.
    type: path
  kernel_arguments:
    description: The kernel arguments that the user-data of nodes passes to Talos.
    type: list
    elements: str
    default: []
author:
  - The urmanac.talos authors (@urmanac)
notes:
  - Quotas need C(servicequotas:GetServiceQuota) and C(servicequotas:GetAWSDefaultServiceQuota), the account's plan
    needs C(freetier:GetAccountPlanState), rules that name prefix lists need C(ec2:DescribeManagedPrefixLists), and the
    role of Auto Scaling C(iam:GetRole).
  - It cannot check the permissions of the build itself. Besides EC2, Auto Scaling and IAM, the first Auto Scaling
    group of an account needs C(iam:CreateServiceLinkedRole) for C(autoscaling.amazonaws.com), for which there is a note
    if the account has no role C(AWSServiceRoleForAutoScaling) yet, and schedules that end
    home access need C(scheduler:*) and C(iam:PassRole) to C(scheduler.amazonaws.com).
seealso:
  - module: urmanac.talos.ec2_cluster_info
  - module: urmanac.talos.ec2_cost_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos._ec2_cluster
  - urmanac.talos.attributes.reads_only
"""

EXAMPLES = r"""
- name: Check the description, the account and the region
  urmanac.talos.ec2_preflight_info:
    cluster: "{{ cluster_spec }}"
  register: preflight

- name: Fail if there are problems
  ansible.builtin.assert:
    that: preflight.problems + preflight.limits == []
    fail_msg: "{{ (preflight.problems + preflight.limits) | map(attribute='message') | join(' ') }}"
"""

RETURN = r"""
problems:
  description:
    - All problems; empty if the cluster can be created, except for RV(unclaimed) and RV(limits).
    - They have the form that L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
      describes.
  returned: success
  type: list
  elements: dict
  sample:
    - code: ADDRESS_OUTSIDE_SUBNET
      severity: error
      subject: node gateway
      message: 10.20.0.101 does not lie in the subnet 10.10.0.0/24.
      remedy: Choose an address of 10.10.0.0/24, or another cluster_subnet_ipv4_cidr.
      evidence: {}
unclaimed:
  description: >-
    The problem that the cluster exists without a claim, apart from RV(problems), because it is reported after the plan,
    which shows what exists.
  returned: success
  type: list
  elements: dict
  sample: []
limits:
  description: >-
    The problems with the account's quotas and its plan, apart from RV(problems), because they are reported after the
    plan, which does not depend on them.
  returned: success
  type: list
  elements: dict
  sample: []
notes:
  description:
    - Notes that do not prevent the build, in the form of RV(problems).
    - The code is C(INSTANCE_TYPE_TIGHT), C(EXAMPLE_HOST) for images and URLs that are still those of an example
      (in RV(problems) without check mode, unless the endpoint is one of this machine),
      C(IPV6_DOCUMENTATION) for a home network that is, C(CONTROLLER_WITHOUT_IPV6) and C(CONTROLLER_OUTSIDE_ACCESS)
      for a controller from which SSH may not reach the bastion, C(COST_ABOVE_LIMIT) and others about costs, or
      C(SERVICE_ROLE_MISSING) if the account has never had an Auto Scaling group,
      C(NOT_CHECKED) for quotas, the account's plan and what the availability zone offers, if AWS did not disclose them.
  returned: success
  type: list
  elements: dict
  sample:
    - code: INSTANCE_TYPE_TIGHT
      severity: warning
      subject: instance type t4g.small
      message: "t4g.small has 2048 MiB of memory: enough to boot Talos, too little to run CozyStack."
      remedy: Use t4g.medium or larger unless this is a test.
      evidence: {}
cost:
  description: What the cluster will cost, as M(urmanac.talos.ec2_cost_info) returns it with the shipped prices.
  returned: success
  type: dict
  sample: {"per_hour": 0.155, "per_day": 3.31, "per_month": 100.79, "per_session": 0.47}
account:
  description: The AWS account, V(null) if it is not known.
  returned: success
  type: str
  sample: "123456789012"
endpoint:
  description: The EC2 endpoint, V(null) if no client could be created.
  returned: success
  type: str
  sample: https://ec2.eu-west-1.amazonaws.com
offered_types:
  description:
    - Which of RV(instance_types) the availability zone offers; empty if EC2 did not return them.
  returned: success
  type: list
  elements: str
  sample: [t4g.large, t4g.medium]
instance_types:
  description: The sizes of the nodes' instance types, and of possible replacements, as EC2 reports them.
  returned: success
  type: dict
  sample:
    t4g.medium:
      vcpus: 2
      memory_mib: 4096
      architecture: arm64
      burstable: true
      free_tier_eligible: false
ami:
  description: The image of nodes and its root device, V(null) if it is not known.
  returned: success
  type: dict
  sample: {"id": "ami-0123456789abcdef0", "name": "al2023-ami-2023.12.20260930.0-arm64", "root_device": "/dev/xvda"}
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._codes import WARNING
from ..module_utils._ec2.bastion.egress import egress_problems, example_problems
from ..module_utils._ec2.bastion.way_in import (
    SshAccess,
    WayIn,
    controller_notes,
    read_ssh_access,
    source_address,
    way_in_problems,
)
from ..module_utils._ec2.client import (
    AwsError,
    Connection,
    connect_checked,
)
from ..module_utils._ec2.cost.forecast import forecast
from ..module_utils._ec2.cost.limits import enforced
from ..module_utils._ec2.cost.prices import shipped
from ..module_utils._ec2.desired import AMI_PARAMETER
from ..module_utils._ec2.home.input import documentation_problems
from ..module_utils._ec2.identity import Identity
from ..module_utils._ec2.ownership.directory import Owner, of_other_account
from ..module_utils._ec2.ownership.occupied import ACTIVE, UNCLAIMED, Controller, occupied_problems
from ..module_utils._ec2.preflight.account import limit_codes
from ..module_utils._ec2.preflight.checks import (
    SERVICES,
    Answers,
    Inquiry,
    answer_problems,
    ask,
    notes,
    unique,
)
from ..module_utils._ec2.preflight.described_texts import command_line_problems, text_problems
from ..module_utils._ec2.spec import (
    ClusterSpec,
    argument_spec,
    is_loopback_endpoint,
    parse_spec,
    problems,
)
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._findings import Finding
from ..module_utils._runs import is_alive, this_run

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster": argument_spec(),
    "sources": {"type": "list", "elements": "str", "default": []},
    "registry_upstreams": {"type": "dict", "default": {}},
    "api_via": {"type": "str", "choices": ["bastion", "localhost"], "default": "localhost"},
    "home_ipv6": {"type": "str", "default": ""},
    "own_bastion": {"type": "bool", "default": False},
    "inventory_connection": {"type": "str", "choices": ["", "ssh", "ssm"], "default": ""},
    "node_ssh_key_name": {"type": "str", "default": "", "no_log": False},
    "node_ami_parameter": {"type": "str", "default": AMI_PARAMETER},
    "cozystack_sources": {"type": "list", "elements": "str", "default": []},
    "authority": {"type": "str"},
    "claim_existing": {"type": "str", "default": ""},
    "run_takeover": {"type": "bool", "default": False},
    "directory": {"type": "path"},
    "secrets_directory": {"type": "path"},
    "kernel_arguments": {"type": "list", "elements": "str", "default": []},
}
_WAY = ("api_via", "home_ipv6", "own_bastion", "node_ssh_key_name", "inventory_connection")


def preflight(
    spec: ClusterSpec,
    connect: Callable[[], Connection],
    *,
    out_of_reach: Iterable[Finding] = (),
    way: WayIn | None = None,
    ami_parameter: str = AMI_PARAMETER,
    controller: Controller | None = None,
) -> dict[str, Any]:
    """Return the module's result. Nothing is sent over a connection that must not be used."""
    try:
        connection = connect()
    except AwsError as error:
        return _result(spec, Inquiry(Answers(), [error.problem], []), endpoint=None)
    refusals = list(out_of_reach)
    if connection.problems:
        refused = [*refusals, *connection.problems]
        return _result(spec, Inquiry(Answers(), refused, []), endpoint=connection.endpoint)
    inquiry = ask(connection.api, spec, ami_parameter=ami_parameter)
    way = way or WayIn()
    shut, doubts = _way_in(connection, spec, way)
    occupied = _occupied(connection, spec, controller) if controller else []
    refused = [*refusals, *unique([*inquiry.refusals, *shut, *occupied])]
    found = inquiry._replace(refusals=refused, notes=[*inquiry.notes, *doubts])
    return _result(spec, found, endpoint=connection.endpoint, home_ipv6=way.home_ipv6)


def _way_in(connection: Connection, spec: ClusterSpec, way: WayIn) -> tuple[list[Finding], list[Finding]]:
    """Return why a login to the bastion would fail, and why it may; a denied call is an additional problem."""
    denied: list[Finding] = []
    access = SshAccess()
    try:
        access = read_ssh_access(connection.api, spec, way, datetime.now(UTC))
    except AwsError as error:
        denied = [error.problem]
    # The controller reaches a lab over loopback.
    is_lab = is_loopback_endpoint(connection.endpoint)
    doubts = () if is_lab else controller_notes(spec, way, access, source_address)
    return [*way_in_problems(spec, way, access), *denied], list(doubts)


def _occupied(connection: Connection, spec: ClusterSpec, controller: Controller) -> list[Finding]:
    cluster, now = Identity(spec.name, spec.project), datetime.now(UTC)
    return list(occupied_problems(connection.api, cluster, controller, now, is_alive))


def _result(spec: ClusterSpec, inquiry: Inquiry, *, endpoint: str | None, home_ipv6: str = "") -> dict[str, Any]:
    answers = inquiry.answers
    cost = forecast(spec, shipped(spec.region))
    too_dear, dear = enforced(cost)
    found = [*text_problems(spec, problems(spec)), *inquiry.refusals]
    found += [*answer_problems(spec, answers, home_ipv6=home_ipv6), *too_dear]
    return {
        "problems": [problem.as_dict() for problem in found],
        "notes": [note.as_dict() for note in [*notes(answers, spec.node_instance_types), *inquiry.notes, *dear]],
        "cost": cost.as_dict(),
        "account": answers.account,
        "endpoint": endpoint,
        "instance_types": {name: found._asdict() for name, found in (answers.instance_types or {}).items()},
        "offered_types": sorted(answers.offered or ()),
        "ami": dict(answers.ami) if answers.ami else None,
    }


def controller_of(options: Mapping[str, Any]) -> Controller | None:
    """Return the facts that decide whether this controller may build the cluster, or None if this is not requested."""
    if options["authority"] is None:
        return None
    return Controller(
        options["authority"],
        this_run(os.getpid(), "", Path.cwd()),
        takeover=options["run_takeover"],
        unclaimed=options["claim_existing"],
    )


def _taken_out(result: dict[str, Any], *codes: str) -> list[dict[str, Any]]:
    """Remove the problems with these codes from the result, and return them."""
    found = [problem for problem in result["problems"] if problem["code"] in codes]
    result["problems"] = [problem for problem in result["problems"] if problem not in found]
    return found


def _directory_problems(result: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Finding]:
    directories = {f"cluster_{option}": options[option] for option in ("directory", "secrets_directory")}
    if result["account"]:
        name, project, region = (str(options["cluster"].get(key) or "") for key in Owner._fields[:3])
        yield from of_other_account(directories, Owner(name, project, region, result["account"]))


def completed(result: dict[str, Any], options: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Return the result with what depends on the mode, on the endpoint that answered, and on examples in variables."""
    more: dict[str, list[Finding]] = {
        "problems": [*command_line_problems(options["kernel_arguments"]), *_directory_problems(result, options)],
        "notes": [],
    }
    # The lab has such registries, and a plan may name examples. A build would pay for nodes that can pull nothing, and
    # open a network that is not in use.
    is_lab = is_loopback_endpoint(result["endpoint"] or "")
    is_build = not check_mode and not is_lab
    of_examples = more["problems" if is_build else "notes"]
    of_examples += example_problems([*options["sources"], *options["cozystack_sources"]], "" if is_build else WARNING)
    result["unclaimed"] = _taken_out(result, UNCLAIMED)
    result["limits"] = _taken_out(result, *limit_codes())
    if check_mode:
        # A plan changes nothing, so it is made beside a run that does.
        result["notes"] += _taken_out(result, ACTIVE)
    if not is_lab:
        of_examples += [problem.about("access_ipv6") for problem in documentation_problems(options["home_ipv6"])]
    return result | {name: [*result[name], *(one.as_dict() for one in found)] for name, found in more.items()}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    options = module.params
    spec = parse_spec(options["cluster"])
    way = WayIn(*(options[name] for name in _WAY))
    try:
        result = preflight(
            spec,
            lambda: connect_checked(module, SERVICES, region=spec.region, cidr=spec.vpc_ipv4_cidr),
            out_of_reach=egress_problems(spec, options["sources"], options["registry_upstreams"]),
            way=way,
            ami_parameter=options["node_ami_parameter"],
            controller=controller_of(options),
        )
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **completed(result, options, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
