#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share the files of a cluster between controllers in a bucket."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_state
short_description: Share the files of a cluster between controllers
version_added: 0.1.0
description:
  - Fetches the files of a cluster that are missing or older on this controller from a bucket, and pushes those that
    have changed here. These are the secrets bundle, the records of images, of the checksum of boot-to-talos and of the
    Talos contract, and the journal of sessions.
  - Writes are conditional. If another controller writes a file at the same time, the module fails and names that
    controller. A file that changed both here and in the bucket is an error that names both versions, and neither is
    overwritten. Of a session in the journal, the version of this controller is renamed to C(.json.local), with a
    warning; after an earlier one to C(.json.local.2), and so on.
  - A file that another program wrote to the folder is an error, unless this controller has the same content. It would
    be used here, and later be overwritten. This does not apply to the journal.
  - The secrets bundle is replaced only by an encrypted one, of Ansible Vault or SOPS, and no object is deleted.
  - Objects are encrypted with a key of KMS.
  - Fails for a bucket of another account, for one that can be made public, and for one without versioning, because a
    damaged file could not be restored there.
  - With O(save_at_end), pushes once more when C(ansible-playbook) ends, unless the run has lost its lock. An error at
    that time is a warning.
options:
  address:
    description: The bucket and a folder in it, such as V(s3://my-bucket/clusters). All clusters can have the same one,
      because the files of a cluster are in C(project/region/name) below it.
    type: str
    required: true
  name:
    description: Name of the cluster, as in its tag C(Cluster).
    type: str
    required: true
  project:
    description: Project of the cluster, as in its tag C(Project).
    type: str
    required: true
  kms_key:
    description: The ID, ARN or alias of the KMS key for new objects. Empty for the key of the bucket's default
      encryption, or C(aws/s3) of the account if that is not a key of KMS.
    type: str
    default: ""
  directory:
    description: Directory of the cluster on this controller.
    type: path
    required: true
  secrets_directory:
    description: Directory of the cluster's secrets on this controller.
    type: path
    required: true
  state:
    description:
      - V(fetched) checks the bucket and fetches only.
      - V(present) pushes as well.
    type: str
    choices: [fetched, present]
    default: present
  save_at_end:
    description: Whether to push what has changed at the end of C(ansible-playbook) as well, also after a failure.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Names files, and never shows their contents.
author:
  - The urmanac.talos authors (@urmanac)
seealso:
  - module: urmanac.talos.ec2_claim
  - module: urmanac.talos.ec2_run_lock
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - urmanac.talos.attributes
"""

EXAMPLES = r"""
- name: Fetch what other controllers have changed
  urmanac.talos.ec2_state:
    address: s3://my-bucket/clusters
    name: moon
    project: talos-arm64
    directory: ~/clusters/moon
    secrets_directory: ~/clusters/moon/secrets
    state: fetched

- name: Save what has changed here
  urmanac.talos.ec2_state:
    address: s3://my-bucket/clusters
    name: moon
    project: talos-arm64
    directory: ~/clusters/moon
    secrets_directory: ~/clusters/moon/secrets
    save_at_end: true
"""

RETURN = r"""
fetched:
  description: Names of the files that were fetched, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [secrets/secrets.yaml, images.json]
pushed:
  description: Names of the files that were pushed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [sessions/2026-11-28T210000Z.json]
set_aside:
  description: Names of sessions that differed here and in the bucket. That of the bucket was fetched, and that of this
    controller renamed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: []
problems:
  description: Why the bucket cannot be used or a file was not written.
  returned: failure
  type: list
  elements: dict
  sample:
    - code: STATE_BUCKET_MISSING
      severity: error
      subject: bucket my-bucket
      message: bucket my-bucket does not exist
      remedy: Create it as examples/shared_state.yml describes, or correct cluster_state.
      evidence: {}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._ec2.client import connect
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._state.address import parse_address
from ..module_utils._state.bucket import Bucket
from ..module_utils._state.files import Folders
from ..module_utils._state.plan import Plan
from ..module_utils._state.sync import check_bucket, ensure_state

ARGUMENT_SPEC: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "project": {"type": "str", "required": True},
    "kms_key": {"type": "str", "default": "", "no_log": False},
    "directory": {"type": "path", "required": True},
    "secrets_directory": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["fetched", "present"], "default": "present"},
    "save_at_end": {"type": "bool", "default": False},
}


def ensure(bucket: Bucket, options: Mapping[str, Any], *, check_mode: bool) -> Plan:
    """Bring both sides together; the bucket is checked once, at the beginning of a run."""
    folders = Folders(Path(options["directory"]), Path(options["secrets_directory"]))
    pushes = options["state"] == "present"
    if not pushes:
        check_bucket(bucket)
    return ensure_state(bucket, folders, push=pushes, check_mode=check_mode)


def result_of(plan: Plan) -> dict[str, Any]:
    """Return the module's result."""
    done = {"fetched": list(plan.fetch), "pushed": list(plan.push), "set_aside": list(plan.aside)}
    before: dict[str, list[str]] = {name: [] for name in done}
    return {"changed": done != before, "diff": {"before": before, "after": done}, **done}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    options = module.params
    try:
        folder = parse_address(options["address"])
        address = folder.of_cluster(options["project"], str(module.region), options["name"])
        # Two writes at the same moment, of which S3 answers one so, may both be ours if an answer was lost.
        api = connect(module, ("s3", "sts"), retry_on=("ConditionalRequestConflict",))
        bucket = Bucket(api, address, kms_key=options["kms_key"], directory=options["directory"])
        plan = ensure(bucket, options, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    for name in plan.aside:
        module.warn(
            f"{name} differed from {address.url(name)}, which was fetched; that of this controller is {name}.local, or "
            f"{name}.local.2 and so on after an earlier one"
        )
    module.exit_json(**result_of(plan))


if __name__ == "__main__":
    main()
