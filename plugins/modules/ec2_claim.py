#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim a cluster for one controller, or release it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_claim
short_description: Claim a cluster for one controller
version_added: 0.1.0
description:
  - Creates the claim on a cluster before its first resource. It is an SSM parameter with the name
    C(/urmanac.talos/project/name/claim).
  - SSM creates a parameter of that name only once, so if two controllers start at the same time, only one succeeds.
  - A claim belongs to the controller with the secrets of the cluster's certificate authority. It is never overwritten.
  - The module fails for a cluster that is claimed for another authority, and names its owner and time.
  - If the claim is missing but instances or a VPC of the cluster exist, the module fails and lists them, because their
    owner is not known. O(unclaimed) claims it again.
options:
  name:
    description: Name of the cluster, as in its tag C(Cluster).
    type: str
    required: true
  project:
    description: Project of the cluster, as in its tag C(Project).
    type: str
    required: true
  state:
    description: V(absent) releases the cluster, after all of its resources are deleted.
    type: str
    choices: [present, absent]
    default: present
  authority:
    description:
      - Fingerprint of the cluster's certificate authority, as M(urmanac.talos.talos_secrets) returns it.
      - Empty means an authority that does not exist yet, which is only allowed in check mode.
    type: str
    default: ""
  holder:
    description:
      - The name of the owner that messages to other controllers show.
      - Without it, the user and the host that the module runs as.
    type: str
  override:
    description:
      - Names the claim of another authority that O(state=absent) releases too, by RV(claim.authority), or a value that
        is not a claim, by its SHA-256.
      - For a cluster that exists without a claim, the ID of its VPC or of an instance of it.
      - The message of a refusal contains the value. Any other value has no effect.
    type: str
    default: ""
  unclaimed:
    description:
      - The ID of a VPC or an instance of a cluster that exists without a claim and belongs to this authority.
      - Any other ID is not accepted, so the option has no effect on a cluster that is made later.
    type: str
    default: ""
  directory:
    description:
      - The directory on the controller with the secrets and the records of the cluster.
      - Its C(cluster.json) names the cluster that it belongs to, with the account, since O(state=present). The module
        fails for a directory of another cluster, whose secrets and records it would use.
    type: path
  secrets_directory:
    description: The directory with the secrets, if it is another one. It has a C(cluster.json) of its own.
    type: path
author:
  - The urmanac.talos authors (@urmanac)
seealso:
  - module: urmanac.talos.talos_secrets
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Create the secrets of the cluster, pending until it is claimed
  urmanac.talos.talos_secrets:
    path: ~/clusters/moon/secrets.yaml
    pending: true
  register: secrets

- name: Claim the cluster
  urmanac.talos.ec2_claim:
    name: moon
    project: talos-arm64
    authority: "{{ secrets.authority }}"

- name: Release the cluster
  urmanac.talos.ec2_claim:
    name: moon
    project: talos-arm64
    authority: "{{ secrets.authority }}"
    state: absent
"""

RETURN = r"""
claim:
  description: The claim, or the one that was released; V(null) if there was none to release.
  returned: success
  type: dict
  contains:
    authority:
      description: Fingerprint of the authority that owns the cluster.
      type: str
      returned: success
      sample: 5d41402abc4b2a76b9719d911017c592ae3d1e0e1a5d6e6d2f0a8c3d1b2e4f60
    holder:
      description: Who claimed it.
      type: str
      returned: success
      sample: me@laptop
    since:
      description: When, in UTC.
      type: str
      returned: success
      sample: "2026-11-28T21:00:00+00:00"
  sample:
    authority: 5d41402abc4b2a76b9719d911017c592ae3d1e0e1a5d6e6d2f0a8c3d1b2e4f60
    holder: me@laptop
    since: "2026-11-28T21:00:00+00:00"
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import Api, connect
from ..module_utils._ec2.identity import Identity, claim_name
from ..module_utils._ec2.ownership.claim import (
    ClaimClient,
    Plan,
    ensure_claimed,
    ensure_released,
    existing_things,
)
from ..module_utils._ec2.ownership.directory import Owner, refuse_other, remember
from ..module_utils._ec2.preflight.described_texts import identity_texts, refuse_sent
from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._runs import holder

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "project": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "authority": {"type": "str", "default": ""},
    "holder": {"type": "str"},
    "override": {"type": "str", "default": ""},
    "unclaimed": {"type": "str", "default": ""},
    "directory": {"type": "path"},
    "secrets_directory": {"type": "path"},
}


def ensure(api: Api, ec2: Callable[[], Api], options: Mapping[str, Any], *, check_mode: bool) -> Plan:
    """Bring the claim to the requested state; EC2 is queried only if the claim is missing."""
    cluster = Identity(options["name"], options["project"])
    client, authority = ClaimClient(api, cluster), options["authority"]
    how: dict[str, Any] = {"existing": lambda: existing_things(ec2(), cluster), "check_mode": check_mode}
    how["unclaimed"] = options["unclaimed"]
    if options["state"] == "absent":
        return ensure_released(client, authority, override=options["override"], **how)
    if not authority and not check_mode:
        raise InputError(
            "Failed to claim the cluster: authority is empty. Set it to the value that talos_secrets returns.",
            code="INPUT_MISSING",
        )
    return ensure_claimed(client, authority, options["holder"] or holder(), now=lambda: datetime.now(UTC), **how)


def ensure_here(api: Api, ec2: Callable[[], Api], options: Mapping[str, Any], *, region: str, check_mode: bool) -> Plan:
    """Bring the claim to the requested state, for directories of this cluster alone."""
    directories = {Path(path) for path in (options["directory"], options["secrets_directory"]) if path}
    if not directories:
        return ensure(api, ec2, options, check_mode=check_mode)
    account = str(api.call("sts", "get_caller_identity")["Account"])
    owner = Owner(options["name"], options["project"], region, account)
    for directory in directories:
        refuse_other(directory, owner)
    plan = ensure(api, ec2, options, check_mode=check_mode)
    for directory in () if check_mode else directories:
        remember(directory, owner if options["state"] == "present" else None)
    return plan


def result_of(plan: Plan) -> dict[str, Any]:
    """Return the module's result."""
    shown = plan.after or plan.before
    before, after = (claim._asdict() if claim else {} for claim in (plan.before, plan.after))
    return {
        "changed": plan.changed,
        "claim": shown._asdict() if shown else None,
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    name, project = module.params["name"], module.params["project"]
    try:
        if module.params["state"] == "present":
            refuse_sent("claim the cluster", identity_texts(name, project, claim_name(project, name)))
        api, region = connect(module, ("ssm", "sts")), str(module.region)
        how: dict[str, Any] = {"region": region, "check_mode": module.check_mode}
        plan = ensure_here(api, lambda: connect(module, ("ec2",)), module.params, **how)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result_of(plan))


if __name__ == "__main__":
    main()
