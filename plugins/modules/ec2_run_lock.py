#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail if another run is active on a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_run_lock
short_description: Prevent concurrent runs on a cluster from any controller
version_added: 0.1.0
description:
  - Fails while a run from another directory or controller is active on the cluster, and names it. All of them may have
    the cluster's secrets, so M(urmanac.talos.ec2_claim) accepts them.
  - The run is an SSM parameter with the name C(/urmanac.talos/project/name/run). SSM creates a parameter of that name
    only once. It is deleted when C(ansible-playbook) ends, also after a failure.
  - The parameter of a killed run is replaced if its process is known to have ended. This can be checked on the same
    controller until that is rebooted. Elsewhere it is assumed three hours after the run has renewed its lock for the
    last time. A longer run therefore calls the module again with O(state=renewed).
  - Call M(urmanac.talos.run_lock) for the same directory first.
  - Reports no change, because the parameter is deleted after the run.
options:
  name:
    description: Name of the cluster, as in its tag C(Cluster).
    type: str
    required: true
  project:
    description: Project of the cluster, as in its tag C(Project).
    type: str
    required: true
  directory:
    description: Directory of the cluster, for which M(urmanac.talos.run_lock) was called.
    type: path
    required: true
  takeover:
    description: Whether to start although another run seems to be active on the cluster.
    type: bool
    default: false
  state:
    description:
      - V(renewed) extends a lock that is older than ten minutes by three hours. It fails if the run has lost the lock,
        because another one was started with O(takeover=true) or after three hours.
      - V(absent) is used at the end of a run.
    type: str
    choices: [present, renewed, absent]
    default: present
  run:
    description: The run. The action plugin sets it; do not set it yourself.
    type: dict
attributes:
  check_mode:
    support: full
    details:
      - Does nothing in check mode and does not fail.
  diff_mode:
    support: none
author:
  - The urmanac.talos authors (@urmanac)
seealso:
  - module: urmanac.talos.ec2_claim
  - module: urmanac.talos.run_lock
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Fail if another run from the same directory is active
  urmanac.talos.run_lock:
    directory: ~/clusters/moon

- name: Fail if another run from elsewhere is active
  urmanac.talos.ec2_run_lock:
    name: moon
    project: talos-arm64
    directory: ~/clusters/moon

- name: Hold the cluster for the next phase, or stop if another run was begun
  urmanac.talos.ec2_run_lock:
    name: moon
    project: talos-arm64
    directory: ~/clusters/moon
    state: renewed
"""

RETURN = r"""
problems:
  description:
    - Why the run cannot start or go on, for programs; empty if the cause has no code.
    - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) explains each code.
  returned: failure
  type: list
  elements: dict
  sample:
    - code: RUN_ACTIVE
      severity: error
      subject: start
      message: another run (site.yml, process 42 of ada on laptop in /home/ada) is active on this cluster
      remedy: Wait until it has ended.
      evidence: {}
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import Api, connect
from ..module_utils._ec2.identity import Identity
from ..module_utils._ec2.ownership.run_lock import LockClient, ensure_held, ensure_left, ensure_renewed, lock_name
from ..module_utils._ec2.preflight.described_texts import identity_texts, refuse_sent
from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._runs import Run, is_alive

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "project": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},
    "takeover": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "renewed", "absent"], "default": "present"},
    "run": {"type": "dict"},
}


def ensure(api: Api, options: Mapping[str, Any]) -> None:
    """Acquire the lock of the run, renew it, or delete it."""
    if not options["run"]:
        raise InputError(
            "Failed to determine the run: ec2_run_lock runs on the controller, as a task of ansible-playbook."
        )
    client, run = LockClient(api, Identity(options["name"], options["project"])), Run(**options["run"])
    if options["state"] == "absent":
        ensure_left(client, run)
    elif options["state"] == "renewed":
        ensure_renewed(client, run, datetime.now(UTC))
    else:
        ensure_held(client, run, datetime.now(UTC), takeover=options["takeover"], alive=is_alive)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    name, project = module.params["name"], module.params["project"]
    try:
        if module.params["state"] == "present":
            refuse_sent("begin the run", identity_texts(name, project, lock_name(project, name)))
        if not module.check_mode:
            ensure(connect(module, ("ssm",)), module.params)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
