#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a host to the files and units of a bastion."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bastion_apply
short_description: Write the files and run the units of a bastion on a host
version_added: 0.1.0
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes
description:
  - Writes all files, restarts the units whose files changed, and starts the units that do not run.
  - Fails if the host has a file of the same path that another program wrote, such as docker's C(daemon.json).
  - Removes files that an earlier run or the user-data wrote and that O(files) no longer contains.
  - Runs on the bastion. Its only requirements are Python 3.9 and systemd.
options:
  files:
    description:
      - The files, as returned by the filter P(urmanac.talos.bastion_files#filter). An empty list removes everything.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Path of the file.
        type: str
        required: true
      content:
        description: Content of the file.
        type: str
        required: true
      mode:
        description: Its mode, in octal digits.
        type: str
        default: "0644"
      units:
        description: The units to restart when it changes.
        type: list
        elements: str
        default: []
  units:
    description: The units to start and enable, in this order.
    type: list
    elements: str
    required: true
  manifest:
    description: The file that lists all written files, for removal by a later run.
    type: path
    default: /etc/talos-bastion/files
seealso:
  - plugin: urmanac.talos.bastion_files
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Install the files of the bastion and start its services
  urmanac.talos.bastion_apply:
    files: "{{ __bastion.files }}"
    units: "{{ __bastion.units }}"
  vars:
    __bastion: "{{ __bastion_host_settings | urmanac.talos.bastion_files }}"

- name: Remove the files and services of the bastion
  urmanac.talos.bastion_apply:
    files: []
    units: []
"""

RETURN = r"""
written:
  description: The files that were written because they were missing or differed.
  returned: success
  type: list
  elements: str
  sample: [/etc/talos-bastion/firewall.nft]
deleted:
  description: The files that were removed.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/talos-matchbox.service]
restarted:
  description: The units that were restarted.
  returned: success
  type: list
  elements: str
  sample: [talos-bastion-firewall.service]
started:
  description: The units that were started because they did not run.
  returned: success
  type: list
  elements: str
  sample: [talos-assets.service]
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._bastion.host import (
    File,
    Host,
    LocalHost,
    Plan,
    Wanted,
    apply,
    plan,
)
from ..module_utils._bastion.paths import MANIFEST
from ..module_utils._errors import CollectionError, failure_of


def wanted_of(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted files and units."""
    files = [File(item["path"], item["content"], item["mode"], tuple(item["units"])) for item in params["files"]]
    return Wanted(tuple(files), tuple(params["units"]), params["manifest"])


def diff_of(todo: Plan) -> list[dict[str, str]]:
    """Return each file before and after."""
    after = {file.path: file.content for file in todo.write}
    return [
        {
            "before_header": path,
            "after_header": path,
            "before": todo.before.get(path, ""),
            "after": after.get(path, ""),
        }
        for path in sorted({*after, *todo.delete})
    ]


def ensure_bastion(host: Host, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Apply the files and units to the host and return the module's result."""
    try:
        todo = plan(host, wanted_of(params))
        if todo.changed and not check_mode:
            apply(host, todo)
    except OSError as error:
        raise CollectionError(
            f"Failed to configure the bastion: {error}. Run the module as root.", code="FILE_NOT_WRITABLE"
        ) from error
    return {
        "changed": todo.changed,
        "diff": diff_of(todo),
        "written": [file.path for file in todo.write],
        "deleted": list(todo.delete),
        "restarted": list(todo.restart),
        "started": list(todo.start),
    }


def main() -> None:
    """Run the module."""
    file_options = {
        "path": {"type": "str", "required": True},
        "content": {"type": "str", "required": True},
        "mode": {"type": "str", "default": "0644"},
        "units": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": file_options},
            "units": {"type": "list", "elements": "str", "required": True},
            "manifest": {"type": "path", "default": MANIFEST},
        },
        supports_check_mode=True,
    )
    try:
        result = ensure_bastion(LocalHost(), module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
