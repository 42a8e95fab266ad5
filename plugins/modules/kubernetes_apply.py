#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply objects to a Kubernetes cluster by server-side apply."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_apply
version_added: 0.1.0
short_description: Apply objects to a Kubernetes cluster by server-side apply
description:
  - Applies objects by server-side apply, in the given order, with the field manager C(urmanac.talos).
  - Objects that a server-side dry run does not change are not written.
  - Deletes nothing.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes
attributes:
  check_mode:
    details:
      - Uses a dry run on the server. Objects of kinds that the server does not have yet are shown as written.
  diff_mode:
    details:
      - Values whose name looks like that of a secret are hidden.
options:
  objects:
    description: The objects to apply.
    type: list
    elements: dict
    required: true
  force:
    description: Take ownership of fields that another tool set. Without it, the module fails and names the tool.
    type: bool
    default: false
seealso:
  - module: kubernetes.core.k8s
  - module: urmanac.talos.cozystack_install
"""

EXAMPLES = r"""
- name: Create a namespace
  urmanac.talos.kubernetes_apply:
    kubeconfig: ~/.kube/config
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: example
"""

RETURN = r"""
objects:
  description: The objects in the order in which they were applied.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: Namespace
      name: example
      namespace: ""
      changed: true
"""

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._kubernetes.api import Api, Object
from ..module_utils._kubernetes.module import api_of, api_options
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    from ..module_utils._kubernetes.apply import diffs, ensure_object, is_complete
except ImportError as error:
    MISSING = error

ARGUMENT_SPEC = api_options(
    objects={"type": "list", "elements": "dict", "required": True}, force={"type": "bool", "default": False}
)


def ensure_objects(api: Api, objects: Sequence[Object], *, force: bool, check_mode: bool) -> dict[str, Any]:
    """Apply the objects and return the result of the module."""
    for number, wanted in enumerate(objects, 1):
        if not is_complete(wanted):
            raise InputError(
                f"Failed to apply object {number} of objects: it lacks apiVersion, kind or metadata.name. Add them.",
                code="INPUT_MISSING",
            )
    changes = [ensure_object(api, wanted, check_mode=check_mode, force=force) for wanted in objects]
    return {
        "changed": any(change.changed for change in changes),
        "objects": [change.summary() for change in changes],
        "diff": diffs(changes),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    params = module.params
    try:
        result = ensure_objects(api_of(params), params["objects"], force=params["force"], check_mode=module.check_mode)
    except ImportError as error:
        require(module, error)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
