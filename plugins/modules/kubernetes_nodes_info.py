#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the nodes that are registered in Kubernetes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_nodes_info
version_added: 0.1.0
short_description: Return the nodes that are registered in Kubernetes
description:
  - Reads the nodes of a cluster through the Kubernetes API, page by page.
  - Starts no process on the controller, and so is a second faster than M(kubernetes.core.k8s_info).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes.reads_only
seealso:
  - module: kubernetes.core.k8s_info
  - module: urmanac.talos.talos_info
"""

EXAMPLES = r"""
- name: Read the nodes
  urmanac.talos.kubernetes_nodes_info:
    kubeconfig: ~/.kube/config
  register: registered

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ registered.resources | map(attribute='metadata.name') }}"
"""

RETURN = r"""
resources:
  description: The nodes as the API returns them.
  returned: success
  type: list
  elements: dict
  sample:
    - metadata:
        name: gateway
      status:
        nodeInfo:
          kubeletVersion: v1.33.12
cause:
  description:
    - Why the API did not answer, in one word, so that a task with C(until) can stop if waiting does not help.
    - V(other_authority) if the API belongs to another cluster.
  returned: failure
  type: str
  sample: other_authority
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._kubernetes.api import Api
from ..module_utils._kubernetes.errors import ApiError
from ..module_utils._kubernetes.kinds import NODE
from ..module_utils._kubernetes.module import api_of, api_options
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    import kubernetes  # noqa: F401  # pylint: disable=unused-import
except ImportError as error:
    MISSING = error

ARGUMENT_SPEC = api_options()


def read_nodes(api: Api) -> dict[str, Any]:
    """Return the result of the module."""
    return {"resources": list(api.items(NODE))}


def cause_of(error: CollectionError) -> str:
    """Return in one word why the API did not answer, or None without a request."""
    return str(error.cause.value) if isinstance(error, ApiError) else ""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    try:
        result = read_nodes(api_of(module.params))
    except CollectionError as error:
        module.fail_json(**failure_of(error), cause=cause_of(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
