#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test whether a WebAssembly program or a virtual machine runs on a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cozystack_smoke_test
version_added: 0.1.0
short_description: Test whether a WebAssembly program or a virtual machine runs on a cluster
description:
  - Runs a small workload in the namespace C(urmanac-smoke-test), checks whether it works, and removes it.
  - A problem that prevents it from running ends the test and is its result; the module does not fail.
  - A virtual machine is not started if no node has C(/dev/kvm).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.kubernetes
  - urmanac.talos.attributes
attributes:
  check_mode:
    details:
      - In check mode nothing is run; RV(outcome) is V(skipped).
  diff_mode:
    support: none
  idempotent:
    details:
      - Removes everything that it creates, and never counts as a change.
options:
  test:
    description:
      - V(spin) runs a WebAssembly program as a pod with containerd's Spin shim. It has to answer over HTTP.
      - V(spin_app) runs it as a SpinApp, which needs the Spin operator as well.
      - V(virtual_machine) starts a virtual machine with KubeVirt.
    type: str
    choices: [spin, spin_app, virtual_machine]
    required: true
  image:
    description:
      - The image to run. By default, SpinKube's example for O(test=spin) and O(test=spin_app), and a disk image of
        Fedora for O(test=virtual_machine).
    type: str
  runtime_class:
    description: RuntimeClass of the WebAssembly program.
    type: str
    default: wasmtime-spin-v2
  path:
    description: HTTP path of the WebAssembly program.
    type: str
    default: /hello
  instance_types:
    description:
      - The instance types of the nodes. If none of them has C(/dev/kvm), the virtual machine test is skipped.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Maximum duration of the test in seconds.
    type: float
    default: 180
  grace:
    description: Seconds that a problem has to last before it counts, because the first pull of an image may fail.
    type: float
    default: 30
"""

EXAMPLES = r"""
- name: Test a WebAssembly program
  urmanac.talos.cozystack_smoke_test:
    kubeconfig: secrets/kubeconfig
    test: spin
  register: spin

- name: Show why the test failed
  when: spin.outcome == 'blocked'
  ansible.builtin.debug:
    msg: "{{ spin.cause }}"
"""

RETURN = r"""
outcome:
  description: V(passed), V(blocked), or V(skipped) in check mode.
  returned: always
  type: str
  sample: blocked
cause:
  description: Why the test did not pass; empty if it passed.
  returned: always
  type: str
  sample: "virtual machines cannot start: no node has /dev/kvm (3 nodes)"
code:
  description:
    - Code of the cause, one of those of findings. V(null) unless the test is blocked.
    - L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md) explains each code.
  returned: always
  type: str
  sample: KVM_MISSING
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._kubernetes.module import api_of, api_options
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    import kubernetes  # noqa: F401  # pylint: disable=unused-import

    from ..module_utils._cozystack.smoke_test import runner, workloads
except ImportError as error:
    MISSING = error

# From the organisation that publishes SpinKube since 2025.
_HELLO = "ghcr.io/spinframework/containerd-shim-spin/examples/spin-rust-hello:v0.23.0"
IMAGES = {
    "spin": _HELLO,
    "spin_app": _HELLO,
    "virtual_machine": "quay.io/containerdisks/fedora:41",
}
ARGUMENT_SPEC: dict[str, dict[str, Any]] = api_options(
    test={"type": "str", "choices": ["spin", "spin_app", "virtual_machine"], "required": True},
    image={"type": "str"},
    runtime_class={"type": "str", "default": "wasmtime-spin-v2"},
    path={"type": "str", "default": "/hello"},
    instance_types={"type": "list", "elements": "str", "default": []},
    wait_timeout={"type": "float", "default": 180},
    grace={"type": "float", "default": 30},
)


def smoke_of(params: Mapping[str, Any]) -> runner.Smoke:
    """Return the selected test."""
    image = params["image"] or IMAGES[params["test"]]
    spin = {"spin": workloads.spin_smoke, "spin_app": workloads.spin_app_smoke}.get(params["test"])
    if spin:
        return spin(image=image, runtime_class=params["runtime_class"], path=params["path"])
    return workloads.machine_smoke(image=image, instance_types=params["instance_types"])


def result_of(api: runner.Api, params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Return the result of the test."""
    if check_mode:
        return {"outcome": "skipped", "cause": "", "code": None}
    limits = runner.Limits(params["wait_timeout"], params["grace"])
    seen = runner.run(api, smoke_of(params), limits)
    return {"outcome": seen.state, "cause": seen.cause, "code": seen.code}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require(module, MISSING)
    try:
        result = result_of(api_of(module.params), module.params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
