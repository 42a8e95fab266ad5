#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the checksum of a release of boot-to-talos, and compare it with the recorded one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_to_talos_info
version_added: 0.1.0
short_description: Return the checksum of a release of boot-to-talos
description:
  - Reads the SHA-256 of an archive of U(https://github.com/cozystack/boot-to-talos) from the list of checksums in its
    release, and compares it with the one that was recorded when the release was first used.
  - The list has the same source as the archive, so that the first answer is trusted. A release that is replaced later
    is found. A recorded checksum needs no answer of the release.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes.reads_only
options:
  urls:
    description: URLs of the release's files, in this order.
    type: list
    elements: str
    required: true
  version:
    description: The release.
    type: str
    required: true
  architecture:
    description: The architecture of the archive, as Go names it.
    type: str
    default: arm64
  recorded:
    description: The record of checksums, RV(record) of an earlier run.
    type: dict
    default: {}
  rounds:
    description: How often all O(urls) are tried. The pause between rounds grows by 5 seconds.
    type: int
    default: 2
seealso:
  - module: urmanac.talos.boot_to_talos
"""

EXAMPLES = r"""
- name: Read the checksum of a release
  urmanac.talos.boot_to_talos_info:
    urls:
      - https://github.com/cozystack/boot-to-talos/releases/download/v0.7.1
    version: 0.7.1
  register: release

- name: Show it
  ansible.builtin.debug:
    var: release.sha256
"""

RETURN = r"""
sha256:
  description: The SHA-256 to expect, the recorded one where there is one; empty if it is not known.
  type: str
  returned: success
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
record:
  description: The record with this checksum, to be given as O(recorded).
  type: dict
  returned: success
  sample:
    arm64 0.7.1: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
problems:
  description: Why the release must not be used, in the form that
    L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) describes.
  type: list
  elements: dict
  returned: success
  sample:
    - code: ARCHIVE_REPLACED
      severity: error
      subject: boot-to-talos 0.7.1 for arm64
      message: Its SHA-256 is another one than when this cluster first used it.
      remedy: Set cluster_boot_to_talos_sha256 to the checksum that you trust.
      evidence: {}
unknown:
  description: Why there is neither a recorded checksum nor an answer of the release, in the form of RV(problems).
  type: list
  elements: dict
  returned: success
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._boot.first_use import Release, first_use
from ..module_utils._boot.release import Source
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._options import check_numbers

ARGUMENT_SPEC: dict[str, Any] = {
    "urls": {"type": "list", "elements": "str", "required": True},
    "version": {"type": "str", "required": True},
    "architecture": {"type": "str", "default": "arm64"},
    "recorded": {"type": "dict", "default": {}},
    "rounds": {"type": "int", "default": 2},
}


def result_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of the module."""
    check_numbers(params)
    release = Release(params["version"].lstrip("v"), params["architecture"])
    found = first_use(release, params["recorded"], Source(params["urls"], params["rounds"]))
    return {
        "sha256": found.sha256,
        "record": dict(found.record),
        "problems": [found.problem.as_dict()] if found.problem else [],
        "unknown": [found.unknown.as_dict()] if found.unknown else [],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = result_of(module.params)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
